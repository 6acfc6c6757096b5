//! Sums over the parties, in the clear or by secure aggregation: the coordinator's side.

use std::sync::Arc;
use std::time::Duration;

use yu_wire::channel::Channel;
use yu_wire::codec;

use super::numbers;
use super::plan::{Aggregation, Plan};
use super::task::{Kind, Order, SetUp, Task, most, subject};
use crate::secagg::Config;
use crate::secagg::identity::Verifier;
use crate::star::assembly::{Asked, Assembly, Gate, Question, values};
use crate::star::terms::{self, BATCH, Form};
use crate::star::{Star, attempts};
use crate::strategy::Layout;
use crate::{Error, Result};

/// Figures of a model on held-out rows.
pub(super) const FIGURES: usize = 4;

/// A sum and whose contributions are in it.
pub(super) struct Total {
    /// Quantised if the aggregation is secure.
    pub(super) values: Vec<f64>,
    /// Exact.
    pub(super) figures: Vec<f64>,
    /// Numbers of the parties, ascending.
    pub(super) parties: Vec<u32>,
}

/// How many values and figures a kind of vector has.
pub(super) fn sizes(plan: &Plan, layout: &Layout, kind: Kind) -> (usize, usize) {
    match kind {
        Kind::Scale => (0, 1 + 2 * plan.features.len()),
        Kind::Round => (layout.len(), if plan.settings.has_figures() { FIGURES } else { 0 }),
    }
}

/// The secure aggregation of one set-up, the same at all parties.
///
/// # Errors
/// As [`Config::new`]; [`Error::Caller`] if the plan aggregates in the clear.
pub(super) fn config(plan: &Plan, layout: &Layout, set_up: SetUp) -> Result<Arc<Config>> {
    let Aggregation::Secure { bits, malicious, .. } = plan.settings.aggregation else {
        return Err(Error::caller("this training aggregates in the clear"));
    };
    let (values, figures) = sizes(plan, layout, set_up.vectors);
    let (_, len) = numbers::places(values, figures, numbers::width(plan.parties.len(), bits));
    set_up.config(plan, &Form { len, bits, long: len - values, malicious })
}

/// Asks for sums.
pub(super) struct Sums<'a, V> {
    plan: &'a Plan,
    layout: &'a Layout,
    assembly: Assembly<'a, Kind, V>,
}

/// The same task for every party.
struct Asking<T>(T);

impl<T: Fn() -> Task> Question for Asking<T> {
    fn ask(&mut self, parties: impl Iterator<Item = u32>, within: u32) -> Asked {
        let body = codec::encode(&Order { within, task: (self.0)() });
        Asked { subject: subject(&body), bodies: parties.map(|party| (party, body.clone())).collect() }
    }

    fn answered(&mut self, _: u32) {}
}

impl<'a, V: Verifier> Sums<'a, V> {
    pub(super) fn new(plan: &'a Plan, layout: &'a Layout, verifier: &'a V, star: Star) -> Self {
        let limit = Duration::from_secs(u64::from(plan.settings.deadline_s));
        Self { plan, layout, assembly: Assembly::new(&plan.parties, verifier, star, limit) }
    }

    pub(super) fn close(self, last: &[u8]) -> Vec<Channel> {
        self.assembly.close(last)
    }

    /// The sum of what the parties answer to a task.
    ///
    /// # Errors
    /// [`Error::Quorum`] if too few did: ask again; `gate`'s; [`Error::Caller`] for a plan that cannot be.
    pub(super) fn sum(&mut self, kind: Kind, task: impl Fn() -> Task, gate: Gate<'_>) -> Result<Total> {
        match self.plan.settings.aggregation {
            Aggregation::Clear => self.clear(kind, Asking(task), gate),
            Aggregation::Secure { bits, .. } => self.secure(kind, Asking(task), bits, gate),
        }
    }

    fn clear(&mut self, kind: Kind, mut question: impl Question, gate: Gate<'_>) -> Result<Total> {
        let (first, figures) = sizes(self.plan, self.layout, kind);
        let count = first + figures;
        let mut sums = vec![0.0; count];
        let add = |party: &str, answer: &[u8]| {
            let what = "not the agreed count of finite numbers".to_owned();
            let read = values(answer, count, f64::from_le_bytes).filter(|read| read.iter().all(|value| value.is_finite()));
            let read = read.ok_or_else(|| Error::Peer { culprit: party.to_owned(), step: "contribution", what })?;
            sums.iter_mut().zip(read).for_each(|(sum, value)| *sum += value);
            Ok(())
        };
        let parties = self.assembly.clear(&mut question, 8 * count, add, gate)?;
        let figures = sums.split_off(first);
        Ok(Total { values: sums, figures, parties })
    }

    fn secure(&mut self, kind: Kind, mut question: impl Question, bits: u32, gate: Gate<'_>) -> Result<Total> {
        let (plan, layout) = (self.plan, self.layout);
        let summed = self.assembly.secure(kind, |set_up| config(plan, layout, set_up), &mut question, gate)?;
        let (values, figures) = sizes(plan, layout, kind);
        let parties: Vec<u32> = summed.survivors.iter().collect();
        let count = parties.len() as u32;
        let width = numbers::width(plan.parties.len(), bits);
        let (places, len) = numbers::places(values, figures, width);
        let values = summed.weights.get(..values).filter(|_| summed.weights.len() == len);
        let values = values.ok_or_else(|| Error::caller("a sum of another length"))?;
        let figures: Vec<f64> = places.into_iter().map(|place| numbers::join(&summed.weights, place, count, width)).collect();
        let values = match plan.quantiser(layout)? {
            Some(code) if kind == Kind::Round => code.decode_sum(values, count)?,
            _ => Vec::new(),
        };
        Ok(Total { values, figures, parties })
    }
}

impl<V: Verifier> attempts::Sums for Sums<'_, V> {
    fn join(&mut self, line: Channel) -> Result<()> {
        self.assembly.join(line)
    }

    fn absent(&self) -> Vec<String> {
        self.assembly.absent()
    }
}

/// Bytes that a question may have.
pub(super) fn most_asked(plan: &Plan, layout: &Layout) -> usize {
    let task = most(2 * layout.len() + 3 * plan.features.len());
    let of = |vectors| config(plan, layout, SetUp { vectors, first: 0, rounds: BATCH }).map_or(0, |config| terms::most_asked(&config));
    task.max(of(Kind::Scale)).max(of(Kind::Round))
}
