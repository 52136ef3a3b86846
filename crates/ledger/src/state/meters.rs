//! Policies and the meters under them.

use super::shelf::Numbered;
use super::{Applied, Ledger, ensure, is_name};
use crate::command::MAX_METERS;
use crate::{Allowance, Body, Id, Meter, MeterRef, Nanos, PolicyVersion, Record, Refusal, Why};

/// No meter, where a meter's place is kept.
pub(super) const NO_METER: u32 = u32::MAX;

/// A meter and the record that set it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) meter: Meter,
    pub(super) set: u64,
}

/// A policy version and the record that published it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) version: PolicyVersion,
    pub(super) seq: u64,
}

impl Numbered for Tally {
    fn id(&self) -> Id {
        self.meter.id
    }
}

impl Ledger {
    /// The meter with this number, as it was last changed. [`Ledger::allowance`] shows it as of now.
    #[must_use]
    pub fn meter(&self, id: Id) -> Option<Meter> {
        self.meters.find(id).map(|place| self.meters[place].meter)
    }

    /// All meters, in the order they were opened.
    pub fn meters(&self) -> impl ExactSizeIterator<Item = Meter> {
        self.meters.iter().map(|tally| tally.meter)
    }

    /// What a meter still allows at `at`, but not before [`Ledger::now`]. `None` for no such meter.
    #[must_use]
    pub fn allowance(&self, meter: Id, at: Nanos) -> Option<Allowance> {
        let at = at.max(self.now);
        let meter = self.meter(meter)?;
        Some(meter.allowance(self.policy(meter.policy, at), at))
    }

    /// The version of a policy in force at `at`.
    #[must_use]
    pub fn policy(&self, policy: u32, at: Nanos) -> Option<PolicyVersion> {
        let versions = self.policies.get(&policy)?;
        versions.iter().rev().map(|published| published.version).find(|version| version.from <= at)
    }

    pub(super) fn publish_policy(
        &mut self,
        new: &PolicyVersion,
        at: Nanos,
        out: &mut Vec<Record>,
    ) -> Result<Applied, Refusal> {
        let versions = self.policies.get(&new.policy).map_or(&[][..], Vec::as_slice);
        if let Some(same) = versions.iter().find(|published| published.version == *new) {
            return Ok(Applied::already(same.seq));
        }
        ensure(follows(new, versions), Why::PolicyVersionInvalid)?;
        self.put_policy(*new, self.next);
        let PolicyVersion { policy, version, from, bounds } = *new;
        Ok(self.write(Body::PolicyPublished { policy, version, from, bounds }, at, out))
    }

    pub(super) fn put_policy(&mut self, version: PolicyVersion, seq: u64) {
        self.policies.entry(version.policy).or_default().push(Published { version, seq });
    }

    pub(super) fn set_meter(
        &mut self,
        meter: Id,
        policy: u32,
        at: Nanos,
        out: &mut Vec<Record>,
    ) -> Result<Applied, Refusal> {
        ensure(is_name(meter), Why::IdInvalid)?;
        let place = self.meters.find(meter);
        if let Some(tally) = place.map(|place| self.meters[place])
            && tally.meter.policy == policy
        {
            return Ok(Applied::already(tally.set));
        }
        ensure(self.policies.contains_key(&policy), Why::PolicyUnknown)?;
        ensure(place.is_some() || self.meters.has_room(), Why::Overflow)?;
        self.put_meter(meter, policy, self.next);
        Ok(self.write(Body::MeterSet { meter, policy }, at, out))
    }

    pub(super) fn put_meter(&mut self, meter: Id, policy: u32, seq: u64) {
        match self.meters.find(meter) {
            Some(place) => {
                let tally = &mut self.meters[place];
                tally.meter.policy = policy;
                tally.set = seq;
            }
            None => {
                self.meters.put(Tally { meter: Meter::new(meter, policy), set: seq });
            }
        }
    }

    /// The places of the named meters, or the lowest reason why one of them cannot be charged.
    ///
    /// Each meter is judged by itself, so a meter named twice is judged as if named once; naming it
    /// twice is refused in any case.
    pub(super) fn chargeable(
        &self,
        meters: &[MeterRef; MAX_METERS],
        amount: u64,
        at: Nanos,
    ) -> Result<[u32; MAX_METERS], Why> {
        let mut places = [NO_METER; MAX_METERS];
        let mut lowest: Option<Why> = None;
        for (index, &meter) in meters.iter().enumerate().filter(|&(_, &meter)| meter != 0) {
            let place = self.meters.find(meter);
            let why = match place {
                None => Some(Why::MeterUnknown),
                Some(place) => self.charge_refusal(&self.meters[place].meter, amount, at),
            };
            places[index] = place.unwrap_or(NO_METER);
            lowest = lowest.into_iter().chain(why).min();
            if meters[..index].contains(&meter) {
                lowest = lowest.or(Some(Why::MeterRepeated));
            }
        }
        lowest.map_or(Ok(places), Err)
    }

    fn charge_refusal(&self, meter: &Meter, amount: u64, at: Nanos) -> Option<Why> {
        match self.policy(meter.policy, at) {
            None => Some(Why::PolicyUnknown),
            Some(version) => meter.refusal(&version.bounds, amount, at),
        }
    }

    pub(super) fn charge(&mut self, meters: &[u32; MAX_METERS], amount: u64, at: Nanos) {
        for &place in meters.iter().filter(|&&place| place != NO_METER) {
            self.meters[place].meter.charge(amount, at);
        }
    }

    /// Gives back to a hold's meters what was charged when it was made.
    pub(super) fn give_back(
        &mut self,
        meters: &[u32; MAX_METERS],
        amount: u64,
        count: u64,
        charged: Nanos,
        at: Nanos,
    ) {
        for &place in meters.iter().filter(|&&place| place != NO_METER) {
            self.meters[place].meter.give_back(amount, count, charged, at);
        }
    }
}

/// Whether `new` may be the next version after `versions`.
pub(super) fn follows(new: &PolicyVersion, versions: &[Published]) -> bool {
    new.version > 0
        && versions
            .last()
            .is_none_or(|newest| new.version > newest.version.version && new.from >= newest.version.from)
}
