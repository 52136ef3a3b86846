package io.jialing;

import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;

/** The story that every client tells, in Java's: see tests/clients/story.mjs. */
public final class Story {
  private static final long PRICE = 1250;
  private static final long BACK = 250;

  private Story() {}

  /** Tells it under every suite. */
  @SuppressWarnings("unchecked")
  public static void main(String[] arguments) throws Exception {
    // Java 17 writes in the machine's own encoding unless told.
    System.setOut(new PrintStream(System.out, true, StandardCharsets.UTF_8));
    Map<String, Object> town = Json.readObject(System.getenv("JIALING_TOWN"));
    Map<String, Object> keys = (Map<String, Object>) town.get("keys");
    for (Map.Entry<String, Object> key : keys.entrySet()) {
      tell(town, key.getKey(), (String) key.getValue());
    }
    hear();
    System.out.println("the story is told under " + String.join(", ", keys.keySet()));
  }

  private static void expect(String what, Object found, Object expected) {
    if (!Objects.equals(found, expected)) {
      throw new AssertionError(what + ": " + found + " instead of " + expected);
    }
  }

  private static Problem refused(String code, Runnable call) {
    try {
      call.run();
    } catch (Problem problem) {
      expect("the code", problem.code(), code);
      return problem;
    }
    throw new AssertionError("it was not refused with " + code);
  }

  private static void tell(Map<String, Object> town, String suite, String pem) throws Exception {
    List<PublicKey> platform = ((List<?>) town.get("platform_keys")).stream().map(one -> PublicKey.read((String) one)).toList();
    Merchant shop = new Merchant((String) town.get("base"), (String) town.get("mchid"), SigningKey.read(pem), platform);
    String number = "JV-" + suite + "-" + System.nanoTime();
    Map<String, Object> echo = shop.selfTest("麻花".getBytes(StandardCharsets.UTF_8));
    expect("the echo", List.of(echo.get("mchid"), echo.get("length")), List.of(town.get("mchid"), 6L));

    Map<String, Object> order = shop.createOrder(number, "麻花两斤 🥨", PRICE);
    String id = (String) order.get("id");
    expect("the same number again", shop.createOrder(number, "麻花两斤 🥨", PRICE).get("id"), id);
    Problem conflict = refused("conflict", () -> shop.createOrder(number, "麻花两斤 🥨", 1));
    expect("the field", conflict.field().orElse(""), "amount");
    refused("not_found", () -> shop.orderByNumber(number + "-none"));
    expect("the state before", shop.orderByNumber(number).get("state"), "NOTPAY");

    String transaction = pay((String) town.get("payer"), (String) order.get("qr"));
    Map<String, Object> paid = shop.order(id);
    expect("the state after", List.of(paid.get("state"), paid.get("transaction_id")), List.of("SUCCESS", transaction));

    Map<String, Object> refund = shop.refund(number + "-R1", id, BACK, "少一根");
    for (int tries = 0; tries < 100 && refund.get("state").equals("PROCESSING"); tries++) {
      refund = shop.refundById((String) refund.get("id"));
    }
    expect("the refund", refund.get("state"), "SUCCESS");
    refused("refund_exceeds_paid", () -> shop.refund(number + "-R2", id, PRICE, null));

    List<Object> orders = new ArrayList<>();
    shop.orders(Map.of("limit", 1)).forEach(one -> orders.add(one.get("id")));
    expect("each order once, page by page", orders.contains(id) && new HashSet<>(orders).size() == orders.size(), true);
    news(shop, id);
    Map<String, Object> receipt = shop.receipt(transaction);
    Map<?, ?> what = (Map<?, ?>) receipt.get("what");
    expect("the receipt", List.of(what.get("kind"), what.get("transaction_id")), List.of("payment", transaction));
    // This client has no verifier of its own: whoever runs the story checks the receipt.
    System.out.println("receipt " + Json.write(receipt));
  }

  private static void news(Merchant shop, String orderId) {
    TreeSet<Object> heard = new TreeSet<>();
    for (Map<String, Object> event : shop.events(Map.of("delivered", false))) {
      Map<?, ?> resource = (Map<?, ?>) event.get("resource");
      if (orderId.equals(resource.get("id")) || orderId.equals(resource.get("order_id"))) {
        heard.add(event.get("type"));
        expect("acknowledged", shop.acknowledge((String) event.get("id")).containsKey("delivered_at"), true);
      }
    }
    expect("the news", List.copyOf(heard), List.of("order.paid", "refund.succeeded"));
  }

  private static String pay(String payer, String code) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(payer)).POST(HttpRequest.BodyPublishers.ofString(code)).build();
    HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    expect("the payment (" + answer.body() + ")", answer.statusCode(), 200);
    return answer.body();
  }

  /** A delivery of the vectors is opened, and a changed one is not. */
  private static void hear() throws Exception {
    Map<String, Object> vectors = Json.readObject(Files.readString(Path.of("tests/vectors/webhooks.json")));
    Receiver receiver = VectorsTest.receiver(vectors).at(Clock.fixed(Instant.ofEpochSecond((Long) vectors.get("now")), ZoneOffset.UTC));
    Map<?, ?> one = (Map<?, ?>) ((List<?>) vectors.get("deliveries")).get(0);
    Map<?, ?> headers = (Map<?, ?>) one.get("headers");
    String body = (String) one.get("body");
    Notice notice = receiver.open(name -> (String) headers.get(name), body.getBytes(StandardCharsets.UTF_8));
    expect("the state", notice.resource().get("state"), "SUCCESS");
    try {
      byte[] changed = body.replace("\"order.paid\"", "\"order.lost\"").getBytes(StandardCharsets.UTF_8);
      receiver.open(name -> (String) headers.get(name), changed);
    } catch (Refused why) {
      expect("the reason", why.code(), "bad_signature");
      return;
    }
    throw new AssertionError("a changed delivery was believed");
  }
}
