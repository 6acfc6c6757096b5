//! What a party stores: its last answer, its budget, the last sum it is in.

use rand::CryptoRng;
use serde::{Deserialize, Serialize};
use yu_wire::codec;
use zeroize::{Zeroize, Zeroizing};

use super::plan::Plan;
use super::task::Model;
use crate::data::Dataset;
use crate::privacy::Releases;
use crate::secagg::PartySet;
use crate::strategy::ClientState;
use crate::{Error, Result};

/// Largest state that is read, bytes.
const MOST: usize = 4 << 30;

/// All that survives a crash. A secret: it holds gradients of own rows.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    job: [u8; 32],
    /// Behind batches and rounding.
    pub(super) seed: [u8; 32],
    pub(super) state: ClientState,
    /// The answer to the last round, sent again if it is asked again.
    pub(super) last: Option<Answered>,
    pub(super) releases: Option<Releases>,
    /// The last sum that this party let masks off for: of what, from which model, over whom.
    summed: Option<Summed>,
    /// The last word, once it was heard and found right.
    pub(super) heard: Option<Vec<u8>>,
    /// Of the rows that it began with: sums over others would differ by single rows.
    rows: [u8; 32],
}

/// What a vector is about.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    /// Round + 1, or 0 for the scale.
    pub(super) round: u64,
    /// Of the task.
    pub(super) from: [u8; 32],
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Summed {
    about: About,
    over: PartySet,
}

/// An answer to a round.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) round: u64,
    /// Of the weights that it starts from.
    pub(super) from: [u8; 32],
    pub(super) contribution: Vec<f64>,
    /// The state after it, if it counts.
    pub(super) state: ClientState,
}

impl Saved {
    /// What was stored last, or a beginning.
    ///
    /// # Errors
    /// [`Error::Caller`] for the state of another job; [`Error::Data`] for that of other rows.
    pub(super) fn open(plan: &Plan, rows: &Dataset, resume: Option<&[u8]>, rng: &mut impl CryptoRng) -> Result<Self> {
        let rows = rows.digest();
        let Some(bytes) = resume else {
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            let releases = plan.settings.privacy.map(|protection| Releases::new(protection.budget()));
            return Ok(Self { job: plan.job, seed, state: ClientState::default(), last: None, releases, summed: None, heard: None, rows });
        };
        let saved = Self::read(plan, bytes)?;
        if saved.rows != rows {
            return Err(Error::Data {
                what: "own rows".into(),
                problem: "they are not those that the training began with: a sum over both would tell single rows".into(),
                remedy: "start the training again".into(),
            });
        }
        Ok(saved)
    }

    /// What was stored last.
    ///
    /// # Errors
    /// [`Error::Caller`] for the state of another job; [`Error::Transport`] for a damaged one.
    pub(super) fn read(plan: &Plan, bytes: &[u8]) -> Result<Self> {
        let saved: Self = codec::decode(bytes, MOST)?;
        if saved.job != plan.job {
            return Err(Error::caller("the stored state belongs to another job"));
        }
        Ok(saved)
    }

    pub(super) fn keep(&self, keep: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        keep(&Zeroizing::new(codec::encode(self)))
    }

    /// The contribution to a round that was made before, if it is asked again; else the state of the last one, if it counted.
    ///
    /// # Errors
    /// What the coordinator, which asks for a second update, does wrong.
    pub(super) fn again(&mut self, told: &Model, from: &[u8; 32], index: u32) -> std::result::Result<Option<Vec<f64>>, &'static str> {
        let Some(last) = &self.last else { return Ok(None) };
        if last.round == told.round {
            return if last.from == *from {
                Ok(Some(last.contribution.clone()))
            } else {
                Err("a second update of one round, from other weights")
            };
        }
        if last.round > told.round {
            return Err("a round before the last one");
        }
        if told.counted.get(index as usize) == Some(&(last.round + 1)) {
            self.state = last.state.clone();
        }
        Ok(None)
    }

    /// The same contributions over other parties are not summed a second time: the difference of the sums would be a single party's.
    ///
    /// # Errors
    /// [`Error::Peer`] for the coordinator that asks for such a sum; those of `keep`.
    pub(super) fn once(&mut self, plan: &Plan, about: About, over: &PartySet, keep: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let peer = |what: &str| Err(Error::Peer { culprit: plan.coordinator.clone(), step: "task", what: what.to_owned() });
        if over.len() < plan.quorum() {
            return peer("a sum over fewer parties than the quorum");
        }
        let now = Summed { about, over: over.clone() };
        match &self.summed {
            Some(before) if *before == now => return Ok(()),
            Some(before) if before.about.round == about.round => {
                return peer("a second sum of one round, of another model or over other parties");
            }
            Some(before) if before.about.round > about.round => return peer("a sum of a round before the last one"),
            // without fresh noise the same model gives nearly the same update again
            Some(before) if before.about.from == about.from && before.over != now.over && plan.settings.privacy.is_none() => {
                return peer("a second sum about one model over other parties");
            }
            _ => {}
        }
        self.summed = Some(now);
        self.keep(keep)
    }
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
