//! The beginning: institutions, their ledger accounts, and the policies.

use jialing_engine::SubmitError;
use jialing_ledger::{AccountChange, AccountKind, Command, NewAccount, Why};
use serde::Deserialize;

use super::{Institution, Model, NewKey, Role, keys, store};
use crate::audit::{self, Entry};
use crate::id::InstitutionId;
use crate::money::Currency;
use crate::wallets::legs::CENTRAL_BANK;
use crate::{App, Code, Money, Problem, Result, Tx, policies};

/// Who there is at the beginning: one central bank, and operating banks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Founding {
    /// The institutions.
    pub institutions: Vec<NewInstitution>,
}

/// An institution of the beginning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewInstitution {
    /// Its short code: 2 to 12 capital letters and digits.
    pub code: String,
    /// What it does.
    pub role: Role,
    /// Whose liability its wallets are. The central bank's own model is `central`.
    pub model: Model,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// For the central bank and banks of the model `deposit`: the authorised amount at the
    /// beginning, in fen. Afterwards [`authorise`] changes it.
    #[serde(default)]
    pub authorised: u64,
    /// The keys it signs its requests with.
    #[serde(default)]
    pub keys: Vec<NewKey>,
}

/// Loads the policies, writes the institutions of `founding` that are not there yet, opens their
/// ledger accounts, adds their keys, and finishes what an earlier run left undone.
///
/// Safe to repeat: it runs at every start. What is there already is not changed.
///
/// # Errors
/// `internal` if `founding` names no or two central banks, or an institution there is differs.
pub async fn establish(app: &App, founding: Founding) -> Result<()> {
    policies::establish(app).await?;
    check(&founding)?;
    let now = app.clock.millis();
    let institutions = app
        .db
        .write(async move |tx: &mut Tx| {
            let mut known = store::all(&mut *tx).await?;
            for new in &founding.institutions {
                let institution = match known.iter().find(|known| known.code == new.code) {
                    Some(same) => same_as(same, new)?.clone(),
                    None => {
                        let fresh = found(&known, new, now);
                        store::insert(tx, &fresh, now).await?;
                        known.push(fresh.clone());
                        fresh
                    }
                };
                for key in &new.keys {
                    keys::insert(tx, institution.id, key, now).await?;
                }
            }
            Ok(known)
        })
        .await?;
    for institution in &institutions {
        open_accounts(app, institution).await?;
    }
    Ok(())
}

fn check(founding: &Founding) -> Result<()> {
    let central = founding.institutions.iter().filter(|new| new.role == Role::Central).count();
    if central != 1 {
        return Err(Problem::internal(format!("there must be one central bank, not {central}")));
    }
    for new in &founding.institutions {
        let code = new.code.as_bytes();
        if !(2..=12).contains(&code.len())
            || !code.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        {
            return Err(Problem::internal(format!(
                "the institution code {:?} is not 2 to 12 capital letters and digits",
                new.code
            )));
        }
    }
    Ok(())
}

fn same_as<'a>(known: &'a Institution, new: &NewInstitution) -> Result<&'a Institution> {
    if (known.role, known.model) == (new.role, new.model) {
        Ok(known)
    } else {
        Err(Problem::internal(format!(
            "institution {} is stored with another role or model; neither can change",
            known.code
        )))
    }
}

fn found(known: &[Institution], new: &NewInstitution, now: i64) -> Institution {
    let highest = known.iter().map(|institution| institution.holder).max().unwrap_or(CENTRAL_BANK);
    let numbers = known.iter().map(|institution| institution.number).max().unwrap_or(0);
    let own = new.role == Role::Operating && new.model == Model::Deposit;
    Institution {
        id: InstitutionId::new(now),
        number: numbers + 1,
        code: new.code.clone(),
        role: new.role,
        model: new.model,
        holder: if own { highest + 1 } else { CENTRAL_BANK },
        name_zh: new.name_zh.clone(),
        name_en: new.name_en.clone(),
        authorised: new.authorised,
    }
}

/// Opens the vault and, where the institution issues, the issuance account with its authorised
/// amount. An issuance account never rises above zero: no more is redeemed than was issued.
async fn open_accounts(app: &App, institution: &Institution) -> Result<()> {
    let currency = Currency::CNY.numeric();
    let mut commands = Vec::new();
    if !institution.is_central() {
        let id = institution.vault();
        commands.push(Command::OpenAccount(NewAccount {
            id,
            currency,
            kind: AccountKind::Vault,
            holder: CENTRAL_BANK,
            min: 0,
            max: i64::MAX,
        }));
    }
    if institution.issues() {
        let id = institution.issuance();
        commands.push(Command::OpenAccount(NewAccount {
            id,
            currency,
            kind: AccountKind::Issuance,
            holder: institution.holder,
            min: 0,
            max: 0,
        }));
        commands.push(authority(institution, institution.authorised)?);
    }
    for answer in app.engine.submit_all(commands).await {
        answer.map_err(|error| {
            Problem::internal(format!("the accounts of {} could not be opened: {error}", institution.code))
        })?;
    }
    Ok(())
}

fn authority(institution: &Institution, amount: u64) -> Result<Command> {
    let amount = i64::try_from(amount).map_err(|_| Problem::new(Code::AmountInvalid).field("authorised"))?;
    Ok(Command::ChangeAccount(AccountChange {
        id: institution.issuance(),
        min: Some(-amount),
        ..AccountChange::default()
    }))
}

/// Sets what an institution may have issued at most. Below what it has issued already, it can issue
/// nothing more until enough was redeemed.
///
/// The row is the intention and the ledger follows; [`establish`] finishes what a crash interrupts.
///
/// # Errors
/// `not_found`; `state_conflict` for a bank that issues nothing of its own; `amount_invalid`.
pub async fn authorise(app: &App, code: &str, authorised: Money) -> Result<Institution> {
    let institution = super::by_code(app, code).await?;
    if !institution.issues() {
        return Err(Problem::new(Code::StateConflict).detail("This bank issues nothing of its own."));
    }
    let command = authority(&institution, authorised.amount)?;
    let (code, amount) = (code.to_owned(), authorised.amount as i64);
    let (id, before, now) = (institution.id, institution.authorised, app.clock.millis());
    app.db
        .write(async move |tx: &mut Tx| {
            let entry = Entry::new("operator", "institution.authorise", id, now);
            audit::log(tx, entry.before(before).after(amount)).await?;
            store::set_authorised(tx, &code, amount).await
        })
        .await?;
    match app.engine.submit(command).await {
        Ok(_) => super::by_id(app, institution.id).await,
        Err(SubmitError::Refused(refusal)) if refusal.why == Why::LimitsInvalid => {
            Err(Problem::new(Code::AmountInvalid).field("authorised"))
        }
        Err(error) => Err(Problem::internal(error)),
    }
}
