package io.jialing;

import java.util.HashMap;
import java.util.Map;

/**
 * Which version of each object was seen: the rule by which deliveries are put in order. In memory; a server keeps
 * the version beside the object in its database and updates only where it grows.
 */
public final class Newest {
  private final Map<String, Long> seen = new HashMap<>();

  /** Whether this version of the object is newer than all seen before; then it is remembered. */
  public synchronized boolean take(String object, long version) {
    boolean newer = seen.getOrDefault(object, Long.MIN_VALUE) < version;
    if (newer) {
      seen.put(object, version);
    }
    return newer;
  }
}
