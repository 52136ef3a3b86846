"""A receipt, checked from docs/reference/receipt.md alone.

Of a device's signature under P-256 only the digest is checked, under Ed25519 the signature too.
"""

import datetime
import hashlib

from tlog import Checkpoint, Refused, ed25519_verify, ensure, leaf_hash, unbase64, verify_inclusion

ALGORITHMS = {"ed25519": "RFC6962-SHA256+ED25519", "sm2": "RFC6962-SM3+SM2"}
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
KINDS = {
    1: ("issue", "iss"), 2: ("redeem", "iss"), 3: ("top_up", "top"), 4: ("withdrawal", "wdr"), 5: ("payment", "ord"),
    6: ("refund", "ref"), 7: ("transfer", "tra"), 8: ("sweep", "wdr"), 9: ("withdrawal_return", "wdr"),
    11: ("bulk", "blk"), 12: ("payout", "pol"), 13: ("split_freeze", "spf"), 14: ("split", "spm"),
    15: ("split_release", "spm"), 16: ("split_return", "spm"), 17: ("settlement_fee", "set"),
}
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")


def digits(number):
    return "".join(DIGITS[number >> 5 * place & 31] for place in range(25, -1, -1))


def verify(receipt, log, witnesses=(), need=0):
    """Checks a receipt (parsed JSON); answers the checkpoint it hangs on."""
    known = {"format", "what", "proof", "cosigned", "evidence", "described", "proves"}
    ensure(set(receipt) <= known, f"unknown members: {sorted(set(receipt) - known)}")
    ensure(receipt["format"] == "jialing-receipt/1", "the format is another")
    proof, what = receipt["proof"], receipt["what"]
    ensure(proof["algorithm"] == ALGORITHMS[log.kind], "the algorithm is not that of the key")
    ensure(proof["log"] == log.name, f"the receipt is of the log {proof['log']}")
    ensure(proof["key_id"] == log.id.hex(), "the key id is another")
    checkpoint = Checkpoint(proof["checkpoint"], log, witnesses, need)
    ensure(checkpoint.size == proof["tree_size"], "the size is not the checkpoint's")
    record = unbase64(proof["record"], 118)
    path = [unbase64(step, 32) for step in proof["path"]]
    leaf = leaf_hash(log.hash, record)
    verify_inclusion(log.hash, leaf, proof["leaf_index"], checkpoint.size, path, checkpoint.root)
    _compare(what, record, proof["leaf_index"])
    if "evidence" in receipt:
        _evidence(receipt["evidence"], what, record)
    return checkpoint


def _number(record, start, end, signed=False):
    return int.from_bytes(record[start:end], "little", signed=signed)


def _compare(what, record, index):
    ensure(what["direction"] in ("in", "out"), "the direction is neither in nor out")
    out = what["direction"] == "out"
    debit, credit, kind = _number(record, 33, 49), _number(record, 49, 65), _number(record, 113, 115)
    ensure(record[16] in (16, 18, 21), "the record moved no money")
    ensure(kind in KINDS, "the record's kind is unknown")
    name, prefix = KINDS[kind]
    thing = digits(_number(record, 17, 33) >> 4 << 4)
    at = datetime.datetime.fromisoformat(what["at"].replace("Z", "+00:00"))
    since = at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    said = {
        "leaf_index": index, "at": since // datetime.timedelta(milliseconds=1),
        "amount": what["amount"], "balance": what["balance"],
        **{field: what[field] for field in ("transaction_id", "subject", "kind", "wallet_id", "debit_account", "credit_account")},
    }
    recorded = {
        "leaf_index": _number(record, 0, 8), "at": _number(record, 8, 16) // 1_000_000,
        "amount": {"amount": _number(record, 65, 73), "currency": "CNY"},
        "balance": {"amount": _number(record, 73, 81, True) if out else _number(record, 81, 89, True), "currency": "CNY"},
        "transaction_id": f"txn_{thing}", "subject": f"{prefix}_{thing}", "kind": name,
        "wallet_id": f"wal_{digits(debit if out else credit)}", "debit_account": digits(debit), "credit_account": digits(credit),
    }
    for field, value in recorded.items():
        ensure(said[field] == value, f"`{field}` says {said[field]}, the record {value}")


def _evidence(evidence, what, record):
    spki, signature = unbase64(evidence["public_key"]), unbase64(evidence["signature"], 64)
    text = evidence["text"].encode()
    if spki.startswith(ED25519_SPKI):
        ensure(ed25519_verify(spki[len(ED25519_SPKI):], text, signature), "the device's signature is false")
    key_id = hashlib.sha256(spki).hexdigest()[:16].encode()
    digest = hashlib.sha256(text + b"\0" + key_id + b"\0" + signature).digest()[:24]
    ensure(digest == record[89:113], "the record holds another digest than the device's")
    lines = evidence["text"].split("\n")
    ensure(f"amount:{what['amount']['amount']} CNY" in lines, "the device signed another amount")
    ensure(f"wallet:{what['wallet_id']}" in lines, "the device signed for another wallet")


__all__ = ["Refused", "verify"]
