package io.jialing;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;

/** A secret key: yours. Ed25519 and RSA are the platform library's; SM2 is here. */
public final class SigningKey {
  private final Suite suite;
  private final String serial;
  private final byte[] secret;
  private final byte[] point;
  private final PrivateKey key;

  private SigningKey(Suite suite, byte[] der) throws GeneralSecurityException {
    this.suite = suite;
    if (suite == Suite.SM2) {
      key = null;
      secret = Der.sm2Secret(der);
      point = Sm2.publicOf(secret);
      serial = Der.serial(Der.sm2Spki(point));
    } else {
      secret = null;
      point = null;
      key = KeyFactory.getInstance(suite.keys).generatePrivate(new PKCS8EncodedKeySpec(der));
      serial = Der.serial(publicHalf(key).getEncoded());
    }
  }

  /** Reads an unencrypted PKCS#8 key, PEM label {@code PRIVATE KEY}. */
  public static SigningKey read(String pem) {
    byte[] der = Der.pem(pem, "PRIVATE KEY");
    try {
      return new SigningKey(Der.suiteOfSecret(der), der);
    } catch (GeneralSecurityException unreadable) {
      throw new BadKeyException("the key cannot be read: " + unreadable.getMessage());
    }
  }

  private static java.security.PublicKey publicHalf(PrivateKey key) throws GeneralSecurityException {
    if (key instanceof RSAPrivateCrtKey rsa) {
      return KeyFactory.getInstance("RSA").generatePublic(new RSAPublicKeySpec(rsa.getModulus(), rsa.getPublicExponent()));
    }
    if (key instanceof EdECPrivateKey ed && ed.getBytes().isPresent()) {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
      generator.initialize(NamedParameterSpec.ED25519, new Given(ed.getBytes().get()));
      return generator.generateKeyPair().getPublic();
    }
    throw new BadKeyException("the key's public half cannot be found");
  }

  /** Gives a generator the seed that there is: the library has no other way from it to the public half. */
  private static final class Given extends SecureRandom {
    private static final long serialVersionUID = 1;
    private final byte[] seed;

    Given(byte[] seed) {
      this.seed = seed;
    }

    @Override
    public void nextBytes(byte[] bytes) {
      if (bytes.length != seed.length) {
        throw new BadKeyException("the library asks for another seed than the key's");
      }
      System.arraycopy(seed, 0, bytes, 0, seed.length);
    }
  }

  /** The suite it belongs to. */
  public Suite suite() {
    return suite;
  }

  /** The serial of the public half: what it is registered under. */
  public String serial() {
    return serial;
  }

  /** Signs {@code message}: 64 bytes for Ed25519 and SM2, as many as the modulus has for RSA. */
  public byte[] sign(byte[] message) {
    if (key == null) {
      return Sm2.sign(secret, point, message);
    }
    try {
      Signature signer = Signature.getInstance(suite.signatures);
      signer.initSign(key);
      signer.update(message);
      return signer.sign();
    } catch (GeneralSecurityException everyJavaHasIt) {
      throw new IllegalStateException(everyJavaHasIt);
    }
  }
}
