"""Checks a published log, receipts, cosignatures and growth, from the specifications alone.

python3 check.py --url https://pay.example/v1/public/log --key VKEY [--witness VKEY]... [--need N]
                 [--old NOTE_FILE]... [--receipt FILE]...
"""

import argparse
import json
import sys

import receipt as receipts
from tlog import Checkpoint, Key, Refused, Tiles, ensure, fetcher, root_of, verify_consistency


def grown(checkpoint, older, tiles, hashing):
    """That `checkpoint`, whose tiles these are, only adds to the older one, by a proof made from the tiles."""
    proof = tiles.proof(older.size) if 0 < older.size < checkpoint.size else []
    verify_consistency(hashing, older.size, checkpoint.size, proof, older.root, checkpoint.root)


def run(args):
    log = Key(args.key)
    ensure(log.kind != "cosignature", "--key is a witness's key")
    witnesses = [Key(text) for text in args.witness]
    need = len(witnesses) if args.need is None else args.need
    fetch = fetcher(args.url)
    checkpoint = Checkpoint(fetch("checkpoint").decode(), log, witnesses, need)
    print(f"checkpoint: {checkpoint.size} records of {checkpoint.origin}, signed ({log.kind})")
    if witnesses:
        print(f"cosigned: {len(checkpoint.cosigned)} of {len(witnesses)}: {', '.join(checkpoint.cosigned)}")
    tiles = Tiles(fetch, log.hash, checkpoint.size)
    leaves = tiles.check_all()
    ensure(root_of(log.hash, leaves) == checkpoint.root, "the leaf hashes do not lead to the root")
    ensure(tiles.range(0, checkpoint.size) == checkpoint.root, "the tiles do not lead to the root")
    print(f"tiles: {len(tiles.tiles)}, they lead to the root")
    beyond = checkpoint.size // 256 + 1
    for path in (f"tile/0/{beyond + 1_000_000:03}", "tile/0/0", "tile/64/000", "tile/0/000.p/256", "tile/entries/000"):
        try:
            fetch(path)
        except Refused:
            continue
        raise Refused(f"{path} is answered")
    for file in args.old:
        with open(file, encoding="utf-8") as text:
            older = Checkpoint(text.read(), log)
        grown(checkpoint, older, tiles, log.hash)
        print(f"consistent: {older.size} records grew to {checkpoint.size}")
    for file in args.receipt:
        with open(file, encoding="utf-8") as text:
            receipt = json.load(text)
        under = receipts.verify(receipt, log, witnesses, need)
        index = receipt["proof"]["leaf_index"]
        if under.size <= checkpoint.size:
            grown(checkpoint, under, tiles, log.hash)
            record = receipts.unbase64(receipt["proof"]["record"], 118)
            ensure(leaves[index] == receipts.leaf_hash(log.hash, record), "the published leaf is another")
            path = [receipts.unbase64(step, 32) for step in receipt["proof"]["path"]]
            if under.size == checkpoint.size:
                ensure(path == tiles.path(index), "the path is not that of the tiles")
        print(f"receipt: record {index} of {under.size}, cosigned by {len(under.cosigned)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the log's prefix")
    parser.add_argument("--key", required=True, help="the log's verifier key")
    parser.add_argument("--witness", action="append", default=[], help="a trusted witness's verifier key")
    parser.add_argument("--need", type=int, help="how many of them must have cosigned; all by default")
    parser.add_argument("--old", action="append", default=[], help="a checkpoint that was kept")
    parser.add_argument("--receipt", action="append", default=[], help="a receipt")
    try:
        run(parser.parse_args())
    except Refused as refused:
        print(f"REFUSED: {refused}")
        sys.exit(1)
    print("all holds")


if __name__ == "__main__":
    main()
