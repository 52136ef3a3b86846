"""Checks business messages against their definitions, with the standard library alone.

python3 check.py FILE...

Says for each file `ok DEFINITION` or `FILE: PATH: what is wrong`, and ends with 1 if any is wrong. The
structure is in definitions.txt, written down from the message definition reports and from nothing here.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal

TECH = "urn:iso:std:iso:20022:tech:xsd:"
ROOTS = {
    "pain.001.001.12": ("CstmrCdtTrfInitn", "CustomerCreditTransferInitiationV12"),
    "pacs.008.001.13": ("FIToFICstmrCdtTrf", "FIToFICustomerCreditTransferV13"),
    "pacs.002.001.15": ("FIToFIPmtStsRpt", "FIToFIPaymentStatusReportV15"),
    "pacs.028.001.06": ("FIToFIPmtStsReq", "FIToFIPaymentStatusRequestV06"),
    "pacs.004.001.14": ("PmtRtr", "PaymentReturnV14"),
    "camt.053.001.13": ("BkToCstmrStmt", "BankToCustomerStatementV13"),
    "camt.054.001.13": ("BkToCstmrDbtCdtNtfctn", "BankToCustomerDebitCreditNotificationV13"),
}
ELEMENT = re.compile(r"(\w+)(\?|\*|\+|\{\d+\})? (\S+)")


class Wrong(Exception):
    pass


def times(mark):
    """The least and the most of an element with this mark."""
    known = {None: (1, 1), "?": (0, 1), "*": (0, None), "+": (1, None)}
    return known[mark] if mark in known else (0, int(mark[1:-1]))


def load(path):
    types = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, sign, rest = line.split(" ", 2)
        if sign == "~":
            types[name] = ("pattern", re.compile(rest))
        elif sign == "/":
            types[name] = ("codes", rest.split())
        else:
            parts = []
            for part in rest.split(", "):
                element, mark, kind = ELEMENT.fullmatch(part).groups()
                parts.append((element, *times(mark), kind))
            types[name] = ("sequence" if sign == "=" else "choice", parts)
    return types


def ensure(truth, path, what):
    if not truth:
        raise Wrong(f"{path}: {what}")


def check(types, node, kind, namespace, path):
    if kind == "-":
        return
    if kind == "Amount":
        ensure(list(node.attrib) == ["Ccy"] and re.fullmatch("[A-Z]{3}", node.attrib["Ccy"]), path, "no currency")
        ensure(re.fullmatch(r"[0-9]+([.][0-9]{1,5})?", node.text or ""), path, "no amount")
        digits = Decimal(node.text).as_tuple()
        ensure(len(digits.digits) <= 18, path, "more than 18 digits")
        ensure(node.attrib["Ccy"] != "CNY" or digits.exponent >= -2, path, "finer than a fen")
        return
    ensure(not node.attrib, path, "an attribute")
    form, what = types[kind]
    if form in ("pattern", "codes"):
        text = node.text or ""
        ensure(len(node) == 0, path, "elements instead of text")
        ensure(what.fullmatch(text) if form == "pattern" else text in what, path, f"{text!r} is no {kind}")
        return
    ensure(not (node.text or "").strip(), path, "text instead of elements")
    names = []
    for child in node:
        ensure(child.tag.startswith("{" + namespace + "}"), path, f"{child.tag} is of another namespace")
        names.append(child.tag.split("}")[1])
    if form == "choice":
        ensure(len(names) == 1 and names[0] in [part[0] for part in what], path, f"not exactly one of a choice: {names}")
        one = next(part for part in what if part[0] == names[0])
        check(types, node[0], one[3], namespace, f"{path}/{names[0]}")
        return
    at = 0
    for element, least, most, inner in what:
        count = 0
        while at < len(names) and names[at] == element:
            check(types, node[at], inner, namespace, f"{path}/{element}")
            at, count = at + 1, count + 1
        ensure(count >= least, path, f"{element} is missing")
        ensure(most is None or count <= most, path, f"{element} stands too often")
    ensure(at == len(names), path, f"{names[at:at + 1]} is not published here, or not in this place")


def message(types, path):
    root = ET.parse(path).getroot()
    envelope = "{" + TECH + "nvlp.001.001.01}"
    ensure(root.tag == envelope + "BizMsgEnvlp", "", f"the root is {root.tag}")
    ensure([child.tag for child in root] == [envelope + "Hdr", envelope + "Doc"], "BizMsgEnvlp", "not Hdr and Doc")
    (header,), (document,) = root
    ensure(header.tag == "{" + TECH + "head.001.001.04}AppHdr", "Hdr", f"it holds {header.tag}")
    check(types, header, "BusinessApplicationHeaderV04", TECH + "head.001.001.04", "AppHdr")
    definition = header.findtext("{*}MsgDefIdr")
    ensure(definition in ROOTS, "AppHdr/MsgDefIdr", f"{definition} is not known")
    name, kind = ROOTS[definition]
    namespace = TECH + definition
    ensure(document.tag == "{" + namespace + "}Document", "Doc", f"it holds {document.tag}")
    ensure([child.tag for child in document] == ["{" + namespace + "}" + name], "Document", "another message")
    check(types, document[0], kind, namespace, name)
    return definition


def main(paths):
    types = load(pathlib.Path(__file__).with_name("definitions.txt"))
    wrong = 0
    for path in paths:
        try:
            print("ok", message(types, path))
        except (Wrong, ET.ParseError) as error:
            wrong = 1
            print(f"{path}: {error}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
