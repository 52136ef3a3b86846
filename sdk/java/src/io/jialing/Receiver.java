package io.jialing;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Checks and opens deliveries to one endpoint.
 *
 * <p>A delivery carries two forms of signature over the same body: the platform's own ({@code jialing-…}, by a
 * key of its directory) and that of Standard Webhooks ({@code webhook-…}, {@code v1} by the endpoint's secret,
 * {@code v1a} by an Ed25519 key). Every form that is there and that can be checked must hold, and at least one
 * must: nothing is gained by adding or removing headers. The object inside is sealed under the merchant's API
 * key. A receiver may be used by many threads once it is set up.
 */
public final class Receiver {
  private final List<byte[]> secrets = new ArrayList<>();
  private final Map<String, byte[]> apiKeys = new HashMap<>();
  private final List<PublicKey> platformKeys = new ArrayList<>();
  private long windowS = Signatures.WINDOW_S;
  private Clock clock = Clock.systemUTC();

  /** With the endpoint's secret, {@code whsec_…}. While it is changed over, give both. */
  public Receiver withSecret(String secret) {
    secrets.add(secretBytes(secret));
    return this;
  }

  /** With an API key: base64 of 32 bytes for AES-256-GCM, or of 16 for SM4-GCM. While one is changed over, both. */
  public Receiver withApiKey(String id, String key) {
    byte[] bytes = Bytes.fromBase64(key);
    if (bytes == null || bytes.length != 32 && bytes.length != 16) {
      throw new BadKeyException("the API key " + id + " is not 32 bytes in base64, nor 16");
    }
    apiKeys.put(id, bytes);
    return this;
  }

  /** With one of the platform's keys, pinned. Without any, the secret alone is believed. */
  public Receiver trusting(PublicKey key) {
    platformKeys.add(key);
    return this;
  }

  /** With another window, seconds to both sides. */
  public Receiver within(long seconds) {
    windowS = seconds;
    return this;
  }

  /** With another clock. */
  public Receiver at(Clock other) {
    clock = other;
    return this;
  }

  private static byte[] secretBytes(String secret) {
    byte[] bytes = secret.startsWith("whsec_") ? Bytes.fromBase64(secret.substring(6)) : null;
    if (bytes == null || bytes.length < 24) {
      throw new BadKeyException("an endpoint's secret looks like whsec_ and at least 24 bytes in base64");
    }
    return bytes;
  }

  private static byte[] hmac(byte[] secret, byte[] text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret, "HmacSHA256"));
      return mac.doFinal(text);
    } catch (GeneralSecurityException everyJavaHasIt) {
      throw new IllegalStateException(everyJavaHasIt);
    }
  }

  /** The {@code webhook-signature} of a body under an endpoint's secret: for tests of your own receiver. */
  public static String signStandard(String secret, String id, long timestamp, byte[] body) {
    return "v1," + Bytes.base64(hmac(secretBytes(secret), standardText(id, String.valueOf(timestamp), body)));
  }

  private static byte[] standardText(String id, String timestamp, byte[] body) {
    return Bytes.concat(Bytes.utf8(id + "." + timestamp + "."), body);
  }

  /**
   * Checks a delivery, whose {@code body} is the bytes as received, and opens it. {@code header} gives a header
   * by its name in lower case, null where it is missing.
   *
   * @throws Refused when it is not to be believed
   */
  public Notice open(Function<String, String> header, byte[] body) {
    long now = clock.instant().getEpochSecond();
    boolean own = ownForm(header, body, now);
    Optional<String> standardId = standardForm(header, body, now);
    if (!own && standardId.isEmpty()) {
      throw new Refused("unsigned");
    }
    Map<String, Object> event = object(body);
    Notice notice = read(event);
    if (standardId.isPresent() && !standardId.get().equals(notice.id())) {
      throw new Refused("not_an_envelope");
    }
    return notice;
  }

  private boolean ownForm(Function<String, String> header, byte[] body, long now) {
    if (platformKeys.isEmpty()) {
      return false;
    }
    Optional<Signatures.Fault> fault = Signatures.check(header, body, platformKeys, now, windowS);
    if (fault.isPresent() && fault.get() != Signatures.Fault.UNSIGNED) {
      throw new Refused(fault.get().code());
    }
    return fault.isEmpty();
  }

  /** The id that the Standard Webhooks signature covers, where that is there. */
  private Optional<String> standardForm(Function<String, String> header, byte[] body, long now) {
    String signatures = header.apply("webhook-signature");
    if (signatures == null) {
      return Optional.empty();
    }
    String id = header.apply("webhook-id");
    String at = header.apply("webhook-timestamp");
    if (id == null || id.isEmpty() || at == null || !at.matches("[0-9]{1,12}")) {
      throw new Refused("bad_signature");
    }
    byte[] text = standardText(id, at, body);
    List<Boolean> checked = new ArrayList<>();
    for (String one : signatures.split(" ", -1)) {
      fits(one, text).ifPresent(checked::add);
    }
    if (checked.isEmpty()) {
      return Optional.empty();
    }
    if (!checked.contains(true)) {
      throw new Refused("bad_signature");
    }
    if (Math.abs(now - Long.parseLong(at)) > windowS) {
      throw new Refused("stale");
    }
    return Optional.of(id);
  }

  /** Whether one part of the signature fits; empty where this receiver has no key to tell. */
  private Optional<Boolean> fits(String signature, byte[] text) {
    int comma = signature.indexOf(',');
    String version = comma < 0 ? "" : signature.substring(0, comma);
    byte[] read = comma < 0 ? null : Bytes.fromBase64(signature.substring(comma + 1));
    byte[] tag = read == null ? new byte[0] : read;
    if (version.equals("v1") && !secrets.isEmpty()) {
      return Optional.of(secrets.stream().anyMatch(secret -> MessageDigest.isEqual(hmac(secret, text), tag)));
    }
    List<PublicKey> keys = platformKeys.stream().filter(key -> key.suite() == Suite.ED25519).toList();
    if (!version.equals("v1a") || keys.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(keys.stream().anyMatch(key -> key.verify(text, tag)));
  }

  private static Map<String, Object> object(byte[] body) {
    try {
      return Json.readObject(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString());
    } catch (CharacterCodingException | Json.NotJsonException notOurs) {
      throw new Refused("not_an_envelope");
    }
  }

  @SuppressWarnings("unchecked")
  private Notice read(Map<String, Object> event) {
    boolean whole =
        List.of("id", "type", "created_at", "api_version").stream().allMatch(name -> event.get(name) instanceof String)
            && event.get("object_version") instanceof Long
            && event.get("resource") instanceof Map;
    if (!whole) {
      throw new Refused("not_an_envelope");
    }
    String id = (String) event.get("id");
    Map<String, Object> sealed = (Map<String, Object>) event.get("resource");
    boolean left = "NONE".equals(sealed.get("algorithm"));
    return new Notice(
        id,
        (String) event.get("type"),
        (String) event.get("created_at"),
        (String) event.get("api_version"),
        (Long) event.get("object_version"),
        left ? null : unseal(sealed, id),
        left ? Optional.ofNullable((String) sealed.get("href")) : Optional.empty());
  }

  private Map<String, Object> unseal(Map<String, Object> parcel, String id) {
    byte[] key = parcel.get("key_id") instanceof String keyId ? apiKeys.get(keyId) : null;
    byte[] opened = key == null ? null : openParcel(key, parcel, id);
    if (opened == null) {
      throw new Refused("does_not_open");
    }
    return object(opened);
  }

  /** What is sealed in a parcel that belongs to {@code associatedData}; null if anything differs. */
  public static byte[] openParcel(byte[] key, Map<String, Object> parcel, String associatedData) {
    String algorithm = key.length == 16 ? "SM4-GCM" : "AES-256-GCM";
    byte[] nonce = parcel.get("nonce") instanceof String text ? Bytes.fromBase64(text) : null;
    byte[] sealed = parcel.get("ciphertext") instanceof String text ? Bytes.fromBase64(text) : null;
    boolean fits = algorithm.equals(parcel.get("algorithm")) && associatedData.equals(parcel.get("associated_data"));
    if (!fits || nonce == null || nonce.length != 12 || sealed == null || sealed.length < 16) {
      return null;
    }
    if (key.length == 16) {
      return new Sm4(key).open(nonce, sealed, Bytes.utf8(associatedData));
    }
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, nonce));
      cipher.updateAAD(Bytes.utf8(associatedData));
      return cipher.doFinal(sealed);
    } catch (AEADBadTagException changed) {
      return null;
    } catch (GeneralSecurityException everyJavaHasIt) {
      throw new IllegalStateException(everyJavaHasIt);
    }
  }
}
