// Proofs of supply, checked with nothing but keys: no request, no trust in the server.
// The format is docs/reference/supply.md.

import { type Bytes, fromBase64, same, toHex, utf8 } from "./bytes.js";
import { type Cosignature, hashingOf, type Key, openNote, parseKey } from "./note.js";
import { digest, ensure, type Hashing, leafHash, NotProven, rootFromPath } from "./proof.js";
import { idDigits, type Trust } from "./receipt.js";

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const DAY = 86_400_000_000_000n;
const EIGHT_HOURS = 28_800_000_000_000n;
const MOST = (1n << 64n) - 1n;

/** A hash, and the sum of the balances under it, minor units. */
export interface SumNode {
  readonly hash: Bytes;
  readonly sum: bigint;
}

/** All accounts of one currency with one liability holder. */
export interface SupplyBook {
  readonly currency: bigint;
  /** The number of the liability holder; 1 is the central bank. */
  readonly holder: bigint;
  readonly issued: bigint;
  readonly redeemed: bigint;
  /** Accounts counted. */
  readonly accounts: bigint;
  /** What they held together: issued less redeemed. */
  readonly sum: bigint;
  readonly tree: Bytes;
}

/** A day's supply that is proven. */
export interface Supply {
  /** The day, such as `2026-11-21`; it ended at midnight UTC+8. */
  readonly day: string;
  /** Records in the log before that midnight. */
  readonly records: bigint;
  readonly books: readonly SupplyBook[];
  /** The digest of the statement, hexadecimal: compare it with what others were given. */
  readonly digest: string;
  /** The record that holds the digest. */
  readonly record: bigint;
  readonly cosigned: readonly Cosignature[];
}

/** A balance that is counted in a day's supply. */
export interface Counted {
  /** The account's number, 26 digits. */
  readonly account: string;
  /** What it held at the cut, minor units. */
  readonly balance: bigint;
  readonly book: SupplyBook;
  readonly supply: Supply;
}

interface NoteProof {
  readonly log: unknown;
  readonly key_id: unknown;
  readonly record: unknown;
  readonly leaf_index: unknown;
  readonly tree_size: unknown;
  readonly path: unknown;
  readonly checkpoint: unknown;
}

function object<T>(value: unknown, what: string, names: readonly (keyof T & string)[]): T {
  ensure(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is no object`);
  for (const name of names) ensure(name in value, `${what} has no \`${name}\``);
  for (const name of Object.keys(value)) ensure((names as readonly string[]).includes(name), `${what} has an unknown member \`${name}\``);
  return value as T;
}

function text(value: unknown, what: string): string {
  ensure(typeof value === "string", `${what} is no text`);
  return value;
}

function list(value: unknown, what: string): readonly unknown[] {
  ensure(Array.isArray(value), `${what} is no list`);
  return value;
}

function count(value: unknown, what: string): bigint {
  ensure(typeof value === "number" && Number.isSafeInteger(value) && value >= 0, `${what} is no whole number`);
  return BigInt(value);
}

function bytes(value: unknown, length: number, what: string): Bytes {
  const read = typeof value === "string" ? fromBase64(value) : null;
  ensure(read !== null && read.length === length, `${what} is not ${length} bytes in base64`);
  return read;
}

/** A whole number of at most 64 bits, written in the one way there is. */
function whole(value: unknown): bigint {
  ensure(typeof value === "string" && /^(0|[1-9][0-9]{0,19})$/.test(value) && BigInt(value) <= MOST, `\`${value}\` is no number`);
  return BigInt(value);
}

function bigEndian(value: bigint, length: number): Bytes {
  const out = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at--, rest >>= 8n) out[at] = Number(rest & 255n);
  return out;
}

/** The leaf of an account's balance: it commits to the account under a nonce. */
export async function sumLeaf(hashing: Hashing, account: bigint, nonce: Bytes, balance: bigint): Promise<SumNode> {
  const who = await digest(hashing, utf8("JIALING-SUM-WHO-1"), bigEndian(account, 16), nonce);
  return { hash: await digest(hashing, utf8("JIALING-SUM-LEAF-1"), who, bigEndian(balance, 8)), sum: balance };
}

/** The parent of two nodes: it commits to both hashes and to both sums. */
export async function sumParent(hashing: Hashing, left: SumNode, right: SumNode): Promise<SumNode> {
  const sum = left.sum + right.sum;
  ensure(sum <= MOST, "the sums on the path overflow");
  const parts = [left, right].flatMap((node) => [node.hash, bigEndian(node.sum, 8)]);
  return { hash: await digest(hashing, utf8("JIALING-SUM-NODE-1"), ...parts), sum };
}

/** The root that `path` leads to from leaf `index` of `size`, split as RFC 6962 splits a tree. */
export async function sumRoot(hashing: Hashing, leaf: SumNode, index: bigint, size: bigint, path: readonly SumNode[]): Promise<SumNode> {
  ensure(index >= 0n && index < size, "the leaf is outside the tree");
  if (size === 1n) {
    ensure(path.length === 0, "the path is too long");
    return leaf;
  }
  const sibling = path.at(-1);
  ensure(sibling !== undefined, "the path is too short");
  let split = 1n;
  while (split * 2n < size) split *= 2n;
  const below = path.slice(0, -1);
  return index < split
    ? sumParent(hashing, await sumRoot(hashing, leaf, index, split, below), sibling)
    : sumParent(hashing, sibling, await sumRoot(hashing, leaf, index - split, size - split, below));
}

/** What a statement says of itself, before it is known that the log holds it. */
interface Stated {
  readonly log: string;
  readonly day: string;
  readonly cut: bigint;
  readonly records: bigint;
  readonly books: readonly SupplyBook[];
}

function parseStatement(statement: string, hashing: Hashing): Stated {
  const lines = statement.split("\n");
  ensure(lines.pop() === "", "the statement has no end");
  const next = (name: string): string => {
    const line = lines.shift() ?? "";
    ensure(line.startsWith(`${name} `), `the statement has no \`${name}\` where it should`);
    return line.slice(name.length + 1);
  };
  ensure(next("jialing supply") === "1", "the statement is of another version");
  const [log, day] = [next("log"), next("day")];
  const [cut, records] = [whole(next("cut")), whole(next("records"))];
  const midnight = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T16:00:00.000Z`) : Number.NaN;
  ensure(!Number.isNaN(midnight) && BigInt(midnight) * 1_000_000n === cut, "the cut is not the midnight after the day");
  bytes(next("root"), 32, "the log's root");
  ensure(next("hash") === (hashing === "SM3" ? "SM3" : "SHA256"), "the statement's hash is not the log's");
  const before = next("before");
  if (before !== "-") bytes(before, 32, "the digest of the statement before");
  const books = lines.map(parseBook);
  const key = ({ currency, holder }: SupplyBook): bigint => (currency << 32n) | holder;
  ensure(books.slice(1).every((book, n) => key(books[n] as SupplyBook) < key(book)), "the books are not in order");
  return { log, day, cut, records, books };
}

function parseBook(line: string): SupplyBook {
  const form = /^book (\d+) (\d+) issued (\d+) redeemed (\d+) leaves (\d+) sum (\d+) tree (\S+)$/;
  const [, currency, holder, issued, redeemed, accounts, sum, tree] = form.exec(line) ?? [];
  ensure(tree !== undefined, "a line of the statement is no book");
  const book = {
    currency: whole(currency),
    holder: whole(holder),
    issued: whole(issued),
    redeemed: whole(redeemed),
    accounts: whole(accounts),
    sum: whole(sum),
    tree: bytes(tree, 32, "a book's tree"),
  };
  ensure(book.issued - book.redeemed === book.sum, "a book's accounts do not hold what was issued less what was redeemed");
  return book;
}

/** The supply, once the log holds the statement's digest. */
async function stated(statement: string, value: unknown, log: Key, trust: Trust): Promise<Supply> {
  const hashing = hashingOf(log);
  const said = parseStatement(statement, hashing);
  const wanted = await digest(hashing, utf8(statement));
  const names = ["log", "key_id", "record", "leaf_index", "tree_size", "path", "checkpoint"] as const;
  const held = object<NoteProof>(value, "`proof`", names);
  ensure(said.log === log.name && held.log === log.name, "it is of another log");
  ensure(held.key_id === toHex(log.id), "`key_id` is not the ledger's");
  const witnesses = await Promise.all((trust.witnesses ?? []).map(parseKey));
  const checkpoint = await openNote(text(held.checkpoint, "`checkpoint`"), log, witnesses, trust.need ?? witnesses.length);
  const index = count(held.leaf_index, "`leaf_index`");
  ensure(count(held.tree_size, "`tree_size`") === checkpoint.size, "`tree_size` is not what the checkpoint says");
  const record = bytes(held.record, 118, "the record");
  const path = list(held.path, "the path").map((hash) => bytes(hash, 32, "the path"));
  const root = await rootFromPath(hashing, await leafHash(hashing, record), index, checkpoint.size, path);
  ensure(same(root, checkpoint.root), "the record is not in the log");
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  ensure(record[16] === 6 && view.getUint16(17, true) === 2, "the record is no note of a supply");
  ensure(view.getBigUint64(0, true) === index, "the record's number is not its place in the log");
  const day = view.getBigUint64(19, true) | (view.getBigUint64(27, true) << 64n);
  ensure((day + 1n) * DAY === said.cut + EIGHT_HOURS, "the record is about another day");
  ensure(same(record.slice(35, 67), wanted), "the record holds another digest");
  ensure(view.getBigUint64(8, true) >= said.cut && index >= said.records, "the statement is older than the end of its day");
  return { day: said.day, records: said.records, books: said.books, digest: toHex(wanted), record: index, cosigned: checkpoint.cosigned };
}

/** Checks a day's total, as `/v1/public/supply/proofs/{day}` gives it. Throws `NotProven` with the first fault. */
export async function verifySupply(file: unknown, trust: Trust): Promise<Supply> {
  const names = ["format", "statement", "proof", "described", "proves"] as const;
  const total = object<{ [name in (typeof names)[number]]: unknown }>(file, "the file", names);
  ensure(total.format === "jialing-supply-total/1", "its format is another");
  return stated(text(total.statement, "`statement`"), total.proof, await parseKey(trust.ledger), trust);
}

/** Checks that a balance is counted, as `/v1/wallet/wallets/{id}/supply-proof` gives it. Throws `NotProven`. */
export async function verifyBalance(file: unknown, trust: Trust): Promise<Counted> {
  const names = ["format", "account", "balance", "holder", "nonce", "leaf_index", "path", "statement", "proof", "proves"] as const;
  const own = object<{ [name in (typeof names)[number]]: unknown }>(file, "the file", names);
  ensure(own.format === "jialing-supply-balance/1", "its format is another");
  const log = await parseKey(trust.ledger);
  const supply = await stated(text(own.statement, "`statement`"), own.proof, log, trust);
  const money = object<{ amount: unknown; currency: unknown }>(own.balance, "`balance`", ["amount", "currency"]);
  ensure(money.currency === "CNY", "its currency is unknown");
  const balance = count(money.amount, "`balance`");
  const holder = count(own.holder, "`holder`");
  const book = supply.books.find((known) => known.currency === 156n && known.holder === holder);
  if (book === undefined) throw new NotProven("the statement has no such book");
  const account = text(own.account, "`account`");
  const number = [...account].reduce((sum, digit) => (sum << 5n) | BigInt(DIGITS.indexOf(digit)), 0n);
  ensure(/^[0-7]/.test(account) && idDigits(number) === account, "`account` is not 26 digits of base 32");
  const path = list(own.path, "`path`").map((value): SumNode => {
    const node = object<{ hash: unknown; sum: unknown }>(value, "a node of the path", ["hash", "sum"]);
    return { hash: bytes(node.hash, 32, "the path"), sum: whole(node.sum) };
  });
  const hashing = hashingOf(log);
  const leaf = await sumLeaf(hashing, number, bytes(own.nonce, 32, "`nonce`"), balance);
  const root = await sumRoot(hashing, leaf, count(own.leaf_index, "`leaf_index`"), book.accounts, path);
  ensure(same(root.hash, book.tree) && root.sum === book.sum, "the path does not lead to the root and sum that the statement names");
  return { account, balance, book, supply };
}
