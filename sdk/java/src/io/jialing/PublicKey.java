package io.jialing;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;

/** A public key: the platform's, as the directory shows it. */
public final class PublicKey {
  private final Suite suite;
  private final String serial;
  private final byte[] point;
  private final java.security.PublicKey key;

  private PublicKey(Suite suite, byte[] der) throws GeneralSecurityException {
    this.suite = suite;
    this.serial = Der.serial(der);
    boolean here = suite == Suite.SM2;
    this.point = here ? Arrays.copyOfRange(der, der.length - 65, der.length) : null;
    this.key = here ? null : KeyFactory.getInstance(suite.keys).generatePublic(new X509EncodedKeySpec(der));
  }

  /** Reads PEM {@code PUBLIC KEY}, or DER {@code SubjectPublicKeyInfo} in base64. */
  public static PublicKey read(String text) {
    byte[] der = text.contains("-----BEGIN") ? Der.pem(text, "PUBLIC KEY") : Bytes.fromBase64(text.strip());
    if (der == null) {
      throw new BadKeyException("the key is neither PEM nor base64");
    }
    try {
      PublicKey key = new PublicKey(Der.suiteOfPublic(der), der);
      if (key.point != null && (der.length != 91 || !Sm2.isPoint(key.point))) {
        throw new BadKeyException("the key is no point on the curve of SM2");
      }
      if (key.key instanceof RSAPublicKey rsa && rsa.getModulus().bitLength() < 2048) {
        throw new BadKeyException("RSA needs a modulus of 2048 bits or more");
      }
      return key;
    } catch (GeneralSecurityException unreadable) {
      throw new BadKeyException("the key cannot be read: " + unreadable.getMessage());
    }
  }

  /** The suite it belongs to, and the only one it verifies under. */
  public Suite suite() {
    return suite;
  }

  /** The first 16 hexadecimal characters of the SHA-256 of the key's DER form. */
  public String serial() {
    return serial;
  }

  /** Whether {@code signature} signs {@code message} under this key. */
  public boolean verify(byte[] message, byte[] signature) {
    if (point != null) {
      return Sm2.verify(point, message, signature);
    }
    try {
      Signature verifier = Signature.getInstance(suite.signatures);
      verifier.initVerify(key);
      verifier.update(message);
      return verifier.verify(signature);
    } catch (GeneralSecurityException notOfThisForm) {
      return false;
    }
  }
}
