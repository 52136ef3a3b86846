package io.jialing;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * SM4 (GB/T 32907-2016) in GCM (RFC 8998). The platform's library has none.
 *
 * <p>The substitution table is looked up in memory, so this is not constant-time against whoever runs code on
 * the same machine.
 */
public final class Sm4 {
  private static final byte[] SBOX =
      HexFormat.of()
          .parseHex(
              "d690e9fecce13db716b614c228fb2c052b679a762abe04c3aa441326498606999c4250f491ef987a33540b43edcfac62"
                  + "e4b31ca9c908e89580df94fa758f3fa64707a7fcf37317ba83593c19e6854fa8686b81b27164da8bf8eb0f4b70569d35"
                  + "1e240e5e6358d1a225227c3b01217887d40046579fd327524c3602e7a0c4c89eeabf8ad240c738b5a3f7f2cef96115a1"
                  + "e0ae5da49b341a55ad933230f58cb1e31df6e22e8266ca60c02923ab0d534e6fd5db3745defd8e2f03ff6a726d6c5b51"
                  + "8d1baf92bbddbc7f11d95c411f105ad80ac13188a5cd7bbd2d74d012b8e5b4b08969974a0c96777e65b9f109c56ec684"
                  + "18f07dec3adc4d2079ee5f3ed7cb3948");
  private static final int[] SYSTEM = {0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc};
  private static final BigInteger REDUCTION = BigInteger.valueOf(0xe1).shiftLeft(120);
  private static final int TAG = 16;

  private final int[] keys = new int[32];
  private final BigInteger h;

  /** A cipher with a key of 16 bytes. */
  public Sm4(byte[] key) {
    if (key.length != 16) {
      throw new BadKeyException("an SM4 key has 16 bytes");
    }
    int[] words = new int[36];
    ByteBuffer read = ByteBuffer.wrap(key);
    for (int i = 0; i < 4; i++) {
      words[i] = read.getInt() ^ SYSTEM[i];
    }
    for (int i = 0; i < 32; i++) {
      int constant = 0;
      for (int j = 0; j < 4; j++) {
        constant = constant << 8 | ((4 * i + j) * 7 & 255);
      }
      int t = substitute(words[i + 1] ^ words[i + 2] ^ words[i + 3] ^ constant);
      words[i + 4] = words[i] ^ t ^ Integer.rotateLeft(t, 13) ^ Integer.rotateLeft(t, 23);
      keys[i] = words[i + 4];
    }
    h = new BigInteger(1, block(new byte[16]));
  }

  private static int substitute(int word) {
    int out = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
      out |= (SBOX[word >>> shift & 255] & 255) << shift;
    }
    return out;
  }

  private byte[] block(byte[] plain) {
    ByteBuffer read = ByteBuffer.wrap(plain);
    int a = read.getInt(), b = read.getInt(), c = read.getInt(), d = read.getInt();
    for (int key : keys) {
      int t = substitute(b ^ c ^ d ^ key);
      int next =
          a ^ t ^ Integer.rotateLeft(t, 2) ^ Integer.rotateLeft(t, 10) ^ Integer.rotateLeft(t, 18) ^ Integer.rotateLeft(t, 24);
      a = b;
      b = c;
      c = d;
      d = next;
    }
    return ByteBuffer.allocate(16).putInt(d).putInt(c).putInt(b).putInt(a).array();
  }

  /** Two blocks multiplied in GCM's field. */
  private static BigInteger multiply(BigInteger x, BigInteger y) {
    BigInteger product = BigInteger.ZERO;
    BigInteger step = y;
    for (int bit = 127; bit >= 0; bit--) {
      if (x.testBit(bit)) {
        product = product.xor(step);
      }
      boolean odd = step.testBit(0);
      step = step.shiftRight(1);
      if (odd) {
        step = step.xor(REDUCTION);
      }
    }
    return product;
  }

  private byte[] stream(byte[] nonce, int count) {
    return block(ByteBuffer.allocate(16).put(nonce).putInt(count).array());
  }

  private byte[] mask(byte[] nonce, byte[] data) {
    byte[] out = data.clone();
    for (int at = 0; at < out.length; at += 16) {
      byte[] stream = stream(nonce, 2 + at / 16);
      for (int i = at; i < Math.min(at + 16, out.length); i++) {
        out[i] ^= stream[i - at];
      }
    }
    return out;
  }

  private byte[] tag(byte[] nonce, byte[] associated, byte[] ciphertext) {
    byte[] lengths = ByteBuffer.allocate(16).putLong(8L * associated.length).putLong(8L * ciphertext.length).array();
    BigInteger state = BigInteger.ZERO;
    for (byte[] part : new byte[][] {associated, ciphertext, lengths}) {
      for (int at = 0; at < part.length; at += 16) {
        byte[] padded = Arrays.copyOfRange(part, at, at + 16);
        state = multiply(state.xor(new BigInteger(1, padded)), h);
      }
    }
    byte[] tag = Arrays.copyOfRange(Bytes.to32(state), 16, 32);
    byte[] first = stream(nonce, 1);
    for (int i = 0; i < TAG; i++) {
      tag[i] ^= first[i];
    }
    return tag;
  }

  /** The ciphertext with its tag after it. Never use a nonce (12 bytes) twice with one key. */
  public byte[] seal(byte[] nonce, byte[] plain, byte[] associated) {
    byte[] ciphertext = mask(nonce, plain);
    return Bytes.concat(ciphertext, tag(nonce, associated, ciphertext));
  }

  /** What was sealed; null if anything differs. */
  public byte[] open(byte[] nonce, byte[] sealed, byte[] associated) {
    if (nonce.length != 12 || sealed.length < TAG) {
      return null;
    }
    byte[] ciphertext = Arrays.copyOf(sealed, sealed.length - TAG);
    byte[] tag = Arrays.copyOfRange(sealed, sealed.length - TAG, sealed.length);
    return MessageDigest.isEqual(tag, tag(nonce, associated, ciphertext)) ? mask(nonce, ciphertext) : null;
  }
}
