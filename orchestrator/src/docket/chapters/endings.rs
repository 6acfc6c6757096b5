//! Ends of authorisations: the plan for their assets (L6), what each holder did at the end (L1), what was sealed and may be opened again (L5).

use super::super::book::Book;
use super::super::kind::{Audience, Document, Kind, Moment, all_of, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::asset::{Action, DisposalPlan};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::ending::{EndingCertificate, SealedPackage, Unsealing};
use yu_governance::finding::Finding;
use yu_governance::id::{AuthorisationId, PartyName};
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "endings",
    title: ("ends of authorisations", "授权终止与资产处置"),
    kinds: &[Kind::of::<DisposalPlan>(), Kind::of::<SealedPackage>(), Kind::of::<EndingCertificate>(), Kind::of::<Unsealing>()],
    tell,
    objections,
};

/// What is filed of ends.
#[derive(Default)]
pub struct Endings {
    /// The plan of each authorisation, with its hash.
    pub plans: BTreeMap<AuthorisationId, (DisposalPlan, Hash)>,
    /// Certificates by authorisation, holder and part, with when they were filed.
    pub certificates: BTreeMap<(AuthorisationId, PartyName, u32), (EndingCertificate, Time)>,
    /// Sealed packages by the hash of their document, with when they were filed: the time-stamp.
    pub packages: BTreeMap<Hash, (SealedPackage, Time)>,
    /// Files that may be opened, with when that was filed.
    pub unsealed: BTreeMap<Hash, Time>,
}

impl Endings {
    /// The sealed package of a file.
    #[must_use]
    pub fn package(&self, file: &Hash) -> Option<&(SealedPackage, Time)> {
        self.packages.values().find(|(package, _)| package.file == *file)
    }

    /// Whether something of this authorisation is certified.
    #[must_use]
    pub fn has_ended(&self, id: &AuthorisationId) -> bool {
        self.certificates.keys().any(|(known, ..)| known == id)
    }

    /// Whether all parts of a holder's certificate are here.
    #[must_use]
    pub fn is_complete(&self, id: &AuthorisationId, holder: &PartyName) -> bool {
        let own: Vec<_> = self.certificates.iter().filter(|((known, who, _), _)| known == id && who == holder).collect();
        own.first().is_some_and(|(_, (certificate, _))| own.len() == usize::try_from(certificate.part[1]).unwrap_or(usize::MAX))
    }
}

impl Document for DisposalPlan {
    const KIND: &'static str = "disposal-plan";
    const TITLE: (&'static str, &'static str) = ("plan for the assets at the end", "期满资产处置方案");
    const EXAMPLE: &'static str = include_str!("endings/plan.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        let [first, second] = &self.sides;
        if *first != law.authority || !law.holders(Role::Licensee).contains(second) {
            return Err(refuse("disposal.sides", "the sides are the authority, then the licensee"));
        }
        Ok(self.sides.to_vec())
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let plan = &signed.payload;
        let hash =
            Self::verify(signed, &plan.agreement, &moment.law.ring).or_else(|found| all_of(found).map(|()| Hash::from_bytes([0; 32])))?;
        if book.endings.has_ended(&plan.authorisation) {
            return Err(refuse("disposal.ended", format!("`{}` has ended; its plan is what it was", plan.authorisation)));
        }
        book.endings.plans.insert(plan.authorisation.clone(), (plan.clone(), hash));
        Ok(())
    }
}

impl Document for SealedPackage {
    const KIND: &'static str = "sealed-package";
    const TITLE: (&'static str, &'static str) = ("assets that were sealed", "封存包");
    const EXAMPLE: &'static str = include_str!("endings/package.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        if self.authority != law.authority || self.regulator != law.regulator {
            return Err(refuse("sealed.keepers", "the halves of the key belong to the authority and the regulator"));
        }
        Ok(vec![self.holder.clone(), law.authority.clone(), law.regulator.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let package = &signed.payload;
        if package.v != 1 || package.objects == 0 {
            return Err(refuse("sealed.format", "expected format 1 and at least one object"));
        }
        if book.endings.package(&package.file).is_some() {
            return Err(refuse("sealed.twice", "this file is sealed already"));
        }
        let hash = crate::node::payload_hash(package)?;
        book.endings.packages.insert(hash, (package.clone(), moment.at));
        Ok(())
    }
}

impl Document for EndingCertificate {
    const KIND: &'static str = "ending-certificate";
    const TITLE: (&'static str, &'static str) = ("certificate of the end at a node", "授权终止清理证明");
    const EXAMPLE: &'static str = include_str!("endings/certificate.toml");
    const AUDIENCE: Audience = Audience::Domain;

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        if self.holder == law.regulator {
            // nobody countersigns for itself
            return Ok(vec![self.holder.clone(), law.authority.clone()]);
        }
        Ok(vec![self.holder.clone(), law.regulator.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (certificate, endings) = (&signed.payload, &mut book.endings);
        let plan = endings.plans.get(&certificate.authorisation).map(|(plan, hash)| (plan, *hash));
        certificate.check(plan, moment.at)?;
        for asset in certificate.assets.iter().filter(|asset| asset.action == Action::Seal) {
            let is_sealed = endings
                .packages
                .get(&asset.evidence)
                .is_some_and(|(package, _)| package.holder == certificate.holder && package.authorisation == certificate.authorisation);
            if !is_sealed {
                return Err(refuse("ending.not-sealed", format!("`{}` rests on a sealed package that is not filed", asset.id)));
            }
        }
        let [part, parts] = certificate.part;
        let key = (certificate.authorisation.clone(), certificate.holder.clone(), part);
        let mut own = endings.certificates.iter().filter(|((id, who, _), _)| *id == key.0 && *who == key.1);
        if own.any(|((_, _, known), (other, _))| *known == part || other.part[1] != parts || other.ended != certificate.ended) {
            return Err(refuse("ending.twice", "this part is filed, or the parts are not of one whole"));
        }
        endings.certificates.insert(key, (certificate.clone(), moment.at));
        Ok(())
    }
}

impl Document for Unsealing {
    const KIND: &'static str = "unsealing";
    const TITLE: (&'static str, &'static str) = ("opening of a sealed package", "封存启封");
    const EXAMPLE: &'static str = include_str!("endings/unsealing.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone(), law.regulator.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let unsealing = &signed.payload;
        if unsealing.v != 1 || unsealing.reason.en.trim().is_empty() || unsealing.reason.zh.trim().is_empty() {
            return Err(refuse("sealed.reason-missing", "why it is opened has to stand in both languages"));
        }
        if book.endings.package(&unsealing.file).is_none() {
            return Err(refuse("sealed.unknown", "no such package is filed"));
        }
        book.endings.unsealed.insert(unsealing.file, moment.at);
        Ok(())
    }
}

fn tell(book: &Book, _: &Law, _: Time) -> Vec<(String, String)> {
    let endings = &book.endings;
    let mut said: Vec<(String, String)> = Vec::new();
    for (id, (plan, _)) in &endings.plans {
        let days = plan.within_days;
        said.push((
            format!("{id}: plan for its assets, within {days} days of the end"),
            format!("{id}：资产处置方案，终止后 {days} 日内完成"),
        ));
    }
    for ((id, holder, part), (certificate, at)) in &endings.certificates {
        let late = endings.plans.get(id).is_some_and(|(plan, _)| certificate.is_late(plan));
        let late = if late { (", LATE", "，逾期") } else { ("", "") };
        let (count, parts) = (certificate.assets.len(), certificate.part[1]);
        said.push((
            format!("{id} at {holder}: part {part} of {parts}, {count} assets, filed {at}{}", late.0),
            format!("{id} 在 {holder}：第 {part}/{parts} 部分，{count} 项资产，{at} 备案{}", late.1),
        ));
    }
    for (package, at) in endings.packages.values() {
        let open = endings.unsealed.get(&package.file).map_or_else(
            || ("sealed".to_owned(), "封存中".to_owned()),
            |when| (format!("may be opened since {when}"), format!("自 {when} 起可启封")),
        );
        let (id, holder, count) = (&package.authorisation, &package.holder, package.objects);
        said.push((
            format!("{id} at {holder}: {count} objects sealed {at}, {}", open.0),
            format!("{id} 在 {holder}：{count} 个对象于 {at} 封存，{}", open.1),
        ));
    }
    said
}

/// L6: once plans are filed no job runs under an authorisation without one, or under another agreement than its plan's. L1: none after an end.
fn objections(book: &Book, contract: &Contract, _: &Law, _: Time) -> Vec<Finding> {
    let (endings, of) = (&book.endings, &contract.authorisation);
    let mut found = Vec::new();
    if endings.has_ended(&of.id) {
        let what = (format!("the end of `{}` is certified", of.id), format!("`{}` 已出具终止清理证明", of.id));
        found.push(Finding::new("ending.ended", &of.id, what, ("apply for a new authorisation", "重新申请授权")));
    }
    if !endings.plans.is_empty() {
        match endings.plans.get(&of.id) {
            None => {
                let what = (format!("`{}` has no plan for its assets", of.id), format!("`{}` 未备案资产处置方案", of.id));
                found.push(Finding::new("disposal.missing", &of.id, what, ("both sides file a disposal-plan", "双方备案资产处置方案")));
            }
            Some((plan, _)) if plan.agreement != of.hash => {
                let what = (
                    format!("the plan for the assets of `{}` belongs to another agreement", of.id),
                    format!("`{}` 的资产处置方案属于其他协议", of.id),
                );
                found.push(Finding::new(
                    "disposal.other-agreement",
                    &of.id,
                    what,
                    ("file the plan of this agreement", "备案本协议的处置方案"),
                ));
            }
            Some(_) => {}
        }
    }
    found
}

#[cfg(test)]
#[path = "endings/tests.rs"]
pub(crate) mod tests;
