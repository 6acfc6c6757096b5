//! All parties of a job in one process: for tests, benches and researchers. Every message is made and taken as between machines;
//! they are handed over in memory, and bytes are those that the encodings would have.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;

use super::client::{self, Offered, Sent};
use super::config::{Adversary, Config};
use super::identity::{Signer, Verifier};
use super::msg::{self, Masked, Message};
use super::server::{self, Enrolling, Sum};
use crate::{Error, Result};

/// What a party sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its keys.
    Advert,
    /// Shares of its secrets.
    Shares,
    /// Its masked vector.
    Masked,
    /// Its consent to the survivor set; with a malicious server only.
    Consent,
    /// Shares of the others' secrets.
    Unmask,
}

/// Time and bytes of one stage.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Which stage.
    pub stage: Stage,
    /// From the first message of it to the state in which the server can begin the next.
    pub wall: Duration,
    /// Bytes that each party sent, zero for those that were gone.
    pub up: Vec<usize>,
    /// Bytes that each party received before the next stage.
    pub down: Vec<usize>,
}

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// The result.
    pub sum: Sum,
    /// Stages [`Stage::Masked`] to [`Stage::Unmask`].
    pub costs: Vec<Cost>,
}

/// A job in memory, set up and ready for rounds.
pub struct Job<'k, S, V> {
    config: Arc<Config>,
    signers: &'k [S],
    verifier: &'k V,
    /// `None` for parties that dropped out of the set-up.
    clients: Vec<Option<client::Session>>,
    server: server::Session,
    costs: Vec<Cost>,
}

impl<'k, S: Signer + Sync, V: Verifier> Job<'k, S, V> {
    /// Sets a job up. `gone` says in which stage of the set-up a party stops answering; `seed` makes everybody's secrets.
    ///
    /// # Errors
    /// As the stages give them; [`Error::Caller`] if there is not one signer for each party.
    pub fn new(config: Arc<Config>, signers: &'k [S], verifier: &'k V, gone: &[(u32, Stage)], seed: &[u8; 32]) -> Result<Self> {
        let n = config.parties();
        if signers.len() != n {
            return Err(Error::caller(format!("`{}` signers for `{n}` parties", signers.len())));
        }
        let there = |party: u32, stage| !gone.iter().any(|(who, when)| *who == party && *when <= stage);
        let mut meter = Meter::new(n);

        let parties: Vec<(u32, &S)> = (0..).zip(signers).filter(|(party, _)| there(*party, Stage::Advert)).collect();
        let offer = |(party, signer): (u32, &S)| Ok((party, Offered::new(config.clone(), party, signer, &mut generator(seed, party))?));
        let offered: Vec<_> = parties.into_par_iter().map(offer).collect::<Result<_>>()?;
        let mut enrolling = Enrolling::new(config.clone());
        let mut states = vec_of_none(n);
        for (party, (state, advert)) in offered {
            meter.up(party, size(&advert));
            enrolling.accept(party, advert, verifier)?;
            put(&mut states, party, state);
        }
        let (mut sharing, rosters) = enrolling.close()?;
        rosters.iter().for_each(|(party, roster)| meter.down(*party, size(roster)));
        meter.next(Stage::Advert);

        let work: Vec<_> = rosters
            .into_iter()
            .filter(|(party, _)| there(*party, Stage::Shares))
            .filter_map(|(party, roster)| Some((party, take(&mut states, party)?, roster)))
            .collect();
        let share = |(party, state, roster): (u32, Offered, msg::Roster)| {
            let signer = signers.get(party as usize).ok_or_else(|| Error::caller("a party without signer"))?;
            Ok((party, state.share(&roster, signer, verifier)?))
        };
        let dealt: Vec<_> = work.into_par_iter().map(share).collect::<Result<_>>()?;
        let mut states = vec_of_none(n);
        for (party, (state, shares)) in dealt {
            meter.up(party, size(&shares));
            sharing.accept(party, shares, verifier)?;
            put(&mut states, party, state);
        }
        let (server, deliveries) = sharing.close()?;
        deliveries.iter().for_each(|(party, delivery)| meter.down(*party, size(delivery)));
        let work: Vec<_> =
            deliveries.into_iter().filter_map(|(party, delivery)| Some((party, take(&mut states, party)?, delivery))).collect();
        let receive = |(party, state, delivery): (u32, client::Dealt, msg::Delivery)| Ok((party, state.receive(&delivery, verifier)?));
        let ready: Vec<_> = work.into_par_iter().map(receive).collect::<Result<_>>()?;
        let mut clients = vec_of_none(n);
        for (party, state) in ready {
            put(&mut clients, party, state);
        }
        meter.next(Stage::Shares);
        Ok(Self { config, signers, verifier, clients, server, costs: meter.costs })
    }

    /// What the set-up cost: [`Stage::Advert`] and [`Stage::Shares`].
    #[must_use]
    pub fn costs(&self) -> &[Cost] {
        &self.costs
    }

    /// One round with one vector for each party; `gone` says in which stage of the round a party stops answering.
    ///
    /// # Errors
    /// As the stages give them.
    pub fn round(&mut self, round: u32, inputs: &[Vec<u32>], gone: &[(u32, Stage)]) -> Result<Round> {
        let n = self.config.parties();
        let there = |party: u32, stage| !gone.iter().any(|(who, when)| *who == party && *when <= stage);
        let mut meter = Meter::new(n);
        let mut collecting = self.server.round(round)?;
        let work: Vec<(u32, &mut client::Session, &[u32])> = (0..)
            .zip(self.clients.iter_mut().zip(inputs))
            .filter(|(party, _)| there(*party, Stage::Masked))
            .filter_map(|(party, (client, input))| Some((party, client.as_mut()?, input.as_slice())))
            .collect();
        // vectors are added as they come: two at a time are in memory, not all
        let mut sent: Vec<(u32, Sent)> = Vec::with_capacity(n);
        let mut work = work.into_iter();
        loop {
            let batch: Vec<_> = work.by_ref().take(rayon::current_num_threads()).collect();
            if batch.is_empty() {
                break;
            }
            let mask = |(party, client, input): (u32, &mut client::Session, &[u32])| Ok((party, client.mask(round, input)?));
            let masked: Vec<_> = batch.into_par_iter().map(mask).collect::<Result<_>>()?;
            for (party, (state, masked)) in masked {
                meter.up(party, Masked::size(&self.config));
                collecting.accept(party, &masked)?;
                sent.push((party, state));
            }
        }
        let (mut closing, survivors) = collecting.close()?;
        sent.iter().for_each(|(party, _)| meter.down(*party, size(&survivors)));
        meter.next(Stage::Masked);

        let mut unmasking = match self.config.params().adversary {
            Adversary::SemiHonest => {
                let mut unmasking = closing.unmask()?;
                for (party, state) in sent.iter_mut().filter(|(party, _)| there(*party, Stage::Unmask)) {
                    let answer = state.unmask(&survivors)?;
                    meter.up(*party, size(&answer));
                    unmasking.accept(*party, &answer)?;
                }
                unmasking
            }
            Adversary::Malicious => {
                sent.retain(|(party, _)| there(*party, Stage::Consent));
                for (party, state) in &mut sent {
                    let signer = self.signers.get(*party as usize).ok_or_else(|| Error::caller("a party without signer"))?;
                    let consent = state.consent(&survivors, signer)?;
                    meter.up(*party, size(&consent));
                    closing.accept(*party, &consent, self.verifier)?;
                }
                let (mut unmasking, consents) = closing.agree()?;
                sent.iter().for_each(|(party, _)| meter.down(*party, size(&consents)));
                meter.next(Stage::Consent);
                sent.retain(|(party, _)| there(*party, Stage::Unmask));
                let verifier = self.verifier;
                let answer = |(party, state): &mut (u32, Sent)| Ok((*party, state.unmask_agreed(&consents, verifier)?));
                let answers: Vec<_> = sent.par_iter_mut().map(answer).collect::<Result<_>>()?;
                for (party, answer) in answers {
                    meter.up(party, size(&answer));
                    unmasking.accept(party, &answer)?;
                }
                unmasking
            }
        };
        let sum = unmasking.finish()?;
        meter.next(Stage::Unmask);
        Ok(Round { sum, costs: meter.costs })
    }
}

/// A set-up and one round of it: the result, with the costs of all stages.
///
/// # Errors
/// As the stages give them.
pub fn run<S: Signer + Sync, V: Verifier>(
    config: Arc<Config>,
    signers: &[S],
    verifier: &V,
    inputs: &[Vec<u32>],
    gone: &[(u32, Stage)],
    seed: &[u8; 32],
) -> Result<Round> {
    let mut job = Job::new(config, signers, verifier, gone, seed)?;
    let mut round = job.round(0, inputs, gone)?;
    round.costs.splice(0..0, job.costs);
    Ok(round)
}

/// Everybody's secrets of one seed, apart by party.
fn generator(seed: &[u8; 32], party: u32) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(*seed);
    rng.set_stream(u64::from(party));
    rng
}

fn size<M: Message>(message: &M) -> usize {
    msg::encode(message).len()
}

fn vec_of_none<T>(len: usize) -> Vec<Option<T>> {
    (0..len).map(|_| None).collect()
}

fn put<T>(states: &mut [Option<T>], party: u32, state: T) {
    if let Some(slot) = states.get_mut(party as usize) {
        *slot = Some(state);
    }
}

fn take<T>(states: &mut [Option<T>], party: u32) -> Option<T> {
    states.get_mut(party as usize).and_then(Option::take)
}

struct Meter {
    began: Instant,
    up: Vec<usize>,
    down: Vec<usize>,
    costs: Vec<Cost>,
}

impl Meter {
    fn new(parties: usize) -> Self {
        Self { began: Instant::now(), up: vec![0; parties], down: vec![0; parties], costs: Vec::new() }
    }

    fn up(&mut self, party: u32, bytes: usize) {
        if let Some(slot) = self.up.get_mut(party as usize) {
            *slot += bytes;
        }
    }

    fn down(&mut self, party: u32, bytes: usize) {
        if let Some(slot) = self.down.get_mut(party as usize) {
            *slot += bytes;
        }
    }

    fn next(&mut self, stage: Stage) {
        let parties = self.up.len();
        let up = std::mem::replace(&mut self.up, vec![0; parties]);
        let down = std::mem::replace(&mut self.down, vec![0; parties]);
        self.costs.push(Cost { stage, wall: self.began.elapsed(), up, down });
        self.began = Instant::now();
    }
}
