//! The coordinator's side of a sum over the parties, in the clear or by secure aggregation: keys, vectors, consents, shares.
//!
//! Whoever is late is left out of the sum; whoever breaks the protocol is out for good, by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use yu_wire::channel::Channel;
use yu_wire::codec;

use super::terms::{SetUp, Vectors, stage};
use super::{Answer, Place, Star};
use crate::secagg::identity::Verifier;
use crate::secagg::msg::{self, Message};
use crate::secagg::server::{Closing, Enrolling, Session, Sum, Unmasking};
use crate::secagg::{Adversary, Config, PartySet};
use crate::{Error, Result};

/// Hears whose contributions would be in a sum, before masks come off, and may refuse it: then nobody learns it.
pub(crate) type Gate<'a> = &'a mut dyn FnMut(&[u32]) -> Result<()>;

/// A question on its way.
pub(crate) struct Asked {
    /// What each party gets.
    pub(crate) bodies: Vec<(u32, Vec<u8>)>,
    /// Names the question: what all parties have to have answered for their sum to mean anything.
    pub(crate) subject: [u8; 32],
}

/// What is to be summed.
pub(crate) trait Question {
    /// The task for some parties, `within` sums of their keys.
    fn ask(&mut self, parties: impl Iterator<Item = u32>, within: u32) -> Asked;

    /// A party has answered.
    fn answered(&mut self, party: u32);
}

/// Keys for the sums of some vectors.
struct Active<W> {
    vectors: W,
    config: Arc<Config>,
    session: Session,
    next: u32,
}

/// Asks for sums.
pub(crate) struct Assembly<'a, W: Vectors, V> {
    /// Their names.
    parties: &'a [String],
    verifier: &'a V,
    star: Star,
    /// How long parties have for an answer.
    limit: Duration,
    place: u32,
    active: BTreeMap<W::Slot, Active<W>>,
}

impl<'a, W: Vectors, V: Verifier> Assembly<'a, W, V> {
    /// Places begin anew: keys are fresh in every run, so no mask of an earlier one returns.
    pub(crate) const fn new(parties: &'a [String], verifier: &'a V, star: Star, limit: Duration) -> Self {
        Self { parties, verifier, star, limit, place: 0, active: BTreeMap::new() }
    }

    /// A party is there again. Keys are set up anew, so that it takes part.
    pub(crate) fn join(&mut self, line: Channel) -> Result<()> {
        self.active.clear();
        self.star.join(line)
    }

    /// Why parties are away.
    pub(crate) fn absent(&self) -> Vec<String> {
        (0..self.star.len()).filter_map(|party| self.star.lost(party)).map(ToString::to_string).collect()
    }

    pub(crate) fn close(self, last: &[u8]) -> Vec<Channel> {
        self.star.close(last, self.limit)
    }

    /// Shows each party's answer of at most so many bytes to `add`, with its name, and returns whose were taken, ascending.
    ///
    /// # Errors
    /// `gate`'s; those of `add` but [`Error::Peer`], which puts the party out.
    pub(crate) fn clear(
        &mut self,
        question: &mut impl Question,
        most: usize,
        mut add: impl FnMut(&str, &[u8]) -> Result<()>,
        gate: Gate<'_>,
    ) -> Result<Vec<u32>> {
        self.advance()?;
        let asked = question.ask(self.everybody(), 0);
        let mut parties = Vec::new();
        for (party, answer) in self.ask(stage::TASK, asked.bodies, most)? {
            let added = add(self.name(party), &answer);
            if self.take(party, added)? {
                question.answered(party);
                parties.push(party);
            }
        }
        gate(&parties)?;
        Ok(parties)
    }

    /// The sum of vectors by secure aggregation. `config` is that of a set-up.
    ///
    /// # Errors
    /// [`Error::Quorum`] if too few answered: ask again; `gate`'s; `config`'s.
    pub(crate) fn secure(
        &mut self,
        vectors: W,
        config: impl FnOnce(SetUp<W>) -> Result<Arc<Config>>,
        question: &mut impl Question,
        gate: Gate<'_>,
    ) -> Result<Sum> {
        let mut active = match self.active.remove(&vectors.slot()) {
            Some(active) if active.vectors == vectors && active.next < active.config.params().rounds => active,
            _ => self.set_up(vectors, config)?,
        };
        self.advance()?;
        let summed = self.masked(&mut active, question, gate);
        // whatever came of it, its keys are used up
        active.next += 1;
        // whoever is away leaves, whoever is there and was late for the keys comes in
        let dealers = active.session.dealers();
        if (0..self.star.len()).all(|party| self.star.lost(party).is_some() != dealers.contains(party as u32)) {
            self.active.insert(vectors.slot(), active);
        } else {
            self.active.clear();
        }
        summed
    }

    /// Keys and shares for the next sums, among the parties that are there.
    fn set_up(&mut self, vectors: W, config: impl FnOnce(SetUp<W>) -> Result<Arc<Config>>) -> Result<Active<W>> {
        self.advance()?;
        let set_up = SetUp { vectors, first: u64::from(self.place), rounds: vectors.batch() };
        let (config, verifier) = (config(set_up)?, self.verifier);
        let mut enrolling = Enrolling::new(Arc::clone(&config));
        let body = codec::encode(&set_up);
        let bodies = self.everybody().map(|party| (party, body.clone())).collect();
        self.exchange(stage::KEYS, bodies, &config, |party, advert| enrolling.accept(party, advert, verifier))?;
        let (mut sharing, rosters) = enrolling.close()?;
        self.exchange(stage::SHARES, encoded(&rosters), &config, |party, shares| sharing.accept(party, shares, verifier))?;
        let (session, deliveries) = sharing.close()?;
        self.ask(stage::READY, encoded(&deliveries), 0)?;
        Ok(Active { vectors, config, session, next: 0 })
    }

    fn masked(&mut self, active: &mut Active<W>, question: &mut impl Question, gate: Gate<'_>) -> Result<Sum> {
        let config = Arc::clone(&active.config);
        let mut collecting = active.session.round(active.next)?;
        let asked = question.ask(active.session.dealers().iter(), active.next);
        for (party, answer) in self.ask(stage::TASK, asked.bodies, msg::Masked::size(&config))? {
            let masked = msg::Masked::decode(&answer, &config, self.name(party));
            let taken = masked.and_then(|masked| collecting.accept(party, &masked));
            if self.take(party, taken)? {
                question.answered(party);
            }
        }
        let (closing, survivors) = collecting.close()?;
        gate(&survivors.set.iter().collect::<Vec<_>>())?;
        let (mut unmasking, body, over) = match config.params().adversary {
            Adversary::SemiHonest => (closing.unmask()?, msg::encode(&survivors), survivors.set),
            Adversary::Malicious => self.agreed(&config, closing.about(asked.subject), &survivors)?,
        };
        let bodies = over.iter().map(|party| (party, body.clone())).collect();
        self.exchange(stage::UNMASK, bodies, &config, |party, shares| unmasking.accept(party, &shares))?;
        self.finish(&mut unmasking)
    }

    /// Consents to the survivor set, for all that gave one.
    fn agreed(&mut self, config: &Config, mut closing: Closing, survivors: &msg::Survivors) -> Result<(Unmasking, Vec<u8>, PartySet)> {
        let (body, verifier) = (msg::encode(survivors), self.verifier);
        let bodies = survivors.set.iter().map(|party| (party, body.clone())).collect();
        self.exchange(stage::CONSENT, bodies, config, |party, consent| closing.accept(party, &consent, verifier))?;
        let (unmasking, consents) = closing.agree()?;
        Ok((unmasking, msg::encode(&consents), consents.signers))
    }

    /// Whoever forged shares is out, by name; the sum is made of what the others sent.
    fn finish(&mut self, unmasking: &mut Unmasking) -> Result<Sum> {
        loop {
            match unmasking.finish() {
                Err(Error::Peer { culprit, step, what }) => {
                    let party = self.parties.iter().position(|name| *name == culprit).filter(|at| self.star.lost(*at).is_none());
                    let Some(party) = party else { return Err(Error::Peer { culprit, step, what }) };
                    self.star.expel(party, Error::Peer { culprit, step, what });
                }
                other => return other,
            }
        }
    }

    fn advance(&mut self) -> Result<()> {
        let next = self.place.checked_add(1).filter(|place| *place < u32::MAX);
        self.place = next.ok_or_else(|| Error::caller("the training has too many sums"))?;
        Ok(())
    }

    const fn everybody(&self) -> std::ops::Range<u32> {
        0..self.star.len() as u32
    }

    fn name(&self, party: u32) -> &'a str {
        self.parties.get(party as usize).map_or("", String::as_str)
    }

    /// Asks for a message of secure aggregation, and shows it to `accept`.
    fn exchange<M: Message>(
        &mut self,
        stage: u8,
        bodies: Vec<(u32, Vec<u8>)>,
        config: &Config,
        mut accept: impl FnMut(u32, M) -> Result<()>,
    ) -> Result<()> {
        for (party, answer) in self.ask(stage, bodies, M::limit(config))? {
            let taken = msg::decode(&answer, config, self.name(party)).and_then(|message| accept(party, message));
            self.take(party, taken)?;
        }
        Ok(())
    }

    /// Asks some parties with one body each; those that answered in time.
    fn ask(&mut self, stage: u8, bodies: Vec<(u32, Vec<u8>)>, most: usize) -> Result<Vec<(u32, Vec<u8>)>> {
        let mut all: Vec<Option<Vec<u8>>> = vec![None; self.star.len()];
        for (party, body) in bodies {
            if let Some(place) = all.get_mut(party as usize) {
                *place = Some(body);
            }
        }
        let answers = self.star.ask(Place { round: self.place, stage }, all, most, self.limit)?;
        Ok((0..).zip(answers).filter_map(|(party, answer)| Answer::said(answer).map(|body| (party, body))).collect())
    }

    /// Whether what a party said was taken; whoever breaks the protocol is out, by name.
    fn take(&mut self, party: u32, taken: Result<()>) -> Result<bool> {
        match taken {
            Ok(()) => Ok(true),
            Err(error @ Error::Peer { .. }) => {
                self.star.expel(party as usize, error);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn encoded<M: Message>(messages: &[(u32, M)]) -> Vec<(u32, Vec<u8>)> {
    messages.iter().map(|(party, message)| (*party, msg::encode(message))).collect()
}

/// An answer in the clear of so many values; none if there are more or fewer.
pub(crate) fn values<T>(answer: &[u8], count: usize, value: fn([u8; 8]) -> T) -> Option<Vec<T>> {
    let (chunks, rest) = answer.as_chunks::<8>();
    (rest.is_empty() && chunks.len() == count).then(|| chunks.iter().map(|chunk| value(*chunk)).collect())
}
