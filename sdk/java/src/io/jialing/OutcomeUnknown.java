package io.jialing;

/** No answer came, in spite of repeating: the work may or may not have been done. Query it; never assume. */
public final class OutcomeUnknown extends JialingException {
  private static final long serialVersionUID = 1;

  OutcomeUnknown(String asked, Throwable cause) {
    super(
        "no answer to " + asked + ": the outcome is unknown; query it, or send the same again under the same number",
        cause);
  }
}
