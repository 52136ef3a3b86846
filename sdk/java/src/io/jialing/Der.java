package io.jialing;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The little of DER and PEM that keys need. */
final class Der {
  private static final byte[] OID_ED25519 = hex("06032b6570");
  private static final byte[] OID_RSA = hex("06092a864886f70d010101");
  private static final byte[] OID_SM2 = hex("06072a8648ce3d020106082a811ccf5501822d");
  private static final byte[] SPKI_SM2 = hex("3059301306072a8648ce3d020106082a811ccf5501822d034200");

  private Der() {}

  /** A part of a structure. */
  record Part(int tag, byte[] content) {}

  private static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits);
  }

  static byte[] pem(String text, String label) {
    String form = "-----BEGIN " + label + "-----([A-Za-z0-9+/=\\s]+)-----END " + label + "-----";
    Matcher match = Pattern.compile(form).matcher(text.strip());
    byte[] der = match.matches() ? Bytes.fromBase64(match.group(1).replaceAll("\\s", "")) : null;
    if (der == null) {
      throw new BadKeyException("the key is not PEM with the label " + label);
    }
    return der;
  }

  /** The parts that stand one after the other in {@code der}. */
  static List<Part> parts(byte[] der) {
    List<Part> found = new ArrayList<>();
    for (int at = 0; at < der.length; ) {
      int length = at + 1 < der.length ? der[at + 1] & 255 : -1;
      int begin = at + 2;
      if (length > 128 && length <= 131 && begin + length - 128 <= der.length) {
        int count = length - 128;
        length = Bytes.number(der, begin, begin + count).intValue();
        begin += count;
      } else if (length >= 128) {
        length = -1;
      }
      if (length < 0 || begin + length > der.length) {
        throw new BadKeyException("the key is not DER");
      }
      found.add(new Part(der[at] & 255, Arrays.copyOfRange(der, begin, begin + length)));
      at = begin + length;
    }
    return found;
  }

  /** The parts of the one sequence that {@code der} is, at least so many. */
  static List<Part> inside(byte[] der, int atLeast) {
    List<Part> outer = parts(der);
    List<Part> inner = outer.size() == 1 && outer.get(0).tag() == 0x30 ? parts(outer.get(0).content()) : List.of();
    if (inner.size() < atLeast) {
      throw new BadKeyException("the key is not of the expected structure");
    }
    return inner;
  }

  private static Suite suite(byte[] identifier) {
    if (Arrays.equals(identifier, OID_ED25519)) {
      return Suite.ED25519;
    }
    if (Arrays.equals(identifier, OID_SM2)) {
      return Suite.SM2;
    }
    boolean rsa = identifier.length >= OID_RSA.length && Arrays.equals(Arrays.copyOf(identifier, OID_RSA.length), OID_RSA);
    if (rsa) {
      return Suite.RSA;
    }
    throw new BadKeyException("the key's algorithm is none of Ed25519, SM2 and RSA");
  }

  static Suite suiteOfPublic(byte[] spki) {
    return suite(inside(spki, 2).get(0).content());
  }

  static Suite suiteOfSecret(byte[] pkcs8) {
    return suite(inside(pkcs8, 3).get(1).content());
  }

  /** The 32 bytes of an SM2 secret. */
  static byte[] sm2Secret(byte[] pkcs8) {
    Part secret = inside(inside(pkcs8, 3).get(2).content(), 2).get(1);
    if (secret.tag() != 4) {
      throw new BadKeyException("the key is no SM2 secret");
    }
    return secret.content();
  }

  static byte[] sm2Spki(byte[] point) {
    return Bytes.concat(SPKI_SM2, point);
  }

  static String serial(byte[] spki) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(spki), 0, 8);
    } catch (GeneralSecurityException everyJavaHasIt) {
      throw new IllegalStateException(everyJavaHasIt);
    }
  }
}
