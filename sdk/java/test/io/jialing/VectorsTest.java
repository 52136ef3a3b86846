package io.jialing;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The vectors that every client is tested with. Run from the project's root; it says what it checked. */
public final class VectorsTest {
  private static final Path FOLDER = Path.of("tests/vectors");
  private final Map<String, Object> signatures = read("signatures.json");
  private final Map<String, Object> parcels = read("parcels.json");
  private final Map<String, Object> webhooks = read("webhooks.json");
  private final Map<String, SigningKey> secrets = new HashMap<>();
  private final List<PublicKey> platform = new ArrayList<>();
  private final long now;

  private VectorsTest() throws IOException {
    object(signatures.get("keys"))
        .forEach(
            (suite, key) -> {
              secrets.put(suite, SigningKey.read((String) object(key).get("private_key")));
              platform.add(PublicKey.read((String) object(key).get("public_key")));
            });
    now = (Long) list(signatures, "requests").get(0).get("timestamp");
  }

  /** Runs everything; ends with 1 at the first thing that is not as it should be. */
  public static void main(String[] arguments) throws IOException {
    VectorsTest test = new VectorsTest();
    test.aKeysSerialAndSuiteAreThoseItIsRegisteredUnder();
    test.theSignedRequestsHoldAndTheOthersDoNot();
    test.aSuiteWithoutChanceSignsAsTheVectorsDo();
    test.theSignatureOfTheSm2StandardComesOutUnderItsNonce();
    test.theSignedAnswersHoldAndTheOthersDoNot();
    test.whatIsNoKeyIsRefused();
    test.theParcelsOpenAndTheOthersDoNot();
    test.deliveriesAreOpenedAndTheOthersRefusedForTheirReason();
    test.aReceiverBelievesWhatItHasAKeyForAndNothingElse();
    test.ofTwoVersionsTheHigherIsNewer();
    test.jsonIsReadStrictlyAndWrittenBack();
    System.out.println("11 tests of vectors passed");
  }

  private static Map<String, Object> read(String name) throws IOException {
    return Json.readObject(Files.readString(FOLDER.resolve(name)));
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  private static List<Map<String, Object>> list(Map<String, Object> from, String name) {
    return ((List<?>) from.get(name)).stream().map(VectorsTest::object).toList();
  }

  private static byte[] utf8(Object text) {
    return ((String) text).getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] hex(Object digits) {
    return HexFormat.of().parseHex((String) digits);
  }

  private static void expect(Object what, Object found, Object expected) {
    if (!Objects.equals(found, expected)) {
      throw new AssertionError(what + ": " + found + " instead of " + expected);
    }
  }

  private static void atLeast(Map<String, Object> vectors, String name, int count) {
    expect("enough " + name, list(vectors, name).size() >= count, true);
  }

  private static void fails(String what, Runnable call) {
    try {
      call.run();
    } catch (IllegalArgumentException expected) {
      return;
    }
    throw new AssertionError(what + " was accepted");
  }

  private void aKeysSerialAndSuiteAreThoseItIsRegisteredUnder() {
    object(signatures.get("keys"))
        .forEach(
            (suite, key) -> {
              Object serial = object(key).get("serial_no");
              expect(suite, secrets.get(suite).suite().wireName(), suite);
              expect(suite, secrets.get(suite).serial(), serial);
              expect(suite, platform.stream().anyMatch(one -> one.serial().equals(serial)), true);
            });
    expect("suites", secrets.size(), 3);
  }

  /** As the platform checks a request. */
  private boolean requestHolds(Map<String, Object> one) {
    String header = (String) one.get("authorization");
    Map<String, String> fields = new HashMap<>();
    Matcher field = Pattern.compile("(\\w+)=\"([^\"]*)\"").matcher(header);
    while (field.find()) {
      fields.put(field.group(1), field.group(2));
    }
    PublicKey key = platform.stream().filter(known -> known.serial().equals(fields.get("serial_no"))).findFirst().orElseThrow();
    long timestamp = Long.parseLong(fields.get("timestamp"));
    byte[] text =
        Signatures.requestText(
            (String) one.get("method"), (String) one.get("target"), timestamp, fields.get("nonce_str"), utf8(one.get("body")));
    byte[] signature = Bytes.fromBase64(fields.get("signature"));
    return header.startsWith("JIALING1-" + key.suite().wireName() + " ") && key.verify(text, signature);
  }

  private void theSignedRequestsHoldAndTheOthersDoNot() {
    atLeast(signatures, "requests", 12);
    atLeast(signatures, "refused_requests", 28);
    list(signatures, "requests").forEach(one -> expect(one, requestHolds(one), true));
    list(signatures, "refused_requests").forEach(one -> expect(one.get("why"), requestHolds(one), false));
  }

  private void aSuiteWithoutChanceSignsAsTheVectorsDo() {
    for (Map<String, Object> one : list(signatures, "requests")) {
      String suite = (String) one.get("suite");
      String made =
          Signatures.authorize(
              secrets.get(suite), (String) one.get("mchid"), (String) one.get("method"), (String) one.get("target"),
              utf8(one.get("body")), (Long) one.get("timestamp"), (String) one.get("nonce"));
      if (suite.equals("SM2-WITH-SM3")) {
        Map<String, Object> copy = new HashMap<>(one);
        copy.put("authorization", made);
        expect(suite, requestHolds(copy), true);
      } else {
        expect(suite, made, one.get("authorization"));
      }
    }
  }

  private void theSignatureOfTheSm2StandardComesOutUnderItsNonce() {
    Map<String, Object> standard = object(signatures.get("sm2_standard"));
    byte[] secret = hex(standard.get("private"));
    byte[] point = hex(standard.get("public"));
    byte[] message = utf8(standard.get("message"));
    BigInteger k = new BigInteger((String) standard.get("k"), 16);
    expect("the point", Arrays.equals(Sm2.publicOf(secret), point), true);
    expect("the signature", Arrays.equals(Sm2.sign(secret, point, message, () -> k), hex(standard.get("signature"))), true);
    expect("it holds", Sm2.verify(point, message, hex(standard.get("signature"))), true);
    expect("another each time", Arrays.equals(Sm2.sign(secret, message), Sm2.sign(secret, message)), false);
    fails("zero", () -> Sm2.publicOf(new byte[32]));
    expect("sm3", HexFormat.of().formatHex(Sm3.digest(utf8("abc"))), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
  }

  private Optional<String> answerFault(Map<String, Object> one, long at) {
    Map<String, Object> headers = object(one.get("headers"));
    return Signatures.check(name -> (String) headers.get(name), utf8(one.get("body")), platform, at, 300).map(Signatures.Fault::code);
  }

  private void theSignedAnswersHoldAndTheOthersDoNot() {
    atLeast(signatures, "answers", 9);
    atLeast(signatures, "refused_answers", 21);
    for (Map<String, Object> one : list(signatures, "answers")) {
      expect(one, answerFault(one, now + 300), Optional.empty());
      expect(one, answerFault(one, now + 301), Optional.of("stale"));
      expect(one, answerFault(Map.of("headers", Map.of(), "body", one.get("body")), now), Optional.of("unsigned"));
    }
    for (Map<String, Object> one : list(signatures, "refused_answers")) {
      boolean unknown = one.get("why").equals("a key that is not the platform's");
      expect(one.get("why"), answerFault(one, now), Optional.of(unknown ? "unknown_key" : "bad_signature"));
    }
  }

  private void whatIsNoKeyIsRefused() {
    Map<String, Object> key = object(object(signatures.get("keys")).get("ED25519"));
    String pem = (String) key.get("private_key");
    String spki = (String) key.get("public_key");
    for (String bad : List.of("", "x", spki, pem.replace("PRIVATE", "PUBLIC"), pem.replace("MC4C", "MC4D"), pem.substring(0, 60))) {
      fails(bad, () -> SigningKey.read(bad));
    }
    for (String bad : List.of("", "AAAA", pem, spki.substring(4), spki.substring(0, 56))) {
      fails(bad, () -> PublicKey.read(bad));
    }
  }

  private void theParcelsOpenAndTheOthersDoNot() {
    atLeast(parcels, "parcels", 8);
    atLeast(parcels, "refused", 18);
    for (Map<String, Object> one : list(parcels, "parcels")) {
      byte[] opened = Receiver.openParcel(Bytes.fromBase64((String) one.get("key")), object(one.get("parcel")), "evt_1");
      expect(one, new String(opened, StandardCharsets.UTF_8), one.get("plain"));
    }
    for (Map<String, Object> one : list(parcels, "refused")) {
      byte[] key = Bytes.fromBase64((String) one.get("key"));
      expect(one.get("why"), Receiver.openParcel(key, object(one.get("parcel")), (String) one.get("associated_data")), null);
    }
    Map<String, Object> standard = object(parcels.get("sm4_gcm_standard"));
    byte[] made = new Sm4(hex(standard.get("key"))).seal(hex(standard.get("nonce")), hex(standard.get("plain")), hex(standard.get("associated_data")));
    expect("SM4-GCM", HexFormat.of().formatHex(made), standard.get("ciphertext"));
  }

  /** A receiver that holds everything that the vectors give. */
  static Receiver receiver(Map<String, Object> vectors) {
    Receiver receiver = new Receiver();
    ((List<?>) vectors.get("secrets")).forEach(secret -> receiver.withSecret((String) secret));
    list(vectors, "platform_keys").forEach(key -> receiver.trusting(PublicKey.read((String) key.get("public_key"))));
    return holdingKeys(receiver, vectors);
  }

  private static Receiver holdingKeys(Receiver receiver, Map<String, Object> vectors) {
    list(vectors, "api_keys").forEach(key -> receiver.withApiKey((String) key.get("id"), (String) key.get("key")));
    return receiver.at(Clock.fixed(Instant.ofEpochSecond((Long) vectors.get("now")), ZoneOffset.UTC));
  }

  private static Object opened(Receiver receiver, Map<String, Object> one) {
    Map<String, Object> headers = object(one.get("headers"));
    try {
      Notice notice = receiver.open(name -> (String) headers.get(name), utf8(one.get("body")));
      Map<String, Object> event = new HashMap<>();
      event.put("id", notice.id());
      event.put("type", notice.type());
      event.put("created_at", notice.createdAt());
      event.put("api_version", notice.apiVersion());
      event.put("object_version", notice.objectVersion());
      event.put("resource", notice.resource());
      event.put("href", notice.href().orElse(null));
      return event;
    } catch (Refused why) {
      return why.code();
    }
  }

  private void deliveriesAreOpenedAndTheOthersRefusedForTheirReason() {
    atLeast(webhooks, "deliveries", 13);
    atLeast(webhooks, "refused", 26);
    Receiver receiver = receiver(webhooks);
    for (Map<String, Object> one : list(webhooks, "deliveries")) {
      Map<String, Object> event = new HashMap<>(object(webhooks.get("event")));
      event.put("href", one.get("href"));
      if (one.get("href") != null) {
        event.put("resource", null);
      }
      expect(one.get("name"), opened(receiver, one), event);
    }
    for (Map<String, Object> one : list(webhooks, "refused")) {
      expect(one.get("name"), opened(receiver, one), one.get("why"));
    }
  }

  private Map<String, Object> named(String name) {
    return list(webhooks, "deliveries").stream().filter(one -> one.get("name").equals(name)).findFirst().orElseThrow();
  }

  private void aReceiverBelievesWhatItHasAKeyForAndNothingElse() {
    String secret = (String) ((List<?>) webhooks.get("secrets")).get(0);
    Receiver alone = holdingKeys(new Receiver().withSecret(secret), webhooks);
    expect("its own secret", opened(alone, named("as sent, SM2 and SM4-GCM")) instanceof Map, true);
    expect("no secret's form", opened(alone, named("the platform's own form alone")), "unsigned");
    expect("v1a without keys", opened(alone, named("v1a alone")), "unsigned");
    expect("nothing held", opened(holdingKeys(new Receiver(), webhooks), named("as sent, SM2 and SM4-GCM")), "unsigned");
    expect("a narrow window", opened(alone.within(299), named("as old as it may be")), "stale");
    for (String bad : List.of("", "whsec_", "whsec_!", "whsec_c2hvcnQ=")) {
      fails(bad, () -> new Receiver().withSecret(bad));
    }
    fails("a short API key", () -> new Receiver().withApiKey("apk_1", "c2hvcnQ="));
    Map<String, Object> v1 = named("v1 alone");
    Map<String, Object> headers = object(v1.get("headers"));
    String id = (String) object(webhooks.get("event")).get("id");
    long at = Long.parseLong((String) headers.get("webhook-timestamp"));
    expect("signed by a test", Receiver.signStandard(secret, id, at, utf8(v1.get("body"))), headers.get("webhook-signature"));
  }

  private void ofTwoVersionsTheHigherIsNewer() {
    Newest newest = new Newest();
    expect("first", newest.take("ord_1", 2), true);
    expect("older", newest.take("ord_1", 1), false);
    expect("the same", newest.take("ord_1", 2), false);
    expect("another object", newest.take("ord_2", 1), true);
    expect("newer", newest.take("ord_1", 3), true);
  }

  private void jsonIsReadStrictlyAndWrittenBack() {
    for (String text : List.of("{}", "[]", "[1,-2,true,false,null,\"麻花 🥨\"]", "{\"a\":{\"b\":[\"\\\"\\\\\"]}}")) {
      expect(text, Json.write(Json.read(text)), text);
    }
    expect("escapes", Json.read("\"\\u9ebb\\n\\/\""), "麻\n/");
    expect("spaces", Json.write(Json.read(" { \"a\" : [ 1 , 2 ] } ")), "{\"a\":[1,2]}");
    String deep = "[".repeat(70) + "]".repeat(70);
    List<String> bad = List.of("", "{", "[1,]", "[,1]", "[1 2]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{a:1}", "01", "1.", "+1", "tru", "\"", "\"\\x\"", "\"\t\"", "1 1", deep);
    bad.forEach(text -> fails(text, () -> Json.read(text)));
  }
}
