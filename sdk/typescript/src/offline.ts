// What checks receipts, proofs and checkpoints, and nothing that speaks to a platform: for pages in browsers.

export { type Bytes, fromBase64, toBase64, toHex } from "./bytes.js";
export { type Checkpoint, type Cosignature, type Key, hashingOf, type Note, openNote, parseCheckpoint, parseKey, parseNote } from "./note.js";
export { type Hashing, leafHash, nodeHash, NotProven, rootFromPath, verifyConsistency } from "./proof.js";
export { decodeRecord, idDigits, type Proven, type Step, type Trust, verifyReceipt } from "./receipt.js";
export { verifySm2 } from "./sm2.js";
export { sm3 } from "./sm3.js";
export { type Counted, sumLeaf, type SumNode, sumParent, sumRoot, type Supply, type SupplyBook, verifyBalance, verifySupply } from "./supply.js";
export { type Meaning, meaningOf, type Sentence } from "./words.js";
