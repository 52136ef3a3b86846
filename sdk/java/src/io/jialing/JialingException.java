package io.jialing;

/** What can go wrong between a client and the platform. */
public abstract class JialingException extends RuntimeException {
  private static final long serialVersionUID = 1;

  JialingException(String message, Throwable cause) {
    super(message, cause);
  }
}
