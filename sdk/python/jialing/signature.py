"""Signatures on HTTP: requests in one header, answers and deliveries in five.

The bytes are signed as they travel, never as parsed JSON. The format is docs/guides/signing-requests.md.
"""

import base64
import binascii
import re
import secrets
import time

# Seconds that a timestamp may lie before or after ours.
WINDOW_S = 300


def request_text(method, target, timestamp, nonce, body):
    """The text that a request's signature covers. `target` is the path with its query, as sent."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_text(timestamp, nonce, body):
    """The text that the signature of an answer or a delivery covers."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def authorize(key, mchid, method, target, body=b"", timestamp=None, nonce=None):
    """The value of the `Authorization` header."""
    timestamp = int(time.time()) if timestamp is None else timestamp
    nonce = secrets.token_hex(16) if nonce is None else nonce
    signature = base64.b64encode(key.sign(request_text(method, target, timestamp, nonce, body))).decode()
    return (
        f'JIALING1-{key.suite} mchid="{mchid}",serial_no="{key.serial}",timestamp="{timestamp}",'
        f'nonce_str="{nonce}",signature="{signature}"'
    )


def check_answer(header, body, keys, now, window_s=WINDOW_S):
    """Checks the five headers over `body` as received at `now` (Unix seconds).

    `header` looks one up by its name in lower case. None when all is well; otherwise `unsigned`,
    `bad_signature`, `unknown_key` or `stale`.
    """
    signature = header("jialing-signature")
    if signature is None:
        return "unsigned"
    timestamp, nonce = header("jialing-timestamp") or "", header("jialing-nonce")
    try:
        signature = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return "bad_signature"
    if not re.fullmatch(r"[1-9][0-9]{0,11}", timestamp, re.ASCII) or not nonce or not header("jialing-serial"):
        return "bad_signature"
    key = next((one for one in keys if one.serial == header("jialing-serial")), None)
    if key is None:
        return "unknown_key"
    if header("jialing-signature-type") != key.suite or not key.verify(answer_text(timestamp, nonce, body), signature):
        return "bad_signature"
    return None if abs(now - int(timestamp)) <= window_s else "stale"
