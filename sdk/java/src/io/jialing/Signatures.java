package io.jialing;

import java.security.SecureRandom;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Function;

/**
 * Signatures on HTTP: requests in one header, answers and deliveries in five. The bytes are signed as they
 * travel, never as parsed JSON. The format is docs/guides/signing-requests.md.
 */
public final class Signatures {
  /** Seconds that a timestamp may lie before or after ours. */
  public static final long WINDOW_S = 300;

  private static final SecureRandom CHANCE = new SecureRandom();

  private Signatures() {}

  /** Why the signature of an answer or a delivery is not accepted. */
  public enum Fault {
    /** None is there. */
    UNSIGNED,
    /** It does not fit. */
    BAD_SIGNATURE,
    /** By a key that is not known. */
    UNKNOWN_KEY,
    /** Its time is outside the window. */
    STALE;

    /** The same word in every client. */
    public String code() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** The text that a request's signature covers. {@code target} is the path with its query, as sent. */
  public static byte[] requestText(String method, String target, long timestamp, String nonce, byte[] body) {
    String head = method + "\n" + target + "\n" + timestamp + "\n" + nonce + "\n";
    return Bytes.concat(Bytes.utf8(head), body, Bytes.utf8("\n"));
  }

  /** The text that the signature of an answer or a delivery covers. */
  public static byte[] answerText(String timestamp, String nonce, byte[] body) {
    return Bytes.concat(Bytes.utf8(timestamp + "\n" + nonce + "\n"), body, Bytes.utf8("\n"));
  }

  /** 128 random bits in hexadecimal. */
  public static String nonce() {
    byte[] bytes = new byte[16];
    CHANCE.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  /** The value of the {@code Authorization} header. */
  public static String authorize(
      SigningKey key, String mchid, String method, String target, byte[] body, long timestamp, String nonce) {
    String signature = Bytes.base64(key.sign(requestText(method, target, timestamp, nonce, body)));
    return String.format(
        "JIALING1-%s mchid=\"%s\",serial_no=\"%s\",timestamp=\"%d\",nonce_str=\"%s\",signature=\"%s\"",
        key.suite().wireName(), mchid, key.serial(), timestamp, nonce, signature);
  }

  /**
   * Checks the five headers over {@code body} as received at {@code now} (Unix seconds). {@code header} gives a
   * header by its name in lower case, null where it is missing.
   */
  public static Optional<Fault> check(
      Function<String, String> header, byte[] body, Collection<PublicKey> keys, long now, long windowS) {
    String signature = header.apply("jialing-signature");
    if (signature == null) {
      return Optional.of(Fault.UNSIGNED);
    }
    byte[] bytes = Bytes.fromBase64(signature);
    String timestamp = header.apply("jialing-timestamp");
    String nonce = header.apply("jialing-nonce");
    String serial = header.apply("jialing-serial");
    boolean whole = bytes != null && timestamp != null && nonce != null && !nonce.isEmpty() && serial != null;
    if (!whole || !timestamp.matches("[1-9][0-9]{0,11}")) {
      return Optional.of(Fault.BAD_SIGNATURE);
    }
    Optional<PublicKey> key = keys.stream().filter(one -> one.serial().equals(serial)).findFirst();
    if (key.isEmpty()) {
      return Optional.of(Fault.UNKNOWN_KEY);
    }
    boolean suits = key.get().suite().wireName().equals(header.apply("jialing-signature-type"));
    if (!suits || !key.get().verify(answerText(timestamp, nonce, body), bytes)) {
      return Optional.of(Fault.BAD_SIGNATURE);
    }
    boolean fresh = Math.abs(now - Long.parseLong(timestamp)) <= windowS;
    return fresh ? Optional.empty() : Optional.of(Fault.STALE);
  }
}
