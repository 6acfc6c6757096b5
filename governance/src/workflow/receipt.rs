//! When a step was received (签收), as the authority's node states it: everybody else follows the chain by this moment.
//!
//! Without it a node that was away for two days would have to refuse what was signed meanwhile, or to believe any date. The authority's node puts
//! the steps of all objects into one order; that it holds a step back is seen by whoever signed it, and by the regulator,
//! to whom the signers may send it as well.

use serde::{Deserialize, Serialize};

use super::{Arrow, Machine, Replayed, Roster, refuse};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::error::Result;
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};

/// A step was received and holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Format version, 1.
    pub v: u32,
    /// Type of the arrow.
    pub machine: String,
    /// The object.
    pub object: String,
    /// Place in the chain.
    #[serde(with = "u64_string")]
    pub sequence: u64,
    /// Hash of the arrow.
    pub arrow: Hash,
    /// Hash of the profile that was in force, its parent included: the step is judged by it for ever.
    pub profile: Hash,
    /// Version of the appointments that were in force, 0 for none.
    pub appointments: u32,
    /// When the authority's node received it.
    pub at: Time,
}

impl SignedType for Receipt {
    const TYPE: &'static str = "arrow-receipt-v1";
}

impl Receipt {
    /// The receipt of an arrow.
    ///
    /// # Errors
    /// `Malformed` if the arrow has no canonical form.
    pub fn of<M: Machine>(arrow: &Arrow<M>, at: Time, profile: Hash, appointments: u32) -> Result<Self> {
        let (object, sequence) = (arrow.object.clone(), arrow.sequence);
        Ok(Self { v: 1, machine: M::ARROW.into(), object, sequence, arrow: document_hash(arrow)?, profile, appointments, at })
    }
}

impl<M: Machine> Replayed<M> {
    /// The object after one more arrow that the authority received.
    ///
    /// `now` and `skew` in seconds: a receipt of the future is refused beyond them.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `receipt.other` for the receipt of another arrow, `receipt.ahead`; those of [`Replayed::follow`].
    #[expect(clippy::too_many_arguments, reason = "what a step is judged by, each its own")]
    pub fn follow_received(
        &self,
        signed: &Signed<Arrow<M>>,
        receipt: &Signed<Receipt>,
        authority: &PartyName,
        (now, skew): (Time, i64),
        rules: &M::Rules,
        roster: &Roster,
        keys: &KeyRing,
    ) -> Result<Self> {
        let told = receipt.verify(keys, &[authority.as_str()])?;
        if *told != Receipt::of(&signed.payload, told.at, told.profile, told.appointments)? {
            return Err(refuse(
                "receipt.other",
                format!("the receipt is of another step than {} of `{}`", signed.payload.sequence, signed.payload.object),
            ));
        }
        if told.at > now.plus_seconds(skew) {
            return Err(refuse("receipt.ahead", format!("received at {}, here it is {now}; check the clocks", told.at)));
        }
        self.follow(signed, told.at, rules, roster, keys)
    }
}
