//! What a receipt proves and what it does not, in plain words, Chinese and English.
//!
//! The words follow from what was checked, not from what the receipt says about itself. The TypeScript
//! client says the same ones; a test compares both with one file.

use serde::Serialize;

use crate::receipt::Proven;

/// One sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// What a checked receipt shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// What follows from the checks.
    pub proves: Vec<Sentence>,
    /// What one might think follows, and does not.
    pub does_not_prove: Vec<Sentence>,
}

fn say(zh: impl Into<String>, en: impl Into<String>) -> Sentence {
    Sentence { zh: zh.into(), en: en.into() }
}

impl Meaning {
    /// What the checks of `proven` show.
    #[must_use]
    pub fn of(proven: &Proven) -> Self {
        let (index, size) = (proven.index, proven.tree_size);
        let mut proves = vec![
            say(
                format!("账本日志的第 {index} 条记录与本凭证所示的金额、账户、时间和余额完全一致。"),
                format!(
                    "Record {index} of the ledger's log has exactly the amount, accounts, time and balance shown."
                ),
            ),
            say(
                format!(
                    "账本以其密钥签署：共 {size} 条记录的日志包含该记录。日后若删改，两份签名将互相矛盾。"
                ),
                format!(
                    "The ledger's key signed that its log of {size} records holds it. Had it been changed or removed later, two signatures would contradict each other."
                ),
            ),
        ];
        let mut does_not_prove = vec![
            say(
                "账户背后是谁，以及 described 中的名称与说明：这些由平台提供，日志中没有。",
                "Who is behind the accounts, nor the names and words in `described`: the platform says so, the log does not hold them.",
            ),
            say(
                "此后没有发生别的事：例如退款另有凭证。",
                "That nothing happened afterwards: a refund has a receipt of its own.",
            ),
        ];
        if proven.signed_by_device {
            proves.push(say(
                "付款人的设备签署了这笔金额，记录中保存了签名的摘要。",
                "The payer's device signed for this amount, and the record holds the digest of what it signed.",
            ));
        } else {
            does_not_prove.push(say(
                "付款人同意：本凭证不含设备签名。",
                "That the payer agreed: this receipt holds no signature of a device.",
            ));
        }
        let names: Vec<&str> = proven.cosigned.iter().map(|one| one.name.as_str()).collect();
        if names.is_empty() {
            does_not_prove.push(say(
                "所有人看到的是同一份日志：没有您所信任的见证方联署。",
                "That everybody is shown the same log: no witness that you trust cosigned it.",
            ));
        } else {
            let (count, zh, en) = (names.len(), names.join("、"), names.join(", "));
            proves.push(say(
                format!("{count} 个您所信任的见证方（{zh}）见到的是同一份日志，且日志只增不改。"),
                format!(
                    "{count} of the witnesses that you trust ({en}) saw the same log, and that it only grew."
                ),
            ));
        }
        does_not_prove.push(say(
            "验证所用的密钥属于该账本：密钥是您自己提供的。",
            "That the keys you checked with are the ledger's and the witnesses': you brought them.",
        ));
        Self { proves, does_not_prove }
    }
}
