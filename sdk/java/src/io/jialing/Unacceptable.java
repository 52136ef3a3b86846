package io.jialing;

/** An answer came that cannot be believed: unsigned, wrongly signed, or not of the documented shape. */
public final class Unacceptable extends JialingException {
  private static final long serialVersionUID = 1;

  Unacceptable(String asked, String why) {
    super("the answer to " + asked + " cannot be accepted: " + why, null);
  }
}
