"""The client against a platform of few words: it answers as it is told, signed or not, and keeps what it was asked."""

import base64
import http.server
import json
import pathlib
import sys
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk/python"))

from jialing import Merchant, OutcomeUnknown, Problem, SigningKey, Unacceptable, answer_text, fen, idempotency_key

KEYS = json.loads((ROOT / "tests/vectors/signatures.json").read_text("utf-8"))["keys"]
PLATFORM, STRANGER = SigningKey(KEYS["ED25519"]["private_key"]), SigningKey(KEYS["SHA256-RSA2048"]["private_key"])
ORDER = {"id": "ord_1", "out_trade_no": "A-1", "state": "NOTPAY", "amount": fen(1250)}
LOST = None


def reply(status=200, body=None, signer=PLATFORM, at=None, headers=None):
    return {"status": status, "body": body, "signer": signer, "at": at, "headers": headers or {}}


def problem(status, code, signer=PLATFORM, **more):
    told = {"type": "", "title": code, "status": status, "code": code, "detail": "It is so.", "request_id": "req_1", "retryable": False, **more}
    return reply(status, told, signer)


class Platform(http.server.BaseHTTPRequestHandler):
    replies, asked = [], []

    def log_message(self, *_):
        pass

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.asked.append((f"{self.command} {self.path}", self.headers, body.decode()))
        told = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if told is LOST:
            self.close_connection = True
            return
        text = told["body"].encode() if isinstance(told["body"], str) else json.dumps(told["body"]).encode()
        self.send_response(told["status"])
        signer, at = told["signer"], str(told["at"] or int(time.time()))
        if signer:
            nonce = "0123456789abcdef0123456789abcdef"
            signature = base64.b64encode(signer.sign(answer_text(at, nonce, text))).decode()
            for name, value in (("timestamp", at), ("nonce", nonce), ("serial", signer.serial), ("signature", signature), ("signature-type", signer.suite)):
                self.send_header(f"Jialing-{name}", value)
        for name, value in told["headers"].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _serve


class Client(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Platform)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def shop(self, *replies):
        Platform.replies, Platform.asked, self.waits = list(replies), [], []
        return Merchant(self.base, "mch_1", KEYS["ED25519"]["private_key"], [KEYS["ED25519"]["public_key"]], sleep=self.waits.append)

    def lines(self):
        return [line for line, _, _ in Platform.asked]

    def order(self, shop):
        return shop.create_order("A-1", "小面", 1250)

    def test_a_signed_answer_is_taken_and_a_forged_stale_or_unsigned_one_is_not(self):
        self.assertEqual(self.order(self.shop(reply(201, ORDER))), ORDER)
        line, headers, body = Platform.asked[0]
        self.assertTrue(headers["authorization"].startswith('JIALING1-ED25519 mchid="mch_1",serial_no="'))
        self.assertEqual(body, '{"out_trade_no":"A-1","description":"小面","amount":{"amount":1250,"currency":"CNY"}}')
        cases = [
            (reply(200, ORDER, signer=None), "not signed"),
            (reply(200, ORDER, signer=STRANGER), "unknown_key"),
            (reply(200, ORDER, at=int(time.time()) - 302), "stale"),
            (reply(200, "not JSON"), "not JSON"),
            (problem(404, "not_found", signer=None), "not_found and is not signed"),
            (reply(302, "elsewhere", headers={"Location": "/v1/elsewhere"}), "status 302"),
        ]
        for told, why in cases:
            with self.assertRaisesRegex(Unacceptable, why):
                self.order(self.shop(told))
            self.assertEqual(len(Platform.asked), 1, "a lie is not asked for again")

    def test_a_problem_tells_its_code_its_field_and_whether_it_was_signed(self):
        with self.assertRaises(Problem) as caught:
            self.order(self.shop(problem(409, "conflict", field="amount")))
        told = caught.exception
        self.assertEqual((told.code, told.status, told.field, told.request_id, told.signed), ("conflict", 409, "amount", "req_1", True))
        with self.assertRaises(Problem) as caught:
            self.shop(problem(401, "signature_invalid", signer=None)).order("ord_1")
        self.assertFalse(caught.exception.signed)

    def test_a_lost_answer_is_asked_for_by_its_number_before_anything_is_sent_again(self):
        self.assertEqual(self.order(self.shop(LOST, reply(200, ORDER))), ORDER)
        self.assertEqual(self.lines(), ["POST /v1/merchant/orders", "GET /v1/merchant/orders/out-trade-no/A-1"])

    def test_what_is_not_known_under_its_number_is_sent_again_and_another_amount_is_refused(self):
        self.assertEqual(self.order(self.shop(LOST, problem(404, "not_found"), reply(201, ORDER))), ORDER)
        first, _, third = Platform.asked
        self.assertEqual((first[0], first[2]), (third[0], third[2]))
        self.assertNotEqual(first[1]["authorization"], third[1]["authorization"])
        with self.assertRaises(Problem):
            self.order(self.shop(LOST, reply(200, {**ORDER, "amount": fen(1)}), problem(409, "conflict")))

    def test_an_outcome_that_stays_unknown_is_said_to_be_unknown(self):
        with self.assertRaisesRegex(OutcomeUnknown, "POST /v1/merchant/refunds.*unknown"):
            self.shop(LOST).refund("R-1", 1, order_id="ord_1")
        self.assertEqual(self.lines().count("POST /v1/merchant/refunds"), 4)
        with self.assertRaises(OutcomeUnknown):
            self.shop(reply(502, "<html>", signer=None)).order("ord_1")

    def test_patience_that_is_asked_for_is_given_up_to_a_limit(self):
        busy = problem(429, "rate_limited", signer=None, retryable=True, retry_after=2)
        self.assertEqual(self.shop(busy, reply(200, ORDER)).order("ord_1"), ORDER)
        self.assertEqual(self.waits, [2.1])
        with self.assertRaises(Problem) as caught:
            self.shop(problem(503, "overloaded", retryable=True, retry_after=60)).order("ord_1")
        self.assertEqual((caught.exception.retry_after, len(Platform.asked)), (60, 1))

    def test_a_list_is_read_page_by_page_as_far_as_one_goes(self):
        def page(more, *ids):
            return reply(200, {"items": [{"id": one} for one in ids], "has_more": more})

        shop = self.shop(page(True, "ord_3", "ord_2"), page(False, "ord_1"))
        self.assertEqual([one["id"] for one in shop.orders(state="SUCCESS")], ["ord_3", "ord_2", "ord_1"])
        first = "GET /v1/merchant/orders?limit=100&state=SUCCESS"
        self.assertEqual(self.lines(), [first, first + "&after=ord_2"])
        self.assertEqual(next(self.shop(page(True, "evt_2", "evt_1")).events(delivered=False))["id"], "evt_2")
        self.assertEqual(self.lines(), ["GET /v1/merchant/events?limit=100&delivered=false"])

    def test_what_is_signed_is_what_is_sent_whatever_a_number_holds(self):
        shop = self.shop(reply(200, ORDER))
        shop.order_by_number("A|1*(b)'!:.")
        self.assertEqual(self.lines(), ["GET /v1/merchant/orders/out-trade-no/A%7C1%2A%28b%29%27%21%3A."])
        for dots in ("", ".", ".."):
            with self.assertRaises(ValueError):
                shop.order_by_number(dots)

    def test_a_write_without_a_number_of_yours_keeps_its_idempotency_key(self):
        key = idempotency_key()
        self.shop(LOST, reply(202, {"id": "exp_1"})).call("POST", "/v1/merchant/exports", body={}, idempotency_key=key)
        self.assertEqual([headers["idempotency-key"] for _, headers, _ in Platform.asked], [key, key])

    def test_a_body_goes_as_json_or_as_it_is_and_a_file_comes_unsigned(self):
        shop = self.shop(reply(200, ORDER))
        shop.self_test(b"hello")
        shop.call("POST", "/v1/merchant/payouts/files", body=b"a,b\n", content_type="text/csv")
        self.order(shop)
        shop.close_order("ord_1")
        types = [headers["content-type"] for _, headers, _ in Platform.asked]
        self.assertEqual(types, ["application/octet-stream", "text/csv", "application/json", None])
        self.assertEqual(self.shop(reply(200, "a,b\n", signer=None)).call("GET", "/v1/merchant/exports/exp_1/file", signed=False), b"a,b\n")

    def test_without_pinned_keys_the_directory_is_read(self):
        Platform.asked = []
        answers = [{"suite": "ED25519", "public_key": KEYS["ED25519"]["public_key"]}, {"suite": "ES256", "public_key": ""}]
        Platform.replies = [reply(200, {"answers": answers}, signer=None), reply(200, ORDER)]
        self.assertEqual(Merchant(self.base + "/", "mch_1", KEYS["ED25519"]["private_key"]).order("ord_1"), ORDER)
        self.assertEqual(self.lines(), ["GET /v1/public/keys", "GET /v1/merchant/orders/ord_1"])

    def test_a_key_of_later_is_looked_for_in_the_directory(self):
        def directory(*suites):
            return reply(200, {"answers": [{"suite": one, "public_key": KEYS[one]["public_key"]} for one in suites]}, signer=None)

        Platform.asked = []
        later = reply(200, ORDER, signer=STRANGER)
        Platform.replies = [directory("ED25519"), later, directory("ED25519", "SHA256-RSA2048"), later, directory("ED25519")]
        shop = Merchant(self.base, "mch_1", KEYS["ED25519"]["private_key"])
        self.assertEqual([shop.order("ord_1"), shop.order("ord_1")], [ORDER, ORDER])
        keys, order = "GET /v1/public/keys", "GET /v1/merchant/orders/ord_1"
        self.assertEqual(self.lines(), [keys, order, keys, order])
        self.assertEqual([key.serial for key in shop.renew_keys()], [PLATFORM.serial])
        with self.assertRaises(Unacceptable):
            self.shop(later).order("ord_1")


if __name__ == "__main__":
    unittest.main()
