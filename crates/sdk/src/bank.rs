//! A bank's treasury: digital money asked for and given back, every request signed.

use jialing_crypto::SigningKey;
use serde_json::json;

use crate::answers::{Amount, Issuance};
use crate::error::Result;
use crate::signed::Signed;

/// A bank's client. Cheap to clone.
#[derive(Clone)]
pub struct Bank(Signed);

impl Bank {
    /// A client for the institution `code` at the platform `base`, signing with `key`.
    ///
    /// # Errors
    /// No answer, or keys that cannot be read.
    pub async fn connect(base: &str, code: &str, key: SigningKey) -> Result<Self> {
        Signed::connect(base, code, key).await.map(Self)
    }

    /// Asks the central bank to issue `amount` fen. The same number is carried out once.
    ///
    /// # Errors
    /// `conflict` when the number was used for something else.
    pub async fn issue(&self, out_issuance_no: &str, amount: u64) -> Result<Issuance> {
        self.0
            .post(
                "/v1/bank/issuances",
                &json!({ "out_issuance_no": out_issuance_no, "amount": Amount::fen(amount) }),
            )
            .await?
            .json()
    }

    /// Gives `amount` fen back to the central bank. The same number is carried out once.
    ///
    /// # Errors
    /// `conflict` when the number was used for something else.
    pub async fn redeem(&self, out_issuance_no: &str, amount: u64) -> Result<Issuance> {
        self.0
            .post(
                "/v1/bank/redemptions",
                &json!({ "out_issuance_no": out_issuance_no, "amount": Amount::fen(amount) }),
            )
            .await?
            .json()
    }
}
