//! The decision on a job of two providers, with a thousand authorisations at hand.

use super::less;
use crate::Result;
use crate::desensitize::Row;
use std::collections::BTreeMap;
use std::time::Instant;
use yu_governance::policy::{Case, Decision, PolicySet};

/// The complete small world of the rules' own tests.
#[path = "../../../governance/tests/suite/world.rs"]
#[allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "shared with tests, which use more of it and may stop at a surprise")]
mod world;

use world::{AUTHORITY, World, sign};

const AUTHORISATIONS: usize = 1_000;
const DECISIONS: u32 = 2_000;

pub(super) fn rows() -> Result<Vec<Row>> {
    let policy = PolicySet::default_policy()?;
    let world = World::new();
    let mut index = BTreeMap::new();
    for number in 0..AUTHORISATIONS - 1 {
        let mut other = world.authorisation.clone();
        other.id = format!("{}-{number}", other.id).parse()?;
        index.insert(other.id.clone(), sign(other, AUTHORITY));
    }
    index.insert(world.authorisation.id.clone(), sign(world.authorisation.clone(), AUTHORITY));
    let admitted = world.admitted();
    let mut dossier = world.dossier();

    let permits = |decision| match decision {
        Decision::Permitted { rulings, .. } => Ok(rulings.len()),
        Decision::Denied { findings, .. } => Err(format!("denied: {findings:?}")),
    };
    // documents that nobody has verified yet
    let mut uses = 0;
    let start = Instant::now();
    for _ in 0..DECISIONS / 20 {
        dossier.authorisation = index.get(&world.contract.authorisation.id).cloned();
        uses = permits(Case::new(world.input(&dossier)).decide(&admitted, &policy))?;
    }
    let first = start.elapsed().as_secs_f64() * 1e6 / f64::from(DECISIONS / 20);
    let mut case = Case::new(world.input(&dossier));
    permits(case.decide(&admitted, &policy))?;
    let start = Instant::now();
    for again in 0..DECISIONS {
        if !index.contains_key(&world.contract.authorisation.id) {
            return Err("the authorisation is not in the index".into());
        }
        case = case.at(world.now.plus_seconds(i64::from(again % 60)), 0);
        permits(case.decide(&admitted, &policy))?;
    }
    let decision = start.elapsed().as_secs_f64() * 1e6 / f64::from(DECISIONS);
    let name = |what: &str| format!("{what}, {uses} uses of one provider's data, {AUTHORISATIONS} authorisations");
    Ok(vec![
        less("policy", name("decision on a contract whose documents are verified"), decision, "us", Some(100.0)),
        less("policy", name("the same for one use"), decision / uses as f64, "us", Some(100.0)),
        less("policy", name("first decision, with every signature of every document"), first, "us", None),
    ])
}
