// Checks a receipt with nothing but the ledger's public key: no request, no trust in the server.
// The same steps as `jialing verify receipt`; the format is in docs/reference/receipt.md.

const text = new TextEncoder();

export function fromBase64(value) {
  const binary = atob(value);
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function sameBytes(a, b) {
  return a !== null && b !== null && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

async function sha256(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
}

/** RFC 6962: a leaf is hashed with the prefix 0x00. */
export const leafHash = (record) => sha256(Uint8Array.of(0), record);
/** RFC 6962: an inner node is hashed with the prefix 0x01. */
export const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

/** The root that `path` leads to from leaf `index` of `size`, or null if the path does not fit (RFC 9162, 2.1.3.2). */
export async function rootFromPath(leaf, index, size, path) {
  if (index >= size) return null;
  let fn = BigInt(index);
  let sn = BigInt(size) - 1n;
  let hash = leaf;
  for (const step of path) {
    if (step.length !== 32 || sn === 0n) return null;
    if ((fn & 1n) === 1n || fn === sn) {
      hash = await nodeHash(step, hash);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash = await nodeHash(hash, step);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n ? hash : null;
}

/** A C2SP verifier key: `name+keyid+base64(0x01 ‖ Ed25519 public key)`. */
export async function parseVerifierKey(vkey) {
  const [name, id, ...rest] = vkey.split("+");
  const material = fromBase64(rest.join("+"));
  if (material[0] !== 1 || material.length !== 33) throw new Error("not an Ed25519 verifier key");
  const full = await sha256(text.encode(`${name}\n`), material);
  if (toHex(full.slice(0, 4)) !== id) throw new Error("the key id does not fit the key");
  return { name, id: full.slice(0, 4), key: material.slice(1) };
}

/** Reads a C2SP signed checkpoint: `{ origin, size, root, body, signatures }`. */
export function parseCheckpoint(note) {
  const split = note.lastIndexOf("\n\n");
  if (split < 0) throw new Error("the checkpoint is not a signed note");
  const body = note.slice(0, split + 1);
  const lines = body.split("\n");
  const signatures = note
    .slice(split + 2)
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [, name, value] = /^— (\S+) (\S+)$/.exec(line) ?? [];
      if (!name) throw new Error("a signature line is malformed");
      const bytes = fromBase64(value);
      return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
    });
  if (!/^(0|[1-9][0-9]*)$/.test(lines[1] ?? "")) throw new Error("the checkpoint has no size");
  return { origin: lines[0], size: Number(lines[1]), root: fromBase64(lines[2] ?? ""), body, signatures };
}

/** Whether the holder of `vkey` signed the checkpoint. */
export async function isSigned(checkpoint, vkey) {
  const trusted = await parseVerifierKey(vkey);
  const line = checkpoint.signatures.find((s) => s.name === trusted.name && sameBytes(s.id, trusted.id));
  if (!line) return false;
  const key = await crypto.subtle.importKey("raw", trusted.key, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, key, line.signature, text.encode(checkpoint.body));
}

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";

/** 26 Crockford base-32 digits, as public ids are written after their prefix. */
export function idDigits(number) {
  let digits = "";
  for (let place = 25; place >= 0; place--) digits += DIGITS[Number((number >> BigInt(5 * place)) & 31n)];
  return digits;
}

/** The fields of a transfer record, 118 bytes, little endian. */
export function decodeRecord(bytes) {
  if (bytes.length !== 118) throw new Error("a record has 118 bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u128 = (at) => view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
  return {
    seq: view.getBigUint64(0, true),
    time: view.getBigUint64(8, true),
    id: u128(17),
    debit: u128(33),
    credit: u128(49),
    amount: view.getBigUint64(65, true),
    debitBalance: view.getBigInt64(73, true),
    creditBalance: view.getBigInt64(81, true),
  };
}

/** The first field of a receipt's `what` that is not what the record says, or null. */
export function compare(what, record, leafIndex) {
  const out = what.direction === "out";
  const own = out ? record.debit : record.credit;
  const checks = {
    leaf_index: record.seq === BigInt(leafIndex),
    transaction_id: what.transaction_id.endsWith(`_${idDigits(record.id & ~15n)}`),
    debit_account: what.debit_account === idDigits(record.debit),
    credit_account: what.credit_account === idDigits(record.credit),
    direction: out || what.direction === "in",
    wallet_id: what.wallet_id.endsWith(`_${idDigits(own)}`),
    amount: BigInt(what.amount.amount) === record.amount && what.amount.currency === "CNY",
    balance: BigInt(what.balance.amount) === (out ? record.debitBalance : record.creditBalance),
    at: BigInt(Date.parse(what.at)) === record.time / 1_000_000n,
  };
  return Object.keys(checks).find((field) => !checks[field]) ?? null;
}
