//! Procedures as explicit machines: which step may follow which, who signs it, and what it rests on.
//!
//! | to see | open |
//! |---|---|
//! | one step as a signed document; replay of a chain | [`arrow`] |
//! | roles, who holds them | [`role`] |
//! | who is appointed to them, with which key | [`appointment`] |
//! | when a step was received | [`receipt`] |
//! | authorisation, from announcement to destruction | [`authorisation`] |
//! | announcement, review form, expert opinion | [`dossier`] |
//! | data request | [`request`] |
//! | product | [`product`] |
//! | incident; what is frozen for it | [`incident`], [`evidence`] |
//! | suspension of a tenant | [`suspension`] |
//! | person | [`person`] |
//! | closed lists of words | [`word`] |
//!
//! A machine has a `State`, an `Event` and `Rules`; the rules are a profile's (管辖规则集), so that no number, order or actor
//! stands in code. What later steps depend on (stages passed, plan in force, evidences with their expiry) is kept in a
//! `Case`; every combination that is not written down is refused by name. A case is never stored: it is replayed.
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use yu_governance::clock::Time;
//! use yu_governance::workflow::{Machine as _, Role, person::{Case, Event, Evidence, Rules, State}};
//!
//! let required = BTreeSet::from([Evidence::RealName, Evidence::Vetting, Evidence::Nda]);
//! let rules = Rules { required, opened_by: Role::Authority, proved_by: BTreeMap::new() };
//! let (now, later) = (Time::from_unix(100), Time::from_unix(200));
//! let proved = |evidence| Event::Prove { evidence, until: later };
//! let events = [Event::Apply, proved(Evidence::RealName), proved(Evidence::Vetting), Event::Vet];
//! let vetted = events.iter().try_fold(Case::begin(), |case, event| case.next(event, now, &rules))?;
//! assert!(vetted.next(&Event::Activate, now, &rules).is_err(), "no agreement of secrecy");
//! let active = vetted.next(&proved(Evidence::Nda), now, &rules)?.next(&Event::Activate, now, &rules)?;
//! assert_eq!((active.state_at(now), active.state_at(later)), (State::Active, State::Suspended));
//! # Ok::<(), yu_governance::Error>(())
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Time;
use crate::error::{Error, Result};

pub mod appointment;
pub mod arrow;
pub mod authorisation;
pub mod dossier;
pub mod evidence;
pub mod incident;
pub mod person;
pub mod product;
pub mod receipt;
pub mod request;
pub mod role;
pub mod suspension;
pub mod word;

pub use appointment::{Appointment, Appointments};
pub use arrow::{Arrow, Replayed, forks_at};
pub use receipt::Receipt;
pub use role::{Need, Role, Roster, Signer};
pub use word::Word;

/// One procedure. Implemented by the `Case` of each: a state with what later steps depend on.
pub trait Machine: Clone + std::fmt::Debug + Eq + Ord {
    /// Where an object can stand.
    type State: Word;
    /// What can happen to it.
    type Event: Clone + std::fmt::Debug + Eq + Serialize + DeserializeOwned;
    /// What the profile says about it.
    type Rules;
    /// Type of its arrows in the signed bytes.
    const ARROW: &'static str;

    /// Before anything happened.
    fn begin() -> Self;

    /// The state at a moment: what ends by itself (a term, an evidence) has ended then.
    fn state_at(&self, at: Time) -> Self::State;

    /// The case after the event.
    ///
    /// # Errors
    /// `Refused` with a code that names what stands in the way; `workflow.no-arrow` if the event never follows the state.
    fn next(&self, event: &Self::Event, at: Time, rules: &Self::Rules) -> Result<Self>;

    /// Whose signatures the event needs.
    fn needs(&self, event: &Self::Event, rules: &Self::Rules) -> Vec<Need>;

    /// The organisation that the object itself is, where its name says so.
    fn tenant(_object: &str) -> Option<&str> {
        None
    }

    /// Parties that the event says something about without their signature, each in the role that it must hold.
    fn speaks_of(&self, _event: &Self::Event) -> Vec<Signer> {
        Vec::new()
    }
}

/// Nobody ever goes from this state by this event.
pub(crate) fn no_arrow(state: impl Word, event: &impl Serialize) -> Error {
    let value = serde_json::to_value(event).unwrap_or_default();
    let name = value.get("event").and_then(serde_json::Value::as_str).unwrap_or("event");
    refuse("workflow.no-arrow", format!("`{name}` does not follow `{state}`"))
}

/// A refusal by name.
pub(crate) fn refuse(code: &'static str, what: impl Into<String>) -> Error {
    Error::Refused { code, what: what.into() }
}

/// Reasons are mandatory, in both languages.
pub(crate) fn need_reason(reason: &crate::text::Text) -> Result<()> {
    if reason.is_blank() { Err(refuse("workflow.reason-missing", "say why, in English and in Chinese")) } else { Ok(()) }
}
