package io.jialing;

import java.util.Map;

/** A delivery that is not believed: answer 4xx and take nothing from it. */
public final class Refused extends JialingException {
  private static final long serialVersionUID = 1;
  private static final Map<String, String> TEXTS =
      Map.of(
          "unsigned", "the delivery carries no signature that this receiver can check",
          "bad_signature", "a signature of the delivery does not fit",
          "unknown_key", "the delivery is signed by a key that this receiver does not know",
          "stale", "the delivery's time is outside the window",
          "not_an_envelope", "the delivery is not an envelope",
          "does_not_open", "what is sealed in the delivery does not open");

  private final String code;

  Refused(String code) {
    super(TEXTS.get(code), null);
    this.code = code;
  }

  /** The reason: the same words in every client. */
  public String code() {
    return code;
  }
}
