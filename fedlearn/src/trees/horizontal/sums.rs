//! One sum over the parties, in the clear or by secure aggregation: the coordinator's side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use yu_wire::channel::Channel;
use yu_wire::codec;

use super::fixed::{self, BITS, LIMBS};
use super::plan::{Aggregation, Kind, Plan};
use super::task::{Model, Order, SetUp, Task, at, stage, subject};
use crate::secagg::identity::Verifier;
use crate::secagg::server::{Closing, Enrolling, Session, Unmasking};
use crate::secagg::{self, Config, Params, PartySet, Topology, msg};
use crate::star::{Answer, Star};
use crate::{Error, Result};

/// Sums of a level that keys are set up for at once.
pub(super) const BATCH: u32 = 16;

/// Hears whose rows would be in a sum, and may refuse it.
pub(super) type Gate<'a> = &'a mut dyn FnMut(&[u32]) -> Result<()>;

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
    if set_up.rounds == 0 || set_up.rounds > BATCH || set_up.figures == 0 || set_up.figures as usize > plan.most_figures() {
        return Err(Error::caller("keys for more or longer sums than are agreed"));
    }
    let adversary = if malicious { secagg::Adversary::Malicious } else { secagg::Adversary::SemiHonest };
    let config = Config::new(Params {
        job: plan.job,
        first_round: set_up.first,
        rounds: set_up.rounds,
        server: plan.coordinator.clone(),
        parties: plan.parties.clone(),
        len: set_up.figures as usize * LIMBS,
        bits: BITS,
        long: set_up.figures as usize * LIMBS,
        adversary,
        topology: Topology::recommended(plan.parties.len(), adversary),
    })?;
    Ok(Arc::new(config))
}

struct Active {
    config: Arc<Config>,
    session: Session,
    next: u32,
}

/// Asks for sums.
pub(super) struct Sums<'a, V> {
    plan: &'a Plan,
    verifier: &'a V,
    star: Star,
    place: u32,
    /// Keys for vectors of each kind.
    active: BTreeMap<Kind, Active>,
    /// Of each party how many trees it has heard of; none: not even the bins.
    heard: Vec<Option<usize>>,
}

impl<'a, V: Verifier> Sums<'a, V> {
    pub(super) fn new(plan: &'a Plan, verifier: &'a V, star: Star) -> Self {
        let heard = vec![None; star.len()];
        Self { plan, verifier, star, place: 0, active: BTreeMap::new(), heard }
    }

    /// A party is there again. Keys are set up anew, so that it takes part.
    pub(super) fn join(&mut self, line: Channel) -> Result<()> {
        self.active.clear();
        if let Some(at) = self.plan.parties.iter().position(|name| *name == line.peer())
            && let Some(heard) = self.heard.get_mut(at)
        {
            *heard = None;
        }
        self.star.join(line)
    }

    /// Why parties are away.
    pub(super) fn absent(&self) -> Vec<String> {
        (0..self.star.len()).filter_map(|party| self.star.lost(party)).map(ToString::to_string).collect()
    }

    pub(super) fn close(self, last: &[u8]) -> Vec<Channel> {
        let limit = self.limit();
        self.star.close(last, limit)
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(u64::from(self.plan.settings.deadline_s))
    }

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

    fn everybody(&self) -> std::ops::Range<u32> {
        0..self.star.len() as u32
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

    fn name(&self, party: u32) -> String {
        self.plan.parties.get(party as usize).cloned().unwrap_or_default()
    }

    /// The sum of what the parties answer to a task: so many figures. `gate` is told whose rows would be in it, before masks come off; what it
    /// refuses nobody learns.
    ///
    /// # Errors
    /// [`Error::Quorum`] if too few did: ask again; `gate`'s; [`Error::Caller`] for a plan that cannot be.
    pub(super) fn sum(&mut self, kind: Kind, model: &Model, task: &Task, figures: usize, gate: Gate<'_>) -> Result<Total> {
        match self.plan.settings.aggregation {
            Aggregation::DangerClear => self.clear(model, task, figures, gate),
            Aggregation::Secure { .. } => self.secure(kind, model, task, figures, gate),
        }
    }

    fn advance(&mut self) -> Result<()> {
        let next = self.place.checked_add(1).filter(|place| *place < u32::MAX);
        self.place = next.ok_or_else(|| Error::caller("the training has too many sums"))?;
        Ok(())
    }

    /// The task for each party with what it has not heard.
    fn orders(&self, parties: impl Iterator<Item = u32>, within: u32, model: &Model, task: &Task) -> Vec<(u32, Vec<u8>)> {
        let digest = model.digest();
        let order = |party: u32| {
            let heard = self.heard.get(party as usize).copied().flatten();
            let start = if heard.is_none() { model.start.clone() } else { None };
            let from = heard.unwrap_or(0).min(model.trees.len());
            let trees = model.trees.get(from..).unwrap_or_default().to_vec();
            let order = Order { within, digest, start, from: from as u32, trees, task: task.clone() };
            (party, codec::encode(&order))
        };
        parties.map(order).collect()
    }

    fn has_heard(&mut self, party: u32, model: &Model) {
        if let (Some(heard), Some(_)) = (self.heard.get_mut(party as usize), &model.start) {
            *heard = Some(model.trees.len());
        }
    }

    fn clear(&mut self, model: &Model, task: &Task, figures: usize, gate: Gate<'_>) -> Result<Total> {
        self.advance()?;
        let answers = self.ask(stage::TASK, self.orders(self.everybody(), 0, model, task), 8 * figures)?;
        let mut total = Total { figures: vec![0; figures], parties: Vec::new() };
        for (party, answer) in answers {
            let (chunks, rest) = answer.as_chunks::<8>();
            let read: Vec<i64> = chunks.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect();
            let is_fine = rest.is_empty() && read.len() == figures && fixed::check(&read).is_ok();
            let what = || "not the agreed count of figures within their range".to_owned();
            let read = if is_fine { Ok(read) } else { Err(Error::Peer { culprit: self.name(party), step: "sums", what: what() }) };
            let Some(read) = self.take(party, read)? else { continue };
            self.has_heard(party, model);
            // each is below 2^47: 2^16 parties do not overflow
            total.figures.iter_mut().zip(read).for_each(|(sum, value)| *sum = sum.wrapping_add(value));
            total.parties.push(party);
        }
        gate(&total.parties)?;
        Ok(total)
    }

    fn secure(&mut self, kind: Kind, model: &Model, task: &Task, figures: usize, gate: Gate<'_>) -> Result<Total> {
        let mut active = match self.active.remove(&kind) {
            Some(active) if active.next < active.config.params().rounds && active.config.params().len == figures * LIMBS => active,
            _ => self.set_up(kind, figures)?,
        };
        self.advance()?;
        let summed = self.masked(&mut active, model, task, gate);
        // whatever came of it, its keys are used up
        active.next += 1;
        // whoever is away leaves, whoever is there and was late for the keys comes in
        let dealers = active.session.dealers();
        if (0..self.star.len()).all(|party| self.star.lost(party).is_some() != dealers.contains(party as u32)) {
            self.active.insert(kind, active);
        } else {
            self.active.clear();
        }
        let summed = summed?;
        let parties: Vec<u32> = summed.survivors.iter().collect();
        let figures = fixed::join(&summed.weights, parties.len() as u32, fixed::width(self.plan.parties.len()))
            .ok_or_else(|| Error::caller("a sum of another length"))?;
        Ok(Total { figures, parties })
    }

    /// Keys and shares for the next sums, among the parties that are there.
    fn set_up(&mut self, kind: Kind, figures: usize) -> Result<Active> {
        self.advance()?;
        let rounds = if matches!(kind, Kind::Grow(_)) { BATCH } else { 1 };
        let figures = u32::try_from(figures).map_err(|_| Error::caller("a sum of too many figures"))?;
        let set_up = SetUp { kind, figures, first: u64::from(self.place), rounds };
        let config = config(self.plan, set_up)?;
        let mut enrolling = Enrolling::new(Arc::clone(&config));
        let body = codec::encode(&set_up);
        let bodies = self.everybody().map(|party| (party, body.clone())).collect();
        let answers = self.ask(stage::KEYS, bodies, <msg::Advert as msg::Message>::limit(&config))?;
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
        Ok(Active { config, session, next: 0 })
    }

    fn masked(&mut self, active: &mut Active, model: &Model, task: &Task, gate: Gate<'_>) -> Result<secagg::server::Sum> {
        let config = Arc::clone(&active.config);
        let mut collecting = active.session.round(active.next)?;
        let orders = self.orders(active.session.dealers().iter(), active.next, model, task);
        let answers = self.ask(stage::TASK, orders, msg::Masked::size(&config))?;
        for (party, answer) in answers {
            let taken = msg::Masked::decode(&answer, &config, &self.name(party)).and_then(|masked| collecting.accept(party, &masked));
            if self.take(party, taken)?.is_some() {
                self.has_heard(party, model);
            }
        }
        let (closing, survivors) = collecting.close()?;
        gate(&survivors.set.iter().collect::<Vec<_>>())?;
        let (mut unmasking, question, asked) = match config.params().adversary {
            secagg::Adversary::SemiHonest => (closing.unmask()?, msg::encode(&survivors), survivors.set.clone()),
            secagg::Adversary::Malicious => self.agreed(&config, closing.about(subject(&model.digest(), task)), &survivors)?,
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
                    let party = self.plan.parties.iter().position(|name| *name == culprit).filter(|at| self.star.lost(*at).is_none());
                    let Some(party) = party else { return Err(Error::Peer { culprit, step, what }) };
                    self.star.expel(party, Error::Peer { culprit, step, what });
                }
                other => return other,
            }
        }
    }

    fn agreed(&mut self, config: &Arc<Config>, mut closing: Closing, survivors: &msg::Survivors) -> Result<(Unmasking, Vec<u8>, PartySet)> {
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
