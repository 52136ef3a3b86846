// What a receipt proves and what it does not, in plain words. The Rust client says the same; a test
// compares both with one file.

import type { Proven } from "./receipt.js";

export interface Sentence {
  readonly zh: string;
  readonly en: string;
}

export interface Meaning {
  /** What follows from the checks. */
  readonly proves: readonly Sentence[];
  /** What one might think follows, and does not. */
  readonly does_not_prove: readonly Sentence[];
}

/** What the checks of a receipt show. */
export function meaningOf({ index, treeSize, signedByDevice, cosigned }: Omit<Proven, "meaning">): Meaning {
  const proves: Sentence[] = [
    {
      zh: `账本日志的第 ${index} 条记录与本凭证所示的金额、账户、时间和余额完全一致。`,
      en: `Record ${index} of the ledger's log has exactly the amount, accounts, time and balance shown.`,
    },
    {
      zh: `账本以其密钥签署：共 ${treeSize} 条记录的日志包含该记录。日后若删改，两份签名将互相矛盾。`,
      en: `The ledger's key signed that its log of ${treeSize} records holds it. Had it been changed or removed later, two signatures would contradict each other.`,
    },
  ];
  const does_not_prove: Sentence[] = [
    {
      zh: "账户背后是谁，以及 described 中的名称与说明：这些由平台提供，日志中没有。",
      en: "Who is behind the accounts, nor the names and words in `described`: the platform says so, the log does not hold them.",
    },
    { zh: "此后没有发生别的事：例如退款另有凭证。", en: "That nothing happened afterwards: a refund has a receipt of its own." },
  ];
  if (signedByDevice) {
    proves.push({
      zh: "付款人的设备签署了这笔金额，记录中保存了签名的摘要。",
      en: "The payer's device signed for this amount, and the record holds the digest of what it signed.",
    });
  } else {
    does_not_prove.push({ zh: "付款人同意：本凭证不含设备签名。", en: "That the payer agreed: this receipt holds no signature of a device." });
  }
  const names = cosigned.map((one) => one.name);
  if (names.length === 0) {
    does_not_prove.push({
      zh: "所有人看到的是同一份日志：没有您所信任的见证方联署。",
      en: "That everybody is shown the same log: no witness that you trust cosigned it.",
    });
  } else {
    proves.push({
      zh: `${names.length} 个您所信任的见证方（${names.join("、")}）见到的是同一份日志，且日志只增不改。`,
      en: `${names.length} of the witnesses that you trust (${names.join(", ")}) saw the same log, and that it only grew.`,
    });
  }
  does_not_prove.push({
    zh: "验证所用的密钥属于该账本：密钥是您自己提供的。",
    en: "That the keys you checked with are the ledger's and the witnesses': you brought them.",
  });
  return { proves, does_not_prove };
}
