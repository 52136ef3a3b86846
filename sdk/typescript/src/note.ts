// Signed notes, checkpoints and cosignatures: C2SP signed-note, tlog-checkpoint, tlog-cosignature.

import { type Bytes, concat, fromBase64, same, toHex, utf8 } from "./bytes.js";
import { digest, ensure, type Hashing, NotProven } from "./proof.js";
import { verifySm2 } from "./sm2.js";

const SM2_TYPE = utf8(".jialing.sm2");
SM2_TYPE[0] = 0xff;
const MAX_NOTE = 64 * 1024;
const MAX_SIGNATURES = 100;

type Kind = "ed25519" | "sm2" | "cosignature";

/** A verifier key, `name+hash+base64`: a log's, which decides its suite, or a witness's. */
export interface Key {
  readonly text: string;
  readonly name: string;
  readonly id: Bytes;
  readonly kind: Kind;
  readonly key: Bytes;
}

/** How a log of this key hashes. */
export const hashingOf = (log: Key): Hashing => (log.kind === "sm2" ? "SM3" : "SHA-256");

/** The whole algorithm as receipts name it. */
export const algorithmOf = (log: Key): string => (log.kind === "sm2" ? "RFC6962-SM3+SM2" : "RFC6962-SHA256+ED25519");

/** Reads a verifier key. */
export async function parseKey(text: string): Promise<Key> {
  const [name, hash, ...rest] = text.trim().split("+");
  const typed = fromBase64(rest.join("+"));
  ensure(Boolean(name && hash) && typed !== null, "not a verifier key (name+hash+key)");
  const id = (await digest("SHA-256", utf8(`${name}\n`), typed)).slice(0, 4);
  ensure(toHex(id) === hash, "the hash in the verifier key is not that of the key");
  const known = (kind: Kind, key: Bytes): Key => ({ text: text.trim(), name: name as string, id, kind, key });
  const prefix = SM2_TYPE.length;
  if (typed.length === prefix + 65 && same(typed.slice(0, prefix), SM2_TYPE)) return known("sm2", typed.slice(prefix));
  if (typed.length === 33 && typed[0] === 1) return known("ed25519", typed.slice(1));
  if (typed.length === 33 && typed[0] === 4) return known("cosignature", typed.slice(1));
  throw new NotProven("the verifier key is of an unknown type");
}

interface Signature {
  readonly name: string;
  readonly id: Bytes;
  readonly signature: Bytes;
}

/** A note: nothing in its text is to be believed before a trusted key signed it. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly Signature[];
}

/** Splits a note into its text and signatures, unverified. */
export function parseNote(note: string): Note {
  ensure(utf8(note).length <= MAX_NOTE, "the note is longer than 64 KiB");
  const split = note.lastIndexOf("\n\n");
  ensure(split >= 0 && note.endsWith("\n") && note.length > split + 2, "not a signed note");
  const text = note.slice(0, split + 1);
  // eslint-disable-next-line no-control-regex
  ensure(!/[\u0000-\u0009\u000b-\u001f]/.test(text), "the note holds control characters");
  const lines = note.slice(split + 2, -1).split("\n");
  ensure(lines.length <= MAX_SIGNATURES, "the note has more than 100 signatures");
  return { text, signatures: lines.map(parseLine) };
}

function parseLine(line: string): Signature {
  const [, name, value] = /^\u2014 ([^ +]+) (\S+)$/.exec(line) ?? [];
  const blob = value === undefined ? null : fromBase64(value);
  ensure(name !== undefined && blob !== null && blob.length > 4, "a signature line is malformed");
  return { name, id: blob.slice(0, 4), signature: blob.slice(4) };
}

async function verifyEd25519(key: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}

async function isGood(key: Key, text: string, signature: Bytes): Promise<boolean> {
  const message = utf8(text);
  if (key.kind === "sm2") return verifySm2(key.key, message, signature);
  if (key.kind === "ed25519") return signature.length === 64 && verifyEd25519(key.key, message, signature);
  if (signature.length !== 72) return false;
  return verifyEd25519(key.key, concat(utf8(`cosignature/v1\ntime ${timeOf(signature)}\n`), message), signature.slice(8));
}

const timeOf = (stamped: Bytes): bigint => new DataView(stamped.buffer, stamped.byteOffset).getBigUint64(0);

/** The signatures of `key` on the note; a false one spoils the note. */
async function signaturesOf(note: Note, key: Key): Promise<Bytes[]> {
  const mine = note.signatures.filter((line) => line.name === key.name && same(line.id, key.id));
  for (const { signature } of mine) ensure(await isGood(key, note.text, signature), `a signature of ${key.name} does not fit the note`);
  return mine.map((line) => line.signature);
}

/** That a trusted witness cosigned. */
export interface Cosignature {
  readonly name: string;
  /** When it says that this was the log's newest checkpoint, seconds since 1970. */
  readonly time: number;
}

/** What a log states about itself, signed. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
  /** Further lines, which the specification leaves to the log. */
  readonly extensions: readonly string[];
  readonly cosigned: readonly Cosignature[];
}

/** Reads a checkpoint's text, unverified. */
export function parseCheckpoint(text: string): Omit<Checkpoint, "cosigned"> {
  const [origin, size, root, ...extensions] = text.slice(0, -1).split("\n");
  const hash = fromBase64(root ?? "");
  ensure(Boolean(origin) && /^(0|[1-9][0-9]{0,19})$/.test(size ?? "") && hash?.length === 32, "not a checkpoint: origin, size, root");
  ensure(extensions.every(Boolean) && BigInt(size as string) < 1n << 64n, "not a checkpoint: an empty line, or no such size");
  return { origin: origin as string, size: BigInt(size as string), root: hash as Bytes, extensions };
}

/** Opens a checkpoint that `log` signed and at least `need` of `witnesses` cosigned. A key counts once. */
export async function openNote(note: string, log: Key, witnesses: readonly Key[] = [], need = 0): Promise<Checkpoint> {
  ensure(log.kind !== "cosignature", "the ledger's key is a witness's key");
  const parsed = parseNote(note);
  ensure((await signaturesOf(parsed, log)).length > 0, "the ledger's key did not sign the checkpoint");
  const checkpoint = parseCheckpoint(parsed.text);
  ensure(checkpoint.origin === log.name, "the checkpoint is of another log");
  const cosigned: Cosignature[] = [];
  const counted: Bytes[] = [log.key];
  for (const witness of witnesses) {
    ensure(witness.kind === "cosignature", `${witness.name} is no witness's key`);
    const times = (await signaturesOf(parsed, witness)).map(timeOf);
    if (times.length === 0 || counted.some((key) => same(key, witness.key))) continue;
    counted.push(witness.key);
    cosigned.push({ name: witness.name, time: Number(times.reduce((a, b) => (a > b ? a : b))) });
  }
  ensure(cosigned.length >= need, `${cosigned.length} of the trusted witnesses cosigned this checkpoint, ${need} are needed`);
  return { ...checkpoint, cosigned };
}
