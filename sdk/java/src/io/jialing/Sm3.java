package io.jialing;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** SM3, GB/T 32905-2016. The platform's library has none. */
public final class Sm3 {
  private static final int[] IV = {
    0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e
  };

  private Sm3() {}

  /** The digest of all parts, one after the other: 32 bytes. */
  public static byte[] digest(byte[]... parts) {
    byte[] message = Bytes.concat(parts);
    int zeros = Math.floorMod(55 - message.length, 64);
    ByteBuffer padded = ByteBuffer.allocate(message.length + 1 + zeros + 8);
    padded.put(message).put((byte) 0x80).put(new byte[zeros]).putLong(8L * message.length).flip();
    int[] state = IV.clone();
    while (padded.hasRemaining()) {
      compress(state, padded);
    }
    ByteBuffer digest = ByteBuffer.allocate(32);
    Arrays.stream(state).forEach(digest::putInt);
    return digest.array();
  }

  private static int rotate(int value, int by) {
    return Integer.rotateLeft(value, by);
  }

  private static void compress(int[] state, ByteBuffer block) {
    int[] w = new int[68];
    for (int j = 0; j < 16; j++) {
      w[j] = block.getInt();
    }
    for (int j = 16; j < 68; j++) {
      int x = w[j - 16] ^ w[j - 9] ^ rotate(w[j - 3], 15);
      w[j] = x ^ rotate(x, 15) ^ rotate(x, 23) ^ rotate(w[j - 13], 7) ^ w[j - 6];
    }
    int a = state[0], b = state[1], c = state[2], d = state[3];
    int e = state[4], f = state[5], g = state[6], h = state[7];
    for (int j = 0; j < 64; j++) {
      boolean first = j < 16;
      int ss1 = rotate(rotate(a, 12) + e + rotate(first ? 0x79cc4519 : 0x7a879d8a, j), 7);
      int ff = first ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      int gg = first ? e ^ f ^ g : (e & f) | (~e & g);
      int tt1 = ff + d + (ss1 ^ rotate(a, 12)) + (w[j] ^ w[j + 4]);
      int tt2 = gg + h + ss1 + w[j];
      d = c;
      c = rotate(b, 9);
      b = a;
      a = tt1;
      h = g;
      g = rotate(f, 19);
      f = e;
      e = tt2 ^ rotate(tt2, 9) ^ rotate(tt2, 17);
    }
    int[] mixed = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) {
      state[i] ^= mixed[i];
    }
  }
}
