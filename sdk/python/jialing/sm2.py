"""SM2 signatures, GB/T 32918.2-2016 on the curve of GB/T 32918.5-2017.

Python's integers take a time that depends on their value: whoever can measure it closely, such as other
programs on the same machine, may learn something of the key. The nonce is blinded against the simplest of
that. Where it matters, sign in a device made for it.
"""

import secrets

from .sm3 import sm3

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
USER_ID = b"1234567812345678"


def _double(point):
    """Jacobian coordinates; z = 0 is the point at infinity."""
    x, y, z = point
    if z == 0:
        return point
    yy = y * y % P
    s = 4 * x * yy % P
    zz = z * z % P
    m = 3 * (x - zz) * (x + zz) % P
    x3 = (m * m - 2 * s) % P
    return (x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P)


def _add(p, q):
    if p[2] == 0:
        return q
    if q[2] == 0:
        return p
    pz, qz = p[2] * p[2] % P, q[2] * q[2] % P
    u1, u2 = p[0] * qz % P, q[0] * pz % P
    s1, s2 = p[1] * qz * q[2] % P, q[1] * pz * p[2] % P
    if u1 == u2:
        return _double(p) if s1 == s2 else (1, 1, 0)
    h, r = (u2 - u1) % P, (s2 - s1) % P
    hh = h * h % P
    v = u1 * hh % P
    x3 = (r * r - h * hh - 2 * v) % P
    return (x3, (r * (v - x3) - s1 * h * hh) % P, h * p[2] * q[2] % P)


def _times(scalar, point):
    total = (1, 1, 0)
    step = (*point, 1)
    while scalar:
        if scalar & 1:
            total = _add(total, step)
        step = _double(step)
        scalar >>= 1
    return total


def _affine(point):
    inverse = pow(point[2], -1, P)
    square = inverse * inverse % P
    return point[0] * square % P, point[1] * square * inverse % P


def _word(number):
    return number.to_bytes(32, "big")


def _point(public):
    """The coordinates of an uncompressed point on the curve; None for anything else."""
    if len(public) != 65 or public[0] != 4:
        return None
    x, y = int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
    if x >= P or y >= P or (y * y - (x * x * x + A * x + B)) % P:
        return None
    return x, y


def is_point(public):
    """Whether the bytes are an uncompressed point on the curve."""
    return _point(public) is not None


def _digest(point, message, user_id):
    z = sm3((8 * len(user_id)).to_bytes(2, "big") + user_id + b"".join(map(_word, (A, B, *G, *point))))
    return int.from_bytes(sm3(z + message), "big")


def public_of(secret):
    """The public point (0x04, x, y) of a secret of 32 bytes."""
    d = int.from_bytes(secret, "big")
    if len(secret) != 32 or not 0 < d < N - 1:
        raise ValueError("not an SM2 secret key")
    return b"\x04" + b"".join(map(_word, _affine(_times(d, G))))


def verify(public, message, signature, user_id=USER_ID):
    """Whether `signature` (r and s, 32 bytes each) signs `message` under `public` (0x04, x, y)."""
    key = _point(public)
    if key is None or len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    t = (r + s) % N
    if not (0 < r < N and 0 < s < N) or t == 0:
        return False
    point = _add(_times(s, G), _times(t, key))
    return point[2] != 0 and (_digest(key, message, user_id) + _affine(point)[0]) % N == r


def _chance():
    return secrets.randbelow(N - 1) + 1


def sign(secret, message, user_id=USER_ID, public=None, draw=_chance):
    """r and s, 32 bytes each. `public` is the secret's point, made anew unless given; `draw` gives the nonces:
    leave it out."""
    public = _point(public or public_of(secret))
    d = int.from_bytes(secret, "big")
    e = _digest(public, message, user_id)
    while True:
        k = draw()
        # A multiple of the group's order changes the steps that are taken, and not where they lead.
        x = _affine(_times(k + N * (secrets.randbits(64) + 1), G))[0]
        r = (e + x) % N
        if r == 0 or r + k == N:
            continue
        s = pow(1 + d, -1, N) * (k - r * d) % N
        if s:
            return _word(r) + _word(s)
