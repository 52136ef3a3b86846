"""The Python client of Jialing for shops' servers: orders, refunds, webhooks.

It needs nothing but Python 3.9. Where the package `cryptography` is installed, Ed25519, RSA and AES are done by
it; SM2, SM3 and SM4 are always done here, after the standards. docs/guides/python-client.md shows the way.
"""

from .errors import JialingError, OutcomeUnknown, Problem, Unacceptable
from .keys import BadKey, PublicKey, SigningKey
from .merchant import Merchant, fen, idempotency_key
from .signature import answer_text, authorize, check_answer, request_text
from .webhook import Newest, Receiver, Refused, sign_standard

__all__ = [
    "BadKey", "JialingError", "Merchant", "Newest", "OutcomeUnknown", "Problem", "PublicKey", "Receiver", "Refused",
    "SigningKey", "Unacceptable", "answer_text", "authorize", "check_answer", "fen", "idempotency_key", "request_text",
    "sign_standard",
]
