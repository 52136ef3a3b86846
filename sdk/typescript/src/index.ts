// The TypeScript client: a shop's server, its webhooks, and everything that is checked offline.

export type * as api from "./generated/api.js";
export type { Code, Event, Money, Operations, Order, OrderAsk, Refund, RefundAsk } from "./generated/api.js";
export { BadKey, PublicKey, SigningKey, type Suite } from "./keys.js";
export { type Ask, fen, type ItemOf, type Listing, type ListOperation, Merchant, type MerchantOptions } from "./merchant.js";
export * from "./offline.js";
export { openParcel, type Parcel, type SealAlgorithm, type SealKey, sealParcel } from "./parcel.js";
export { isProblem, OutcomeUnknown, Problem, type ProblemBody, Unacceptable } from "./problem.js";
export { EncryptionKey, type EncryptionKeyInfo } from "./seal.js";
export { answerText, authorize, checkAnswer, makeNonce, requestText, type SignatureFault } from "./signature.js";
export { isPoint, publicSm2, signSm2 } from "./sm2.js";
export { openSm4Gcm, sealSm4Gcm } from "./sm4.js";
export { type ApiKey, type DeliveryHeaders, Newest, type Notice, Receiver, type ReceiverOptions, Refused, type RefusedCode, signStandard } from "./webhook.js";
