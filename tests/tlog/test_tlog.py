"""The checker itself, against standards, against the vectors that all verifiers share, and against lies.

python3 -m unittest discover -s tests/tlog
"""

import base64
import copy
import hashlib
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import ed25519
import receipt as receipts
import sm
from tlog import Checkpoint, Key, Refused, Tiles, leaf_hash, root_of, sha256, tile_path, verify_consistency, verify_inclusion

VECTORS = pathlib.Path(__file__).parent.parent / "vectors" / "receipts"
SUITES = ("sha256-ed25519", "sm3-sm2")


def read(suite):
    return json.loads((VECTORS / f"{suite}.json").read_text(encoding="utf-8"))


def holds(vectors, receipt, keys, need):
    try:
        receipts.verify(receipt, Key(vectors["ledger"]), [Key(key) for key in keys], need)
        return True
    except (Refused, KeyError, TypeError, ValueError):
        return False


def changed(receipt, pointer, value):
    receipt = copy.deepcopy(receipt)
    *names, last = pointer[1:].split("/")
    place = receipt
    for name in names:
        place = place[name]
    place[last] = value
    return receipt


class Standards(unittest.TestCase):
    def test_sm3_gives_the_digests_of_its_standard(self):
        self.assertEqual(sm.sm3(b"abc").hex(), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")
        self.assertEqual(sm.sm3(b"abcd" * 16).hex(), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732")

    def test_sm2_accepts_the_example_of_its_standard_and_no_change(self):
        key = bytes.fromhex("0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13")
        good = bytes.fromhex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")
        self.assertTrue(sm.verify(key, b"message digest", good))
        self.assertFalse(sm.verify(key, b"message digesu", good))
        self.assertFalse(sm.verify(key, b"message digest", good[:-1] + b"\0"))
        self.assertFalse(sm.verify(key, b"message digest", bytes(64)))

    def test_ed25519_accepts_the_examples_of_rfc_8032_and_no_change(self):
        key = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        good = bytes.fromhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
        self.assertTrue(ed25519.verify(key, b"\x72", good))
        self.assertFalse(ed25519.verify(key, b"\x73", good))
        self.assertFalse(ed25519.verify(key, b"\x72", good[:32] + (int.from_bytes(good[32:], "little") + ed25519.Q).to_bytes(32, "little")))
        self.assertFalse(ed25519.verify(key[:31], b"\x72", good))

    def test_roots_are_those_of_certificate_transparency(self):
        leaves = [leaf_hash(sha256, bytes.fromhex(leaf)) for leaf in ("", "00", "10", "2021", "3031")]
        self.assertEqual(root_of(sha256, leaves[:3]).hex(), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")
        self.assertEqual(root_of(sha256, leaves).hex(), "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")
        self.assertEqual(root_of(sha256, []), sha256(b""))


class Published:
    """A log's tiles in memory."""

    def __init__(self, count, other=None):
        self.leaves = [leaf_hash(sha256, b"another" if n == other else b"record %d" % n) for n in range(count)]

    def root(self, size):
        return root_of(sha256, self.leaves[:size])

    def tiles(self, size):
        def fetch(path):
            for level in range(3):
                span = 256**level
                hashes = [root_of(sha256, self.leaves[at : at + span]) for at in range(0, size // span * span, span)]
                for index in range((len(hashes) + 255) // 256):
                    tile = hashes[256 * index : 256 * index + 256]
                    if path == "tile/" + tile_path(level, index, len(tile)):
                        return b"".join(tile)
            raise Refused(path)

        return Tiles(fetch, sha256, size)


class Trees(unittest.TestCase):
    def test_tiles_are_named_as_the_specification_says(self):
        self.assertEqual(tile_path(0, 1234067, 256), "0/x001/x234/067")
        self.assertEqual(tile_path(1, 3, 17), "1/003.p/17")

    def test_roots_and_proofs_come_out_of_tiles(self):
        log = Published(600)
        for size in (1, 2, 3, 255, 256, 257, 511, 513, 600):
            tiles = log.tiles(size)
            self.assertEqual(tiles.range(0, size), log.root(size))
            self.assertEqual(tiles.check_all(), log.leaves[:size])
            for index in {0, size // 2, size - 1}:
                verify_inclusion(sha256, log.leaves[index], index, size, tiles.path(index), log.root(size))
            for first in {1, size // 2, size - 1, size} - {0}:
                proof = tiles.proof(first) if first < size else []
                verify_consistency(sha256, first, size, proof, log.root(first), log.root(size))

    def test_lies_are_found(self):
        log, forked = Published(600), Published(600, other=3)
        tiles = forked.tiles(600)
        with self.assertRaises(Refused):
            verify_consistency(sha256, 300, 600, tiles.proof(300), log.root(300), forked.root(600))
        with self.assertRaises(Refused):
            verify_consistency(sha256, 300, 300, [], log.root(300), forked.root(300))
        with self.assertRaises(Refused):
            verify_consistency(sha256, 600, 300, [], log.root(600), log.root(300))
        with self.assertRaises(Refused):
            verify_inclusion(sha256, log.leaves[3], 3, 600, tiles.path(3), forked.root(600))
        mixed = log.tiles(600)
        mixed.tile(0, 0)[3] = forked.leaves[3]
        with self.assertRaises(Refused):
            mixed.check_all()


class Vectors(unittest.TestCase):
    def test_every_verifier_says_the_same_of_a_receipt(self):
        for suite in SUITES:
            vectors = read(suite)
            for trust in vectors["trusts"]:
                self.assertEqual(holds(vectors, vectors["receipt"], trust["witnesses"], trust["need"]), trust["holds"], (suite, trust))
            self.assertFalse(holds({"ledger": vectors["stranger"]}, vectors["receipt"], [], 0))
            one = vectors["trusts"][1]["witnesses"]
            self.assertTrue(holds(vectors, vectors["false_cosignature"], [], 0))
            self.assertFalse(holds(vectors, vectors["false_cosignature"], one, 0))

    def test_every_changed_field_is_found(self):
        for suite in SUITES:
            vectors = read(suite)
            self.assertGreaterEqual(len(vectors["changes"]), 25)
            for change in vectors["changes"]:
                self.assertFalse(holds(vectors, changed(vectors["receipt"], change["pointer"], change["value"]), [], 0), (suite, change))

    def test_growth_is_proven_and_a_fork_a_rewriting_and_a_shrinking_are_not(self):
        for suite in SUITES:
            vectors = read(suite)
            log, growth = Key(vectors["ledger"]), vectors["growth"]
            note = {name: Checkpoint(growth[name], log) for name in ("older", "newer", "fork", "rewritten")}
            good, rewritten = ([base64.b64decode(hash) for hash in growth[name]] for name in ("proof", "rewritten_proof"))

            def check(older, newer, proof):
                a, b = note[older], note[newer]
                verify_consistency(log.hash, a.size, b.size, proof, a.root, b.root)

            check("older", "newer", good)
            check("fork", "rewritten", rewritten)
            for older, newer, proof in (
                ("older", "fork", []), ("older", "rewritten", good), ("older", "rewritten", rewritten),
                ("newer", "older", good), ("older", "newer", good[1:]),
            ):
                with self.assertRaises(Refused, msg=(suite, older, newer)):
                    check(older, newer, proof)
            with self.assertRaises(Refused):
                Checkpoint(growth["newer"], Key(vectors["stranger"]))

    def test_both_ways_to_check_ed25519_agree(self):
        vectors = read("sha256-ed25519")
        log, note = Key(vectors["ledger"]), vectors["growth"]["newer"]
        split = note.rfind("\n\n")
        signature = base64.b64decode(note[split + 2 :].split(" ")[2])[4:]
        message = note[: split + 1].encode()
        self.assertEqual(log.id, hashlib.sha256(log.name.encode() + b"\n\x01" + log.key).digest()[:4])
        self.assertTrue(ed25519.verify(log.key, message, signature))
        self.assertFalse(ed25519.verify(log.key, message + b"x", signature))


if __name__ == "__main__":
    unittest.main()
