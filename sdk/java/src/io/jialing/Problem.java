package io.jialing;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** The platform said no: its own account of what went wrong, RFC 9457. Decide by {@link #code()}. */
public final class Problem extends JialingException {
  private static final long serialVersionUID = 1;

  private final transient Map<String, Object> body;
  private final boolean signed;

  Problem(Map<String, Object> body, boolean signed, String asked) {
    super(
        body.get("title") + " (" + body.get("code") + "): " + body.get("detail") + " [" + asked + ", " + body.get("request_id") + "]",
        null);
    this.body = body;
    this.signed = signed;
  }

  /** The stable code; its text never changes. */
  public String code() {
    return (String) body.get("code");
  }

  /** The HTTP status. */
  public int status() {
    return body.get("status") instanceof Long status ? status.intValue() : 0;
  }

  /** The field at fault. */
  public Optional<String> field() {
    return Optional.ofNullable((String) body.get("field"));
  }

  /** The request's id, for asking about it. */
  public String requestId() {
    return String.valueOf(body.get("request_id"));
  }

  /** Whether the same request may succeed later. */
  public boolean retryable() {
    return Boolean.TRUE.equals(body.get("retryable"));
  }

  /** Seconds the service asks to wait. */
  public OptionalLong retryAfter() {
    return body.get("retry_after") instanceof Long seconds ? OptionalLong.of(seconds) : OptionalLong.empty();
  }

  /** All members, those of the code included. */
  public Map<String, Object> body() {
    return body;
  }

  /** Whether the platform's signature was on it. Problems with the request's own signature come without. */
  public boolean signed() {
    return signed;
  }
}
