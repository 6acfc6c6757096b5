//! A party: keeps its rows, answers with contributions.

use std::sync::Arc;

use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yu_wire::channel::Channel;
use yu_wire::codec;
use zeroize::{Zeroize, Zeroizing};

use super::numbers;
use super::plan::{Aggregation, Plan};
use super::sums::{BATCH, config, most_asked, sizes};
use super::task::{Kind, Model as Told, Order, SetUp, Task, stage, subject};
use super::trained::{Figures, Trained};
use crate::data::Dataset;
use crate::data::standardise::{Moments, Scale};
use crate::model::{Metrics, Model, Network, Weights};
use crate::privacy::Releases;
use crate::secagg::client::{Dealt, Offered, Sent, Session};
use crate::secagg::identity::{Signer, Verifier};
use crate::secagg::{self, Config, PartySet, msg};
use crate::star::{self, Place};
use crate::strategy::{ClientState, Correction, Layout, Step, generator};
use crate::update::Quantiser;
use crate::{Error, Result};

/// Largest state that is read, bytes.
const MOST: usize = 4 << 30;

/// What a party needs beside the plan and the line to the coordinator.
pub struct Party<'a, S, V> {
    /// Its place in the plan.
    pub index: u32,
    /// Its rows, features in the order of the plan, in the units of the columns.
    pub rows: Dataset,
    /// Its long-term key.
    pub signer: &'a S,
    /// Knows the other parties' long-term keys, by their place in the plan.
    pub verifier: &'a V,
    /// What was stored last by a run that ended early.
    pub resume: Option<&'a [u8]>,
    /// Stores the state in place of the last one; must not return before it would survive a crash.
    pub keep: &'a mut dyn FnMut(&[u8]) -> Result<()>,
    /// Hears of each round.
    pub told: &'a mut dyn FnMut(&Figures),
}

/// All that survives a crash. A secret: it holds gradients of own rows.
#[derive(Serialize, Deserialize)]
struct Saved {
    job: [u8; 32],
    /// Behind batches and rounding.
    seed: [u8; 32],
    state: ClientState,
    /// The answer to the last round, sent again if it is asked again.
    last: Option<Answered>,
    releases: Option<Releases>,
    /// The last sum that this party let masks off for: of what, from which model, over whom.
    summed: Option<Summed>,
    /// The last word, once it was heard and found right.
    heard: Option<Vec<u8>>,
    /// Of the rows that it began with: sums over others would differ by single rows.
    rows: [u8; 32],
}

/// Names rows with their order.
fn digest(rows: &Dataset) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(b"yu-fedlearn/rows/v1").chain_update((rows.rows() as u64).to_le_bytes());
    rows.features().iter().chain(rows.targets()).for_each(|value| hash.update(value.to_le_bytes()));
    hash.finalize().into()
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Summed {
    /// Round + 1, or 0 for the scale.
    about: u64,
    /// Of the task.
    from: [u8; 32],
    over: PartySet,
}

#[derive(Clone, Serialize, Deserialize)]
struct Answered {
    round: u64,
    /// Of the weights that it starts from.
    from: [u8; 32],
    contribution: Vec<f64>,
    /// The state after it, if it counts.
    state: ClientState,
}

impl Drop for Saved {
    fn drop(&mut self) {
        self.seed.zeroize();
        self.state.control.zeroize();
        self.state.feedback.zeroize();
        if let Some(last) = &mut self.last {
            last.contribution.zeroize();
        }
    }
}

/// Where this party stands in secure aggregation.
enum Seat {
    Away,
    Offered(Kind, Arc<Config>, Offered),
    Dealt(Kind, Arc<Config>, Dealt),
    Ready(Kind, Arc<Config>, Session),
}

/// Takes part until the coordinator says that it is over; returns the trained model and its bytes.
///
/// # Errors
/// [`Error::Peer`] for a coordinator that breaks the protocol, asks to unmask twice, or tells another model at the end than the one it
/// trained; [`Error::Data`] for rows that the model cannot be trained on; [`Error::Budget`]; [`Error::Caller`] for a plan that
/// cannot be; those of `keep`; the transport's.
pub fn take_part<S: Signer, V: Verifier, R: CryptoRng>(
    plan: &Plan,
    line: &mut Channel,
    with: Party<'_, S, V>,
    rng: &mut R,
) -> Result<(Trained, Vec<u8>)> {
    take_part_by(plan, line, with, &mut plan.settings.strategy.local.clone(), rng)
}

/// The same with updates made in another way, as by [`External`](crate::external::External).
///
/// # Errors
/// As [`take_part`]; [`Error::Unsafe`] for a plan with a privacy budget and a step that does not bound what a row does; those of the step.
pub fn take_part_by<S: Signer, V: Verifier, R: CryptoRng>(
    plan: &Plan,
    line: &mut Channel,
    with: Party<'_, S, V>,
    step: &mut dyn Step,
    rng: &mut R,
) -> Result<(Trained, Vec<u8>)> {
    let network = plan.check()?;
    if plan.settings.privacy.is_some() && !step.bounds_rows() {
        return Err(Error::Unsafe {
            setting: "privacy".into(),
            reason: "what a single row does to the update of this trainer is not bounded, so no noise hides it".into(),
            remedy: "train with `strategy.local.private`, or leave out the budget".into(),
        });
    }
    let layout = plan.layout(&network);
    if with.rows.columns() != plan.features.len() || plan.parties.len() <= with.index as usize {
        return Err(Error::caller(format!("`{}` columns where the plan has `{}`", with.rows.columns(), plan.features.len())));
    }
    network.check(&with.rows.batch())?;
    let rows = digest(&with.rows);
    let saved = match with.resume {
        Some(bytes) => {
            let saved: Saved = codec::decode(bytes, MOST)?;
            if saved.job != plan.job {
                return Err(Error::caller("the stored state belongs to another job"));
            }
            if saved.rows != rows {
                return Err(Error::Data {
                    what: "own rows".into(),
                    problem: "they are not those that the training began with: a sum over both would tell single rows".into(),
                    remedy: "start the training again".into(),
                });
            }
            saved
        }
        None => {
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            let releases = plan.settings.privacy.map(|protection| Releases::new(protection.budget()));
            Saved { job: plan.job, seed, state: ClientState::default(), last: None, releases, summed: None, heard: None, rows }
        }
    };
    let (train, held_out) = parted(&with.rows, plan.settings.holdout)?;
    let mut work = Work {
        plan,
        network,
        layout: &layout,
        saved,
        train,
        held_out,
        scaled: None,
        last_weights: None,
        seat: Seat::Away,
        sent: None,
        about: (0, [0; 32]),
        with,
        step,
        rng,
    };
    // stored before anything that depends on it leaves
    work.keep()?;
    let last = star::serve(line, most_asked(plan, &layout), |place, body| work.answer(place, body))?;
    let peer = |what: &str| Error::Peer { culprit: plan.coordinator.clone(), step: "last word", what: what.to_owned() };
    let trained = Trained::from_bytes(&last).map_err(|error| peer(&error.to_string()))?;
    // who was late for the end has not seen the last weights; all parties vouch for one document
    let same = match &work.last_weights {
        Some((round, shown)) if *round == u64::from(plan.settings.rounds) => {
            trained.weights.flat().len() == shown.len()
                && trained.weights.flat().iter().zip(shown).all(|(told, shown)| (told - shown).abs() <= 1e-12 * shown.abs().max(1.0))
        }
        _ => true,
    };
    if !trained.is_of(plan) || !same {
        return Err(peer("it is about another model than the one that was trained"));
    }
    work.saved.heard = Some(last.clone());
    work.keep()?;
    Ok((trained, last))
}

/// The trained model and its bytes, if this party had heard them before it ended: then there is nothing left to take part in.
///
/// # Errors
/// [`Error::Caller`] for the state of another job; [`Error::Data`] for a damaged one.
pub fn heard(plan: &Plan, resume: &[u8]) -> Result<Option<(Trained, Vec<u8>)>> {
    let saved: Saved = codec::decode(resume, MOST)?;
    if saved.job != plan.job {
        return Err(Error::caller("the stored state belongs to another job"));
    }
    saved.heard.clone().map(|bytes| Ok((Trained::from_bytes(&bytes)?, bytes))).transpose()
}

/// Rows to train on, and rows to judge by: every so many one, beginning with the first.
pub(crate) fn parted(rows: &Dataset, every: u32) -> Result<(Dataset, Option<Dataset>)> {
    if every == 0 || rows.rows() < every as usize {
        return Ok((rows.clone(), None));
    }
    let (held, kept): (Vec<usize>, Vec<usize>) = (0..rows.rows()).partition(|row| row % every as usize == 0);
    Ok((rows.take(&kept)?, Some(rows.take(&held)?)))
}

/// Names a model with its scale and control variate: what an update starts from.
fn identity(told: &Told) -> [u8; 32] {
    let mut hash = Sha256::new();
    let scale = told.scale.iter().flat_map(|scale| scale.means.iter().chain(&scale.deviations));
    told.weights.iter().chain(&told.control).chain(scale).for_each(|value| hash.update(value.to_le_bytes()));
    hash.finalize().into()
}

struct Work<'a, 'p, S, V, R> {
    plan: &'p Plan,
    network: Network,
    layout: &'p Layout,
    saved: Saved,
    train: Dataset,
    held_out: Option<Dataset>,
    /// Rows as the scale makes them.
    scaled: Option<(Option<Scale>, Dataset, Option<Dataset>)>,
    /// The last weights that the coordinator showed.
    last_weights: Option<(u64, Vec<f64>)>,
    seat: Seat,
    sent: Option<Sent>,
    /// What was sent: round + 1, or 0 for the scale; and from which model.
    about: (u64, [u8; 32]),
    with: Party<'a, S, V>,
    step: &'p mut dyn Step,
    rng: &'p mut R,
}

impl<S: Signer, V: Verifier, R: CryptoRng> Work<'_, '_, S, V, R> {
    fn peer(&self, what: &str) -> Error {
        Error::Peer { culprit: self.plan.coordinator.clone(), step: "task", what: what.to_owned() }
    }

    fn keep(&mut self) -> Result<()> {
        (self.with.keep)(&Zeroizing::new(codec::encode(&self.saved)))
    }

    fn answer(&mut self, place: Place, body: &[u8]) -> Result<Vec<u8>> {
        let broken = |error: yu_wire::Error| self.peer(&format!("does not decode: {error}"));
        match place.stage {
            stage::KEYS => {
                let set_up: SetUp = codec::decode(body, 64).map_err(broken)?;
                if set_up.rounds == 0 || set_up.rounds > BATCH || set_up.first != u64::from(place.round) {
                    return Err(self.peer("keys for more sums than are agreed, or out of order"));
                }
                let config = config(self.plan, self.layout, set_up)?;
                let (offered, advert) = Offered::new(Arc::clone(&config), self.with.index, self.with.signer, self.rng)?;
                (self.seat, self.sent) = (Seat::Offered(set_up.kind, config, offered), None);
                Ok(msg::encode(&advert))
            }
            stage::SHARES => {
                let Seat::Offered(kind, config, offered) = std::mem::replace(&mut self.seat, Seat::Away) else {
                    return Err(self.peer("keys of all before it asked for ours"));
                };
                let roster = msg::decode(body, &config, &self.plan.coordinator)?;
                let (dealt, shares) = offered.share(&roster, self.with.signer, self.with.verifier)?;
                self.seat = Seat::Dealt(kind, config, dealt);
                Ok(msg::encode(&shares))
            }
            stage::READY => {
                let Seat::Dealt(kind, config, dealt) = std::mem::replace(&mut self.seat, Seat::Away) else {
                    return Err(self.peer("shares before it asked for ours"));
                };
                let delivery = msg::decode(body, &config, &self.plan.coordinator)?;
                let session = dealt.receive(&delivery, self.with.verifier)?;
                self.seat = Seat::Ready(kind, config, session);
                Ok(Vec::new())
            }
            stage::TASK => {
                let order: Order = codec::decode(body, most_asked(self.plan, self.layout)).map_err(broken)?;
                self.sent = None;
                self.task(order, subject(body))
            }
            stage::CONSENT | stage::UNMASK => {
                let (Seat::Ready(_, config, _), Some(mut sent)) = (&self.seat, self.sent.take()) else {
                    return Err(self.peer("an end before the beginning"));
                };
                let config = Arc::clone(config);
                let answer = self.end(place.stage, body, &config, &mut sent);
                self.sent = Some(sent);
                answer
            }
            _ => Err(self.peer("a stage that is not known")),
        }
    }

    /// The stages after the own vector was sent.
    fn end(&mut self, stage: u8, body: &[u8], config: &Config, sent: &mut Sent) -> Result<Vec<u8>> {
        let server = &self.plan.coordinator;
        if stage == stage::CONSENT {
            let survivors: msg::Survivors = msg::decode(body, config, server)?;
            self.once(&survivors.set)?;
            return Ok(msg::encode(&sent.consent(&survivors, self.with.signer)?));
        }
        let shares = match config.params().adversary {
            secagg::Adversary::SemiHonest => {
                let survivors: msg::Survivors = msg::decode(body, config, server)?;
                self.once(&survivors.set)?;
                sent.unmask(&survivors)?
            }
            secagg::Adversary::Malicious => sent.unmask_agreed(&msg::decode(body, config, server)?, self.with.verifier)?,
        };
        Ok(msg::encode(&shares))
    }

    /// The same contributions over other parties are not summed a second time: the difference of the sums would be a single party's.
    fn once(&mut self, over: &PartySet) -> Result<()> {
        let now = Summed { about: self.about.0, from: self.about.1, over: over.clone() };
        match &self.saved.summed {
            Some(before) if *before == now => return Ok(()),
            Some(before) if before.about == now.about => {
                return Err(self.peer("a second sum of one round, of another model or over other parties"));
            }
            Some(before) if before.about > now.about => return Err(self.peer("a sum of a round before the last one")),
            // without fresh noise the same model gives nearly the same update again
            Some(before) if before.from == now.from && before.over != now.over && self.plan.settings.privacy.is_none() => {
                return Err(self.peer("a second sum about one model over other parties"));
            }
            _ => {}
        }
        self.saved.summed = Some(now);
        self.keep()
    }

    /// Quantised values. What is cut off is lost to the model, and to SCAFFOLD's sums for good.
    fn coded(&self, code: &Quantiser, values: &[f64], coins: &mut impl CryptoRng) -> Result<Vec<u32>> {
        let (integers, cut) = code.encode(values, coins)?;
        let scaffold = self.plan.settings.strategy.local.correction == Correction::Scaffold;
        if cut > values.len() / 2 || (scaffold && cut > 0) {
            return Err(Error::Data {
                what: "the own update".into(),
                problem: format!("{cut} of {} values are beyond `aggregation.bound`", values.len()),
                remedy: "raise the bound, or bring target and learning rate to a smaller scale".into(),
            });
        }
        Ok(integers)
    }

    fn task(&mut self, order: Order, question: [u8; 32]) -> Result<Vec<u8>> {
        let round = match &order.task {
            Task::Scale => 0,
            Task::Train(told) | Task::Judge(told) => told.round,
        };
        let rounds = u64::from(self.plan.settings.rounds);
        self.about = match &order.task {
            Task::Scale => (0, [0; 32]),
            Task::Train(told) if told.round < rounds => (told.round + 1, identity(told)),
            Task::Judge(told) if told.round == rounds => (told.round + 1, identity(told)),
            Task::Train(_) | Task::Judge(_) => return Err(self.peer("an update after the last round, or an end before it")),
        };
        let (kind, values, figures) = match order.task {
            Task::Scale => {
                if !self.plan.settings.standardise {
                    return Err(self.peer("sums of features, which are not agreed"));
                }
                let zero = vec![0.0; self.plan.features.len()];
                (Kind::Scale, Vec::new(), Moments::of(&self.train, &zero)?.flat())
            }
            Task::Train(told) => {
                let figures = self.judge(&told)?;
                (Kind::Round, self.contribution(&told)?, figures)
            }
            Task::Judge(told) => {
                let figures = self.judge(&told)?;
                (Kind::Round, vec![0.0; self.layout.len()], figures)
            }
        };
        let (values, figures) = (Zeroizing::new(values), Zeroizing::new(figures));
        let (expected_values, expected_figures) = sizes(self.plan, self.layout, kind);
        if values.len() != expected_values || figures.len() != expected_figures {
            return Err(Error::caller("a contribution of another length"));
        }
        match self.plan.settings.aggregation {
            Aggregation::Clear => Ok(values.iter().chain(figures.iter()).flat_map(|value| value.to_le_bytes()).collect()),
            Aggregation::Secure { bits, .. } => {
                // the same integers again if the round is repeated
                let mut coins = generator(&self.saved.seed, "round", round, self.with.index);
                let mut integers = Zeroizing::new(match self.plan.quantiser(self.layout)? {
                    Some(code) if kind == Kind::Round => self.coded(&code, &values, &mut coins)?,
                    _ => Vec::new(),
                });
                let width = numbers::width(self.plan.parties.len(), bits);
                let (places, _) = numbers::places(integers.len(), figures.len(), width);
                let mut placed = figures.iter().zip(places);
                placed.try_for_each(|(figure, place)| numbers::split(*figure, place, width, &mut integers))?;
                let masked = match &mut self.seat {
                    Seat::Ready(of, _, session) if *of == kind => session.mask(order.within, &integers),
                    _ => return Err(self.peer("a task without keys for it")),
                };
                let (sent, masked) = masked?;
                self.sent = Some(sent.about(question));
                Ok(masked.encode())
            }
        }
    }

    /// Figures of the shown model on held-out rows, if they are told.
    fn judge(&mut self, told: &Told) -> Result<Vec<f64>> {
        let settings = &self.plan.settings;
        if told.round > u64::from(settings.rounds) || told.scale.is_some() != settings.standardise {
            return Err(self.peer("a round beyond the last one, or a scale that is not agreed"));
        }
        if let Some(figures) = &told.told {
            (self.with.told)(figures);
        }
        let weights = self.weights(told)?;
        self.rescale(told.scale.as_ref())?;
        self.last_weights = Some((told.round, told.weights.clone()));
        if !settings.has_figures() {
            return Ok(Vec::new());
        }
        let held_out = self.scaled.as_ref().and_then(|(_, _, held_out)| held_out.as_ref());
        let metrics = match held_out {
            Some(rows) => self.network.evaluate(&weights, &rows.batch())?,
            None => Metrics::default(),
        };
        Ok(vec![metrics.examples as f64, metrics.loss_sum, metrics.correct as f64, metrics.squared_sum])
    }

    fn weights(&self, told: &Told) -> Result<Weights> {
        if !told.weights.iter().chain(&told.control).all(|value| value.is_finite()) {
            return Err(self.peer("weights that are not finite"));
        }
        Weights::new(self.network.layers(), told.weights.clone()).map_err(|_| self.peer("weights of another model"))
    }

    fn rescale(&mut self, scale: Option<&Scale>) -> Result<()> {
        if self.scaled.as_ref().is_some_and(|(of, ..)| of.as_ref() == scale) {
            return Ok(());
        }
        let apply = |rows: &Dataset| scale.map_or_else(|| Ok(rows.clone()), |scale| scale.apply(rows));
        let held_out = self.held_out.as_ref().map(apply).transpose()?;
        self.scaled = Some((scale.cloned(), apply(&self.train)?, held_out));
        Ok(())
    }

    /// The contribution to a round: the one made before, if it is asked again.
    fn contribution(&mut self, told: &Told) -> Result<Vec<f64>> {
        let from = identity(told);
        if let Some(last) = &self.saved.last {
            if last.round == told.round {
                if last.from != from {
                    return Err(self.peer("a second update of one round, from other weights"));
                }
                return Ok(last.contribution.clone());
            }
            if last.round > told.round {
                return Err(self.peer("a round before the last one"));
            }
            if told.counted.get(self.with.index as usize) == Some(&(last.round + 1)) {
                self.saved.state = last.state.clone();
            }
        }
        let weights = self.weights(told)?;
        let (strategy, network, layout, index) = (&self.plan.settings.strategy, &self.network, self.layout, self.with.index);
        let rows = self.scaled.as_ref().map(|(_, rows, _)| rows).ok_or_else(|| Error::caller("rows before their scale"))?;
        let control = (!told.control.is_empty()).then_some(told.control.as_slice());
        let state = self.saved.state.clone();
        let mut next = state.clone();
        let contribution = if let Some(charge) = self.plan.settings.charge() {
            let Some(mut releases) = self.saved.releases.clone() else { return Err(Error::Budget("none is open".into())) };
            let (step, rng) = (&mut *self.step, &mut *self.rng);
            let draw = || {
                let update = step.step(network, &weights, control, &state, rows, rng)?;
                layout.contribution(&update, strategy.weighting)
            };
            // what is stored below holds the budget and the contribution together
            let values = releases.once(told.round, charge, draw, |_| Ok(()))?.to_vec();
            self.saved.releases = Some(releases);
            values
        } else {
            let mut rng = generator(&self.saved.seed, "train", told.round, index);
            let update = self.step.step(network, &weights, control, &state, rows, &mut rng)?;
            next = update.state.clone();
            layout.contribution(&update, strategy.weighting)?
        };
        self.saved.last = Some(Answered { round: told.round, from, contribution: contribution.clone(), state: next });
        self.keep()?;
        Ok(contribution)
    }
}
