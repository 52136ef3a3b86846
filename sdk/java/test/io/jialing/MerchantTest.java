package io.jialing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The client against a platform of few words: it answers as it is told, signed or not. Run from the project's root. */
public final class MerchantTest {
  private static final String ORDER =
      "{\"id\":\"ord_1\",\"out_trade_no\":\"A-1\",\"state\":\"NOTPAY\",\"amount\":{\"amount\":1250,\"currency\":\"CNY\"}}";

  /** What is answered; null breaks the connection. */
  private record Reply(int status, String body, SigningKey signer, long secondsAgo) {}

  private final Map<?, ?> vectors;
  private final SigningKey platform;
  private final SigningKey stranger;
  private final PublicKey pinned;
  private final HttpServer server;
  private final List<Reply> replies = new ArrayList<>();
  private final List<String> asked = new ArrayList<>();
  private final List<Duration> waits = new ArrayList<>();

  private MerchantTest() throws IOException {
    vectors = (Map<?, ?>) Json.readObject(Files.readString(Path.of("tests/vectors/signatures.json"))).get("keys");
    platform = SigningKey.read((String) ((Map<?, ?>) vectors.get("ED25519")).get("private_key"));
    pinned = PublicKey.read((String) ((Map<?, ?>) vectors.get("ED25519")).get("public_key"));
    stranger = SigningKey.read((String) ((Map<?, ?>) vectors.get("SHA256-RSA2048")).get("private_key"));
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::serve);
    server.start();
  }

  /** Runs everything; ends with 1 at the first thing that is not as it should be. */
  public static void main(String[] arguments) throws IOException {
    MerchantTest test = new MerchantTest();
    try {
      test.aSignedAnswerIsTakenAndAnyOtherIsNot();
      test.aProblemTellsItsCodeAndItsField();
      test.aLostAnswerIsAskedForByItsNumber();
      test.anOutcomeThatStaysUnknownIsSaidToBe();
      test.patienceIsGivenUpToALimit();
      test.aListIsReadPageByPage();
      test.whatIsSignedIsWhatIsSent();
      test.aFileComesUnsignedAndNothingElseDoes();
      test.aKeyOfLaterIsLookedForInTheDirectory();
    } finally {
      test.server.stop(0);
    }
    System.out.println("9 tests of the client passed");
  }

  private void aKeyOfLaterIsLookedForInTheDirectory() {
    Reply first = new Reply(200, directory("ED25519"), null, 0);
    Reply both = new Reply(200, directory("ED25519", "SHA256-RSA2048"), null, 0);
    Reply later = new Reply(200, ORDER, stranger, 0);
    // The keys are read at the start, and again for the second answer, which the later key has signed.
    shop(first, good(ORDER), later, both, later);
    Merchant shop = Merchant.connect("http://127.0.0.1:" + server.getAddress().getPort(), "mch_1", platform);
    for (int number = 0; number < 3; number++) {
      expect("the order", shop.order("ord_1").get("id"), "ord_1");
    }
    String keys = "GET /v1/public/keys";
    String order = "GET /v1/merchant/orders/ord_1";
    expect("what was asked", asked, List.of(keys, order, order, keys, order));
    // What the directory does not know is not believed, and pinned keys are all there are.
    shop(first, later, first);
    Merchant other = Merchant.connect("http://127.0.0.1:" + server.getAddress().getPort(), "mch_1", platform);
    fails(Unacceptable.class, () -> other.order("ord_1"));
    expect("what was asked", asked, List.of(keys, order, keys));
    Merchant pinning = shop(later);
    fails(Unacceptable.class, () -> pinning.order("ord_1"));
    expect("what was asked", asked, List.of(order));
  }

  private String directory(String... suites) {
    List<Map<String, Object>> answers = new ArrayList<>();
    for (String suite : suites) {
      answers.add(Map.of("suite", suite, "public_key", ((Map<?, ?>) vectors.get(suite)).get("public_key")));
    }
    return Json.write(Map.of("answers", answers));
  }

  private synchronized void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getRequestBody().readAllBytes();
      asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
      Reply reply = replies.size() > 1 ? replies.remove(0) : replies.get(0);
      if (reply == null) {
        return;
      }
      byte[] body = reply.body.getBytes(StandardCharsets.UTF_8);
      if (reply.signer != null) {
        String at = String.valueOf(Clock.systemUTC().instant().getEpochSecond() - reply.secondsAgo);
        String nonce = Signatures.nonce();
        String signature = Bytes.base64(reply.signer.sign(Signatures.answerText(at, nonce, body)));
        Map.of("timestamp", at, "nonce", nonce, "serial", reply.signer.serial(), "signature", signature, "signature-type", reply.signer.suite().wireName())
            .forEach((name, value) -> exchange.getResponseHeaders().set("Jialing-" + name, value));
      }
      exchange.sendResponseHeaders(reply.status, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private Merchant shop(Reply... answers) {
    replies.clear();
    for (Reply answer : answers) {
      replies.add(answer);
    }
    asked.clear();
    waits.clear();
    String base = "http://127.0.0.1:" + server.getAddress().getPort();
    return new Merchant(base, "mch_1", platform, List.of(pinned)).at(Clock.systemUTC(), waits::add);
  }

  private Reply good(String body) {
    return new Reply(200, body, platform, 0);
  }

  private Reply problem(int status, String code, String more, SigningKey signer) {
    String body = "{\"title\":\"It is so\",\"status\":" + status + ",\"code\":\"" + code + "\",\"request_id\":\"req_1\"" + more + "}";
    return new Reply(status, body, signer, 0);
  }

  private static void expect(String what, Object found, Object expected) {
    if (!Objects.equals(found, expected)) {
      throw new AssertionError(what + ": " + found + " instead of " + expected);
    }
  }

  private static <E extends JialingException> E fails(Class<E> how, Runnable call) {
    try {
      call.run();
    } catch (JialingException error) {
      expect("what was thrown (" + error.getMessage() + ")", error.getClass(), how);
      return how.cast(error);
    }
    throw new AssertionError("nothing was thrown, " + how + " was expected");
  }

  private static Map<String, Object> order(Merchant shop) {
    return shop.createOrder("A-1", "小面", 1250);
  }

  private void aSignedAnswerIsTakenAndAnyOtherIsNot() {
    expect("the order", Json.write(order(shop(good(ORDER)))), ORDER);
    Map<String, Reply> lies = new LinkedHashMap<>();
    lies.put("not signed", new Reply(200, ORDER, null, 0));
    lies.put("unknown_key", new Reply(200, ORDER, stranger, 0));
    lies.put("stale", new Reply(200, ORDER, platform, 302));
    lies.put("not JSON", good("not JSON"));
    lies.put("not_found and is not signed", problem(404, "not_found", "", null));
    lies.forEach(
        (why, reply) -> {
          Unacceptable error = fails(Unacceptable.class, () -> order(shop(reply)));
          expect(error.getMessage(), error.getMessage().contains(why), true);
          expect("a lie is not asked for again", asked.size(), 1);
        });
  }

  private void aProblemTellsItsCodeAndItsField() {
    Problem told = fails(Problem.class, () -> order(shop(problem(409, "conflict", ",\"field\":\"amount\"", platform))));
    expect("the problem", List.of(told.code(), told.status(), told.field().orElse(""), told.requestId(), told.signed()), List.of("conflict", 409, "amount", "req_1", true));
    Problem unsigned = fails(Problem.class, () -> shop(problem(401, "signature_invalid", "", null)).order("ord_1"));
    expect("signed", unsigned.signed(), false);
  }

  private void aLostAnswerIsAskedForByItsNumber() {
    expect("the order", Json.write(order(shop(null, good(ORDER)))), ORDER);
    expect("what was asked", asked, List.of("POST /v1/merchant/orders", "GET /v1/merchant/orders/out-trade-no/A-1"));
    order(shop(null, problem(404, "not_found", "", platform), good(ORDER)));
    expect("what was asked", asked, List.of("POST /v1/merchant/orders", "GET /v1/merchant/orders/out-trade-no/A-1", "POST /v1/merchant/orders"));
    fails(Problem.class, () -> order(shop(null, good(ORDER.replace("1250", "1")), problem(409, "conflict", "", platform))));
  }

  private void anOutcomeThatStaysUnknownIsSaidToBe() {
    fails(OutcomeUnknown.class, () -> shop((Reply) null).refund("R-1", "ord_1", 1, null));
    expect("tries", asked.stream().filter("POST /v1/merchant/refunds"::equals).count(), 4L);
    fails(OutcomeUnknown.class, () -> shop(new Reply(502, "<html>", null, 0)).order("ord_1"));
  }

  private void patienceIsGivenUpToALimit() {
    String busy = ",\"retryable\":true,\"retry_after\":";
    shop(problem(429, "rate_limited", busy + 2, null), good(ORDER)).order("ord_1");
    expect("the wait", waits, List.of(Duration.ofMillis(2100)));
    Problem told = fails(Problem.class, () -> shop(problem(503, "overloaded", busy + 60, platform)).order("ord_1"));
    expect("handed over", List.of(told.retryAfter().orElse(0), asked.size()), List.of(60L, 1));
  }

  private void aListIsReadPageByPage() {
    Reply first = good("{\"items\":[{\"id\":\"ord_3\"},{\"id\":\"ord_2\"}],\"has_more\":true}");
    Reply last = good("{\"items\":[{\"id\":\"ord_1\"}],\"has_more\":false}");
    List<Object> ids = new ArrayList<>();
    shop(first, last).orders(Map.of()).forEach(one -> ids.add(one.get("id")));
    expect("the orders", ids, List.of("ord_3", "ord_2", "ord_1"));
    expect("the pages", asked, List.of("GET /v1/merchant/orders?limit=100", "GET /v1/merchant/orders?limit=100&after=ord_2"));
    expect("the first alone", shop(first).orders(Map.of()).iterator().next().get("id"), "ord_3");
    expect("one page", asked.size(), 1);
  }

  private void aFileComesUnsignedAndNothingElseDoes() {
    byte[] file = shop(new Reply(200, "a,b", null, 0)).file("/v1/merchant/exports/exp_1/file");
    expect("the file", new String(file, StandardCharsets.UTF_8), "a,b");
    fails(Unacceptable.class, () -> shop(new Reply(200, "a,b", stranger, 0)).file("/v1/merchant/exports/exp_1/file"));
    fails(Unacceptable.class, () -> shop(problem(404, "not_found", "", null)).file("/v1/merchant/exports/exp_1/file"));
    shop(good(ORDER)).post("/v1/merchant/payouts/files", file, "text/csv");
    expect("what was asked", asked, List.of("POST /v1/merchant/payouts/files"));
  }

  private void whatIsSignedIsWhatIsSent() {
    shop(good(ORDER)).orderByNumber("A|1*(b)'!:.");
    expect("the path", asked, List.of("GET /v1/merchant/orders/out-trade-no/A%7C1%2A%28b%29%27%21%3A."));
    for (String dots : List.of("", ".", "..")) {
      try {
        shop(good(ORDER)).orderByNumber(dots);
      } catch (IllegalArgumentException expected) {
        continue;
      }
      throw new AssertionError("the number " + dots + " was sent");
    }
  }
}
