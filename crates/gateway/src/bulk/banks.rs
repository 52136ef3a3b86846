//! Who may come through the bulk door.

use std::future::Future;
use std::pin::Pin;

use jialing_bulk::{Authority, Fault};
use jialing_crypto::PublicKey;
use jialing_platform::follow::Follower;
use jialing_platform::institutions::{self, Role};
use jialing_platform::kind::Kind;
use jialing_platform::{App, Code};

/// A bank with the key that it must prove.
#[derive(Clone, Debug)]
pub struct Member {
    /// The key.
    pub key: PublicKey,
    /// What it may touch.
    pub authority: Authority,
}

/// An answer that is being looked up.
pub type Finding<'a> = Pin<Box<dyn Future<Output = Result<Member, Fault>> + Send + 'a>>;

/// Where banks and their keys are known.
pub trait Banks: Send + Sync + 'static {
    /// The bank named `institution` (code or id), if its key `serial` is valid now.
    fn find<'a>(&'a self, institution: &'a str, serial: &'a str) -> Finding<'a>;

    /// Records that the slowest follower lags behind.
    fn lag(&self) -> u64 {
        0
    }
}

/// The banks of a platform.
#[derive(Clone)]
pub struct Platform(pub App);

impl Banks for Platform {
    fn find<'a>(&'a self, institution: &'a str, serial: &'a str) -> Finding<'a> {
        Box::pin(find(&self.0, institution, serial))
    }

    fn lag(&self) -> u64 {
        let records = *self.0.engine.durable().borrow();
        let slowest = Follower::ALL.into_iter().map(|follower| self.0.progress.of(follower)).min();
        records.saturating_sub(slowest.unwrap_or(records))
    }
}

async fn find(app: &App, institution: &str, serial: &str) -> Result<Member, Fault> {
    let failed = |problem: jialing_platform::Problem| match problem.code {
        Code::KeyUnknown => Fault::KeyUnknown,
        _ => {
            tracing::error!(%problem, fault = problem.internal.as_deref(), "a bank could not be looked up");
            Fault::Internal
        }
    };
    let key = institutions::key(app, institution, serial).await.map_err(failed)?;
    let all = institutions::all(app).await.map_err(failed)?;
    let bank = all.iter().find(|known| known.id == key.institution).ok_or(Fault::Internal)?;
    if bank.role != Role::Operating {
        return Err(Fault::NotOperating);
    }
    let others = all.iter().filter(|other| other.id != bank.id && other.issues());
    Ok(Member {
        key: key.public_key,
        authority: Authority {
            institution: bank.number,
            holder: bank.holder,
            vault: bank.vault(),
            issuance: if bank.issues() { bank.issuance() } else { 0 },
            closed_to_credits: others.map(|other| other.issuance()).collect(),
            kind: Kind::Bulk as u16,
        },
    })
}

/// Banks from a list: for measuring and tests.
#[derive(Clone, Debug, Default)]
pub struct Registered(pub Vec<(String, Member)>);

impl Banks for Registered {
    fn find<'a>(&'a self, institution: &'a str, serial: &'a str) -> Finding<'a> {
        let found = self.0.iter().find(|(code, member)| code == institution && member.key.id() == serial);
        let found = found.map(|(_, member)| member.clone()).ok_or(Fault::KeyUnknown);
        Box::pin(std::future::ready(found))
    }
}
