package io.jialing;

/** The key cannot be read. */
public final class BadKeyException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  BadKeyException(String why) {
    super(why);
  }
}
