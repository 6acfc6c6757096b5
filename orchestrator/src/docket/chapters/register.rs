//! What others get to see: announcements (A22), the public register item by item (A11), filings with the province and its receipts (A12), records of
//! bad conduct for the credit file (A30).

use super::super::book::Book;
use super::super::kind::{Audience, Document, Kind, Moment, refuse};
use super::super::line::STEP;
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::{BTreeMap, BTreeSet};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::id::{AuthorisationId, PartyName, document_hash};
use yu_governance::register::{CreditRecord, FeedItem, FilingPackage, Receipt, Register};
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;
use yu_governance::workflow::dossier::Announcement;

#[cfg(test)]
mod tests;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "register",
    title: ("announcements, public register, filings, credit", "公告、公示、备案与信用"),
    kinds: &[
        Kind::of::<Announcement>(),
        Kind::of::<FeedItem>(),
        Kind::of::<FilingPackage>(),
        Kind::of::<Receipt>(),
        Kind::of::<CreditRecord>(),
    ],
    tell,
    // what the steps of a procedure cite is looked up from `grants::backing`
    objections: none,
};

/// What is public, filed or recorded.
#[derive(Default)]
pub struct Public {
    announcements: BTreeMap<Hash, Announcement>,
    register: Option<Register>,
    packages: BTreeMap<Hash, FilingPackage>,
    /// Receipts with what was filed.
    receipts: BTreeMap<Hash, AuthorisationId>,
    credit: Vec<CreditRecord>,
}

impl Public {
    /// Announcements, with the hash by which applications cite them.
    pub fn announcements(&self) -> impl Iterator<Item = (&Hash, &Announcement)> {
        self.announcements.iter()
    }

    /// The window of an announcement that is filed.
    #[must_use]
    pub fn announced(&self, announcement: &Hash) -> Option<(Time, Time)> {
        self.announcements.get(announcement).map(|known| (known.opens, known.closes))
    }

    /// The public register as its items tell.
    #[must_use]
    pub fn register(&self, authority: &PartyName) -> Register {
        self.register.clone().unwrap_or_else(|| Register::new(authority.clone()))
    }

    /// Whether a package on the authorisation is filed.
    #[must_use]
    pub fn is_filed(&self, authorisation: &AuthorisationId) -> bool {
        self.packages.values().any(|package| package.authorisation == *authorisation)
    }

    /// Whether this is a receipt on a package on the authorisation.
    #[must_use]
    pub fn received(&self, authorisation: &AuthorisationId, receipt: &Hash) -> bool {
        self.receipts.get(receipt) == Some(authorisation)
    }
}

impl Document for Announcement {
    const KIND: &'static str = "announcement";
    const TITLE: (&'static str, &'static str) = ("announcement", "授权公告");
    const EXAMPLE: &'static str = include_str!("register/announcement.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    /// A22: complete, by the authority, while somebody can still apply; what was announced is not changed under the same name.
    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, at }: Moment<'_>) -> Result<()> {
        let announcement = &signed.payload;
        announcement.event()?;
        if announcement.authority != law.authority {
            return Err(refuse("announcement.authority", "the domain's authority announces"));
        }
        if announcement.closes <= at {
            return Err(refuse("announcement.late", format!("its window closed at {}", announcement.closes)));
        }
        let all = &mut book.register.announcements;
        if all.values().any(|known| known.id == announcement.id) {
            return Err(refuse("announcement.again", format!("`{}` is announced already: a new one needs a new name", announcement.id)));
        }
        all.insert(document_hash(announcement)?, announcement.clone());
        Ok(())
    }
}

impl Document for FeedItem {
    const KIND: &'static str = "register-item";
    const TITLE: (&'static str, &'static str) = ("item of the public register", "公示条目");
    const EXAMPLE: &'static str = include_str!("register/item.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, at }: Moment<'_>) -> Result<()> {
        if signed.payload.at > at {
            return Err(refuse("register.time", "the item is dated ahead"));
        }
        let mut register = book.register.register(&law.authority);
        register.follow(signed, &law.ring)?;
        book.register.register = Some(register);
        Ok(())
    }
}

impl Document for FilingPackage {
    const KIND: &'static str = "filing-package";
    const TITLE: (&'static str, &'static str) = ("package filed with the province", "报省备案材料");
    const EXAMPLE: &'static str = include_str!("register/package.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(std::iter::once(&self.authority).chain(&self.through).cloned().collect())
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, at }: Moment<'_>) -> Result<()> {
        let package = &signed.payload;
        if package.v != 1 || package.authority != law.authority || package.through.as_ref() == Some(&package.authority) || package.at > at {
            return Err(refuse("filing.format", "the domain's authority files, a county's through another one, and not in the future"));
        }
        let there: BTreeSet<String> = package.documents.keys().cloned().collect();
        let missing: Vec<String> = law.rules().filing().difference(&there).cloned().collect();
        if !missing.is_empty() {
            return Err(refuse("filing.missing", missing.join(", ")));
        }
        book.register.packages.insert(document_hash(package)?, package.clone());
        Ok(())
    }
}

impl Document for Receipt {
    const KIND: &'static str = "filing-receipt";
    const TITLE: (&'static str, &'static str) = ("receipt of the province on a filing", "省级备案回执");
    const EXAMPLE: &'static str = include_str!("register/receipt.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.receiver.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, .. }: Moment<'_>) -> Result<()> {
        let receipt = &signed.payload;
        let is_province = law.holders(Role::Province).contains(&receipt.receiver);
        if !is_province || receipt.receiver.organisation() == law.authority.organisation() {
            return Err(refuse("receipt.receiver", format!("`{}` is not appointed for the province", receipt.receiver)));
        }
        let public = &mut book.register;
        let Some(package) = public.packages.get(&receipt.package) else {
            return Err(refuse("receipt.other", "the package is not filed here"));
        };
        let hash = Self::verify(signed, package, &receipt.receiver, &law.ring)?;
        public.receipts.insert(hash, package.authorisation.clone());
        Ok(())
    }
}

impl Document for CreditRecord {
    const KIND: &'static str = "credit-record";
    const TITLE: (&'static str, &'static str) = ("record of bad conduct for the credit file", "失信行为信用记录");
    const EXAMPLE: &'static str = include_str!("register/credit.toml");
    // a name in the credit file is not for every competitor to read
    const AUDIENCE: Audience = Audience::Signers;

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    /// A30: on a decision that stands in the docket, once.
    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, .. }: Moment<'_>) -> Result<()> {
        let record = &signed.payload;
        record.check()?;
        if record.authority != law.authority {
            return Err(refuse("credit.form", "the domain's authority records"));
        }
        if book.documents.get(&record.decision).is_none_or(|(kind, _)| *kind != STEP) {
            return Err(refuse("credit.decision", "the decision that it rests on is no step that was taken here"));
        }
        if book.register.credit.iter().any(|known| known.decision == record.decision) {
            return Err(refuse("credit.again", "the decision is recorded already"));
        }
        book.register.credit.push(record.clone());
        Ok(())
    }
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let public = &book.register;
    let announced = public.announcements.values().map(|known| {
        let (en, zh) = if now < known.opens {
            ("opens", "即将开放申请")
        } else if now < known.closes {
            ("open for applications", "接受申请")
        } else {
            ("closed", "申请期已过")
        };
        let window = format!("{} - {}", known.opens, known.closes);
        (format!("announcement {}: {en}, {window}", known.id), format!("公告 {}：{zh}，{window}", known.id))
    });
    let register = public.register(&law.authority);
    let lines = register.lines().iter().map(|(id, entry)| {
        let state = if entry.active { ("active", "运营中") } else { ("proposed", "拟授权") };
        (format!("register: {id}, {}, {}", entry.operator, state.0), format!("公示：{id}，{}，{}", entry.operator, state.1))
    });
    let filed = public.packages.iter().map(|(hash, package)| {
        let id = &package.authorisation;
        let is_received = public.receipts.values().any(|known| known == id);
        let state = if is_received { ("received", "已回执") } else { ("no receipt yet", "尚无回执") };
        (format!("filing of {id}, {hash}: {}", state.0), format!("{id} 备案，{hash}：{}", state.1))
    });
    let credit = public.credit.iter().map(|record| {
        let (who, id) = (&record.organisation, &record.authorisation);
        (format!("credit: {who}, {id}, {}", record.cause), format!("信用：{who}，{id}，{}", record.cause_zh))
    });
    announced.chain(lines.collect::<Vec<_>>()).chain(filed).chain(credit).collect()
}
