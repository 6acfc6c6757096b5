//! How long the log is locked (L2): at least the months of the profile, counted from the end of the last authorisation that it tells of. No verb and no role
//! shortens it, and a node does not start on a log that was cut.

use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::{chain, law};
use serde_json::Value;
use yu_governance::calendar::Calendar;
use yu_governance::clock::Time;
use yu_governance::id::AuthorisationId;
use yu_governance::workflow::authorisation::Case;

/// Until when logs are locked that tell of an authorisation which ended so.
#[must_use]
pub fn locked_until(ended: Time, months: u32) -> Time {
    Calendar::months_after(ended, months)
}

/// Judges a wish to cut the log; what it says of the term is the answer.
///
/// # Errors
/// Always: `policy.refused` with `log.locked` while an authorisation goes on or its term is not over; with `log.whole` afterwards.
pub fn prune(node: &Node) -> Result<Value> {
    let law = law::required(node)?;
    let months = law.rules().log_retention.value.0;
    let refuse = |what: String| Err(Fault::new(Code::Refused, what).at("audit").party(node.name()));
    let mut latest: Option<(Time, String)> = None;
    for name in chain::objects::<Case>(node)? {
        let id: AuthorisationId = name.parse()?;
        let Some(ended) = super::end_of(node, &id)? else {
            return refuse(format!("log.locked: `{id}` has not ended; its log is kept {months} months from its end"));
        };
        let until = locked_until(ended, months);
        if latest.as_ref().is_none_or(|(known, _)| *known < until) {
            latest = Some((until, name));
        }
    }
    match latest {
        Some((until, name)) if now() < until => {
            refuse(format!("log.locked: kept until {until}, {months} months from the end of `{name}`; no role can lift the lock"))
        }
        // the tree over all entries stands in every checkpoint: without its first leaves no peer could tell that the rest is what it countersigned
        _ => refuse(
            "log.whole: the term is over; the log goes with its node as a whole (remove the directory), since its checkpoints cover it from its first entry"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l2_logs_are_locked_for_six_months_to_the_second_from_the_end() {
        let ended = Time::parse("2026-08-31T16:00:00Z").unwrap();
        let until = locked_until(ended, 6);
        assert!(until >= Time::parse("2027-02-28T15:59:59Z").unwrap(), "{until}");
        assert!(until.plus_seconds(-1) < until && locked_until(ended, 12) > until);
        for profile in ["ningbo", "zhejiang", "taizhou", "zhenjiang", "zhongwei"] {
            assert!(crate::docket::rig::Court::new(profile).law.rules().log_retention.value.0 >= 6);
        }
    }
}
