// The TypeScript client: a shop's server, its webhooks, and receipts, proofs and checkpoints checked offline.

export { type Bytes, fromBase64, toBase64, toHex } from "./bytes.js";
export type * as api from "./generated/api.js";
export type { Code, Event, Money, Operations, Order, OrderAsk, Refund, RefundAsk } from "./generated/api.js";
export { BadKey, PublicKey, SigningKey, type Suite } from "./keys.js";
export { type Ask, fen, type Listing, type ListOperation, Merchant, type MerchantOptions } from "./merchant.js";
export { type Checkpoint, type Cosignature, type Key, hashingOf, type Note, openNote, parseCheckpoint, parseKey, parseNote } from "./note.js";
export { openParcel, type Parcel, type SealAlgorithm, type SealKey, sealParcel } from "./parcel.js";
export { isProblem, OutcomeUnknown, Problem, type ProblemBody, Unacceptable } from "./problem.js";
export { type Hashing, leafHash, nodeHash, NotProven, rootFromPath, verifyConsistency } from "./proof.js";
export { decodeRecord, idDigits, type Proven, type Step, type Trust, verifyReceipt } from "./receipt.js";
export { answerText, authorize, checkAnswer, makeNonce, requestText, type SignatureFault } from "./signature.js";
export { isPoint, publicSm2, signSm2, verifySm2 } from "./sm2.js";
export { sm3 } from "./sm3.js";
export { openSm4Gcm, sealSm4Gcm } from "./sm4.js";
export { type Counted, sumLeaf, type SumNode, sumParent, sumRoot, type Supply, type SupplyBook, verifyBalance, verifySupply } from "./supply.js";
export { type ApiKey, type DeliveryHeaders, Newest, type Notice, Receiver, type ReceiverOptions, Refused, type RefusedCode, signStandard } from "./webhook.js";
export { type Meaning, meaningOf, type Sentence } from "./words.js";
