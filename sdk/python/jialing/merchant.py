"""A shop's server: every call signed, every answer's signature checked, and safe to repeat."""

import http.client
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request

from .errors import OutcomeUnknown, Problem, Unacceptable
from .keys import ED25519, RSA, SM2, PublicKey, SigningKey
from .signature import authorize, check_answer

# Problems that come before a signature was accepted, so nobody signs them. Nothing else is believed unsigned.
_BEFORE_THE_GATE = frozenset(
    (
        "signature_missing signature_invalid signature_suite_mismatch timestamp_out_of_window nonce_reused key_unknown "
        "rate_limited body_too_large headers_too_large request_timeout method_not_allowed overloaded stopping internal "
        "outcome_unknown"
    ).split()
)
# The largest answer that is read, bytes.
_LONGEST = 64 << 20


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: what is signed is meant for this address."""

    def redirect_request(self, *_):
        return None


def fen(amount):
    """Whole fen as money: `fen(1250)` is 12.50 yuan."""
    return {"amount": amount, "currency": "CNY"}


def _quoted(value):
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError("a part of the path cannot be empty or dots alone")
    return urllib.parse.quote(text, safe="")


def _target(path, query=None):
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urllib.parse.urlencode(given, quote_via=urllib.parse.quote, safe='')}" if given else path


class Merchant:
    """A merchant's client. Amounts are whole fen; answers are dictionaries as the reference describes them."""

    def __init__(self, base, mchid, key, platform_keys=None, *, timeout_s=15, tries=4, longest_wait_s=5, now=time.time, sleep=time.sleep):
        """`key` is your secret key, PKCS#8 PEM (or a `SigningKey`). `platform_keys` are the platform's, pinned:
        PEM, base64 or `PublicKey`; without them the directory is read, over the connection there is, and believed: at the
        start, and when an answer is signed by a new key. `tries` counts all of them; a longer `Retry-After` than `longest_wait_s` is handed to you."""
        self.base = base.rstrip("/")
        self.mchid = mchid
        self._key = key if isinstance(key, SigningKey) else SigningKey(key)
        self._open = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({})).open
        self._timeout_s, self._tries, self._longest_wait_s = timeout_s, tries, longest_wait_s
        self._now, self._sleep = now, sleep
        self._pinned = platform_keys is not None
        self.platform_keys = [one if isinstance(one, PublicKey) else PublicKey(one) for one in platform_keys or ()]
        self.renew_keys()

    def renew_keys(self):
        """Reads the directory again, for what is signed by a key of later; pinned keys stay."""
        if not self._pinned:
            self.platform_keys = [PublicKey(one) for one in self._directory()]
        return self.platform_keys

    def _directory(self):
        """The keys that sign answers, as the directory shows them."""
        try:
            with self._open(f"{self.base}/v1/public/keys", timeout=self._timeout_s) as response:
                answers = json.loads(response.read(_LONGEST))["answers"]
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            raise Unacceptable("GET /v1/public/keys", str(error)) from error
        return [one["public_key"] for one in answers if one["suite"] in (ED25519, SM2, RSA)]

    def call(self, method, path, *, query=None, body=None, idempotency_key=None, lost=None, signed=True, content_type=None):
        """Any operation of the API. `body` is sent as JSON, or as it is when it is bytes (`content_type` says what
        they are). Exports and other
        writes without a number of yours take an `idempotency_key`: make it before the first try. `lost` is asked
        what became of the call when its answer was lost; None when nothing is known. `signed=False` is for
        files alone, whose digest is in an answer that is signed."""
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        usual = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {} if body is None else {"content-type": content_type or usual}
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._once(method, _target(path, query), sent, headers, signed)
            except (OutcomeUnknown, Problem) as error:
                wait = self._patience(error, attempt)
                if attempt >= self._tries or wait is None or wait > self._longest_wait_s:
                    raise
                self._sleep(wait + 0.1 * attempt)
                found = self._ask(lost) if isinstance(error, OutcomeUnknown) and lost else None
                if found is not None:
                    return found

    @staticmethod
    def _patience(error, attempt):
        """Seconds to wait before another try; None when there is to be none."""
        if isinstance(error, OutcomeUnknown):
            return attempt // 2
        return (error.retry_after or 1) if error.retryable else None

    @staticmethod
    def _ask(lost):
        try:
            return lost()
        except (Problem, OutcomeUnknown, Unacceptable):
            return None

    def _once(self, method, target, body, headers, signed):
        asked = f"{method} {target.partition('?')[0]}"
        headers = {**headers, "authorization": authorize(self._key, self.mchid, method, target, body, int(self._now()))}
        request = urllib.request.Request(self.base + target, data=body if headers.get("content-type") else None, headers=headers, method=method)
        try:
            with self._open(request, timeout=self._timeout_s) as response:
                status, got, answer = response.status, response.headers, response.read(_LONGEST)
        except urllib.error.HTTPError as error:
            status, got = error.code, error.headers
            try:
                answer = error.read(_LONGEST)
            except (OSError, http.client.HTTPException) as torn:
                raise OutcomeUnknown(asked, torn) from torn
        except (OSError, http.client.HTTPException) as error:
            raise OutcomeUnknown(asked, error) from error
        return self._read(asked, status, got, answer, signed)

    def _read(self, asked, status, headers, body, must_be_signed):
        fault = check_answer(headers.get, body, self.platform_keys, int(self._now()))
        if fault == "unknown_key" and not self._pinned:
            fault = check_answer(headers.get, body, self.renew_keys(), int(self._now()))
        if fault not in (None, "unsigned"):
            raise Unacceptable(asked, f"its signature is {fault}")
        if not 200 <= status < 300:
            raise self._failure(asked, status, headers, body, fault is None)
        if not must_be_signed:
            return body
        if fault is not None:
            raise Unacceptable(asked, "it is not signed")
        return self._json(asked, body) if body else None

    def _failure(self, asked, status, headers, body, signed):
        try:
            problem = self._json(asked, body)
        except Unacceptable:
            problem = None
        if not isinstance(problem, dict) or not isinstance(problem.get("code"), str):
            why = f"status {status} without a problem"
            return OutcomeUnknown(asked, why) if status >= 500 else Unacceptable(asked, why)
        if not signed and problem["code"] not in _BEFORE_THE_GATE:
            return Unacceptable(asked, f"it says {problem['code']} and is not signed")
        after = headers.get("retry-after") or ""
        if "retry_after" not in problem and after.isascii() and after.isdigit():
            problem["retry_after"] = int(after)
        return Problem(problem, signed, asked)

    @staticmethod
    def _json(asked, body):
        try:
            return json.loads(body)
        except (UnicodeDecodeError, ValueError):
            raise Unacceptable(asked, "it is not JSON") from None

    def pages(self, path, **query):
        """The pages of any list, as they come."""
        query = {"limit": 100, **query}
        while True:
            page = self.call("GET", path, query=query)
            yield page["items"]
            if not page["has_more"] or not page["items"]:
                return
            last = page["items"][-1]
            query["after"] = last.get("id") or last["token"]

    def items(self, path, **query):
        """The items of any list, read page by page as far as you go."""
        for page in self.pages(path, **query):
            yield from page

    # Orders.

    def create_order(self, out_trade_no, description, amount, **more):
        """Creates an order of `amount` fen. The same number with the same content answers the order there is.
        When the answer is lost, it is asked for by the number before it is sent again."""
        ask = {"out_trade_no": out_trade_no, "description": description, "amount": fen(amount), **more}
        return self._numbered("/v1/merchant/orders", ask, lambda: self.order_by_number(out_trade_no))

    def order(self, order_id):
        """An order by its id."""
        return self.call("GET", f"/v1/merchant/orders/{_quoted(order_id)}")

    def order_by_number(self, out_trade_no):
        """An order by your own number: the way to learn what became of a lost answer."""
        return self.call("GET", f"/v1/merchant/orders/out-trade-no/{_quoted(out_trade_no)}")

    def orders(self, **query):
        """Your orders, newest first."""
        return self.items("/v1/merchant/orders", **query)

    def close_order(self, order_id):
        """Closes an unpaid order. Done again, it changes nothing."""
        return self.call("POST", f"/v1/merchant/orders/{_quoted(order_id)}/close")

    # Refunds.

    def refund(self, out_refund_no, amount, *, order_id=None, out_trade_no=None, **more):
        """Gives back `amount` fen of an order. Look at `state` in the answer."""
        named = {"order_id": order_id} if order_id else {"out_trade_no": out_trade_no}
        ask = {"out_refund_no": out_refund_no, "amount": fen(amount), **named, **more}
        return self._numbered("/v1/merchant/refunds", ask, lambda: self.refund_by_number(out_refund_no))

    def refund_by_id(self, refund_id):
        """A refund by its id."""
        return self.call("GET", f"/v1/merchant/refunds/{_quoted(refund_id)}")

    def refund_by_number(self, out_refund_no):
        """A refund by your own number."""
        return self.call("GET", f"/v1/merchant/refunds/out-refund-no/{_quoted(out_refund_no)}")

    def refunds(self, **query):
        """Your refunds, newest first."""
        return self.items("/v1/merchant/refunds", **query)

    def retry_refund(self, refund_id):
        """Tries an `ABNORMAL` refund again."""
        return self.call("POST", f"/v1/merchant/refunds/{_quoted(refund_id)}/retry")

    def _numbered(self, path, ask, query):
        def lost():
            found = query()
            # Another amount under the same number: let the platform itself say what is in conflict.
            return found if found["amount"] == ask["amount"] else None

        return self.call("POST", path, body=ask, lost=lost)

    # The rest.

    def events(self, **query):
        """What the platform has to tell, newest first; `delivered=False` for what you have not acknowledged."""
        return self.items("/v1/merchant/events", **query)

    def acknowledge(self, event_id):
        """Says that an event was dealt with."""
        return self.call("POST", f"/v1/merchant/events/{_quoted(event_id)}/ack")

    def transactions(self, **query):
        """The movements of your wallet, newest first."""
        return self.items("/v1/merchant/transactions", **query)

    def receipt(self, transaction_id):
        """The receipt of a transaction."""
        return self.call("GET", f"/v1/merchant/receipts/{_quoted(transaction_id)}")

    def self_test(self, body=b"hello"):
        """Tests your signature and the platform's: what you send is described in a signed answer."""
        return self.call("POST", "/v1/merchant/security/echo", body=body)


def idempotency_key():
    """A key to make before the first try of a write that has no number of yours."""
    return secrets.token_hex(16)
