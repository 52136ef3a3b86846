package io.jialing;

import java.util.Arrays;
import java.util.Optional;

/** A suite: the algorithm and the hash inside it. It belongs to the key. */
public enum Suite {
  /** Ed25519, RFC 8032. */
  ED25519("ED25519", "Ed25519", "Ed25519"),
  /** SM2 over SM3, GB/T 32918.2. */
  SM2("SM2-WITH-SM3", null, null),
  /** RSA PKCS#1 v1.5 with SHA-256. */
  RSA("SHA256-RSA2048", "RSA", "SHA256withRSA");

  private final String wireName;
  final String keys;
  final String signatures;

  Suite(String wireName, String keys, String signatures) {
    this.wireName = wireName;
    this.keys = keys;
    this.signatures = signatures;
  }

  /** The name in headers and JSON. */
  public String wireName() {
    return wireName;
  }

  /** The suite of this name, exactly. */
  public static Optional<Suite> of(String wireName) {
    return Arrays.stream(values()).filter(suite -> suite.wireName.equals(wireName)).findFirst();
  }
}
