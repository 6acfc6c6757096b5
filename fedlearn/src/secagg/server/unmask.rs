//! The last stage: shares come in, masks come off.

use std::collections::BTreeMap;
use std::sync::Arc;

use curve25519_dalek::scalar::Scalar;
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::Common;
use crate::secagg::keys;
use crate::secagg::mask::{self, Mask, Sign};
use crate::secagg::msg::{UNMASK, Unmask};
use crate::secagg::set::PartySet;
use crate::secagg::shamir::{self, Commitments};
use crate::{Error, Result};

/// The result of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Sum of the survivors' weights.
    pub weights: Vec<u64>,
    /// Whose weights are in it.
    pub survivors: PartySet,
}

/// Takes shares.
pub struct Unmasking {
    common: Arc<Common>,
    dealers: PartySet,
    round: u32,
    survivors: PartySet,
    sum: Vec<u64>,
    /// Of each party that answered: for each whose share it holds.
    answers: BTreeMap<u32, BTreeMap<u32, Zeroizing<Scalar>>>,
    /// Who sent forged shares.
    forgers: PartySet,
}

impl Unmasking {
    pub(super) fn new(common: Arc<Common>, dealers: PartySet, round: u32, survivors: PartySet, sum: Vec<u64>) -> Self {
        let forgers = common.config.empty_set();
        Self { common, dealers, round, survivors, sum, answers: BTreeMap::new(), forgers }
    }

    /// Takes the shares of a survivor.
    ///
    /// # Errors
    /// [`Error::Peer`] naming the sender for shares of another set-up or round, in the wrong number, that are no scalars, of a
    /// party that is no survivor or was found to forge shares, or sent twice.
    pub fn accept(&mut self, from: u32, answer: &Unmask) -> Result<()> {
        let Common { config, transcript, graph, .. } = &*self.common;
        config.check_party(from)?;
        let refuse = |what: &str| Err(config.peer(from, UNMASK, what));
        if answer.transcript != *transcript || answer.round != self.round {
            return refuse("shares of another set-up or round");
        }
        if !self.survivors.contains(from) || self.answers.contains_key(&from) || self.forgers.contains(from) {
            return refuse("shares twice, or of a party that is not in the set");
        }
        let of: Vec<u32> = graph.holders(from).into_iter().filter(|party| self.dealers.contains(*party)).collect();
        if answer.shares.len() != of.len() {
            return refuse("not one share of each neighbour");
        }
        let shares: Option<BTreeMap<_, _>> =
            of.into_iter().zip(&answer.shares).map(|(party, share)| Some((party, shamir::scalar(*share)?))).collect();
        let Some(shares) = shares else { return refuse("a share that is no scalar") };
        self.answers.insert(from, shares);
        Ok(())
    }

    /// Who has answered.
    #[must_use]
    pub fn answered(&self) -> PartySet {
        self.common.config.set(self.answers.keys().copied())
    }

    /// Takes the masks off.
    ///
    /// # Errors
    /// [`Error::Peer`] naming a party that sent a forged share: its shares are forgotten, and the call may be repeated with
    /// those that are left. [`Error::Quorum`] if too few answered; more may still be taken. [`Error::Peer`] naming all survivors
    /// if a weight of the sum is out of range or the masks do not cancel: one of them sent a wrong vector, and what hides their
    /// inputs hides which.
    pub fn finish(&mut self) -> Result<Sum> {
        let config = &self.common.config;
        config.check_quorum(UNMASK, self.answers.len())?;
        let needed: Vec<u32> = self.dealers.iter().filter(|party| self.is_needed(*party)).collect();
        let opened: Vec<Result<Opened>> = needed.par_iter().map(|party| self.open(*party)).collect();
        let mut masks = Vec::new();
        for opened in opened {
            match opened? {
                Opened::Masks(mut more) => masks.append(&mut more),
                Opened::Forged(culprits) => return Err(self.forget(&culprits)),
            }
        }
        let layout = self.common.config.layout();
        let mut words = self.sum.clone();
        mask::apply(layout, &mut words, &masks);
        let survivors = self.survivors.len() as u64;
        let largest = survivors * ((1 << self.common.config.params().bits) - 1);
        let weights = layout.unpack(&words).filter(|weights| {
            // digits of long numbers carry, so each may be anything below its base
            let short = weights.len() - self.common.config.params().long;
            weights.iter().take(short).all(|weight| *weight <= largest)
        });
        let Some(weights) = weights else {
            return Err(Error::Peer {
                culprit: self.common.config.names(self.survivors.iter()),
                step: UNMASK,
                what: format!(
                    "a weight of the sum exceeds `{largest}`: one of these parties sent a vector out of range or masked it wrongly"
                ),
            });
        };
        Ok(Sum { weights, survivors: self.survivors.clone() })
    }

    /// Whether masks of this party are in the sum.
    fn is_needed(&self, party: u32) -> bool {
        self.survivors.contains(party) || self.common.graph.neighbours(party).iter().any(|other| self.survivors.contains(*other))
    }

    /// The masks that go with a party: its own if it survived, else those between it and survivors.
    fn open(&self, party: u32) -> Result<Opened> {
        let Common { config, transcript, graph, .. } = &*self.common;
        let survived = self.survivors.contains(party);
        let which = usize::from(survived);
        let commitments = |party| self.common.commitments(party, self.round);
        let mine = commitments(party).and_then(|both| both.get(which)).ok_or_else(|| Error::caller("a party without keys"))?;
        let shares: Vec<(u32, &Scalar)> =
            self.answers.iter().filter_map(|(holder, shares)| Some((*holder, &**shares.get(&party)?))).collect();
        let (present, needed) = (shares.len(), config.threshold());
        let Some(chosen) = shares.get(..needed) else {
            return Err(Error::Quorum { step: UNMASK, present, needed, remedy: "wait longer, or repeat the round" });
        };
        let holders: Vec<u32> = chosen.iter().map(|(holder, _)| *holder).collect();
        let secret = shamir::combine(&shamir::weights(&holders), chosen.iter().map(|(_, share)| *share));
        if !mine.opens(&secret) {
            return Ok(Opened::Forged(forgers(mine, &shares)));
        }
        if survived {
            let seed = keys::own_seed(transcript, &secret, party, self.round);
            return Ok(Opened::Masks(vec![Mask::new(Sign::Minus, &seed)]));
        }
        let masks = graph.neighbours(party).into_iter().filter(|other| self.survivors.contains(*other)).filter_map(|other| {
            let [public, _] = commitments(other)?;
            let seed = keys::pair_seed(transcript, &secret, &public.public(), party, other, self.round);
            // what the survivor added is taken away
            Some(Mask::new(if other < party { Sign::Minus } else { Sign::Plus }, &seed))
        });
        Ok(Opened::Masks(masks.collect()))
    }

    /// Forgets the answers of forgers and says who they are.
    fn forget(&mut self, culprits: &[u32]) -> Error {
        for culprit in culprits {
            self.answers.remove(culprit);
            self.forgers.insert(*culprit);
        }
        Error::Peer {
            culprit: self.common.config.names(culprits.iter().copied()),
            step: UNMASK,
            what: "a share that does not fit the commitments of its dealer".into(),
        }
    }
}

enum Opened {
    Masks(Vec<Mask>),
    Forged(Vec<u32>),
}

fn forgers(commitments: &Commitments, shares: &[(u32, &Scalar)]) -> Vec<u32> {
    shares.iter().filter(|(holder, share)| !commitments.holds(*holder, share)).map(|(holder, _)| *holder).collect()
}
