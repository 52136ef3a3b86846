"""Keys of the three suites that servers sign with: Ed25519, SM2 and RSA.

A suite belongs to its key. Ed25519 and RSA are done by the package `cryptography` where it is installed, whose
time does not depend on the key, and otherwise here, in plain Python, whose time does.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets

from . import ed25519, sm2

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding

    NATIVE = True
except ImportError:
    NATIVE = False

ED25519, SM2, RSA = "ED25519", "SM2-WITH-SM3", "SHA256-RSA2048"
_OIDS = {
    bytes.fromhex("06032b6570"): ED25519,
    bytes.fromhex("06092a864886f70d010101"): RSA,
    bytes.fromhex("06072a8648ce3d0201") + bytes.fromhex("06082a811ccf5501822d"): SM2,
}
_SPKI_HEAD = {ED25519: bytes.fromhex("302a300506032b6570032100"), SM2: bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")}
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


class BadKey(ValueError):
    """The key cannot be read."""


def _parts(der):
    """The parts inside a DER structure: tag, content and whole bytes of each."""
    found, at = [], 0
    while at < len(der):
        if at + 2 > len(der):
            raise BadKey("the key is not DER")
        tag, length, begin = der[at], der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 3:
                raise BadKey("the key is not DER")
            length, begin = int.from_bytes(der[begin : begin + count], "big"), begin + count
        if begin + length > len(der):
            raise BadKey("the key is not DER")
        found.append((tag, der[begin : begin + length], der[at : begin + length]))
        at = begin + length
    return found


def _inside(der, tag=0x30):
    """The parts of the one structure that `der` is."""
    parts = _parts(der)
    if len(parts) != 1 or parts[0][0] != tag:
        raise BadKey("the key is not of the expected structure")
    return _parts(parts[0][1])


def _pem(text, label):
    match = re.fullmatch(rf"-----BEGIN {label}-----([A-Za-z0-9+/=\s]+)-----END {label}-----", text.strip())
    try:
        return base64.b64decode("".join(match[1].split()), validate=True)
    except (TypeError, binascii.Error):
        raise BadKey(f"the key is not PEM with the label {label}") from None


def _suite(identifier):
    parts = _parts(identifier)
    for prefix, suite in _OIDS.items():
        if b"".join(whole for _, _, whole in parts).startswith(prefix):
            return suite
    raise BadKey("the key's algorithm is none of Ed25519, SM2 and RSA")


def _integers(der):
    return [int.from_bytes(content, "big") for tag, content, _ in _inside(der) if tag == 2]


def _der(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + content


def _integer(number):
    return _der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _rsa_spki(n, e):
    head = _der(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    return _der(0x30, head + _der(3, b"\0" + _der(0x30, _integer(n) + _integer(e))))


def _serial(spki):
    return hashlib.sha256(spki).hexdigest()[:16]


def _pkcs1(message, size):
    """What RSA signs: the padded digest."""
    info = _SHA256_INFO + hashlib.sha256(message).digest()
    return int.from_bytes(b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info, "big")


def _load(reader, *arguments):
    """A key as the package `cryptography` reads it."""
    try:
        return getattr(serialization, reader)(*arguments)
    except ValueError as error:
        raise BadKey(str(error)) from error


class PublicKey:
    """A public key: the platform's, as the directory shows it."""

    def __init__(self, text):
        """Reads PEM `PUBLIC KEY`, or DER `SubjectPublicKeyInfo` in base64."""
        try:
            der = _pem(text, "PUBLIC KEY") if "-----BEGIN" in text else base64.b64decode(text, validate=True)
        except binascii.Error:
            raise BadKey("the key is neither PEM nor base64") from None
        parts = _inside(der)
        if len(parts) != 2 or parts[1][0] != 3 or parts[1][1][:1] != b"\0":
            raise BadKey("the key is no SubjectPublicKeyInfo")
        self.suite = _suite(parts[0][1])
        self.serial = _serial(der)
        self._raw = parts[1][1][1:]
        if self.suite == SM2 and not sm2.is_point(self._raw):
            raise BadKey("the key is no point on the curve of SM2")
        if self.suite == RSA:
            self._n, self._e = _integers(self._raw)
            if not 2048 <= self._n.bit_length() <= 8192 or self._e < 3:
                raise BadKey("RSA needs a modulus of 2048 to 8192 bits")
        self._native = _load("load_der_public_key", der) if NATIVE and self.suite != SM2 else None

    def verify(self, message, signature):
        """Whether `signature` signs `message` under this key."""
        if self.suite == SM2:
            return sm2.verify(self._raw, message, signature)
        return self._verify_native(message, signature) if self._native else self.verify_plain(message, signature)

    def _verify_native(self, message, signature):
        how = () if self.suite == ED25519 else (padding.PKCS1v15(), hashes.SHA256())
        try:
            self._native.verify(signature, message, *how)
            return True
        except InvalidSignature:
            return False

    def verify_plain(self, message, signature):
        """The same by the code of this package alone."""
        if self.suite == ED25519:
            return ed25519.verify(self._raw, message, signature)
        size = (self._n.bit_length() + 7) // 8
        number = int.from_bytes(signature, "big")
        if len(signature) != size or number >= self._n:
            return False
        return pow(number, self._e, self._n) == _pkcs1(message, size)


class SigningKey:
    """A secret key: yours."""

    def __init__(self, pem):
        """Reads an unencrypted PKCS#8 key, PEM label `PRIVATE KEY`."""
        der = _pem(pem, "PRIVATE KEY")
        parts = _inside(der)
        if len(parts) < 3 or parts[2][0] != 4:
            raise BadKey("the key is no PKCS#8 structure")
        self.suite = _suite(parts[1][1])
        self.serial = _serial(self._read(parts[2][1]))
        self._native = _load("load_der_private_key", der, None) if NATIVE and self.suite != SM2 else None

    def _read(self, wrapped):
        """Keeps the secret; the public half's canonical form."""
        if self.suite == RSA:
            _, self._n, self._e, self._d, *_ = _integers(wrapped)
            return _rsa_spki(self._n, self._e)
        inner = _parts(wrapped)[0][1] if self.suite == ED25519 else _inside(wrapped)[1][1]
        if len(inner) != 32:
            raise BadKey("the secret has not 32 bytes")
        self._secret = inner
        try:
            self._public = (ed25519 if self.suite == ED25519 else sm2).public_of(inner)
            return _SPKI_HEAD[self.suite] + self._public
        except ValueError as error:
            raise BadKey(str(error)) from None

    def sign(self, message):
        """64 bytes for Ed25519 and SM2, as many as the modulus has for RSA."""
        if self.suite == SM2:
            return sm2.sign(self._secret, message, public=self._public)
        if self._native is None:
            return self.sign_plain(message)
        how = () if self.suite == ED25519 else (padding.PKCS1v15(), hashes.SHA256())
        return self._native.sign(message, *how)

    def sign_plain(self, message):
        """The same by the code of this package alone."""
        if self.suite == ED25519:
            return ed25519.sign(self._secret, message)
        size = (self._n.bit_length() + 7) // 8
        # Blinded, so that the time says nothing of the secret exponent and this message together.
        blind = secrets.randbelow(self._n - 2) + 2
        padded = _pkcs1(message, size)
        signed = pow(padded * pow(blind, self._e, self._n), self._d, self._n) * pow(blind, -1, self._n) % self._n
        if pow(signed, self._e, self._n) != padded:
            raise ArithmeticError("the RSA signature went wrong; nothing was signed")
        return signed.to_bytes(size, "big")


def hmac_sha256(secret, message):
    """HMAC-SHA-256."""
    return hmac.new(secret, message, hashlib.sha256).digest()
