//! The log by time: how many records come before a moment.

use jialing_ledger::{Nanos, Record};

use super::Embedded;
use crate::answer::ReadError;
use crate::record;

impl Embedded {
    /// The number of durable records with a time before `time`.
    pub(crate) async fn records_before(&self, time: Nanos) -> Result<u64, ReadError> {
        self.read(move |shared| {
            // Time never goes back along the log, so halving finds the place.
            let (mut low, mut high) = (0, shared.indexed());
            while low < high {
                let middle = low.midpoint(high);
                if record::decode(middle, &shared.reader.entry(middle)?)?.time < time {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            Ok(low)
        })
        .await
    }

    /// Durable record `seq`.
    pub(crate) async fn record(&self, seq: u64) -> Result<Record, ReadError> {
        self.within(seq, seq < self.shared.indexed())?;
        self.read(move |shared| record::decode(seq, &shared.reader.entry(seq)?)).await
    }
}
