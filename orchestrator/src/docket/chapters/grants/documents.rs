//! What each document of the chapter needs, and what it changes.

use super::super::super::book::Book;
use super::super::super::kind::{Document, Moment, all_of, refuse};
use super::Stay;
use crate::fault::Result;
use crate::procedure::law::Law;
use yu_governance::catalogue::gate::{Act, Actor, check_prohibited};
use yu_governance::clock::Time;
use yu_governance::grant::{Agreement, Grant, Kind as GrantKind, LabGrant, LabReport, Revocation};
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

impl Document for Grant {
    const KIND: &'static str = "grant";
    const TITLE: (&'static str, &'static str) = ("grant", "授权（授权树）");
    const EXAMPLE: &'static str = include_str!("grant.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.grantor.clone()])
    }

    /// A14, A26, A4: within the grant above; a root only to whoever was selected; a renewal only after the term that it renews.
    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, at }: Moment<'_>) -> Result<()> {
        let grant = &signed.payload;
        if grant.scope.not_after <= at {
            return Err(refuse("grant.term", format!("the term of `{}` has ended", grant.id)));
        }
        if book.grants.labs.contains_key(&grant.id) {
            return Err(refuse("grant.repeated", format!("`{}` is the name of a stay in the laboratory", grant.id)));
        }
        grantable(grant, book, law, at)?;
        let selection = if grant.kind == GrantKind::Root { book.selection.awarding(grant, law)? } else { None };
        let tree = book.grants.tree_under(law);
        let renewed = tree.renews(grant, |end| law.rules().renewal_opens(end), at)?;
        tree.add(signed, &law.ring)?;
        if let Some(renewed) = renewed {
            book.grants.renewals.insert(grant.id.clone(), renewed);
        }
        if let Some(selection) = selection {
            book.selection.awarded(&selection, &grant.id);
        }
        Ok(())
    }
}

/// A6, A17: a leaf takes nothing that is closed, and nothing of a higher level without its consent over the whole term.
fn grantable(grant: &Grant, book: &Book, law: &Law, at: Time) -> Result<()> {
    let GrantKind::Leaf { scenario, .. } = &grant.kind else { return Ok(()) };
    let term = (at.max(grant.scope.not_before), grant.scope.not_after);
    for (dataset, columns) in &grant.scope.datasets {
        let Some(record) = book.catalogue.0.record(dataset) else { continue };
        all_of(check_prohibited(Actor::Authority, Act::Grant, &record.entry, columns))?;
        if let Some(level) = book.norms.lacks(book, law, (dataset, columns, scenario), term) {
            let what = format!("`{dataset}` comes from the level `{level}`, whose consent over the term is not filed");
            return Err(refuse("origin.higher-level", what));
        }
    }
    Ok(())
}

impl Document for Revocation {
    const KIND: &'static str = "grant-revocation";
    const TITLE: (&'static str, &'static str) = ("revocation of a grant with everything below it", "撤销授权（含下级）");
    const EXAMPLE: &'static str = include_str!("revocation.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, .. }: Moment<'_>) -> Result<()> {
        Ok(book.grants.tree_under(law).revoke(signed, &law.ring).map(drop)?)
    }
}

impl Document for LabGrant {
    const KIND: &'static str = "lab-grant";
    const TITLE: (&'static str, &'static str) = ("stay in the data laboratory", "数据实验室授权");
    const EXAMPLE: &'static str = include_str!("lab.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, .. }: Moment<'_>) -> Result<()> {
        let rules = law.rules().lab();
        let lab = Self::verify(signed, std::slice::from_ref(&law.authority), &law.ring, rules)?;
        let given = &mut book.grants;
        if given.labs.contains_key(&lab.id) || given.tree().is_some_and(|tree| tree.get(&lab.id).is_some()) {
            return Err(refuse("lab.repeated", format!("`{}` is granted already", lab.id)));
        }
        lab.follows(given.labs.values().map(|stay| &stay.grant), rules)?;
        given.labs.insert(lab.id.clone(), Stay { grant: lab.clone(), report: None });
        Ok(())
    }
}

impl Document for LabReport {
    const KIND: &'static str = "lab-report";
    const TITLE: (&'static str, &'static str) = ("report on a stay in the data laboratory", "数据测试验证技术评估报告");
    const EXAMPLE: &'static str = include_str!("lab_report.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.authority.clone(), self.platform.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, .. }: Moment<'_>) -> Result<()> {
        let report = &signed.payload;
        if !law.holders(Role::Platform).contains(&report.platform) {
            return Err(refuse("lab.report-other", format!("`{}` is not appointed as platform", report.platform)));
        }
        let Some(stay) = book.grants.labs.get_mut(&report.lab) else {
            return Err(refuse("lab.unknown", format!("`{}` is no stay in the laboratory", report.lab)));
        };
        if stay.report.is_some() {
            return Err(refuse("lab.reported", format!("the stay `{}` has its report", report.lab)));
        }
        stay.report = Some(Self::verify(signed, &stay.grant, &law.ring)?);
        Ok(())
    }
}

impl Document for Agreement {
    const KIND: &'static str = "agreement";
    const TITLE: (&'static str, &'static str) = ("version of an agreement", "授权运营协议（版本）");
    const EXAMPLE: &'static str = include_str!("agreement.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(self.sides.to_vec())
    }

    /// A13: between whoever gives the grant and whoever receives it, within the grant.
    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, at }: Moment<'_>) -> Result<()> {
        let agreement = &signed.payload;
        let id = &agreement.grant;
        let tree = book.grants.tree_under(law);
        let Some(grant) = tree.get(id).cloned() else {
            return Err(refuse("grant.unknown", format!("`{id}` is not granted here")));
        };
        if tree.stops_at(id).is_none_or(|end| at >= end) {
            return Err(refuse("grant.stopped", format!("`{id}` has ended: nothing is agreed on it any more")));
        }
        let [one, two] = &agreement.sides;
        let fits = |giver: &PartyName, receiver: &PartyName| *giver == grant.grantor && receiver.organisation() == grant.grantee;
        if !fits(one, two) && !fits(two, one) {
            return Err(refuse("agreement.sides", format!("`{id}` was given by `{}` to `{}`", grant.grantor, grant.grantee)));
        }
        let rules = law.rules().agreement();
        book.grants.agreements.entry(id.clone()).or_default().add(signed, id, &grant.scope, &rules, &law.ring)?;
        Ok(())
    }
}
