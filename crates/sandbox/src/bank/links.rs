//! Links: how an account becomes one that may be debited and credited.

use jialing_crypto::random;
use jialing_rails::bank::wire::{ConfirmLink, EndLink, Reply, StartLink, State};
use jialing_rails::notice::Message;
use jiff::Timestamp;

use super::book::{Account, AgreementRow, Book, Link, after, reused};
use super::magic::{MAGIC_CODE_NEVER, VISITOR_PREFIX};
use crate::phone::canonical_phone;

impl Book {
    /// Starts a link; the message carries the code to the holder.
    pub(crate) fn start_link(&mut self, ask: &StartLink, now: Timestamp) -> (Reply, Option<Message>) {
        if let Some((link_id, link)) = self.link_of(&ask.reference) {
            if link.account != ask.account {
                return (reused(&ask.reference), None);
            }
            return (link_reply(&ask.reference, link_id), None);
        }
        if let Err((code, message)) = self.check_holder(ask) {
            return (Reply::refused(&ask.reference, code, message), None);
        }
        let code = loop {
            let code = random::digits(6);
            if code != MAGIC_CODE_NEVER {
                break code;
            }
        };
        let link_id = format!("lnk_{}", random::nonce());
        let message = Message {
            reference: link_id.clone(),
            phone: ask.phone.clone(),
            template: "BANK_LINK_CODE".to_owned(),
            params: [("code".to_owned(), code.clone()), ("bank".to_owned(), self.institution.clone())].into(),
            language: "zh-CN".to_owned(),
        };
        let link = Link {
            reference: ask.reference.clone(),
            account: ask.account.clone(),
            code,
            expires_at: after(now, self.rules.code_valid_s * 1_000),
            tries: 0,
            agreement: None,
        };
        self.shelves.put("links", &link_id, &link);
        let reply = link_reply(&ask.reference, &link_id);
        self.links.insert(link_id, link);
        (reply, Some(message))
    }

    fn link_of(&self, reference: &str) -> Option<(&String, &Link)> {
        self.links.iter().find(|(_, link)| link.reference == reference)
    }

    /// Whether the account is the holder's; a visitor's account is opened here.
    fn check_holder(&mut self, ask: &StartLink) -> Result<(), (&'static str, &'static str)> {
        if !self.accounts.contains_key(&ask.account) && is_visitor(&ask.account) {
            self.put_account(Account {
                number: ask.account.clone(),
                holder_name: ask.holder_name.clone(),
                id_number: ask.id_number.clone(),
                phone: ask.phone.clone(),
                balance: self.rules.visitor_balance,
                frozen: false,
            });
        }
        let account =
            self.accounts.get(&ask.account).ok_or(("ACCOUNT_NOT_FOUND", "没有这个账户 no such account"))?;
        if account.holder_name != ask.holder_name || account.id_number != ask.id_number {
            return Err(("HOLDER_MISMATCH", "户名或证件不符 name or identity number differs"));
        }
        if account.phone != canonical_phone(&ask.phone) {
            return Err(("PHONE_MISMATCH", "预留手机号不符 the bank knows another phone"));
        }
        if account.frozen {
            return Err(("ACCOUNT_FROZEN", "账户已冻结 the account is frozen"));
        }
        Ok(())
    }

    /// Confirms a link with its code.
    pub(crate) fn confirm_link(&mut self, ask: &ConfirmLink, now: Timestamp) -> Reply {
        let refuse = |code, message| Reply::refused(&ask.reference, code, message);
        let Some(link) = self.links.get_mut(&ask.link_id) else {
            return refuse("LINK_NOT_FOUND", "没有这次签约 no such link");
        };
        if link.tries >= self.rules.most_tries {
            return refuse("TOO_MANY_TRIES", "尝试次数过多 start again");
        }
        if link.agreement.is_none() && now > link.expires_at {
            return refuse("CODE_EXPIRED", "验证码已过期 start again");
        }
        if link.code != ask.code {
            link.tries += 1;
            let link = link.clone();
            self.shelves.put("links", &ask.link_id, &link);
            return refuse("WRONG_CODE", "验证码错误 the code is wrong");
        }
        let agreement = link.agreement.get_or_insert_with(|| format!("agr_{}", random::nonce())).clone();
        let link = link.clone();
        let row = AgreementRow { account: link.account.clone(), ended: false };
        if !self.agreements.contains_key(&agreement) {
            self.shelves.put("agreements", &agreement, &row);
            self.agreements.insert(agreement.clone(), row);
        }
        self.shelves.put("links", &ask.link_id, &link);
        Reply {
            agreement: Some(agreement),
            account_mask: Some(mask(&link.account)),
            ..Reply::new(&ask.reference, State::Done)
        }
    }

    /// Ends an agreement; ending an ended one is done.
    pub(crate) fn end_link(&mut self, ask: &EndLink) -> Reply {
        let Some(row) = self.agreements.get_mut(&ask.agreement) else {
            return Reply::refused(&ask.reference, "AGREEMENT_NOT_FOUND", "没有这份协议 no such agreement");
        };
        row.ended = true;
        let row = row.clone();
        self.shelves.put("agreements", &ask.agreement, &row);
        Reply::new(&ask.reference, State::Done)
    }
}

fn link_reply(reference: &str, link_id: &str) -> Reply {
    Reply { link_id: Some(link_id.to_owned()), ..Reply::new(reference, State::Done) }
}

fn is_visitor(account: &str) -> bool {
    (16..=19).contains(&account.len())
        && account.starts_with(VISITOR_PREFIX)
        && account.bytes().all(|b| b.is_ascii_digit())
}

/// All but the last four digits hidden.
fn mask(account: &str) -> String {
    let tail: String = account.chars().skip(account.chars().count().saturating_sub(4)).collect();
    format!("**** {tail}")
}
