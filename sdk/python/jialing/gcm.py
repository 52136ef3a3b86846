"""Galois/Counter Mode over a block cipher (NIST SP 800-38D), and the two ciphers: AES-256 (FIPS 197) and SM4
(GB/T 32907-2016, RFC 8998).

Tables are looked up in memory and the integers are Python's, so this is not constant-time against whoever
runs code on the same machine. It opens deliveries of a few kilobytes in milliseconds; it is not made for bulk.
"""

import hmac

_SM4_SBOX = bytes.fromhex(
    "d690e9fecce13db716b614c228fb2c052b679a762abe04c3aa441326498606999c4250f491ef987a33540b43edcfac62"
    "e4b31ca9c908e89580df94fa758f3fa64707a7fcf37317ba83593c19e6854fa8686b81b27164da8bf8eb0f4b70569d35"
    "1e240e5e6358d1a225227c3b01217887d40046579fd327524c3602e7a0c4c89eeabf8ad240c738b5a3f7f2cef96115a1"
    "e0ae5da49b341a55ad933230f58cb1e31df6e22e8266ca60c02923ab0d534e6fd5db3745defd8e2f03ff6a726d6c5b51"
    "8d1baf92bbddbc7f11d95c411f105ad80ac13188a5cd7bbd2d74d012b8e5b4b08969974a0c96777e65b9f109c56ec684"
    "18f07dec3adc4d2079ee5f3ed7cb3948"
)
_SM4_SYSTEM = (0xA3B1BAC6, 0x56AA3350, 0x677D9197, 0xB27022DC)
_MASK = 0xFFFFFFFF


def _rol(value, by):
    return (value << by | value >> (32 - by)) & _MASK


class Sm4:
    """SM4 with one key of 16 bytes."""

    def __init__(self, key):
        if len(key) != 16:
            raise ValueError("an SM4 key has 16 bytes")
        words = [int.from_bytes(key[4 * i : 4 * i + 4], "big") ^ _SM4_SYSTEM[i] for i in range(4)]
        for i in range(32):
            constant = int.from_bytes(bytes((4 * i + j) * 7 & 255 for j in range(4)), "big")
            t = self._substitute(words[i + 1] ^ words[i + 2] ^ words[i + 3] ^ constant)
            words.append(words[i] ^ t ^ _rol(t, 13) ^ _rol(t, 23))
        self._keys = words[4:]

    @staticmethod
    def _substitute(word):
        return int.from_bytes(bytes(_SM4_SBOX[byte] for byte in word.to_bytes(4, "big")), "big")

    def block(self, data):
        """Encrypts 16 bytes."""
        a, b, c, d = (int.from_bytes(data[4 * i : 4 * i + 4], "big") for i in range(4))
        for key in self._keys:
            t = self._substitute(b ^ c ^ d ^ key)
            a, b, c, d = b, c, d, a ^ t ^ _rol(t, 2) ^ _rol(t, 10) ^ _rol(t, 18) ^ _rol(t, 24)
        return b"".join(word.to_bytes(4, "big") for word in (d, c, b, a))


def _double(byte):
    return byte << 1 ^ (0x11B if byte & 0x80 else 0)


def _aes_sbox():
    """The S-box: the inverse in AES's field, then an affine map."""
    table, p, q = [0] * 256, 1, 1
    while True:
        p = _double(p) ^ p
        for shift in (1, 2, 4):
            q ^= q << shift
        q &= 255
        if q & 0x80:
            q ^= 0x09
        rotated = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        table[p] = (rotated & 255) ^ 0x63
        if p == 1:
            table[0] = 0x63
            return bytes(table)


_AES_SBOX = _aes_sbox()
# Where each byte comes from when the rows are shifted.
_AES_SHIFT = tuple((i + 4 * (i % 4)) % 16 for i in range(16))


class Aes256:
    """AES with one key of 32 bytes."""

    def __init__(self, key):
        if len(key) != 32:
            raise ValueError("an AES-256 key has 32 bytes")
        words = [key[4 * i : 4 * i + 4] for i in range(8)]
        constant = 1
        for i in range(8, 60):
            last = words[-1]
            if i % 8 == 0:
                last = bytes(_AES_SBOX[byte] for byte in last[1:] + last[:1])
                last = bytes([last[0] ^ constant]) + last[1:]
                constant = _double(constant)
            elif i % 8 == 4:
                last = bytes(_AES_SBOX[byte] for byte in last)
            words.append(bytes(x ^ y for x, y in zip(words[i - 8], last)))
        self._keys = [b"".join(words[4 * i : 4 * i + 4]) for i in range(15)]

    def block(self, data):
        """Encrypts 16 bytes."""
        state = bytes(x ^ y for x, y in zip(data, self._keys[0]))
        for round_, key in enumerate(self._keys[1:], 1):
            state = bytes(_AES_SBOX[state[i]] for i in _AES_SHIFT)
            if round_ < 14:
                state = self._mix(state)
            state = bytes(x ^ y for x, y in zip(state, key))
        return state

    @staticmethod
    def _mix(state):
        out = bytearray(16)
        for column in range(0, 16, 4):
            a, b, c, d = state[column : column + 4]
            every = a ^ b ^ c ^ d
            out[column] = a ^ every ^ _double(a ^ b)
            out[column + 1] = b ^ every ^ _double(b ^ c)
            out[column + 2] = c ^ every ^ _double(c ^ d)
            out[column + 3] = d ^ every ^ _double(d ^ a)
        return bytes(out)


def _multiply(x, y):
    """Two blocks in GCM's field."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (0xE1 << 120) if y & 1 else y >> 1
    return product


class Gcm:
    """GCM with a nonce of 12 bytes and a tag of 16."""

    def __init__(self, cipher):
        self._cipher = cipher
        self._h = int.from_bytes(cipher.block(bytes(16)), "big")

    def _mask(self, nonce, data):
        out = bytearray()
        for at in range(0, len(data), 16):
            stream = self._cipher.block(nonce + (2 + at // 16).to_bytes(4, "big"))
            out += bytes(x ^ y for x, y in zip(data[at : at + 16], stream))
        return bytes(out)

    def _tag(self, nonce, associated, ciphertext):
        lengths = (8 * len(associated)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
        state = 0
        for part in (associated, ciphertext, lengths):
            for at in range(0, len(part), 16):
                block = int.from_bytes(part[at : at + 16].ljust(16, b"\0"), "big")
                state = _multiply(state ^ block, self._h)
        first = int.from_bytes(self._cipher.block(nonce + b"\0\0\0\1"), "big")
        return (state ^ first).to_bytes(16, "big")

    def seal(self, nonce, plain, associated):
        """The ciphertext with its tag after it. Never use a nonce twice with one key."""
        if len(nonce) != 12:
            raise ValueError("the nonce has 12 bytes")
        ciphertext = self._mask(nonce, plain)
        return ciphertext + self._tag(nonce, associated, ciphertext)

    def open(self, nonce, sealed, associated):
        """What was sealed; None if anything differs."""
        if len(nonce) != 12 or len(sealed) < 16:
            return None
        ciphertext, tag = sealed[:-16], sealed[-16:]
        if not hmac.compare_digest(self._tag(nonce, associated, ciphertext), tag):
            return None
        return self._mask(nonce, ciphertext)
