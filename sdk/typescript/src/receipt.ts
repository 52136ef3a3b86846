// Receipts, checked with nothing but keys: no request, no trust in the server.
// The format is docs/reference/receipt.md.

import { type Bytes, concat, fromBase64, same, toHex, utf8 } from "./bytes.js";
import { algorithmOf, type Cosignature, hashingOf, type Key, openNote, parseCheckpoint, parseKey, parseNote } from "./note.js";
import { digest, ensure, leafHash, NotProven, rootFromPath } from "./proof.js";
import { type Meaning, meaningOf } from "./words.js";

const FORMAT = "jialing-receipt/1";
const RECORD_LENGTH = 118;
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
/** The operations by which money moves: plain, post, reverse. */
const MOVES = [16, 18, 21];
/** The kinds by number: their names, and the prefix of the id of what it was for. */
const KINDS = new Map<number, readonly [kind: string, prefix: string]>([
  [1, ["issue", "iss"]],
  [2, ["redeem", "iss"]],
  [3, ["top_up", "top"]],
  [4, ["withdrawal", "wdr"]],
  [5, ["payment", "ord"]],
  [6, ["refund", "ref"]],
  [7, ["transfer", "tra"]],
  [8, ["sweep", "wdr"]],
  [9, ["withdrawal_return", "wdr"]],
  [11, ["bulk", "blk"]],
  [12, ["payout", "pol"]],
  [13, ["split_freeze", "spf"]],
  [14, ["split", "spm"]],
  [15, ["split_release", "spm"]],
  [16, ["split_return", "spm"]],
  [17, ["settlement_fee", "set"]],
  [18, ["red_packet", "rpk"]],
  [19, ["red_packet_share", "rps"]],
  [20, ["red_packet_return", "rpk"]],
]);

/** Keys from somewhere you trust, never from where the receipt is. */
export interface Trust {
  /** The ledger's verifier key. It decides the suite. */
  readonly ledger: string;
  /** Verifier keys of witnesses. */
  readonly witnesses?: readonly string[];
  /** How many of them must have cosigned; all of them by default. */
  readonly need?: number;
}

/** One step of the check, for pages that show it. */
export interface Step {
  readonly name: "record" | "leaf" | "path" | "root" | "signature" | "evidence" | "witnesses";
  /** What was computed, or what differs. */
  readonly computed: string;
  readonly held: boolean;
}

/** What a receipt proves. */
export interface Proven {
  readonly kind: string;
  /** Minor units. */
  readonly amount: bigint;
  /** The debited and credited account, 26 digits. */
  readonly debit: string;
  readonly credit: string;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** The record's place in the log. */
  readonly index: bigint;
  /** Records that the checkpoint covers. */
  readonly treeSize: bigint;
  readonly signedByDevice: boolean;
  readonly cosigned: readonly Cosignature[];
  readonly meaning: Meaning;
}

interface Fields {
  readonly [name: string]: unknown;
}

/** The members of an object, once it has those and no others. */
function members(value: unknown, what: string, required: readonly string[], optional: readonly string[] = []): Fields {
  ensure(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is no object`);
  const fields = value as Fields;
  for (const name of required) ensure(name in fields, `${what} has no \`${name}\``);
  for (const name of Object.keys(fields)) ensure(required.includes(name) || optional.includes(name), `${what} has an unknown member \`${name}\``);
  return fields;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  ensure(typeof value === "string", `\`${name}\` is no text`);
  return value;
}

function whole(fields: Fields, name: string): bigint {
  const value = fields[name];
  ensure(typeof value === "number" && Number.isSafeInteger(value), `\`${name}\` is no whole number`);
  return BigInt(value);
}

function bytes(value: unknown, length: number, what: string): Bytes {
  const read = typeof value === "string" ? fromBase64(value) : null;
  ensure(read !== null && read.length === length, `${what} is not ${length} bytes in base64`);
  return read;
}

/** 26 Crockford base-32 digits, as ids are written after their prefix. */
export function idDigits(number: bigint): string {
  let digits = "";
  for (let place = 25n; place >= 0n; place--) digits += DIGITS[Number((number >> (5n * place)) & 31n)];
  return digits;
}

interface Transfer {
  readonly seq: bigint;
  readonly time: bigint;
  readonly operation: number;
  readonly id: bigint;
  readonly debit: bigint;
  readonly credit: bigint;
  readonly amount: bigint;
  readonly debitBalance: bigint;
  readonly creditBalance: bigint;
  readonly link: Bytes;
  readonly kind: number;
}

/** The fields of a transfer record, little endian. */
export function decodeRecord(record: Bytes): Transfer {
  ensure(record.length === RECORD_LENGTH, `a record has ${RECORD_LENGTH} bytes`);
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const u128 = (at: number): bigint => view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
  return {
    seq: view.getBigUint64(0, true),
    time: view.getBigUint64(8, true),
    operation: view.getUint8(16),
    id: u128(17),
    debit: u128(33),
    credit: u128(49),
    amount: view.getBigUint64(65, true),
    debitBalance: view.getBigInt64(73, true),
    creditBalance: view.getBigInt64(81, true),
    link: record.slice(89, 113),
    kind: view.getUint16(113, true),
  };
}

/** What the receipt says. */
interface Said {
  readonly what: Fields;
  readonly direction: string;
  readonly amount: Fields;
  readonly balance: Fields;
}

function readWhat(value: unknown): Said {
  const names = ["transaction_id", "subject", "kind", "wallet_id", "direction", "amount", "balance", "debit_account", "credit_account", "at"];
  const what = members(value, "`what`", names);
  const money = (name: string): Fields => members(what[name], `\`${name}\``, ["amount", "currency"]);
  return { what, direction: text(what, "direction"), amount: money("amount"), balance: money("balance") };
}

/** The first field that is not what the record says, or null. */
function differing(said: Said, record: Transfer, index: bigint): string | null {
  const { what, amount, balance } = said;
  const out = said.direction === "out";
  const [kind, prefix] = KINDS.get(record.kind) ?? [];
  ensure(kind !== undefined, "the record's kind is unknown");
  ensure(MOVES.includes(record.operation), "the record moved no money");
  const thing = idDigits(record.id & ~15n);
  const checks: { readonly [field: string]: boolean } = {
    leaf_index: record.seq === index,
    transaction_id: what["transaction_id"] === `txn_${thing}`,
    subject: what["subject"] === `${prefix}_${thing}`,
    kind: what["kind"] === kind,
    debit_account: what["debit_account"] === idDigits(record.debit),
    credit_account: what["credit_account"] === idDigits(record.credit),
    direction: out || said.direction === "in",
    wallet_id: what["wallet_id"] === `wal_${idDigits(out ? record.debit : record.credit)}`,
    amount: whole(amount, "amount") === record.amount && amount["currency"] === "CNY",
    balance: whole(balance, "amount") === (out ? record.debitBalance : record.creditBalance) && balance["currency"] === "CNY",
    at: milliseconds(text(what, "at")) === record.time / 1_000_000n,
  };
  return Object.keys(checks).find((field) => !checks[field]) ?? null;
}

function milliseconds(at: string): bigint | null {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/;
  const time = form.test(at) ? Date.parse(at) : Number.NaN;
  return Number.isNaN(time) ? null : BigInt(time);
}

/** Whether the device's signature is good and the one that the record holds the digest of. */
async function checkEvidence(value: unknown, said: Said, record: Transfer): Promise<string> {
  const evidence = members(value, "`evidence`", ["text", "public_key", "signature"]);
  const [signed, spki, signature] = [text(evidence, "text"), fromBase64(text(evidence, "public_key")), bytes(evidence["signature"], 64, "the device's signature")];
  ensure(spki !== null, "the device's key is not base64");
  ensure(await deviceSigned(spki, utf8(signed), signature), "the device's signature does not fit the text");
  const id = toHex(await digest("SHA-256", spki)).slice(0, 16);
  const zero = Uint8Array.of(0);
  const link = (await digest("SHA-256", concat(utf8(signed), zero, utf8(id), zero, signature))).slice(0, 24);
  ensure(same(link, record.link), "the record holds another digest than the device's");
  const lines = signed.split("\n");
  const about = lines.includes(`amount:${record.amount} CNY`) && lines.includes(`wallet:${text(said.what, "wallet_id")}`);
  ensure(said.direction === "out" && about, "the device signed for another amount or wallet");
  return toHex(link);
}

async function deviceSigned(spki: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  // The only two forms of a key that a device may have: Ed25519, 44 bytes, and P-256, 91 bytes.
  const [key, how] =
    spki.length === 44 ? [{ name: "Ed25519" }, { name: "Ed25519" }] : [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }];
  try {
    return await crypto.subtle.verify(how, await crypto.subtle.importKey("spki", spki, key, false, ["verify"]), signature, message);
  } catch (error) {
    if (error instanceof Error && error.name === "NotSupportedError") throw error;
    throw new NotProven("the device's key cannot be read");
  }
}

/**
 * Checks a receipt (the parsed JSON) against the keys in `trust`: the checkpoint's signature and
 * cosignatures, the path from the record to its root, that every field of `what` is what the record says,
 * and what the payer's device signed where it is there.
 *
 * @throws {NotProven} with the first fault; or a `NotSupportedError` where Web Crypto lacks Ed25519.
 */
export async function verifyReceipt(receipt: unknown, trust: Trust, onStep: (step: Step) => void = () => {}): Promise<Proven> {
  const ledger = await parseKey(trust.ledger);
  const witnesses = await Promise.all((trust.witnesses ?? []).map(parseKey));
  const need = trust.need ?? witnesses.length;
  ensure(need <= witnesses.length, "fewer witnesses are trusted than are needed");
  const step = async <T>(name: Step["name"], check: () => Promise<readonly [T, string]>): Promise<T> => {
    try {
      const [value, computed] = await check();
      onStep({ name, computed, held: true });
      return value;
    } catch (error) {
      if (error instanceof NotProven) onStep({ name, computed: error.message, held: false });
      throw error;
    }
  };

  const { whole: fields, proof, said, record, transfer, index } = await step("record", async () => readReceipt(receipt, ledger));
  const hashing = hashingOf(ledger);
  const leaf = await step("leaf", async () => {
    const hash = await leafHash(hashing, record);
    return [hash, toHex(hash)] as const;
  });
  const note = text(proof, "checkpoint");
  const path = proof["path"];
  ensure(Array.isArray(path) && path.length <= 64, "`path` is no list of at most 64 hashes");
  const treeSize = whole(proof, "tree_size");
  const root = await step("path", async () => {
    const hashes = path.map((hash) => bytes(hash, 32, "a hash of the path"));
    const top = await rootFromPath(hashing, leaf, index, treeSize, hashes);
    return [top, toHex(top)] as const;
  });
  await step("root", async () => {
    const claimed = parseCheckpoint(parseNote(note).text);
    ensure(claimed.size === treeSize, "`tree_size` is not what the checkpoint says");
    ensure(same(claimed.root, root), "the path does not lead to the checkpoint's root");
    return [undefined, toHex(claimed.root)] as const;
  });
  await step("signature", async () => [await openNote(note, ledger), ledger.text] as const);
  const signedByDevice = "evidence" in fields;
  if (signedByDevice) await step("evidence", async () => [undefined, await checkEvidence(fields["evidence"], said, transfer)] as const);
  const cosigned = witnesses.length === 0 ? [] : await step("witnesses", async () => {
    const found = (await openNote(note, ledger, witnesses, need)).cosigned;
    return [found, `${found.length} / ${witnesses.length}: ${found.map((one) => one.name).join(", ")}`] as const;
  });
  const proven = {
    kind: text(said.what, "kind"),
    amount: transfer.amount,
    debit: idDigits(transfer.debit),
    credit: idDigits(transfer.credit),
    time: transfer.time,
    index,
    treeSize,
    signedByDevice,
    cosigned,
  };
  return { ...proven, meaning: meaningOf(proven) };
}

interface Read {
  readonly whole: Fields;
  readonly proof: Fields;
  readonly said: Said;
  readonly record: Bytes;
  readonly transfer: Transfer;
  readonly index: bigint;
}

/** The receipt's parts, once its words are those of its record; and the record as text. */
function readReceipt(receipt: unknown, ledger: Key): readonly [Read, string] {
  const fields = members(receipt, "the receipt", ["format", "what", "proof", "described", "proves"], ["cosigned", "evidence"]);
  ensure(fields["format"] === FORMAT, "the format is another");
  const names = ["algorithm", "log", "key_id", "record", "leaf_index", "tree_size", "path", "checkpoint"];
  const proof = members(fields["proof"], "`proof`", names);
  ensure(proof["algorithm"] === algorithmOf(ledger), "the algorithm is not that of the ledger's key");
  ensure(proof["log"] === ledger.name, "the receipt is about another log");
  ensure(proof["key_id"] === toHex(ledger.id), "`key_id` is not the ledger's");
  const record = bytes(proof["record"], RECORD_LENGTH, "the record");
  const [said, transfer, index] = [readWhat(fields["what"]), decodeRecord(record), whole(proof, "leaf_index")];
  const field = differing(said, transfer, index);
  ensure(field === null, `\`${field}\` is not what the record says`);
  return [{ whole: fields, proof, said, record, transfer, index }, toHex(record)];
}
