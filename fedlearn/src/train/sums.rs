//! One sum over the parties, in the clear or by secure aggregation: the coordinator's side.

use std::sync::Arc;
use std::time::Duration;

use yu_wire::codec;

use super::numbers;
use super::plan::{Aggregation, Plan};
use super::task::{Kind, Order, SetUp, Task, at, most, stage, subject};
use crate::secagg::identity::Verifier;
use crate::secagg::server::{Closing, Enrolling, Session};
use crate::secagg::{self, Config, Params, Topology, msg};
use crate::star::{Answer, Star};
use crate::strategy::Layout;
use crate::{Error, Result};

/// Sums that are set up at once.
pub(super) const BATCH: u32 = 16;
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
    let (values, figures) = sizes(plan, layout, set_up.kind);
    let adversary = if malicious { secagg::Adversary::Malicious } else { secagg::Adversary::SemiHonest };
    let (_, len) = numbers::places(values, figures, numbers::width(plan.parties.len(), bits));
    let config = Config::new(Params {
        job: plan.job,
        first_round: set_up.first,
        rounds: set_up.rounds,
        server: plan.coordinator.clone(),
        parties: plan.parties.clone(),
        len,
        bits,
        long: len - values,
        adversary,
        topology: Topology::recommended(plan.parties.len(), adversary),
    })?;
    Ok(Arc::new(config))
}

struct Active {
    kind: Kind,
    config: Arc<Config>,
    session: Session,
    next: u32,
}

/// Asks for sums.
pub(super) struct Sums<'a, V> {
    plan: &'a Plan,
    layout: &'a Layout,
    verifier: &'a V,
    star: Star,
    place: u32,
    active: Option<Active>,
}

impl<'a, V: Verifier> Sums<'a, V> {
    /// Places begin anew: keys are fresh in every run, so no mask of an earlier one returns.
    pub(super) const fn new(plan: &'a Plan, layout: &'a Layout, verifier: &'a V, star: Star) -> Self {
        Self { plan, layout, verifier, star, place: 0, active: None }
    }

    /// A party is there again. Keys are set up anew, so that it takes part.
    pub(super) fn join(&mut self, line: yu_wire::channel::Channel) -> Result<()> {
        self.active = None;
        self.star.join(line)
    }

    /// Why parties are away.
    pub(super) fn absent(&self) -> Vec<String> {
        (0..self.star.len()).filter_map(|party| self.star.lost(party)).map(ToString::to_string).collect()
    }

    pub(super) fn close(self, last: &[u8]) -> Vec<yu_wire::channel::Channel> {
        let limit = self.limit();
        self.star.close(last, limit)
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(u64::from(self.plan.settings.deadline_s))
    }

    /// Asks those of `who` with one body each.
    fn ask(&mut self, stage: u8, bodies: Vec<(u32, Vec<u8>)>, most: usize) -> Result<Vec<(u32, Vec<u8>)>> {
        let mut all: Vec<Option<Vec<u8>>> = vec![None; self.star.len()];
        for (party, body) in bodies {
            if let Some(place) = all.get_mut(party as usize) {
                *place = Some(body);
            }
        }
        let limit = self.limit();
        let answers = self.star.ask(at(self.place, stage), all, most, limit)?;
        Ok((0..).zip(answers).filter_map(|(party, answer)| Answer::said(answer).map(|body| (party, body))).collect())
    }

    fn everybody(&self, body: &[u8]) -> Vec<(u32, Vec<u8>)> {
        (0..self.star.len() as u32).map(|party| (party, body.to_vec())).collect()
    }

    /// Takes what a party said; whoever breaks the protocol is out, by name.
    fn take<T>(&mut self, party: u32, taken: Result<T>) -> Result<Option<T>> {
        match taken {
            Ok(value) => Ok(Some(value)),
            Err(error @ Error::Peer { .. }) => {
                self.star.expel(party as usize, error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The sum of what the parties answer to a task.
    ///
    /// `gate` is told whose contributions would be in it, before masks come off; what it refuses nobody learns.
    ///
    /// # Errors
    /// [`Error::Quorum`] if too few did: ask again; `gate`'s; [`Error::Caller`] for a plan that cannot be.
    pub(super) fn sum(&mut self, kind: Kind, task: impl Fn() -> Task, gate: &mut dyn FnMut(&[u32]) -> Result<()>) -> Result<Total> {
        match self.plan.settings.aggregation {
            Aggregation::Clear => self.clear(kind, &task, gate),
            Aggregation::Secure { bits, .. } => self.secure(kind, &task, bits, gate),
        }
    }

    fn advance(&mut self) -> Result<()> {
        self.place =
            self.place.checked_add(1).filter(|place| *place < u32::MAX).ok_or_else(|| Error::caller("the training has too many rounds"))?;
        Ok(())
    }

    fn clear(&mut self, kind: Kind, task: &impl Fn() -> Task, gate: &mut dyn FnMut(&[u32]) -> Result<()>) -> Result<Total> {
        self.advance()?;
        let (values, figures) = sizes(self.plan, self.layout, kind);
        let body = codec::encode(&Order { within: 0, task: task() });
        let answers = self.ask(stage::TASK, self.everybody(&body), 8 * (values + figures))?;
        let mut total = Total { values: vec![0.0; values], figures: vec![0.0; figures], parties: Vec::new() };
        for (party, answer) in answers {
            let read =
                read(&answer, values + figures).ok_or_else(|| self.peer(party, "contribution", "not the agreed count of finite numbers"));
            let Some(read) = self.take(party, read)? else { continue };
            total.values.iter_mut().chain(&mut total.figures).zip(read).for_each(|(sum, value)| *sum += value);
            total.parties.push(party);
        }
        gate(&total.parties)?;
        Ok(total)
    }

    fn peer(&self, party: u32, step: &'static str, what: &str) -> Error {
        let culprit = self.plan.parties.get(party as usize).cloned().unwrap_or_default();
        Error::Peer { culprit, step, what: what.to_owned() }
    }

    fn name(&self, party: u32) -> String {
        self.plan.parties.get(party as usize).cloned().unwrap_or_default()
    }

    fn secure(&mut self, kind: Kind, task: &impl Fn() -> Task, bits: u32, gate: &mut dyn FnMut(&[u32]) -> Result<()>) -> Result<Total> {
        if self.active.as_ref().is_none_or(|active| active.kind != kind || active.next >= active.config.params().rounds) {
            self.active = None;
            self.active = Some(self.set_up(kind)?);
        }
        self.advance()?;
        let Some(mut active) = self.active.take() else { return Err(Error::caller("no keys were set up")) };
        let summed = self.masked(&mut active, task, gate);
        // whatever came of it, its keys are used up
        active.next += 1;
        // whoever is away leaves, whoever is there and was late for the keys comes in
        let dealers = active.session.dealers();
        let all_there = (0..self.star.len()).all(|party| self.star.lost(party).is_some() != dealers.contains(party as u32));
        if all_there {
            self.active = Some(active);
        }
        let summed = summed?;
        let (values, figures) = sizes(self.plan, self.layout, kind);
        let parties: Vec<u32> = summed.survivors.iter().collect();
        let count = parties.len() as u32;
        let width = numbers::width(self.plan.parties.len(), bits);
        let (places, len) = numbers::places(values, figures, width);
        let values = summed.weights.get(..values).filter(|_| summed.weights.len() == len);
        let values = values.ok_or_else(|| Error::caller("a sum of another length"))?;
        let figures: Vec<f64> = places.into_iter().map(|place| numbers::join(&summed.weights, place, count, width)).collect();
        let values = match self.plan.quantiser(self.layout)? {
            Some(code) if kind == Kind::Round => code.decode_sum(values, count)?,
            _ => Vec::new(),
        };
        Ok(Total { values, figures, parties })
    }

    /// Keys and shares for the next sums, among the parties that are there.
    fn set_up(&mut self, kind: Kind) -> Result<Active> {
        self.advance()?;
        let rounds = if kind == Kind::Scale { 1 } else { BATCH };
        let set_up = SetUp { kind, first: u64::from(self.place), rounds };
        let config = config(self.plan, self.layout, set_up)?;
        let mut enrolling = Enrolling::new(Arc::clone(&config));
        let body = codec::encode(&set_up);
        let answers = self.ask(stage::KEYS, self.everybody(&body), <msg::Advert as msg::Message>::limit(&config))?;
        for (party, answer) in answers {
            let verifier = self.verifier;
            let taken = msg::decode(&answer, &config, &self.name(party)).and_then(|advert| enrolling.accept(party, advert, verifier));
            self.take(party, taken)?;
        }
        let (mut sharing, rosters) = enrolling.close()?;
        let bodies = rosters.iter().map(|(party, roster)| (*party, msg::encode(roster))).collect();
        let answers = self.ask(stage::SHARES, bodies, <msg::Shares as msg::Message>::limit(&config))?;
        for (party, answer) in answers {
            let verifier = self.verifier;
            let taken = msg::decode(&answer, &config, &self.name(party)).and_then(|shares| sharing.accept(party, shares, verifier));
            self.take(party, taken)?;
        }
        let (session, deliveries) = sharing.close()?;
        let bodies = deliveries.iter().map(|(party, delivery)| (*party, msg::encode(delivery))).collect();
        self.ask(stage::READY, bodies, 0)?;
        Ok(Active { kind, config, session, next: 0 })
    }

    fn masked(
        &mut self,
        active: &mut Active,
        task: &impl Fn() -> Task,
        gate: &mut dyn FnMut(&[u32]) -> Result<()>,
    ) -> Result<secagg::server::Sum> {
        let config = Arc::clone(&active.config);
        let mut collecting = active.session.round(active.next)?;
        let body = codec::encode(&Order { within: active.next, task: task() });
        let question = subject(&body);
        let asked = active.session.dealers().iter().map(|party| (party, body.clone())).collect();
        let answers = self.ask(stage::TASK, asked, msg::Masked::size(&config))?;
        for (party, answer) in answers {
            let taken = msg::Masked::decode(&answer, &config, &self.name(party)).and_then(|masked| collecting.accept(party, &masked));
            self.take(party, taken)?;
        }
        let (closing, survivors) = collecting.close()?;
        gate(&survivors.set.iter().collect::<Vec<_>>())?;
        let (mut unmasking, question, asked) = match config.params().adversary {
            secagg::Adversary::SemiHonest => (closing.unmask()?, msg::encode(&survivors), survivors.set.clone()),
            secagg::Adversary::Malicious => self.agreed(&config, closing.about(question), &survivors)?,
        };
        let bodies = asked.iter().map(|party| (party, question.clone())).collect();
        let answers = self.ask(stage::UNMASK, bodies, <msg::Unmask as msg::Message>::limit(&config))?;
        for (party, answer) in answers {
            let taken = msg::decode(&answer, &config, &self.name(party)).and_then(|shares| unmasking.accept(party, &shares));
            self.take(party, taken)?;
        }
        // whoever forged shares is out, by name; the sum is made of what the others sent
        loop {
            match unmasking.finish() {
                Err(Error::Peer { culprit, step, what }) => {
                    let Some(party) = self.plan.parties.iter().position(|name| *name == culprit).filter(|at| self.star.lost(*at).is_none())
                    else {
                        return Err(Error::Peer { culprit, step, what });
                    };
                    self.star.expel(party, Error::Peer { culprit, step, what });
                }
                other => return other,
            }
        }
    }

    fn agreed(
        &mut self,
        config: &Arc<Config>,
        mut closing: Closing,
        survivors: &msg::Survivors,
    ) -> Result<(secagg::server::Unmasking, Vec<u8>, secagg::PartySet)> {
        let question = msg::encode(survivors);
        let bodies = survivors.set.iter().map(|party| (party, question.clone())).collect();
        let answers = self.ask(stage::CONSENT, bodies, <msg::Consent as msg::Message>::limit(config))?;
        for (party, answer) in answers {
            let verifier = self.verifier;
            let taken = msg::decode(&answer, config, &self.name(party)).and_then(|consent| closing.accept(party, &consent, verifier));
            self.take(party, taken)?;
        }
        let (unmasking, consents) = closing.agree()?;
        Ok((unmasking, msg::encode(&consents), consents.signers))
    }
}

/// So many finite numbers.
fn read(bytes: &[u8], count: usize) -> Option<Vec<f64>> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let values: Vec<f64> = chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect();
    (rest.is_empty() && values.len() == count && values.iter().all(|value| value.is_finite())).then_some(values)
}

/// Bytes that a question may have.
pub(super) fn most_asked(plan: &Plan, layout: &Layout) -> usize {
    let task = most(2 * layout.len() + 3 * plan.features.len());
    let of = |kind| {
        let config = config(plan, layout, SetUp { kind, first: 0, rounds: BATCH }).ok();
        config.map_or(0, |config| {
            [
                <msg::Roster as msg::Message>::limit(&config),
                <msg::Delivery as msg::Message>::limit(&config),
                <msg::Consents as msg::Message>::limit(&config),
            ]
            .into_iter()
            .max()
            .unwrap_or(0)
        })
    };
    task.max(of(Kind::Scale)).max(of(Kind::Round))
}
