//! The server: [`Enrolling`] (keys come in), [`Sharing`] (sealed shares come in), [`Session`] (ready for rounds), then for each
//! round [`Collecting`] (masked vectors), [`Closing`] (the survivor set is fixed, parties consent), [`Unmasking`] (shares come
//! in, the sum comes out).
//!
//! A stage takes messages one by one and is closed when the caller has waited long enough. A message that is refused changes
//! nothing: its sender may send again, or drops out. The sender is who the transport says it is.

mod round;
mod unmask;

pub use round::{Closing, Collecting};
pub use unmask::{Sum, Unmasking};

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::client::{fault, read_commitments};
use super::config::Config;
use super::graph::Graph;
use super::identity::Verifier;
use super::keys::{self, Hash};
use super::msg::{self, ADVERT, Advert, Delivery, Roster, SHARES, Sealed, Shares};
use super::set::PartySet;
use super::shamir::Commitments;
use crate::Result;

/// Takes adverts.
pub struct Enrolling {
    config: Arc<Config>,
    adverts: BTreeMap<u32, (Advert, Vec<[Commitments; 2]>)>,
}

impl Enrolling {
    /// Nobody has come yet.
    #[must_use]
    pub const fn new(config: Arc<Config>) -> Self {
        Self { config, adverts: BTreeMap::new() }
    }

    /// Takes the keys of a party.
    ///
    /// # Errors
    /// [`crate::Error::Peer`] naming the sender for keys that are not its own, not signed, no keys, or sent twice.
    pub fn accept(&mut self, from: u32, advert: Advert, verifier: &impl Verifier) -> Result<()> {
        let config = &self.config;
        config.check_party(from)?;
        if advert.party != from || self.adverts.contains_key(&from) {
            return Err(config.peer(from, ADVERT, "keys of somebody else, or keys twice"));
        }
        if let Some(fault) = fault(config, &advert, verifier) {
            return Err(config.peer(from, ADVERT, fault));
        }
        if !keys::is_usable(&advert.channel) {
            return Err(config.peer(from, ADVERT, "channel key of low order"));
        }
        let commitments = read_commitments(config, &advert, ADVERT)?;
        self.adverts.insert(from, (advert, commitments));
        Ok(())
    }

    /// Who has come.
    #[must_use]
    pub fn present(&self) -> PartySet {
        self.config.set(self.adverts.keys().copied())
    }

    /// Fixes who takes part and draws the graph; a message for each of them.
    ///
    /// # Errors
    /// [`crate::Error::Quorum`] if too few came.
    pub fn close(self) -> Result<(Sharing, Vec<(u32, Roster)>)> {
        let present = self.present();
        let Self { config, adverts } = self;
        config.check_quorum(ADVERT, present.len())?;
        let digests: BTreeMap<u32, Hash> = adverts.iter().map(|(party, (advert, _))| (*party, advert.digest(&config))).collect();
        let transcript = msg::transcript(&config, &present, digests.values());
        let graph = Graph::draw(config.parties(), &present, config.params().topology, &transcript);
        let roster = |party: u32| {
            let near = config.set(graph.holders(party));
            let adverts = near.iter().filter(|other| *other != party).filter_map(|other| Some(adverts.get(&other)?.0.clone())).collect();
            let others = digests.iter().filter(|(other, _)| !near.contains(**other)).map(|(_, digest)| *digest).collect();
            (party, Roster { present: present.clone(), adverts, others })
        };
        let rosters = present.iter().map(roster).collect();
        let commitments = adverts.into_iter().map(|(party, (_, commitments))| (party, commitments)).collect();
        let state = Common { config, transcript, present, graph, commitments };
        Ok((Sharing { common: Arc::new(state), dealt: BTreeMap::new() }, rosters))
    }
}

/// What all later stages know.
struct Common {
    config: Arc<Config>,
    transcript: Hash,
    present: PartySet,
    graph: Graph,
    /// Of each party and round: mask secret, own secret.
    commitments: BTreeMap<u32, Vec<[Commitments; 2]>>,
}

impl Common {
    fn commitments(&self, party: u32, round: u32) -> Option<&[Commitments; 2]> {
        self.commitments.get(&party)?.get(round as usize)
    }
}

/// Takes sealed shares.
pub struct Sharing {
    common: Arc<Common>,
    dealt: BTreeMap<u32, Vec<Sealed>>,
}

impl Sharing {
    /// Takes the shares that a party deals.
    ///
    /// # Errors
    /// [`crate::Error::Peer`] naming the sender for shares of another set-up, in the wrong number or size, not signed, or twice.
    pub fn accept(&mut self, from: u32, shares: Shares, verifier: &impl Verifier) -> Result<()> {
        let Common { config, transcript, present, graph, .. } = &*self.common;
        config.check_party(from)?;
        let refuse = |what: &str| Err(config.peer(from, SHARES, what));
        if shares.transcript != *transcript || !present.contains(from) || self.dealt.contains_key(&from) {
            return refuse("shares of another set-up, of a party without keys, or shares twice");
        }
        let neighbours = graph.neighbours(from);
        let size = 64 * config.params().rounds as usize;
        if shares.sealed.len() != neighbours.len() || shares.sealed.iter().any(|sealed| sealed.cipher.len() != size) {
            return refuse("not one message of the agreed size for each neighbour");
        }
        let signed = |(holder, sealed): (&u32, &Sealed)| {
            verifier.verify(from, &Sealed::signed(transcript, from, *holder, &sealed.cipher, &sealed.tag), &sealed.signature)
        };
        if !neighbours.par_iter().zip(&shares.sealed).all(signed) {
            return refuse("the signature of a share does not verify");
        }
        self.dealt.insert(from, shares.sealed);
        Ok(())
    }

    /// Who has dealt.
    #[must_use]
    pub fn dealers(&self) -> PartySet {
        self.common.config.set(self.dealt.keys().copied())
    }

    /// Fixes who takes part in the rounds; a message for each of them.
    ///
    /// # Errors
    /// [`crate::Error::Quorum`] if too few dealt.
    pub fn close(self) -> Result<(Session, Vec<(u32, Delivery)>)> {
        let dealers = self.dealers();
        let Self { common, mut dealt } = self;
        let config = &common.config;
        config.check_quorum(SHARES, dealers.len())?;
        let neighbours: BTreeMap<u32, Vec<u32>> = dealers.iter().map(|party| (party, common.graph.neighbours(party))).collect();
        let mut deliveries = BTreeMap::new();
        for holder in dealers.iter() {
            let near = neighbours.get(&holder).into_iter().flatten().copied().filter(|other| dealers.contains(*other));
            let delivery = Delivery { transcript: common.transcript, dealers: config.set(near), sealed: Vec::new() };
            deliveries.insert(holder, delivery);
        }
        // dealers in ascending order, so every delivery is
        for (dealer, near) in &neighbours {
            for (holder, sealed) in near.iter().zip(dealt.remove(dealer).unwrap_or_default()) {
                if let Some(delivery) = deliveries.get_mut(holder) {
                    delivery.sealed.push(sealed);
                }
            }
        }
        let rounds = vec![false; config.params().rounds as usize];
        Ok((Session { common, dealers, begun: rounds }, deliveries.into_iter().collect()))
    }
}

/// A server that is ready for rounds.
pub struct Session {
    common: Arc<Common>,
    dealers: PartySet,
    begun: Vec<bool>,
}
