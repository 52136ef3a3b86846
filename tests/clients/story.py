"""The story that every client tells, in Python's: see story.mjs. The receipt is checked by the code of tests/tlog,
which was written from the documentation alone."""

import json
import os
import pathlib
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "sdk/python"), str(ROOT / "tests/tlog")]

import receipt as receipts
from jialing import Merchant, Problem, PublicKey, Receiver, Refused, fen
from tlog import Key

PRICE, BACK = 1250, 250


def expect(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what}: {found!r} instead of {expected!r}")


def refused(code, call, *args, **kwargs):
    """That the platform says no with this code; the problem."""
    try:
        call(*args, **kwargs)
    except Problem as problem:
        expect("the code", problem.code, code)
        return problem
    raise AssertionError(f"it was not refused with {code}")


def tell(town, suite):
    shop = Merchant(town["base"], town["mchid"], town["keys"][suite], town["platform_keys"])
    number = f"PY-{suite}-{time.time_ns()}"
    echo = shop.self_test("麻花".encode())
    expect("the echo", (echo["mchid"], echo["length"]), (town["mchid"], 6))

    order = shop.create_order(number, "麻花两斤 🥨", PRICE)
    expect("the same number again", shop.create_order(number, "麻花两斤 🥨", PRICE)["id"], order["id"])
    problem = refused("conflict", shop.create_order, number, "麻花两斤 🥨", 1)
    expect("the field", problem.field, "amount")
    refused("not_found", shop.order_by_number, f"{number}-none")
    expect("the state before", shop.order_by_number(number)["state"], "NOTPAY")

    request = urllib.request.Request(town["payer"], data=order["qr"].encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        transaction = answer.read().decode()
    paid = shop.order(order["id"])
    expect("the state after", (paid["state"], paid["transaction_id"]), ("SUCCESS", transaction))

    refund = shop.refund(f"{number}-R1", BACK, order_id=order["id"], reason="少一根")
    for _ in range(100):
        if refund["state"] != "PROCESSING":
            break
        refund = shop.refund_by_id(refund["id"])
    expect("the refund", (refund["state"], refund["amount"]), ("SUCCESS", fen(BACK)))
    refused("refund_exceeds_paid", shop.refund, f"{number}-R2", PRICE, order_id=order["id"])

    orders = [one["id"] for one in shop.orders(limit=1)]
    expect("each order once, page by page", (order["id"] in orders, len(set(orders))), (True, len(orders)))
    news = [event for event in shop.events(delivered=False) if order["id"] in (event["resource"]["id"], event["resource"].get("order_id"))]
    expect("the news", sorted(event["type"] for event in news), ["order.paid", "refund.succeeded"])
    for event in news:
        expect("acknowledged", "delivered_at" in shop.acknowledge(event["id"]), True)

    receipt = shop.receipt(transaction)
    receipts.verify(receipt, Key(town["ledger"]))
    expect("the receipt", (receipt["what"]["kind"], receipt["what"]["amount"]), ("payment", fen(PRICE)))


def hear():
    """A delivery of the vectors is opened, and a changed one is not."""
    vectors = json.loads((ROOT / "tests/vectors/webhooks.json").read_text("utf-8"))
    keys = [PublicKey(key["public_key"]) for key in vectors["platform_keys"]]
    api_keys = {key["id"]: key["key"] for key in vectors["api_keys"]}
    receiver = Receiver(*vectors["secrets"], api_keys=api_keys, platform_keys=keys, now=lambda: vectors["now"])
    one = vectors["deliveries"][0]
    expect("the state", receiver.open(one["headers"], one["body"].encode())["resource"]["state"], "SUCCESS")
    try:
        receiver.open(one["headers"], one["body"].replace('"order.paid"', '"order.lost"').encode())
    except Refused as why:
        expect("the reason", why.code, "bad_signature")
    else:
        raise AssertionError("a changed delivery was believed")


if __name__ == "__main__":
    TOWN = json.loads(os.environ["JIALING_TOWN"])
    for name in TOWN["keys"]:
        tell(TOWN, name)
    hear()
    print(f"the story is told under {', '.join(TOWN['keys'])}")
