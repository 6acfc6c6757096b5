//! Adoption of the plan and fair selection of the operator (A26), and what the first tier is supplied with (A28).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::conduct::selection::{Adoption, Fairness, Selection};
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::grant::Grant;
use yu_governance::id::{AuthorisationId, DatasetId, PartyName, document_hash};
use yu_governance::profile::Stage;
use yu_governance::sign::Signed;
use yu_governance::supply::operator::{Supplied, SupplyDecision, SupplyRequest};
use yu_governance::workflow::Role;

#[cfg(test)]
mod tests;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "selection",
    title: ("selection of the operator, and supply to it", "运营主体择优与供数"),
    kinds: &[Kind::of::<Adoption>(), Kind::of::<Selection>(), Kind::of::<SupplyRequest>(), Kind::of::<SupplyDecision>()],
    tell,
    // it needs to know whose job it is: `Office::objections`
    objections: none,
};

/// A selection, and the root grant that rests on it.
struct Chosen {
    selection: Selection,
    grant: Option<AuthorisationId>,
}

/// What is decided on operators.
#[derive(Default)]
pub struct Office {
    adoptions: BTreeMap<Hash, Signed<Adoption>>,
    selections: BTreeMap<Hash, Chosen>,
    requests: BTreeMap<Hash, Signed<SupplyRequest>>,
    /// By organisation: what any of its nodes applied for is supplied to it.
    supplied: BTreeMap<String, Supplied>,
}

impl Office {
    /// Whether a record of a selection is filed.
    #[must_use]
    pub fn has(&self, record: &Hash) -> bool {
        self.selections.contains_key(record)
    }

    /// Whether an adoption is filed.
    #[must_use]
    pub fn is_adopted(&self, adoption: &Hash) -> bool {
        self.adoptions.contains_key(adoption)
    }

    /// The selection on which a root grant rests, where the profile has one or one is filed: it goes to who was selected, once.
    pub(super) fn awarding(&self, grant: &Grant, law: &Law) -> Result<Option<Hash>> {
        let selects = law.rules().stages.value.0.contains(&Stage::Selection);
        if !selects && self.selections.is_empty() {
            return Ok(None);
        }
        let awarding: Vec<_> = self.selections.iter().filter(|(_, chosen)| chosen.selection.awards(grant).is_ok()).collect();
        match awarding.iter().find(|(_, chosen)| chosen.grant.is_none()) {
            Some((hash, _)) => Ok(Some(**hash)),
            None if awarding.is_empty() => {
                Err(refuse("selection.missing", format!("no filed selection awards `{}` to `{}`", grant.id, grant.grantee)))
            }
            None => Err(refuse("selection.used", format!("the selection of `{}` was used for another grant", grant.grantee))),
        }
    }

    /// The selection is used.
    pub(super) fn awarded(&mut self, selection: &Hash, grant: &AuthorisationId) {
        if let Some(chosen) = self.selections.get_mut(selection) {
            chosen.grant = Some(grant.clone());
        }
    }

    /// A28: the first tier computes on what it is supplied with.
    pub(super) fn objections(&self, book: &Book, licensee: &str, contract: &Contract, at: Time) -> Vec<Finding> {
        let applied = self.requests.values().any(|request| request.payload.operator.organisation() == licensee);
        let is_first = !licensee.is_empty() && (applied || book.grants.is_first_tier(licensee));
        let node = contract.parties.iter().map(|party| &party.name).find(|name| name.organisation() == licensee);
        let nothing = node.filter(|_| is_first).map(|node| Supplied::new(node.clone()));
        let supplied = self.supplied.get(licensee).or(nothing.as_ref());
        supplied.filter(|_| is_first).and_then(|supplied| supplied.permits(contract, at).err()).unwrap_or_default()
    }
}

impl Document for Adoption {
    const KIND: &'static str = "plan-adoption";
    const TITLE: (&'static str, &'static str) = ("adoption of the implementation plan", "实施方案审定");
    const EXAMPLE: &'static str = include_str!("selection/adoption.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.government.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, at }: Moment<'_>) -> Result<()> {
        let adoption = &signed.payload;
        if adoption.v != 1 || adoption.at > at || !law.holders(Role::Government).contains(&adoption.government) {
            let what = format!("`{}` is not appointed as government, or the adoption is dated ahead", adoption.government);
            return Err(refuse("adoption.government", what));
        }
        book.selection.adoptions.insert(document_hash(adoption)?, signed.clone());
        Ok(())
    }
}

impl Document for Selection {
    const KIND: &'static str = "operator-selection";
    const TITLE: (&'static str, &'static str) = ("record of the selection of an operator", "运营主体择优记录");
    const EXAMPLE: &'static str = include_str!("selection/selection.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(std::iter::once(&self.authority).chain(&self.judges).cloned().collect())
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, at }: Moment<'_>) -> Result<()> {
        let selection = &signed.payload;
        if selection.authority != law.authority || selection.at > at {
            return Err(refuse("selection.authority", "the domain's authority selects, and not in the future"));
        }
        let Some(adoption) = book.selection.adoptions.get(&selection.adoption) else {
            return Err(refuse("selection.plan", "the adoption that it rests on is not filed"));
        };
        let governments = law.holders(Role::Government);
        let hash = Self::check(signed, adoption, &governments, Fairness::DEFAULT, &law.ring);
        let hash = match hash {
            Ok(hash) => hash,
            Err(found) => return all_of(found),
        };
        book.selection.selections.insert(hash, Chosen { selection: selection.clone(), grant: None });
        Ok(())
    }
}

impl Document for SupplyRequest {
    const KIND: &'static str = "operator-supply-request";
    const TITLE: (&'static str, &'static str) = ("application of the first tier for supply", "一级运营主体供数申请");
    const EXAMPLE: &'static str = include_str!("selection/request.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.operator.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, .. }: Moment<'_>) -> Result<()> {
        let request = &signed.payload;
        if request.v != 1 || request.entries.is_empty() || request.reason.is_blank() {
            return Err(refuse("supply.request", "name data sets as catalogued, and the reason"));
        }
        if !law.holders(Role::Licensee).contains(&request.operator) {
            return Err(refuse("supply.request", format!("`{}` is not appointed as licensee", request.operator)));
        }
        book.selection.requests.insert(document_hash(request)?, signed.clone());
        Ok(())
    }
}

impl Document for SupplyDecision {
    const KIND: &'static str = "operator-supply-decision";
    const TITLE: (&'static str, &'static str) = ("decision on supply to the first tier", "一级运营主体供数审核");
    const EXAMPLE: &'static str = include_str!("selection/decision.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, at }: Moment<'_>) -> Result<()> {
        let decision = &signed.payload;
        if decision.at > at {
            return Err(refuse("supply.decision", "the decision is dated ahead"));
        }
        let Some(request) = book.selection.requests.get(&decision.request) else {
            return Err(refuse("supply.request", "the application that it decides on is not filed"));
        };
        let operator = request.payload.operator.clone();
        let present = |dataset: &DatasetId| book.catalogue.0.record(dataset).map(|record| document_hash(&record.entry));
        let mut catalogue = BTreeMap::new();
        for dataset in request.payload.entries.keys() {
            if let Some(hash) = present(dataset) {
                catalogue.insert(dataset.clone(), hash?);
            }
        }
        let office = &mut book.selection;
        let supplied = office.supplied.entry(operator.organisation().to_owned()).or_insert_with(|| Supplied::new(operator));
        let authorities = std::slice::from_ref(&law.authority);
        let request = office.requests.get(&decision.request).ok_or_else(|| refuse("supply.request", "it is gone"))?;
        supplied.decide(request, signed, &catalogue, authorities, &law.ring).or_else(all_of)
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let office = &book.selection;
    let chosen = office.selections.values().map(|chosen| {
        let (who, bids) = (&chosen.selection.selected, chosen.selection.bids.len());
        let grant = chosen.grant.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        (format!("{who} was selected among {bids}; root grant {grant}"), format!("{who} 自 {bids} 份投标中选定；根授权 {grant}"))
    });
    let supplied = office.requests.values().flat_map(|request| {
        let request = &request.payload;
        request.entries.keys().map(move |dataset| {
            let until = office.supplied.get(request.operator.organisation()).and_then(|known| known.until(dataset, &request.scenario).ok());
            let (en, zh) = match until {
                Some(until) if now < until => (format!("supplied until {until}"), format!("供给至 {until}")),
                _ => ("not supplied".to_owned(), "未供给".to_owned()),
            };
            let (who, scenario) = (&request.operator, &request.scenario);
            (format!("{dataset} to {who} for `{scenario}`: {en}"), format!("{dataset} → {who}（“{scenario}”）：{zh}"))
        })
    });
    chosen.chain(supplied).collect()
}
