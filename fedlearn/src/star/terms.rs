//! What both sides of the sums of a training know: the stages of a sum, and how keys are asked for.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::Result;
use crate::secagg::msg::{Consents, Delivery, Message, Roster};
use crate::secagg::{Adversary, Config, Params, Topology};

/// Most sums that keys are set up for at once.
pub(crate) const BATCH: u32 = 16;

/// Stages of an exchange, in their order.
pub(crate) mod stage {
    /// Asked to set up: keys come back.
    pub(crate) const KEYS: u8 = 0;
    /// Told everybody's keys: shares come back.
    pub(crate) const SHARES: u8 = 1;
    /// Told the shares: nothing comes back.
    pub(crate) const READY: u8 = 2;
    /// Given a task: the vector comes back, masked if need be.
    pub(crate) const TASK: u8 = 3;
    /// Told who survives: consent comes back.
    pub(crate) const CONSENT: u8 = 4;
    /// Told who survives, or who consented: shares come back.
    pub(crate) const UNMASK: u8 = 5;
}

/// Which vectors are summed. They differ in length, so keys are set up for each.
pub(crate) trait Vectors: Copy + PartialEq + Serialize + DeserializeOwned {
    /// Keys take the place of those that were set up before for the same slot.
    type Slot: Ord;

    /// Where keys for these vectors are kept.
    fn slot(self) -> Self::Slot;

    /// Sums that keys are set up for at once, at most [`BATCH`].
    fn batch(self) -> u32;
}

/// Beginning of a set-up of secure aggregation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetUp<W> {
    pub(crate) vectors: W,
    /// Number of the first sum; ascends, so that no two set-ups have one context.
    pub(crate) first: u64,
    /// Sums that are set up at once.
    pub(crate) rounds: u32,
}

/// What a vector is made of, and against whom its masks hold: see [`Params`].
pub(crate) struct Form {
    pub(crate) len: usize,
    pub(crate) bits: u32,
    pub(crate) long: usize,
    pub(crate) malicious: bool,
}

impl<W> SetUp<W> {
    /// The secure aggregation of this set-up, the same at all parties.
    ///
    /// # Errors
    /// As [`Config::new`].
    pub(crate) fn config<S>(&self, plan: &Plan<S>, form: &Form) -> Result<Arc<Config>> {
        let adversary = if form.malicious { Adversary::Malicious } else { Adversary::SemiHonest };
        let config = Config::new(Params {
            job: plan.job,
            first_round: self.first,
            rounds: self.rounds,
            server: plan.coordinator.clone(),
            parties: plan.parties.clone(),
            len: form.len,
            bits: form.bits,
            long: form.long,
            adversary,
            topology: Topology::recommended(plan.parties.len(), adversary),
        })?;
        Ok(Arc::new(config))
    }
}

/// Bytes that a question of the stages around a task may have.
pub(crate) fn most_asked(config: &Config) -> usize {
    Roster::limit(config).max(Delivery::limit(config)).max(Consents::limit(config))
}
