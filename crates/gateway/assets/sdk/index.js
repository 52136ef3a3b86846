// Checks receipts, proofs and checkpoints of a Jialing ledger, offline, under both suites.
export { fromBase64, toBase64, toHex } from "./bytes.js";
export { hashingOf, openNote, parseCheckpoint, parseKey, parseNote } from "./note.js";
export { leafHash, nodeHash, NotProven, rootFromPath, verifyConsistency } from "./proof.js";
export { decodeRecord, idDigits, verifyReceipt } from "./receipt.js";
export { verifySm2 } from "./sm2.js";
export { sm3 } from "./sm3.js";
export { sumLeaf, sumParent, sumRoot, verifyBalance, verifySupply } from "./supply.js";
export { meaningOf } from "./words.js";
