//! What every contract has, whatever its technique: a time, an end, a nonce, limits, engines.

use crate::fault::Result;
use crate::job::file::LimitsFile;
use crate::keys::{now, rng};
use crate::node::Node;
use crate::verbs::known_authorisation;
use rand::Rng;
use yu_governance::authorisation::Authorisation;
use yu_governance::clock::Time;
use yu_governance::contract::{AuthorisationRef, Engine, Limits};
use yu_governance::id::{Purpose, document_hash};
use yu_governance::policy::Floors;
use yu_governance::sign::Signed;

/// What every contract rests on: an authorisation in force, and the purpose, which is the authorisation's unless the file names it.
///
/// # Errors
/// `authorisation.missing`, what the authorisation's check finds, `input.bad` for a purpose that is none.
pub(super) fn grounds(node: &Node, authorisation: &str, purpose: Option<&str>) -> Result<(Signed<Authorisation>, Purpose)> {
    let authorisation = known_authorisation(node, authorisation)?;
    if let Some(finding) = authorisation.payload.check(now(), Floors::DEFAULT.max_term_years).first() {
        return Err(finding.into());
    }
    let purpose = match purpose {
        Some(text) => text.parse()?,
        None => authorisation.payload.purpose.clone(),
    };
    Ok((authorisation, purpose))
}

/// The authorisation that a contract rests on, with the version of its agreement that is in force, where agreements are filed (A13).
///
/// # Errors
/// `storage.damaged`.
pub(super) fn cited(node: &Node, authorisation: &Authorisation) -> Result<AuthorisationRef> {
    let agreement = node.docket().with(node, |book| Ok(book.grants.agreement(&authorisation.id, now())))?;
    Ok(AuthorisationRef { id: authorisation.id.clone(), hash: document_hash(authorisation)?, agreement })
}

/// Parts of a contract.
pub(super) struct Draft {
    pub(super) created: Time,
    pub(super) expires: Time,
    pub(super) nonce: String,
    pub(super) limits: Limits,
}

/// Ends after so many hours, or with the authorisation; limits are no weaker than the node's own.
pub(super) fn draft(node: &Node, hours: u32, limits: &LimitsFile, not_after: Time) -> Draft {
    let created = now();
    let term = created.plus_seconds(i64::from(hours) * 3600);
    let mut nonce = [0_u8; 32];
    rng().fill_bytes(&mut nonce);
    let own = &node.config().limits;
    let limits = Limits {
        min_rows: limits.min_rows.unwrap_or(0).max(own.min_rows),
        max_ratio: limits.max_ratio.unwrap_or(own.max_ratio).min(own.max_ratio),
        runs_per_day: limits.runs_per_day.unwrap_or(own.runs_per_day).min(own.runs_per_day),
        min_cell: limits.min_cell.unwrap_or(0).max(own.min_cell),
    };
    Draft { created, expires: if term < not_after { term } else { not_after }, nonce: hex::encode(nonce), limits }
}

/// The software of this version.
pub(super) fn engines(names: &[&str]) -> Vec<Engine> {
    names.iter().map(|name| Engine { name: (*name).into(), version: env!("CARGO_PKG_VERSION").into() }).collect()
}
