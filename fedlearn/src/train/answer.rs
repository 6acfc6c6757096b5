//! How a party answers: contributions from the model that it is shown, the same ones if it is asked again.

use rand::CryptoRng;
use sha2::{Digest, Sha256};
use yu_wire::codec;
use zeroize::Zeroizing;

use super::numbers;
use super::party::{Party, parted};
use super::plan::{Aggregation, Plan};
use super::state::{About, Answered, Saved};
use super::sums::{config, most_asked, sizes};
use super::task::{Kind, Model as Told, Order, Task, subject};
use super::trained::Trained;
use crate::data::Dataset;
use crate::data::standardise::{Moments, Scale};
use crate::model::{Metrics, Model, Network, Weights};
use crate::secagg::identity::{Signer, Verifier};
use crate::star::Place;
use crate::star::seat::Seat;
use crate::star::terms::stage;
use crate::strategy::{Correction, Layout, Step, generator};
use crate::update::Quantiser;
use crate::{Error, Result};

/// A party that takes part.
pub(super) struct Work<'a, 'p, S, V, R> {
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
    seat: Seat<'p, Kind, S, V>,
    /// What was sent.
    about: About,
    with: Party<'a, S, V>,
    step: &'p mut dyn Step,
    rng: &'p mut R,
}

/// Names a model with its scale and control variate: what an update starts from.
fn identity(told: &Told) -> [u8; 32] {
    let mut hash = Sha256::new();
    let scale = told.scale.iter().flat_map(|scale| scale.means.iter().chain(&scale.deviations));
    told.weights.iter().chain(&told.control).chain(scale).for_each(|value| hash.update(value.to_le_bytes()));
    hash.finalize().into()
}

impl<'a: 'p, 'p, S: Signer, V: Verifier, R: CryptoRng> Work<'a, 'p, S, V, R> {
    pub(super) fn new(
        plan: &'p Plan,
        network: Network,
        layout: &'p Layout,
        saved: Saved,
        with: Party<'a, S, V>,
        step: &'p mut dyn Step,
        rng: &'p mut R,
    ) -> Result<Self> {
        let (train, held_out) = parted(&with.rows, plan.settings.holdout)?;
        let seat = Seat::new(&plan.coordinator, with.index, with.signer, with.verifier);
        let about = About { round: 0, from: [0; 32] };
        Ok(Self { plan, network, layout, saved, train, held_out, scaled: None, last_weights: None, seat, about, with, step, rng })
    }

    fn peer(&self, what: &str) -> Error {
        Error::Peer { culprit: self.plan.coordinator.clone(), step: "task", what: what.to_owned() }
    }

    pub(super) fn keep(&mut self) -> Result<()> {
        self.saved.keep(self.with.keep)
    }

    /// The last word was found right.
    pub(super) fn heard(&mut self, last: &[u8]) -> Result<()> {
        self.saved.heard = Some(last.to_vec());
        self.keep()
    }

    /// Whether a model may be the one that was shown last. Who was late for the end has not seen the last weights; all parties vouch for one document.
    pub(super) fn has_seen(&self, trained: &Trained) -> bool {
        let told = trained.weights.flat();
        match &self.last_weights {
            Some((round, shown)) if *round == u64::from(self.plan.settings.rounds) => {
                told.len() == shown.len()
                    && told.iter().zip(shown).all(|(told, shown)| (told - shown).abs() <= 1e-12 * shown.abs().max(1.0))
            }
            _ => true,
        }
    }

    pub(super) fn answer(&mut self, place: Place, body: &[u8]) -> Result<Vec<u8>> {
        match place.stage {
            stage::KEYS | stage::SHARES | stage::READY => {
                let (plan, layout) = (self.plan, self.layout);
                self.seat.prepare(place, body, |set_up| config(plan, layout, set_up), self.rng)
            }
            stage::TASK => {
                let most = most_asked(self.plan, self.layout);
                let order: Order = codec::decode(body, most).map_err(|error| self.peer(&format!("does not decode: {error}")))?;
                self.task(order, subject(body))
            }
            stage::CONSENT | stage::UNMASK => {
                let (plan, about, saved, keep) = (self.plan, self.about, &mut self.saved, &mut *self.with.keep);
                self.seat.end(place.stage, body, |over| saved.once(plan, about, over, keep))
            }
            _ => Err(self.peer("a stage that is not known")),
        }
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
            Task::Scale => About { round: 0, from: [0; 32] },
            Task::Train(told) if told.round < rounds => About { round: told.round + 1, from: identity(told) },
            Task::Judge(told) if told.round == rounds => About { round: told.round + 1, from: identity(told) },
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
                self.seat.mask(kind, order.within, &integers, question)
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
        if let Some(before) = self.saved.again(told, &from, self.with.index).map_err(|what| self.peer(what))? {
            return Ok(before);
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
