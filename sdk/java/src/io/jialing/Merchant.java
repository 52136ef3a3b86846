package io.jialing;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A shop's server: every call signed, every answer's signature checked, and safe to repeat. Amounts are whole
 * fen; answers are maps as the reference describes them. Safe for many threads.
 */
public final class Merchant {
  /** Problems that come before a signature was accepted, so nobody signs them. Nothing else is believed unsigned. */
  private static final Set<String> BEFORE_THE_GATE =
      Set.of(
          "signature_missing", "signature_invalid", "signature_suite_mismatch", "timestamp_out_of_window", "nonce_reused",
          "key_unknown", "rate_limited", "body_too_large", "headers_too_large", "request_timeout", "method_not_allowed",
          "overloaded", "stopping", "internal", "outcome_unknown");

  private final String base;
  private final String mchid;
  private final SigningKey key;
  private final boolean believesDirectory;
  private volatile Collection<PublicKey> platformKeys;
  private final HttpClient http;
  private Duration timeout = Duration.ofSeconds(15);
  private int tries = 4;
  private long longestWaitS = 5;
  private Clock clock = Clock.systemUTC();
  private Sleeper sleeper = duration -> Thread.sleep(duration.toMillis());

  /** How a client waits before it tries again. */
  @FunctionalInterface
  public interface Sleeper {
    /** Waits so long. */
    void sleep(Duration duration) throws InterruptedException;
  }

  /**
   * A client for the merchant {@code mchid} at the platform {@code base}. {@code platformKeys} are the platform's,
   * pinned; {@link #connect} reads them from the directory instead.
   */
  public Merchant(String base, String mchid, SigningKey key, Collection<PublicKey> platformKeys) {
    this(base, mchid, key, platformKeys, false);
  }

  private Merchant(String base, String mchid, SigningKey key, Collection<PublicKey> platformKeys, boolean believesDirectory) {
    this.base = base.replaceAll("/+$", "");
    this.mchid = mchid;
    this.key = key;
    this.platformKeys = List.copyOf(platformKeys);
    this.believesDirectory = believesDirectory;
    this.http = client();
  }

  /**
   * A client that believes the directory, over the connection there is: at the start, and when an answer is signed by
   * a new key. Pin the keys where that is not trusted.
   */
  public static Merchant connect(String base, String mchid, SigningKey key) {
    return new Merchant(base, mchid, key, directory(base), true);
  }

  /** The keys that sign answers, as the directory shows them. */
  private static List<PublicKey> directory(String base) {
    String asked = "GET /v1/public/keys";
    String address = base.replaceAll("/+$", "") + "/v1/public/keys";
    try {
      HttpRequest request = HttpRequest.newBuilder(URI.create(address)).timeout(Duration.ofSeconds(15)).build();
      String body = client().send(request, HttpResponse.BodyHandlers.ofString()).body();
      List<PublicKey> keys = new ArrayList<>();
      for (Object one : (List<?>) Json.readObject(body).getOrDefault("answers", List.of())) {
        Map<?, ?> entry = (Map<?, ?>) one;
        if (Suite.of((String) entry.get("suite")).isPresent()) {
          keys.add(PublicKey.read((String) entry.get("public_key")));
        }
      }
      return keys;
    } catch (IOException noAnswer) {
      throw new OutcomeUnknown(asked, noAnswer);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new OutcomeUnknown(asked, stopped);
    } catch (IllegalArgumentException | ClassCastException strange) {
      throw new Unacceptable(asked, String.valueOf(strange.getMessage()));
    }
  }

  private static HttpClient client() {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .connectTimeout(Duration.ofSeconds(10))
        .followRedirects(HttpClient.Redirect.NEVER)
        .build();
  }

  /** With other patience: the time for one try, tries in all, and the longest {@code Retry-After} waited for. */
  public Merchant patient(Duration forOneTry, int triesInAll, long longestWaitSeconds) {
    timeout = forOneTry;
    tries = triesInAll;
    longestWaitS = longestWaitSeconds;
    return this;
  }

  /** With another clock and another way to wait, for tests. */
  public Merchant at(Clock other, Sleeper waits) {
    clock = other;
    sleeper = waits;
    return this;
  }

  /** The merchant's id. */
  public String id() {
    return mchid;
  }

  /** Reads the directory again, for what is signed by a key of later; pinned keys stay. */
  public Collection<PublicKey> renewKeys() {
    if (believesDirectory) {
      platformKeys = List.copyOf(directory(base));
    }
    return platformKeys;
  }

  /** The platform's keys: those pinned, or those of the directory. Pin them. */
  public Collection<PublicKey> platformKeys() {
    return platformKeys;
  }

  /** Whole fen as money: {@code fen(1250)} is 12.50 yuan. */
  public static Map<String, Object> fen(long amount) {
    Map<String, Object> money = new LinkedHashMap<>();
    money.put("amount", amount);
    money.put("currency", "CNY");
    return money;
  }

  // Orders.

  /** Creates an order of {@code amount} fen. The same number with the same content answers the order there is. */
  public Map<String, Object> createOrder(String outTradeNo, String description, long amount) {
    Map<String, Object> ask = new LinkedHashMap<>();
    ask.put("out_trade_no", outTradeNo);
    ask.put("description", description);
    ask.put("amount", fen(amount));
    return createOrder(ask);
  }

  /**
   * Creates an order from all its members. When the answer is lost, it is asked for by {@code out_trade_no} before
   * it is sent again.
   */
  public Map<String, Object> createOrder(Map<String, Object> ask) {
    return numbered("/v1/merchant/orders", ask, () -> orderByNumber((String) ask.get("out_trade_no")));
  }

  /** An order by its id. */
  public Map<String, Object> order(String orderId) {
    return get("/v1/merchant/orders/" + quoted(orderId));
  }

  /** An order by your own number: the way to learn what became of a lost answer. */
  public Map<String, Object> orderByNumber(String outTradeNo) {
    return get("/v1/merchant/orders/out-trade-no/" + quoted(outTradeNo));
  }

  /** Your orders, newest first, read page by page as far as you go. */
  public Iterable<Map<String, Object>> orders(Map<String, ?> query) {
    return list("/v1/merchant/orders", query);
  }

  /** Closes an unpaid order. Done again, it changes nothing. */
  public Map<String, Object> closeOrder(String orderId) {
    return call("POST", "/v1/merchant/orders/" + quoted(orderId) + "/close", null, null);
  }

  // Refunds.

  /** Gives back {@code amount} fen of an order. Look at {@code state} in the answer. */
  public Map<String, Object> refund(String outRefundNo, String orderId, long amount, String reason) {
    Map<String, Object> ask = new LinkedHashMap<>();
    ask.put("out_refund_no", outRefundNo);
    ask.put("order_id", orderId);
    ask.put("amount", fen(amount));
    if (reason != null) {
      ask.put("reason", reason);
    }
    return refund(ask);
  }

  /** Asks for a refund from all its members. */
  public Map<String, Object> refund(Map<String, Object> ask) {
    return numbered("/v1/merchant/refunds", ask, () -> refundByNumber((String) ask.get("out_refund_no")));
  }

  /** A refund by its id. */
  public Map<String, Object> refundById(String refundId) {
    return get("/v1/merchant/refunds/" + quoted(refundId));
  }

  /** A refund by your own number. */
  public Map<String, Object> refundByNumber(String outRefundNo) {
    return get("/v1/merchant/refunds/out-refund-no/" + quoted(outRefundNo));
  }

  /** Your refunds, newest first, read page by page as far as you go. */
  public Iterable<Map<String, Object>> refunds(Map<String, ?> query) {
    return list("/v1/merchant/refunds", query);
  }

  /** Tries an {@code ABNORMAL} refund again. */
  public Map<String, Object> retryRefund(String refundId) {
    return call("POST", "/v1/merchant/refunds/" + quoted(refundId) + "/retry", null, null);
  }

  // The rest.

  /** What the platform has to tell, newest first. */
  public Iterable<Map<String, Object>> events(Map<String, ?> query) {
    return list("/v1/merchant/events", query);
  }

  /** Says that an event was dealt with. */
  public Map<String, Object> acknowledge(String eventId) {
    return call("POST", "/v1/merchant/events/" + quoted(eventId) + "/ack", null, null);
  }

  /** The receipt of a transaction. */
  public Map<String, Object> receipt(String transactionId) {
    return get("/v1/merchant/receipts/" + quoted(transactionId));
  }

  /** Tests your signature and the platform's: what you send is described in a signed answer. */
  public Map<String, Object> selfTest(byte[] body) {
    return post("/v1/merchant/security/echo", body, "application/octet-stream");
  }

  /** Any operation that takes bytes, such as a file: sent as they are. */
  public Map<String, Object> post(String target, byte[] body, String contentType) {
    return send(new Call("POST", target, body, contentType, null), null, this::read);
  }

  /** Any file. Files are not signed: compare them with the digest in an answer that is. */
  public byte[] file(String target) {
    return send(new Call("GET", target, new byte[0], null, null), null, (asked, response) -> checked(asked, response, false));
  }

  /** Any read. {@code target} is the path with its query. */
  public Map<String, Object> get(String target) {
    return call("GET", target, null, null);
  }

  /**
   * Any operation of the API. {@code body} is sent as JSON, null for none. Writes without a number of yours take
   * an {@code idempotencyKey} made before the first try ({@link Signatures#nonce}); null for the others.
   */
  public Map<String, Object> call(String method, String target, Map<String, Object> body, String idempotencyKey) {
    byte[] bytes = body == null ? new byte[0] : Bytes.utf8(Json.write(body));
    return send(new Call(method, target, bytes, body == null ? null : "application/json", idempotencyKey), null, this::read);
  }

  private Map<String, Object> numbered(String path, Map<String, Object> ask, Supplier<Map<String, Object>> query) {
    // Another amount under the same number: let the platform itself say what is in conflict.
    Supplier<Optional<Map<String, Object>>> lost =
        () -> Optional.of(query.get()).filter(found -> Json.write(found.get("amount")).equals(Json.write(sorted(ask))));
    return send(new Call("POST", path, Bytes.utf8(Json.write(ask)), "application/json", null), lost, this::read);
  }

  private static Map<String, Object> sorted(Map<String, Object> ask) {
    Map<?, ?> money = (Map<?, ?>) ask.get("amount");
    Map<String, Object> sorted = new LinkedHashMap<>();
    sorted.put("amount", money.get("amount"));
    sorted.put("currency", money.get("currency"));
    return sorted;
  }

  private record Call(String method, String target, byte[] body, String contentType, String idempotencyKey) {
    String asked() {
      return method + " " + target.split("\\?", 2)[0];
    }
  }

  private <T> T send(Call call, Supplier<Optional<T>> lost, BiFunction<String, HttpResponse<byte[]>, T> reads) {
    for (int attempt = 1; ; attempt++) {
      try {
        return reads.apply(call.asked(), once(call));
      } catch (OutcomeUnknown | Problem error) {
        long wait = patience(error, attempt);
        if (attempt >= tries || wait < 0 || wait > longestWaitS) {
          throw error;
        }
        pause(call, Duration.ofMillis(1000 * wait + 100L * attempt));
        Optional<T> found = error instanceof OutcomeUnknown && lost != null ? ask(lost) : Optional.empty();
        if (found.isPresent()) {
          return found.get();
        }
      }
    }
  }

  /** Seconds to wait before another try; negative when there is to be none. */
  private static long patience(JialingException error, int attempt) {
    if (error instanceof Problem problem) {
      return problem.retryable() ? problem.retryAfter().orElse(1) : -1;
    }
    return attempt / 2;
  }

  private static <T> Optional<T> ask(Supplier<Optional<T>> lost) {
    try {
      return lost.get();
    } catch (JialingException notKnown) {
      return Optional.empty();
    }
  }

  private void pause(Call call, Duration duration) {
    try {
      sleeper.sleep(duration);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new OutcomeUnknown(call.asked(), stopped);
    }
  }

  private HttpResponse<byte[]> once(Call call) {
    long now = clock.instant().getEpochSecond();
    String authorization =
        Signatures.authorize(key, mchid, call.method(), call.target(), call.body(), now, Signatures.nonce());
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + call.target()))
            .timeout(timeout)
            .header("authorization", authorization)
            .method(call.method(), HttpRequest.BodyPublishers.ofByteArray(call.body()));
    if (call.contentType() != null) {
      request.header("content-type", call.contentType());
    }
    if (call.idempotencyKey() != null) {
      request.header("idempotency-key", call.idempotencyKey());
    }
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException noAnswer) {
      throw new OutcomeUnknown(call.asked(), noAnswer);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      throw new OutcomeUnknown(call.asked(), stopped);
    }
  }

  private Map<String, Object> read(String asked, HttpResponse<byte[]> response) {
    byte[] body = checked(asked, response, true);
    if (body.length == 0) {
      return Map.of();
    }
    return json(body).orElseThrow(() -> new Unacceptable(asked, "it is not JSON"));
  }

  /** The body of a success, once its signature was looked at. */
  private byte[] checked(String asked, HttpResponse<byte[]> response, boolean mustBeSigned) {
    byte[] body = response.body();
    long now = clock.instant().getEpochSecond();
    Function<String, String> header = name -> response.headers().firstValue(name).orElse(null);
    Optional<Signatures.Fault> fault = Signatures.check(header, body, platformKeys, now, Signatures.WINDOW_S);
    if (believesDirectory && fault.equals(Optional.of(Signatures.Fault.UNKNOWN_KEY))) {
      fault = Signatures.check(header, body, renewKeys(), now, Signatures.WINDOW_S);
    }
    if (fault.isPresent() && fault.get() != Signatures.Fault.UNSIGNED) {
      throw new Unacceptable(asked, "its signature is " + fault.get().code());
    }
    if (response.statusCode() < 200 || response.statusCode() > 299) {
      throw failure(asked, response, fault.isEmpty());
    }
    if (fault.isPresent() && mustBeSigned) {
      throw new Unacceptable(asked, "it is not signed");
    }
    return body;
  }

  private static JialingException failure(String asked, HttpResponse<byte[]> response, boolean signed) {
    Map<String, Object> problem = json(response.body()).orElse(Map.of());
    if (!(problem.get("code") instanceof String code)) {
      String why = "status " + response.statusCode() + " without a problem";
      return response.statusCode() >= 500 ? new OutcomeUnknown(asked, new IOException(why)) : new Unacceptable(asked, why);
    }
    if (!signed && !BEFORE_THE_GATE.contains(code)) {
      return new Unacceptable(asked, "it says " + code + " and is not signed");
    }
    Optional<String> after = response.headers().firstValue("retry-after").filter(text -> text.matches("[0-9]{1,9}"));
    after.ifPresent(seconds -> problem.putIfAbsent("retry_after", Long.valueOf(seconds)));
    return new Problem(problem, signed, asked);
  }

  private static Optional<Map<String, Object>> json(byte[] body) {
    try {
      return Optional.of(Json.readObject(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString()));
    } catch (CharacterCodingException | Json.NotJsonException notJson) {
      return Optional.empty();
    }
  }

  /** The items of any list, read page by page as far as you go. */
  public Iterable<Map<String, Object>> list(String path, Map<String, ?> query) {
    return () -> new Pages(path, query);
  }

  private final class Pages implements Iterator<Map<String, Object>> {
    private final String path;
    private final Map<String, Object> query = new LinkedHashMap<>(Map.of("limit", 100));
    private final ArrayDeque<Map<String, Object>> items = new ArrayDeque<>();
    private boolean more = true;

    Pages(String path, Map<String, ?> query) {
      this.path = path;
      this.query.putAll(query);
    }

    @Override
    @SuppressWarnings("unchecked")
    public boolean hasNext() {
      if (items.isEmpty() && more) {
        Map<String, Object> page = get(path + "?" + encoded(query));
        ((List<Object>) page.get("items")).forEach(item -> items.add((Map<String, Object>) item));
        more = Boolean.TRUE.equals(page.get("has_more")) && !items.isEmpty();
        if (more) {
          Map<String, Object> last = items.getLast();
          query.put("after", Objects.requireNonNullElse(last.get("id"), last.get("token")));
        }
      }
      return !items.isEmpty();
    }

    @Override
    public Map<String, Object> next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return items.remove();
    }
  }

  private static String encoded(Map<String, ?> query) {
    List<String> pairs = new ArrayList<>();
    query.forEach((name, value) -> pairs.add(encoded(name) + "=" + encoded(String.valueOf(value))));
    return String.join("&", pairs);
  }

  /** Percent-encoded so that nothing on the way writes it in another form: what is signed is what is sent. */
  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A");
  }

  private static String quoted(String part) {
    if (part == null || part.isEmpty() || part.equals(".") || part.equals("..")) {
      throw new IllegalArgumentException("a part of the path cannot be empty or dots alone");
    }
    return encoded(part);
  }
}
