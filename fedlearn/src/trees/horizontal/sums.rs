//! Sums over the parties, in the clear or by secure aggregation: the coordinator's side.

use std::sync::Arc;
use std::time::Duration;

use yu_wire::channel::Channel;
use yu_wire::codec;

use super::fixed::{self, BITS, LIMBS};
use super::plan::{Aggregation, Kind, Plan};
use super::task::{Model, Order, SetUp, Task, Vector, subject};
use crate::secagg::Config;
use crate::secagg::identity::Verifier;
use crate::star::assembly::{Asked, Assembly, Gate, Question, values};
use crate::star::terms::{self, BATCH, Form};
use crate::star::{Star, attempts};
use crate::{Error, Result};

/// A sum and whose rows are in it.
pub(super) struct Total {
    pub(super) figures: Vec<i64>,
    /// Numbers of the parties, ascending.
    pub(super) parties: Vec<u32>,
}

/// The secure aggregation of one set-up, the same at all parties.
///
/// # Errors
/// As [`Config::new`]; [`Error::Caller`] if the plan aggregates in the clear, or for more than is agreed.
pub(super) fn config(plan: &Plan, set_up: SetUp) -> Result<Arc<Config>> {
    let Aggregation::Secure { malicious } = plan.settings.aggregation else {
        return Err(Error::caller("this training aggregates in the clear"));
    };
    let figures = set_up.vectors.figures as usize;
    if figures == 0 || figures > plan.most_figures() {
        return Err(Error::caller("keys for longer sums than are agreed"));
    }
    set_up.config(plan, &Form { len: figures * LIMBS, bits: BITS, long: figures * LIMBS, malicious })
}

/// Asks for sums.
pub(super) struct Sums<'a, V> {
    plan: &'a Plan,
    assembly: Assembly<'a, Vector, V>,
    /// Of each party how many trees it has heard of; none: not even the bins.
    heard: Vec<Option<usize>>,
}

/// A task about the model so far, with what each party has not heard of it.
struct Asking<'a> {
    heard: &'a mut [Option<usize>],
    model: &'a Model,
    task: &'a Task,
}

impl Question for Asking<'_> {
    fn ask(&mut self, parties: impl Iterator<Item = u32>, within: u32) -> Asked {
        let Self { heard, model, task } = self;
        let digest = model.digest();
        let order = |party: u32| {
            let heard = heard.get(party as usize).copied().flatten();
            let start = if heard.is_none() { model.start.clone() } else { None };
            let from = heard.unwrap_or(0).min(model.trees.len());
            let trees = model.trees.get(from..).unwrap_or_default().to_vec();
            let order = Order { within, digest, start, from: from as u32, trees, task: task.clone() };
            (party, codec::encode(&order))
        };
        Asked { bodies: parties.map(order).collect(), subject: subject(&digest, task) }
    }

    fn answered(&mut self, party: u32) {
        if let (Some(heard), Some(_)) = (self.heard.get_mut(party as usize), &self.model.start) {
            *heard = Some(self.model.trees.len());
        }
    }
}

impl<'a, V: Verifier> Sums<'a, V> {
    pub(super) fn new(plan: &'a Plan, verifier: &'a V, star: Star) -> Self {
        let (heard, limit) = (vec![None; star.len()], Duration::from_secs(u64::from(plan.settings.deadline_s)));
        Self { plan, assembly: Assembly::new(&plan.parties, verifier, star, limit), heard }
    }

    pub(super) fn close(self, last: &[u8]) -> Vec<Channel> {
        self.assembly.close(last)
    }

    /// The sum of what the parties answer to a task: so many figures.
    ///
    /// # Errors
    /// [`Error::Quorum`] if too few did: ask again; `gate`'s; [`Error::Caller`] for a plan that cannot be.
    pub(super) fn sum(&mut self, kind: Kind, model: &Model, task: &Task, figures: usize, gate: Gate<'_>) -> Result<Total> {
        let (plan, mut question) = (self.plan, Asking { heard: &mut self.heard, model, task });
        if plan.settings.aggregation == Aggregation::DangerClear {
            let mut sums = vec![0i64; figures];
            let add = |party: &str, answer: &[u8]| {
                let what = "not the agreed count of figures within their range".to_owned();
                let read = values(answer, figures, i64::from_le_bytes).filter(|read| fixed::check(read).is_ok());
                let read = read.ok_or_else(|| Error::Peer { culprit: party.to_owned(), step: "sums", what })?;
                // each is below 2^47: 2^16 parties do not overflow
                sums.iter_mut().zip(read).for_each(|(sum, value)| *sum = sum.wrapping_add(value));
                Ok(())
            };
            let parties = self.assembly.clear(&mut question, 8 * figures, add, gate)?;
            return Ok(Total { figures: sums, parties });
        }
        let figures = u32::try_from(figures).map_err(|_| Error::caller("a sum of too many figures"))?;
        let summed = self.assembly.secure(Vector { kind, figures }, |set_up| config(plan, set_up), &mut question, gate)?;
        let parties: Vec<u32> = summed.survivors.iter().collect();
        let figures = fixed::join(&summed.weights, parties.len() as u32, fixed::width(plan.parties.len()))
            .ok_or_else(|| Error::caller("a sum of another length"))?;
        Ok(Total { figures, parties })
    }
}

impl<V: Verifier> attempts::Sums for Sums<'_, V> {
    /// What it has heard before may be lost.
    fn join(&mut self, line: Channel) -> Result<()> {
        let at = self.plan.parties.iter().position(|name| *name == line.peer());
        if let Some(heard) = at.and_then(|at| self.heard.get_mut(at)) {
            *heard = None;
        }
        self.assembly.join(line)
    }

    fn absent(&self) -> Vec<String> {
        self.assembly.absent()
    }
}

/// Bytes that a question around a task may have.
pub(super) fn most_asked(plan: &Plan) -> usize {
    let figures = u32::try_from(plan.most_figures()).unwrap_or(u32::MAX);
    let set_up = SetUp { vectors: Vector { kind: Kind::Leaves, figures }, first: 0, rounds: BATCH };
    config(plan, set_up).map_or(0, |config| terms::most_asked(&config))
}
