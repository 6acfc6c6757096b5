//! Sensitive columns (A16): before a job runs, each column that it reads of this node's data has what the profile in force demands, consent or a recipe.

use super::law::Law;
use crate::docket::kind::all_of;
use crate::fault::{Code, Result};
use crate::node::Node;
use std::collections::BTreeMap;
use yu_governance::catalogue::CatalogueEntry;
use yu_governance::consent::protect::{Need, Protection as Given, SensitiveRules};
use yu_governance::contract::{ConsentTerms, Contract, Input};
use yu_governance::id::ColumnSet;
use yu_governance::profile::{Protection, Rules, SubjectData};

/// What the profile demands of each class of columns.
#[must_use]
pub fn rules(rules: &Rules) -> SensitiveRules {
    let need = match rules.sensitive_columns.value {
        Protection::DesensitisedOrConsent => Need::Either,
        Protection::Consent => Need::Consent,
        Protection::DesensitisedAndConsent => Need::Both,
    };
    let points = match rules.subject_data.value {
        SubjectData::AsSensitive => Need::Nothing,
        SubjectData::Consent => Need::Consent,
    };
    SensitiveRules {
        personal: need,
        sensitive_personal: need,
        trade_secret: need,
        points_at_persons: points,
        points_at_legal_persons: points,
    }
}

/// Refuses a contract that reads a column of this node's without what protects it. What a data set's policy makes of its columns afterwards is no recipe for
/// reading them: rows without consent do not enter.
///
/// # Errors
/// `policy.refused` with `consent.column-unprotected`, all columns at once.
pub(super) fn protected(node: &Node, contract: &Contract, law: &Law) -> Result<()> {
    let rules = rules(law.rules());
    for input in contract.inputs.iter().filter(|input| input.party.as_str() == node.name()) {
        let entry = match node.signed::<CatalogueEntry>("catalogue", input.dataset.as_str()) {
            Ok(entry) => entry.payload,
            // whoever opens the data set says that it is gone
            Err(fault) if fault.code == Code::NotFound => continue,
            Err(fault) => return Err(fault),
        };
        one(&rules, &entry, input)?;
    }
    Ok(())
}

fn one(rules: &SensitiveRules, entry: &CatalogueEntry, input: &Input) -> Result<()> {
    let (recipes, nothing) = (BTreeMap::new(), ColumnSet::new(std::iter::empty::<&str>())?);
    let consented = match &input.consent {
        ConsentTerms::Filter { .. } => &input.columns,
        ConsentTerms::NotNeeded => &nothing,
    };
    rules.decide(entry, &input.columns, &Given { recipes: &recipes, consented }).or_else(all_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docket::chapters::endings::tests::contract;
    use crate::docket::rig::Court;
    use yu_governance::catalogue::{Class, Column, Kind, Origin, Subjects};

    #[test]
    fn a16_a_column_without_what_the_profile_demands_is_not_read() {
        for profile in ["ningbo", "zhejiang", "taizhou", "zhenjiang", "zhongwei"] {
            let court = Court::new(profile);
            let rules = rules(court.law.rules());
            assert_ne!(rules.personal, Need::Nothing, "{profile}");
            let mut input = contract().inputs.remove(0);
            let column = |name: &str, class| Column { name: name.into(), kind: Kind::Numeric, class, grade: 2, unit: None };
            let entry = |subjects, class| CatalogueEntry {
                v: 1,
                dataset: input.dataset.clone(),
                name: "rows".into(),
                provider: input.party.clone(),
                summary: "rows".into(),
                items: vec![column("id", class), column("amount", class)],
                update_frequency: "yearly".into(),
                version: input.version,
                rows: 1000,
                subjects,
                subject_column: Some("id".into()),
                origin: Origin::Public,
                prohibited: false,
            };
            let (open, personal) = (entry(Subjects::None, Class::General), entry(Subjects::Persons, Class::SensitivePersonal));
            let with_consent = one(&rules, &personal, &input).is_ok();
            assert_eq!(with_consent, rules.personal != Need::Both, "{profile}");
            input.consent = ConsentTerms::NotNeeded;
            one(&rules, &open, &input).unwrap();
            let refused = one(&rules, &personal, &input).unwrap_err();
            assert!(refused.to_string().contains("amount") && refused.to_string().contains("id"), "{profile}: {refused}");
        }
    }
}
