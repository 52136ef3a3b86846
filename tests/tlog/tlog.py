"""A transparency log, checked from the specifications alone.

Written from C2SP signed-note, tlog-checkpoint, tlog-tiles and tlog-cosignature, from RFC 6962 and RFC
9162, and from the project's own docs/reference/receipt.md. It shares no code with the project. Standard
library only; Ed25519 goes through `cryptography` where that is installed.
"""

import base64
import hashlib
import urllib.error
import urllib.request

import sm

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    def ed25519_verify(key, message, signature):
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
            return True
        except (InvalidSignature, ValueError):
            return False

except ImportError:
    from ed25519 import verify as ed25519_verify

DASH = "\u2014"
SM2_TYPE = b"\xffjialing.sm2"


class Refused(Exception):
    """What was checked does not hold; the message says why."""


def ensure(holds, otherwise):
    if not holds:
        raise Refused(otherwise)


def unbase64(text, length=None):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(f"not base64: {text[:60]}") from None
    ensure(length is None or len(data) == length, f"not {length} bytes: {text[:60]}")
    return data


def sha256(data):
    return hashlib.sha256(data).digest()


class Key:
    """A verifier key, `name+hash+base64(type || key)`."""

    def __init__(self, text):
        name, hashed, typed = text.strip().split("+", 2)
        typed = unbase64(typed)
        self.name, self.text = name, text.strip()
        self.id = sha256(name.encode() + b"\n" + typed)[:4]
        ensure(self.id.hex() == hashed, f"the hash in the key of {name} is not that of the key")
        if typed.startswith(SM2_TYPE) and len(typed) == len(SM2_TYPE) + 65:
            self.kind, self.key, self.hash = "sm2", typed[len(SM2_TYPE):], sm.sm3
        elif typed[0] in (1, 4) and len(typed) == 33:
            self.kind, self.key, self.hash = {1: "ed25519", 4: "cosignature"}[typed[0]], typed[1:], sha256
        else:
            raise Refused(f"the key of {name} is of an unknown type")

    def verify(self, text, signature):
        message = text.encode()
        if self.kind == "sm2":
            return sm.verify(self.key, message, signature)
        if self.kind == "ed25519":
            return ed25519_verify(self.key, message, signature)
        if len(signature) != 72:
            return False
        time = int.from_bytes(signature[:8], "big")
        return ed25519_verify(self.key, f"cosignature/v1\ntime {time}\n".encode() + message, signature[8:])


class Checkpoint:
    """A signed note whose text is a log's origin, size and root."""

    def __init__(self, note, log, witnesses=(), need=0):
        split = note.rfind("\n\n")
        ensure(split >= 0 and note.endswith("\n"), "the checkpoint is not a signed note")
        self.note, self.text = note, note[: split + 1]
        ensure(all(c == "\n" or c >= " " for c in note), "the note holds control characters")
        self.signatures = [self._signature(line) for line in note[split + 2 : -1].split("\n")]
        ensure(self._signed_by(log), "the log's key did not sign the checkpoint")
        keys = {log.key}
        self.cosigned = []
        for witness in witnesses:
            ensure(witness.kind == "cosignature", f"{witness.name} is no witness's key")
            if self._signed_by(witness) and witness.key not in keys:
                keys.add(witness.key)
                self.cosigned.append(witness.name)
        ensure(len(self.cosigned) >= need, f"{len(self.cosigned)} witnesses cosigned, {need} are needed")
        lines = self.text[:-1].split("\n")
        ensure(len(lines) >= 3 and all(lines), "the checkpoint has fewer than three lines, or an empty one")
        self.origin = lines[0]
        ensure(self.origin == log.name, f"the checkpoint is of {self.origin}")
        ensure(lines[1].isdecimal() and str(int(lines[1])) == lines[1], "the size is no plain number")
        self.size, self.root = int(lines[1]), unbase64(lines[2], 32)

    @staticmethod
    def _signature(line):
        parts = line.split(" ")
        ensure(len(parts) == 3 and parts[0] == DASH and parts[1] and "+" not in parts[1], "a signature line")
        blob = unbase64(parts[2])
        ensure(len(blob) > 4, "a signature is missing")
        return parts[1], blob[:4], blob[4:]

    def _signed_by(self, key):
        mine = [s for name, id, s in self.signatures if name == key.name and id == key.id]
        ensure(all(key.verify(self.text, signature) for signature in mine), f"a signature of {key.name} is false")
        return bool(mine)


def leaf_hash(hashing, record):
    return hashing(b"\0" + record)


def node_hash(hashing, left, right):
    return hashing(b"\1" + left + right)


def root_of(hashing, hashes):
    """The root over leaf hashes, RFC 6962 section 2.1."""
    if not hashes:
        return hashing(b"")
    if len(hashes) == 1:
        return hashes[0]
    middle = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(hashing, root_of(hashing, hashes[:middle]), root_of(hashing, hashes[middle:]))


def verify_inclusion(hashing, leaf, index, size, path, root):
    """RFC 9162 section 2.1.3.2."""
    ensure(0 <= index < size, "the index is outside the tree")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        ensure(sn != 0, "the path is too long")
        if fn & 1 or fn == sn:
            r = node_hash(hashing, p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(hashing, r, p)
        fn, sn = fn >> 1, sn >> 1
    ensure(sn == 0, "the path is too short")
    ensure(r == root, "the path does not lead to the root")


def verify_consistency(hashing, first, second, proof, first_root, second_root):
    """RFC 9162 section 2.1.4.2."""
    ensure(first <= second, f"the log went back from {first} to {second} records")
    if first == 0 or first == second:
        ensure(not proof, "a proof where none belongs")
        ensure(first == 0 or first_root == second_root, f"two roots for the same {first} records: a fork")
        return
    proof = list(proof)
    if first & (first - 1) == 0:
        proof.insert(0, first_root)
    ensure(proof, "the proof is empty")
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        ensure(sn != 0, "the proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(hashing, c, fr), node_hash(hashing, c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(hashing, sr, c)
        fn, sn = fn >> 1, sn >> 1
    ensure(sn == 0, "the proof is too short")
    ensure(fr == first_root and sr == second_root, "the log was rewritten: the older root is not in the newer")


def tile_path(level, index, width):
    """`<L>/<N>[.p/<W>]`, as tlog-tiles writes it."""
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return f"{level}/{'/'.join(groups)}" + (f".p/{width}" if width < 256 else "")


class Tiles:
    """The hashes of a log of `size` records, out of its published tiles."""

    def __init__(self, fetch, hashing, size):
        self.fetch, self.hashing, self.size, self.tiles = fetch, hashing, size, {}

    def tile(self, level, index):
        if (level, index) not in self.tiles:
            width = min(256, (self.size >> 8 * level) - 256 * index)
            ensure(width > 0, f"the log of {self.size} records has no tile {level}/{index}")
            data = self.fetch("tile/" + tile_path(level, index, width))
            ensure(len(data) == 32 * width, f"tile {level}/{index} has {len(data)} bytes, not {32 * width}")
            self.tiles[level, index] = [data[at : at + 32] for at in range(0, len(data), 32)]
        return self.tiles[level, index]

    def subtree(self, height, index):
        """The hash over 2**height records, `index` such groups from the left."""
        if height % 8 == 0:
            return self.tile(height // 8, index // 256)[index % 256]
        return node_hash(self.hashing, self.subtree(height - 1, 2 * index), self.subtree(height - 1, 2 * index + 1))

    def range(self, start, end):
        count = end - start
        if count == 0:
            return self.hashing(b"")
        if count & (count - 1) == 0:
            return self.subtree(count.bit_length() - 1, start // count)
        middle = start + (1 << (count - 1).bit_length() - 1)
        return node_hash(self.hashing, self.range(start, middle), self.range(middle, end))

    def path(self, index, start=0, end=None):
        """PATH of RFC 6962 section 2.1.1."""
        end = self.size if end is None else end
        if end - start == 1:
            return []
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            return self.path(index, start, middle) + [self.range(middle, end)]
        return self.path(index, middle, end) + [self.range(start, middle)]

    def proof(self, first, start=0, end=None, whole=True):
        """SUBPROOF of RFC 6962 section 2.1.2."""
        end = self.size if end is None else end
        if first == end:
            return [] if whole else [self.range(start, end)]
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if first <= middle:
            return self.proof(first, start, middle, whole) + [self.range(middle, end)]
        return self.proof(first, middle, end, False) + [self.range(start, middle)]

    def check_all(self):
        """Fetches every tile: each full one must be what the level above says. Returns the leaf hashes."""
        level = 0
        while (count := self.size >> 8 * level) > 0:
            for index in range((count + 255) // 256):
                hashes = self.tile(level, index)
                if len(hashes) == 256:
                    above = self.tile(level + 1, index // 256)[index % 256]
                    ensure(root_of(self.hashing, hashes) == above, f"tile {level}/{index} is not what the level above says")
            level += 1
        return [hash for index in range((self.size + 255) // 256) for hash in self.tile(0, index)]


def fetcher(prefix):
    """Fetches below a log's prefix, and checks what tlog-tiles says of the headers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fetch(path):
        try:
            with opener.open(f"{prefix.rstrip('/')}/{path}", timeout=30) as answer:
                data = answer.read(1 << 20)
                kind, cache = answer.headers["content-type"], answer.headers["cache-control"] or ""
        except urllib.error.HTTPError as error:
            raise Refused(f"{path} answered {error.code}") from None
        if path == "checkpoint":
            ensure(kind == "text/plain; charset=utf-8", f"{path} is {kind}")
            ensure("no-store" in cache or "no-cache" in cache, f"{path} may be cached: {cache}")
        else:
            ensure(kind == "application/octet-stream", f"{path} is {kind}")
            ensure(".p/" in path or "immutable" in cache, f"{path} is full but not cached for long: {cache}")
        return data

    return fetch
