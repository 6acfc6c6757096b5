//! Norms of use (使用规范): what a grade of data may be used for and how (A19), what sensitive columns need (A16), and what higher levels consented to
//! of their data (A17).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, refuse};
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::catalogue::gate::LevelConsent;
use yu_governance::catalogue::grades::{GradeNorms, HIGHEST};
use yu_governance::catalogue::record::OriginLevel;
use yu_governance::catalogue::{CatalogueEntry, Class, Column, Kind as CellKind};
use yu_governance::clock::Time;
use yu_governance::consent::protect::Protection;
use yu_governance::contract::{ConsentTerms, Contract, Input};
use yu_governance::finding::Finding;
use yu_governance::id::{ColumnSet, DatasetId, PartyName, Scenario, document_hash};
use yu_governance::profile::Gate;
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

#[cfg(test)]
mod tests;

/// Level of the domain's authority: the domains of the texts are cities' (a county uses its city's, D8).
const OWN_LEVEL: OriginLevel = OriginLevel::City;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "norms",
    title: ("norms of use", "使用规范"),
    kinds: &[Kind::of::<GradeNorms>(), Kind::of::<LevelConsent>()],
    tell,
    // sensitive columns and higher levels are judged as soon as the catalogue says so: `Norms::objections`
    objections: none,
};

/// Norms and consents as they are filed.
#[derive(Default)]
pub struct Norms {
    /// Versions of the norms by grade with their hashes, oldest first.
    grades: Vec<(Hash, GradeNorms)>,
    /// The last consent of a level's node to the use of a data set for a scenario: a later one replaces it, and so takes it back.
    consents: BTreeMap<(DatasetId, Scenario, PartyName), LevelConsent>,
}

impl Norms {
    /// The norms in force.
    fn in_force(&self, at: Time) -> Option<&GradeNorms> {
        self.grades.iter().rev().find(|(_, norms)| norms.at <= at).map(|(_, norms)| norms)
    }

    /// What it has against a contract.
    pub(super) fn objections(&self, book: &Book, contract: &Contract, law: &Law, at: Time) -> Vec<Finding> {
        let entry = |input: &Input| book.catalogue.0.record(&input.dataset).map(|record| &record.entry);
        let mut found = self.in_force(at).map(|norms| norms.against(contract, entry)).unwrap_or_default();
        for input in &contract.inputs {
            found.extend(entry(input).map(|entry| sensitive(entry, input, contract, law)).unwrap_or_default());
            found.extend(self.higher_level(book, input, contract, law, at));
        }
        found
    }

    /// A17: the level of a data set whose consent to these columns and this scenario, over this time, is not filed.
    pub(super) fn lacks(
        &self,
        book: &Book,
        law: &Law,
        (dataset, columns, scenario): (&DatasetId, &ColumnSet, &Scenario),
        time: (Time, Time),
    ) -> Option<OriginLevel> {
        let level = book.catalogue.0.record(dataset)?.level;
        if law.rules().higher_level_consent.value != Gate::Required || level <= OWN_LEVEL {
            return None;
        }
        let covers = |consent: &LevelConsent| consent.covers(dataset, level, columns, scenario, time);
        let is_given = self.consents.values().any(|consent| speaks(law, consent) && covers(consent));
        (!is_given).then_some(level)
    }

    /// A17: a job reads what the higher level consented to, now and until the contract ends.
    fn higher_level(&self, book: &Book, input: &Input, contract: &Contract, law: &Law, at: Time) -> Option<Finding> {
        let name = &input.dataset;
        let level = self.lacks(book, law, (name, &input.columns, &contract.scenario), (at, contract.expires))?;
        Some(Finding::new(
            "origin.higher-level",
            name,
            (
                format!("`{name}` comes from the level `{level}`, whose consent for these columns, scenario and time is not filed"),
                format!("`{name}` 为{}数据，该级主管部门对所用列、场景与期限的同意未备案", level.zh()),
            ),
            ("let that level's node file a level-consent", "请该级主管部门备案 level-consent"),
        ))
    }
}

/// A16: what the profile demands of each sensitive column that is read.
fn sensitive(entry: &CatalogueEntry, input: &Input, contract: &Contract, law: &Law) -> Vec<Finding> {
    let consented = match &input.consent {
        // rows without consent are dropped before anything else sees them, whatever the column
        ConsentTerms::Filter { .. } => input.columns.clone(),
        ConsentTerms::NotNeeded => ColumnSet::default(),
    };
    // a job that de-identifies a table carries the policy that does it, and nothing leaves but by that policy
    let recipe = contract.derivative().map(|terms| Hash::of_file(terms.policy.as_bytes()));
    let recipes: BTreeMap<String, Hash> =
        recipe.iter().flat_map(|hash| input.columns.iter().map(|column| (column.to_owned(), *hash))).collect();
    // a column that the record leaves out counts as sensitive: leaving it out is no way around
    let mut described = entry.clone();
    let unknown = input.columns.iter().filter(|column| entry.column(column).is_none());
    described.items.extend(unknown.map(|name| Column {
        name: name.to_owned(),
        kind: CellKind::Numeric,
        class: Class::SensitivePersonal,
        grade: HIGHEST,
        unit: None,
    }));
    let given = Protection { recipes: &recipes, consented: &consented };
    law.rules().sensitive().decide(&described, &input.columns, &given).err().unwrap_or_default()
}

/// Whether a node speaks for the level: it is appointed for it, and is not the authority that wants the data.
fn speaks(law: &Law, consent: &LevelConsent) -> bool {
    let role = match consent.level {
        OriginLevel::County => Role::County,
        // no office of the state is known to a city's domain: the province passes its consent on
        OriginLevel::Province | OriginLevel::National => Role::Province,
        OriginLevel::City => return false,
    };
    law.holders(role).contains(&consent.by) && consent.by.organisation() != law.authority.organisation()
}

impl Document for GradeNorms {
    const KIND: &'static str = "grade-norms";
    const TITLE: (&'static str, &'static str) = ("norms of use by grade", "分级使用规范");
    const EXAMPLE: &'static str = include_str!("norms/grades.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, .. }: Moment<'_>) -> Result<()> {
        let norms = &signed.payload;
        norms.check()?;
        let all = &mut book.norms.grades;
        let last = all.last();
        let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let follows = norms.version.checked_sub(1) == Some(count)
            && norms.previous == last.map(|(hash, _)| *hash)
            && last.is_none_or(|(_, before)| norms.at >= before.at);
        if norms.authority != law.authority || !follows {
            return Err(refuse("grades.version", format!("version {} does not follow version {count} of the authority", norms.version)));
        }
        all.push((document_hash(norms)?, norms.clone()));
        Ok(())
    }
}

impl Document for LevelConsent {
    const KIND: &'static str = "level-consent";
    const TITLE: (&'static str, &'static str) = ("consent of a higher level to the use of its data", "上级对其数据使用的同意");
    const EXAMPLE: &'static str = include_str!("norms/consent.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, Moment { law, .. }: Moment<'_>) -> Result<()> {
        let consent = &signed.payload;
        if consent.v != 1 || consent.columns.is_empty() || consent.not_before >= consent.not_after {
            return Err(refuse("level-consent.form", "name columns and a term that does not end before it begins"));
        }
        if !speaks(law, consent) {
            return Err(refuse(
                "level-consent.by",
                format!("`{}` is not appointed for the level `{}`, or is of the authority that wants the data", consent.by, consent.level),
            ));
        }
        let place = (consent.dataset.clone(), consent.scenario.clone(), consent.by.clone());
        book.norms.consents.insert(place, consent.clone());
        Ok(())
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let norms = &book.norms;
    let grades = norms.in_force(now).map(|norms| {
        (
            format!("norms by grade: version {} since {}", norms.version, norms.at),
            format!("分级使用规范：第 {} 版，自 {}", norms.version, norms.at),
        )
    });
    let consents = norms.consents.values().map(|consent| {
        let (dataset, scenario) = (&consent.dataset, &consent.scenario);
        let (state, zh) =
            if consent.not_before <= now && now < consent.not_after { ("in force", "有效") } else { ("not in force", "无效") };
        (
            format!("{dataset} for `{scenario}`: consent of {} until {}, {state}", consent.by, consent.not_after),
            format!("{dataset} 用于“{scenario}”：{} 同意，至 {}，{zh}", consent.by, consent.not_after),
        )
    });
    grades.into_iter().chain(consents).collect()
}
