"""The vectors that every client is tested with: by `cryptography` where it is installed, and always by the code
of the package alone."""

import base64
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "sdk/python"))

from jialing import BadKey, Newest, PublicKey, Receiver, Refused, SigningKey, answer_text, authorize, check_answer, request_text, sign_standard
from jialing import ed25519, sm2
from jialing.gcm import Gcm, Sm4
from jialing.sm3 import plain_sm3, sm3
from jialing.webhook import open_parcel


def read(name):
    return json.loads((ROOT / f"tests/vectors/{name}.json").read_text("utf-8"))


SIGNATURES, PARCELS, WEBHOOKS = read("signatures"), read("parcels"), read("webhooks")
SECRETS = {suite: SigningKey(key["private_key"]) for suite, key in SIGNATURES["keys"].items()}
PLATFORM = [PublicKey(key["public_key"]) for key in SIGNATURES["keys"].values()]
NOW = SIGNATURES["requests"][0]["timestamp"]
unhex = bytes.fromhex


def verifies(key, plain, message, signature):
    return key.verify_plain(message, signature) if plain and key.suite != "SM2-WITH-SM3" else key.verify(message, signature)


def request_holds(one, plain):
    """As the platform checks a request."""
    scheme, _, rest = one["authorization"].partition(" ")
    fields = dict(part.rstrip('"').split('="', 1) for part in rest.split(","))
    key = next(key for key in PLATFORM if key.serial == fields["serial_no"])
    text = request_text(one["method"], one["target"], fields["timestamp"], fields["nonce_str"], one["body"].encode())
    signature = base64.b64decode(fields["signature"])
    return scheme == f"JIALING1-{key.suite}" and verifies(key, plain, text, signature)


class Signatures(unittest.TestCase):
    def test_a_keys_serial_and_suite_are_those_it_is_registered_under(self):
        for suite, key in SIGNATURES["keys"].items():
            self.assertEqual((SECRETS[suite].suite, SECRETS[suite].serial), (suite, key["serial_no"]))
            self.assertTrue(any((one.suite, one.serial) == (suite, key["serial_no"]) for one in PLATFORM))

    def test_the_signed_requests_of_the_vectors_hold_and_the_others_do_not(self):
        self.assertGreaterEqual(len(SIGNATURES["requests"]), 12)
        self.assertGreaterEqual(len(SIGNATURES["refused_requests"]), 28)
        for plain in (False, True):
            for one in SIGNATURES["requests"]:
                text = request_text(one["method"], one["target"], one["timestamp"], one["nonce"], one["body"].encode())
                self.assertEqual(text.decode(), one["text"])
                self.assertTrue(request_holds(one, plain), one)
            for one in SIGNATURES["refused_requests"]:
                self.assertFalse(request_holds(one, plain), (one["suite"], one["why"], plain))

    def test_a_suite_without_chance_signs_as_the_vectors_do_and_sm2_so_that_it_verifies(self):
        for one in SIGNATURES["requests"]:
            key = SECRETS[one["suite"]]
            made = authorize(key, one["mchid"], one["method"], one["target"], one["body"].encode(), one["timestamp"], one["nonce"])
            if one["suite"] == "SM2-WITH-SM3":
                self.assertTrue(request_holds({**one, "authorization": made}, True))
            else:
                self.assertEqual(made, one["authorization"])
                plain = base64.b64encode(key.sign_plain(one["text"].encode())).decode()
                self.assertIn(f'signature="{plain}"', one["authorization"])

    def test_the_signature_of_the_sm2_standard_comes_out_under_its_nonce(self):
        standard = SIGNATURES["sm2_standard"]
        secret, point, message = unhex(standard["private"]), unhex(standard["public"]), standard["message"].encode()
        self.assertEqual(sm2.public_of(secret), point)
        self.assertEqual(sm2.sign(secret, message, draw=lambda: int(standard["k"], 16)).hex(), standard["signature"])
        self.assertTrue(sm2.verify(point, message, unhex(standard["signature"])))
        self.assertNotEqual(sm2.sign(secret, message), sm2.sign(secret, message))
        for bad in (bytes(32), b"\xff" * 32, b"\1"):
            with self.assertRaises(ValueError):
                sm2.public_of(bad)

    def test_the_signed_answers_of_the_vectors_hold_and_the_others_do_not(self):
        def check(one, now=NOW):
            return check_answer(one["headers"].get, one["body"].encode(), PLATFORM, now)

        self.assertGreaterEqual(len(SIGNATURES["answers"]), 9)
        self.assertGreaterEqual(len(SIGNATURES["refused_answers"]), 21)
        for one in SIGNATURES["answers"]:
            headers = one["headers"]
            self.assertEqual(answer_text(headers["jialing-timestamp"], headers["jialing-nonce"], one["body"].encode()).decode(), one["text"])
            self.assertIsNone(check(one))
            self.assertIsNone(check(one, NOW - 300))
            self.assertEqual(check(one, NOW - 301), "stale")
            self.assertEqual(check({**one, "headers": {}}), "unsigned")
        for one in SIGNATURES["refused_answers"]:
            expect = "unknown_key" if one["why"] == "a key that is not the platform's" else "bad_signature"
            self.assertEqual(check(one), expect, (one["suite"], one["why"]))

    def test_what_is_no_key_of_a_known_suite_is_refused(self):
        pem, spki = SIGNATURES["keys"]["ED25519"]["private_key"], SIGNATURES["keys"]["ED25519"]["public_key"]
        for bad in ("", "x", spki, pem.replace("PRIVATE", "PUBLIC"), pem.replace("MC4C", "MC4D"), pem[:60]):
            with self.assertRaises(BadKey, msg=bad[:30]):
                SigningKey(bad)
        for bad in ("", "AAAA", pem, spki[4:], base64.b64encode(base64.b64decode(spki)[:-1]).decode()):
            with self.assertRaises(BadKey, msg=bad[:30]):
                PublicKey(bad)

    def test_ed25519_refuses_points_of_small_order(self):
        neutral = (1).to_bytes(32, "little")
        self.assertFalse(ed25519.verify(neutral, b"anything", neutral + bytes(32)))


class Parcels(unittest.TestCase):
    def test_the_parcels_of_the_vectors_open_and_the_others_do_not(self):
        self.assertGreaterEqual(len(PARCELS["parcels"]), 8)
        self.assertGreaterEqual(len(PARCELS["refused"]), 18)
        for plain in (False, True):
            for one in PARCELS["parcels"]:
                opened = open_parcel(base64.b64decode(one["key"]), one["parcel"], "evt_1", plain)
                self.assertEqual(opened.decode(), one["plain"])
            for one in PARCELS["refused"]:
                opened = open_parcel(base64.b64decode(one["key"]), one["parcel"], one["associated_data"], plain)
                self.assertIsNone(opened, (one["why"], plain))

    def test_sm4_gcm_is_that_of_rfc_8998_and_sm3_that_of_the_standard(self):
        one = {name: unhex(value) for name, value in PARCELS["sm4_gcm_standard"].items() if name != "about"}
        gcm = Gcm(Sm4(one["key"]))
        self.assertEqual(gcm.seal(one["nonce"], one["plain"], one["associated_data"]), one["ciphertext"])
        self.assertEqual(gcm.open(one["nonce"], one["ciphertext"], one["associated_data"]), one["plain"])
        expect = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        self.assertEqual((sm3(b"abc").hex(), plain_sm3(b"abc").hex()), (expect, expect))


API_KEYS = {key["id"]: key["key"] for key in WEBHOOKS["api_keys"]}
PLATFORM_KEYS = [PublicKey(key["public_key"]) for key in WEBHOOKS["platform_keys"]]


def receiver(*secrets, **options):
    return Receiver(*secrets, **{"api_keys": API_KEYS, "now": lambda: WEBHOOKS["now"], **options})


def named(name):
    return next(one for one in WEBHOOKS["deliveries"] if one["name"] == name)


class Webhooks(unittest.TestCase):
    def refusal(self, receiver, one):
        try:
            receiver.open(one["headers"], one["body"].encode())
        except Refused as refused:
            return refused.code
        return None

    def test_deliveries_of_the_vectors_are_opened_and_the_others_refused_for_their_reason(self):
        self.assertGreaterEqual(len(WEBHOOKS["deliveries"]), 13)
        self.assertGreaterEqual(len(WEBHOOKS["refused"]), 26)
        everything = receiver(*WEBHOOKS["secrets"], platform_keys=PLATFORM_KEYS)
        for one in WEBHOOKS["deliveries"]:
            expect = {**WEBHOOKS["event"], "resource": None, "href": one["href"]} if "href" in one else WEBHOOKS["event"]
            self.assertEqual(everything.open(one["headers"], one["body"].encode()), expect, one["name"])
        for one in WEBHOOKS["refused"]:
            self.assertEqual(self.refusal(everything, one), one["why"], one["name"])

    def test_a_receiver_believes_what_it_has_a_key_for_and_nothing_else(self):
        secret, sent = WEBHOOKS["secrets"][0], named("as sent, SM2 and SM4-GCM")
        self.assertIsNone(self.refusal(receiver(secret), sent))
        self.assertEqual(self.refusal(receiver(secret), named("the platform's own form alone")), "unsigned")
        self.assertEqual(self.refusal(receiver(secret), named("v1a alone")), "unsigned")
        self.assertEqual(self.refusal(receiver(secret, window_s=299), named("as old as it may be")), "stale")
        self.assertEqual(self.refusal(receiver(secret, api_keys={}), sent), "does_not_open")
        self.assertEqual(self.refusal(receiver(), sent), "unsigned")
        self.assertIsNone(self.refusal(receiver(platform_keys=PLATFORM_KEYS), named("to an order's notify_url, which has no secret")))
        for bad in ("", "whsec_", "whsec_!", "whsec_c2hvcnQ="):
            with self.assertRaises(ValueError, msg=bad):
                receiver(bad)
        with self.assertRaises(ValueError):
            receiver(api_keys={"apk_1": "c2hvcnQ="})

    def test_a_test_of_your_own_receiver_can_sign_as_the_platform_does(self):
        one = named("v1 alone")
        made = sign_standard(WEBHOOKS["secrets"][0], WEBHOOKS["event"]["id"], one["headers"]["webhook-timestamp"], one["body"].encode())
        self.assertEqual(made, one["headers"]["webhook-signature"])

    def test_of_two_versions_of_an_object_the_higher_is_newer_in_whatever_order_they_come(self):
        newest = Newest()
        steps = [("ord_1", 2, True), ("ord_1", 1, False), ("ord_1", 2, False), ("ord_2", 1, True), ("ord_1", 3, True)]
        for object_id, version, expect in steps:
            self.assertEqual(newest.take(object_id, version), expect, (object_id, version))


if __name__ == "__main__":
    unittest.main()
