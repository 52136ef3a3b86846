package io.jialing;

import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.function.Supplier;

/**
 * SM2 signatures, GB/T 32918.2-2016 on the curve of GB/T 32918.5-2017. The platform's library has none.
 *
 * <p>{@link BigInteger} takes a time that depends on its value: whoever can measure it closely, such as other
 * programs on the same machine, may learn something of the key. The nonce is blinded against the simplest of
 * that. Where it matters, sign in a device made for it.
 */
public final class Sm2 {
  private static final BigInteger P = hex("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff");
  private static final BigInteger A = P.subtract(BigInteger.valueOf(3));
  private static final BigInteger B = hex("28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93");
  private static final BigInteger N = hex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
  private static final Point G =
      new Point(
          hex("32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"),
          hex("bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"),
          BigInteger.ONE);
  private static final Point INFINITY = new Point(BigInteger.ONE, BigInteger.ONE, BigInteger.ZERO);
  private static final SecureRandom CHANCE = new SecureRandom();

  /** The user id that signatures are bound to where none was agreed on. */
  public static final String USER_ID = "1234567812345678";

  private Sm2() {}

  private static BigInteger hex(String digits) {
    return new BigInteger(digits, 16);
  }

  private static BigInteger mod(BigInteger value) {
    return value.mod(P);
  }

  /** Jacobian coordinates; z = 0 is the point at infinity. */
  private record Point(BigInteger x, BigInteger y, BigInteger z) {
    boolean isInfinity() {
      return z.signum() == 0;
    }

    Point doubled() {
      if (isInfinity()) {
        return this;
      }
      BigInteger yy = mod(y.multiply(y));
      BigInteger s = mod(x.multiply(yy).shiftLeft(2));
      BigInteger zz = mod(z.multiply(z));
      BigInteger m = mod(BigInteger.valueOf(3).multiply(x.subtract(zz)).multiply(x.add(zz)));
      BigInteger x3 = mod(m.multiply(m).subtract(s.shiftLeft(1)));
      BigInteger y3 = mod(m.multiply(s.subtract(x3)).subtract(yy.multiply(yy).shiftLeft(3)));
      return new Point(x3, y3, mod(y.multiply(z).shiftLeft(1)));
    }

    Point plus(Point q) {
      if (isInfinity()) {
        return q;
      }
      if (q.isInfinity()) {
        return this;
      }
      BigInteger pz = mod(z.multiply(z));
      BigInteger qz = mod(q.z.multiply(q.z));
      BigInteger u1 = mod(x.multiply(qz));
      BigInteger u2 = mod(q.x.multiply(pz));
      BigInteger s1 = mod(y.multiply(qz).multiply(q.z));
      BigInteger s2 = mod(q.y.multiply(pz).multiply(z));
      if (u1.equals(u2)) {
        return s1.equals(s2) ? doubled() : INFINITY;
      }
      BigInteger h = mod(u2.subtract(u1));
      BigInteger r = mod(s2.subtract(s1));
      BigInteger hh = mod(h.multiply(h));
      BigInteger v = mod(u1.multiply(hh));
      BigInteger x3 = mod(r.multiply(r).subtract(h.multiply(hh)).subtract(v.shiftLeft(1)));
      BigInteger y3 = mod(r.multiply(v.subtract(x3)).subtract(s1.multiply(h).multiply(hh)));
      return new Point(x3, y3, mod(h.multiply(z).multiply(q.z)));
    }

    Point times(BigInteger scalar) {
      Point total = INFINITY;
      for (int bit = scalar.bitLength() - 1; bit >= 0; bit--) {
        total = total.doubled();
        if (scalar.testBit(bit)) {
          total = total.plus(this);
        }
      }
      return total;
    }

    Point affine() {
      BigInteger inverse = z.modInverse(P);
      BigInteger square = mod(inverse.multiply(inverse));
      return new Point(mod(x.multiply(square)), mod(y.multiply(square).multiply(inverse)), BigInteger.ONE);
    }
  }

  /** The point that 65 bytes (0x04, x, y) are; null when they are none on the curve. */
  private static Point point(byte[] key) {
    if (key.length != 65 || key[0] != 4) {
      return null;
    }
    BigInteger x = Bytes.number(key, 1, 33);
    BigInteger y = Bytes.number(key, 33, 65);
    boolean reduced = x.compareTo(P) < 0 && y.compareTo(P) < 0;
    BigInteger right = mod(x.multiply(x).add(A).multiply(x).add(B));
    return reduced && mod(y.multiply(y)).equals(right) ? new Point(x, y, BigInteger.ONE) : null;
  }

  /** Whether the bytes are an uncompressed point on the curve. */
  public static boolean isPoint(byte[] key) {
    return point(key) != null;
  }

  /** The number that is signed: the digest of who signs, by user id and key, and of the message. */
  private static BigInteger digest(Point key, byte[] message, String userId) {
    byte[] id = Bytes.utf8(userId);
    byte[] bits = {(byte) ((8 * id.length) >> 8), (byte) (8 * id.length)};
    byte[] curve = Bytes.concat(Bytes.to32(A), Bytes.to32(B), Bytes.to32(G.x), Bytes.to32(G.y));
    byte[] z = Sm3.digest(bits, id, curve, Bytes.to32(key.x), Bytes.to32(key.y));
    return new BigInteger(1, Sm3.digest(z, message));
  }

  private static boolean inRange(BigInteger number) {
    return number.signum() > 0 && number.compareTo(N) < 0;
  }

  /** Whether {@code signature} (r and s, 32 bytes each) signs {@code message} under {@code key} (0x04, x, y). */
  public static boolean verify(byte[] key, byte[] message, byte[] signature) {
    Point point = point(key);
    if (point == null || signature.length != 64) {
      return false;
    }
    BigInteger r = Bytes.number(signature, 0, 32);
    BigInteger s = Bytes.number(signature, 32, 64);
    BigInteger t = r.add(s).mod(N);
    if (!inRange(r) || !inRange(s) || t.signum() == 0) {
      return false;
    }
    Point sum = G.times(s).plus(point.times(t));
    return !sum.isInfinity() && digest(point, message, USER_ID).add(sum.affine().x).mod(N).equals(r);
  }

  /** The public point (0x04, x, y) of a secret of 32 bytes. */
  public static byte[] publicOf(byte[] secret) {
    BigInteger d = new BigInteger(1, secret);
    if (secret.length != 32 || d.signum() == 0 || d.compareTo(N.subtract(BigInteger.ONE)) >= 0) {
      throw new BadKeyException("not an SM2 secret key");
    }
    Point point = G.times(d).affine();
    return Bytes.concat(new byte[] {4}, Bytes.to32(point.x), Bytes.to32(point.y));
  }

  /** A number from 1 to N - 1, each equally likely. */
  private static BigInteger chance() {
    for (; ; ) {
      BigInteger k = new BigInteger(256, CHANCE);
      if (inRange(k)) {
        return k;
      }
    }
  }

  /** Signs {@code message}: r and s, 32 bytes each. */
  public static byte[] sign(byte[] secret, byte[] message) {
    return sign(secret, publicOf(secret), message, Sm2::chance);
  }

  /** The same with the secret's public point at hand. */
  static byte[] sign(byte[] secret, byte[] publicKey, byte[] message) {
    return sign(secret, publicKey, message, Sm2::chance);
  }

  /** The same with nonces that a test chooses. */
  static byte[] sign(byte[] secret, byte[] publicKey, byte[] message, Supplier<BigInteger> draw) {
    BigInteger e = digest(point(publicKey), message, USER_ID);
    BigInteger d = new BigInteger(1, secret);
    for (; ; ) {
      BigInteger k = draw.get();
      // A multiple of the group's order changes the steps that are taken, and not where they lead.
      BigInteger blinded = k.add(N.multiply(new BigInteger(64, CHANCE).add(BigInteger.ONE)));
      BigInteger r = e.add(G.times(blinded).affine().x).mod(N);
      if (r.signum() == 0 || r.add(k).equals(N)) {
        continue;
      }
      BigInteger s = d.add(BigInteger.ONE).modInverse(N).multiply(k.subtract(r.multiply(d))).mod(N);
      if (s.signum() != 0) {
        return Bytes.concat(Bytes.to32(r), Bytes.to32(s));
      }
    }
  }
}
