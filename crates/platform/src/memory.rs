//! What is kept in memory: rows of tables that seldom change, see [`Kept`], and the journal's newest records.

use std::sync::Arc;

use jialing_ledger::Record;
use tokio::sync::Mutex;

use crate::db::{Kept, Table};
use crate::id::{DeviceId, MerchantId, PersonId, WalletId};
use crate::institutions::Institution;
use crate::wallets::Wallet;
use crate::{devices, merchants, sessions};

/// The rows that every payment asks for.
pub(crate) struct Memory {
    /// Merchants.
    pub(crate) merchants: Kept<MerchantId, merchants::store::Row>,
    /// Keys of merchants' servers, by their serials.
    pub(crate) merchant_keys: Kept<(MerchantId, String), Arc<merchants::HeldKey>>,
    /// The merchant of a wallet, if it is a merchant's.
    pub(crate) merchants_of: Kept<WalletId, Option<Arc<merchants::Named>>>,
    /// Wallets, without their money.
    pub(crate) wallets: Kept<WalletId, Wallet>,
    /// All institutions.
    pub(crate) institutions: Kept<(), Arc<[Institution]>>,
    /// Devices of persons.
    pub(crate) devices: Kept<(PersonId, DeviceId), Arc<devices::Held>>,
    /// Sessions by the hashes of their tokens.
    pub(crate) sessions: Kept<String, sessions::Live>,
    /// What followers were fed last: the number of the first record, and the records.
    pub(crate) fed: Mutex<Option<(u64, Arc<[Record]>)>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            merchants: Kept::new(&[Table::Merchants]),
            merchant_keys: Kept::new(&[Table::MerchantKeys]),
            merchants_of: Kept::new(&[Table::Merchants]),
            wallets: Kept::new(&[Table::Wallets, Table::Institutions]),
            institutions: Kept::new(&[Table::Institutions]),
            devices: Kept::new(&[Table::Devices]),
            sessions: Kept::new(&[Table::Sessions]),
            fed: Mutex::default(),
        }
    }
}
