"""Webhooks: a delivery is checked, opened, and told apart from one that came before.

A delivery carries two forms of signature over the same body: the platform's own (`jialing-…`, by a key of its
directory) and that of Standard Webhooks (`webhook-…`, `v1` by the endpoint's secret, `v1a` by an Ed25519 key).
Every form that is there and that can be checked must hold, and at least one must: nothing is gained by adding
or removing headers. The object inside is sealed under the merchant's API key.
"""

import base64
import binascii
import hmac
import json
import re
import time

from .gcm import Aes256, Gcm, Sm4
from .keys import ED25519, NATIVE, hmac_sha256
from .signature import WINDOW_S, check_answer

if NATIVE:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_TEXTS = {
    "unsigned": "the delivery carries no signature that this receiver can check",
    "bad_signature": "a signature of the delivery does not fit",
    "unknown_key": "the delivery is signed by a key that this receiver does not know",
    "stale": "the delivery's time is outside the window",
    "not_an_envelope": "the delivery is not an envelope",
    "does_not_open": "what is sealed in the delivery does not open",
}
_KEY_LENGTH = {"AES-256-GCM": 32, "SM4-GCM": 16}
_MEMBERS = {"id": str, "type": str, "created_at": str, "api_version": str, "object_version": int, "resource": dict}


class Refused(Exception):
    """A delivery that is not believed, with the reason in `code`: answer 4xx and take nothing from it."""

    def __init__(self, code):
        super().__init__(_TEXTS[code])
        self.code = code


def _base64(text):
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None


def _secret(text):
    secret = _base64(text[6:]) if text.startswith("whsec_") else None
    if secret is None or len(secret) < 24:
        raise ValueError("an endpoint's secret looks like whsec_ and at least 24 bytes in base64")
    return secret


def _api_key(key_id, text):
    key = _base64(text)
    if key is None or len(key) not in (16, 32):
        raise ValueError(f"the API key {key_id} is not 32 bytes in base64, nor 16")
    return key


def open_parcel(key, parcel, associated_data, plain_code=False):
    """What is sealed in a parcel that belongs to `associated_data`; None if anything differs.

    AES is done by the package `cryptography` where it is installed, unless `plain_code` is asked for.
    """
    nonce, sealed = _base64(parcel.get("nonce")), _base64(parcel.get("ciphertext"))
    if _KEY_LENGTH.get(parcel.get("algorithm")) != len(key) or parcel.get("associated_data") != associated_data:
        return None
    if nonce is None or len(nonce) != 12 or sealed is None:
        return None
    associated = associated_data.encode()
    if len(key) == 16:
        return Gcm(Sm4(key)).open(nonce, sealed, associated)
    if not NATIVE or plain_code:
        return Gcm(Aes256(key)).open(nonce, sealed, associated)
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except InvalidTag:
        return None


def sign_standard(secret, message_id, timestamp, body):
    """The `webhook-signature` of a body under an endpoint's secret: for tests of your own receiver."""
    tag = hmac_sha256(_secret(secret), f"{message_id}.{timestamp}.".encode() + body)
    return "v1," + base64.b64encode(tag).decode()


class Receiver:
    """Checks and opens deliveries to one endpoint."""

    def __init__(self, *secrets, api_keys=None, platform_keys=(), window_s=WINDOW_S, now=time.time):
        """`secrets`: the endpoint's secret, `whsec_…`; while it is changed over, both; an order's `notify_url`
        has none. `api_keys`: your API keys by their ids. `platform_keys`: the platform's `PublicKey`s, pinned;
        without them the secret alone is believed."""
        self._secrets = [_secret(secret) for secret in secrets]
        self._api_keys = {key_id: _api_key(key_id, key) for key_id, key in (api_keys or {}).items()}
        self._keys = list(platform_keys)
        self._window_s = window_s
        self._now = now

    def open(self, headers, body):
        """Checks a delivery, whose `body` is the bytes as received, and opens it.

        `headers` is anything with `items()`. The event: a dictionary with `id`, `type`, `created_at`,
        `api_version`, `object_version` and `resource`. A merchant without an API key gets None for a resource,
        and where to read it in `href`. Raises `Refused`.
        """
        header = {name.lower(): value for name, value in headers.items()}.get
        now = int(self._now())
        own = self._own_form(header, body, now)
        standard_id = self._standard_form(header, body, now)
        if not own and standard_id is None:
            raise Refused("unsigned")
        event = self._envelope(body)
        if standard_id not in (None, event["id"]):
            raise Refused("not_an_envelope")
        resource = event.pop("resource")
        if resource.get("algorithm") == "NONE":
            return {**event, "resource": None, "href": resource.get("href")}
        key = self._api_keys.get(resource.get("key_id"))
        opened = open_parcel(key, resource, event["id"]) if key else None
        if opened is None:
            raise Refused("does_not_open")
        return {**event, "resource": self._json(opened)}

    def _own_form(self, header, body, now):
        fault = check_answer(header, body, self._keys, now, self._window_s) if self._keys else "unsigned"
        if fault not in (None, "unsigned"):
            raise Refused(fault)
        return fault is None

    def _standard_form(self, header, body, now):
        """The id that the Standard Webhooks signature covers, where that is there."""
        signatures = header("webhook-signature")
        if signatures is None:
            return None
        message_id, at = header("webhook-id"), header("webhook-timestamp") or ""
        if not message_id or not re.fullmatch(r"[0-9]{1,12}", at, re.ASCII):
            raise Refused("bad_signature")
        text = f"{message_id}.{at}.".encode() + body
        checked = [fits for fits in (self._fits(one, text) for one in signatures.split(" ")) if fits is not None]
        if not checked:
            return None
        if not any(checked):
            raise Refused("bad_signature")
        if abs(now - int(at)) > self._window_s:
            raise Refused("stale")
        return message_id

    def _fits(self, signature, text):
        """Whether one part of the signature fits; None where this receiver has no key to tell."""
        version, _, tag = signature.partition(",")
        tag = _base64(tag) or b""
        if version == "v1" and self._secrets:
            return any([hmac.compare_digest(hmac_sha256(secret, text), tag) for secret in self._secrets])
        keys = [key for key in self._keys if key.suite == ED25519]
        return any(key.verify(text, tag) for key in keys) if version == "v1a" and keys else None

    @staticmethod
    def _json(data):
        try:
            return json.loads(data)
        except (UnicodeDecodeError, ValueError):
            raise Refused("not_an_envelope") from None

    def _envelope(self, body):
        event = self._json(body)
        whole = isinstance(event, dict) and all(isinstance(event.get(name), kind) for name, kind in _MEMBERS.items())
        if not whole or isinstance(event["object_version"], bool):
            raise Refused("not_an_envelope")
        return event


class Newest:
    """Which version of each object was seen: the rule by which deliveries are put in order.

    In memory; a server keeps the version beside the object in its database and updates only where it grows.
    """

    def __init__(self):
        self._seen = {}

    def take(self, object_id, version):
        """Whether this version of the object is newer than all seen before; then it is remembered."""
        if self._seen.get(object_id, version - 1) >= version:
            return False
        self._seen[object_id] = version
        return True
