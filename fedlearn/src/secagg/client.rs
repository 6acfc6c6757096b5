//! A party: [`Offered`] (keys advertised), [`Dealt`] (shares sent), [`Session`] (ready for rounds), [`Sent`] (one round, masked
//! vector sent). An error leaves the party where it can do no harm: it has said nothing more, and counts as dropped out.

mod round;

pub use round::Sent;

use std::sync::Arc;

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::config::Config;
use super::graph::Graph;
use super::identity::{Signer, Verifier};
use super::keys::{ChannelKey, Hash, Incoming, Outgoing};
use super::msg::{self, Advert, DELIVERY, Delivery, ROSTER, Roster, RoundKeys, Sealed, Shares};
use super::set::PartySet;
use super::shamir::{self, Commitments, Polynomial};
use crate::Result;

/// Two polynomials of one round: of the mask secret and of the own secret.
struct Dealing {
    mask: Polynomial,
    own: Polynomial,
}

/// A party that has advertised its keys.
pub struct Offered {
    config: Arc<Config>,
    me: u32,
    channel: ChannelKey,
    rounds: Vec<Dealing>,
    digest: Hash,
}

impl Offered {
    /// Fresh keys for all rounds of the job, and the message to the server.
    ///
    /// # Errors
    /// [`crate::Error::Caller`] for a party that the job does not have.
    pub fn new(config: Arc<Config>, me: u32, signer: &impl Signer, rng: &mut impl CryptoRng) -> Result<(Self, Advert)> {
        config.check_party(me)?;
        let channel = ChannelKey::random(rng);
        let threshold = config.threshold();
        let rounds: Vec<Dealing> = (0..config.params().rounds)
            .map(|_| Dealing { mask: Polynomial::random(threshold, rng), own: Polynomial::random(threshold, rng) })
            .collect();
        let keys = rounds.iter().map(|round| RoundKeys { mask: round.mask.commit(), own: round.own.commit() }).collect();
        let unsigned = super::identity::Signature([0; 64]);
        let mut advert = Advert { party: me, channel: channel.public(), rounds: keys, signature: unsigned };
        advert.signature = signer.sign(&advert.signed(&config));
        let digest = advert.digest(&config);
        Ok((Self { config, me, channel, rounds, digest }, advert))
    }

    /// Checks everybody's keys and seals the shares of this party's secrets to its neighbours.
    ///
    /// # Errors
    /// [`crate::Error::Peer`] naming a party that signed what is no key, or the server for keys that are not signed by their owner
    /// and for a roster that does not fit together; [`crate::Error::Quorum`] if too few advertised.
    pub fn share(self, roster: &Roster, signer: &impl Signer, verifier: &impl Verifier) -> Result<(Dealt, Shares)> {
        let (transcript, graph) = self.read(roster)?;
        let config = &self.config;
        let neighbours = graph.neighbours(self.me);
        if !neighbours.iter().copied().eq(roster.adverts.iter().map(|advert| advert.party)) {
            return Err(config.server(ROSTER, "keys of other parties than the neighbours"));
        }
        let mut peers = Vec::with_capacity(neighbours.len());
        let mut sealed = Vec::with_capacity(neighbours.len());
        for advert in &roster.adverts {
            if let Some(fault) = fault(config, advert, verifier) {
                return Err(config.server(ROSTER, fault));
            }
            let party = advert.party;
            let keys = self.channel.agree(&advert.channel, &transcript, self.me, party);
            let (outgoing, incoming) = keys.ok_or_else(|| config.peer(party, ROSTER, "channel key of low order"))?;
            sealed.push(self.seal(party, outgoing, &transcript, signer));
            peers.push(Peer { party, incoming, rounds: read_commitments(config, advert, ROSTER)? });
        }
        let near = config.set(graph.holders(self.me));
        let present = roster.present.clone();
        let dealt = Dealt { config: self.config.clone(), me: self.me, transcript, present, near, peers, own: self.rounds };
        Ok((dealt, Shares { transcript, sealed }))
    }

    /// The transcript and the graph that follow from a roster.
    fn read(&self, roster: &Roster) -> Result<(Hash, Graph)> {
        let config = &self.config;
        let n = config.parties();
        let present = &roster.present;
        if !present.is_among(n) || !present.contains(self.me) {
            return Err(config.server(ROSTER, "the set of parties is not one, or leaves this party out"));
        }
        config.check_quorum(ROSTER, present.len())?;
        let mut digests = vec![None; n];
        let mut place = |party: u32, digest| match digests.get_mut(party as usize) {
            Some(slot @ None) if present.contains(party) => {
                *slot = Some(digest);
                Ok(())
            }
            _ => Err(config.server(ROSTER, format!("keys of party `{}` twice or of nobody", config.name(party)))),
        };
        place(self.me, self.digest)?;
        for advert in &roster.adverts {
            place(advert.party, advert.digest(config))?;
        }
        let mut others = roster.others.iter();
        for party in present.iter() {
            if let Some(slot @ None) = digests.get_mut(party as usize) {
                *slot = others.next().copied();
            }
        }
        let known: Vec<&Hash> = digests.iter().flatten().collect();
        if known.len() != present.len() || others.next().is_some() {
            return Err(config.server(ROSTER, "not one hash for each party"));
        }
        let transcript = msg::transcript(config, present, known.into_iter());
        let graph = Graph::draw(n, present, config.params().topology, &transcript);
        Ok((transcript, graph))
    }

    fn seal(&self, holder: u32, key: Outgoing, transcript: &Hash, signer: &impl Signer) -> Sealed {
        let mut plain = Zeroizing::new(Vec::with_capacity(2 * shamir::LEN * self.rounds.len()));
        for round in &self.rounds {
            plain.extend(round.mask.share(holder).as_bytes());
            plain.extend(round.own.share(holder).as_bytes());
        }
        let (cipher, tag) = key.seal(plain);
        let signature = signer.sign(&Sealed::signed(transcript, self.me, holder, &cipher, &tag));
        Sealed { cipher, tag, signature }
    }
}

/// What is wrong with the shape or the signature of an advert. Who carried it on without looking is at fault.
pub(super) fn fault(config: &Config, advert: &Advert, verifier: &impl Verifier) -> Option<String> {
    let (t, rounds) = (config.threshold(), config.params().rounds as usize);
    let name = config.name(advert.party);
    if advert.rounds.len() != rounds || advert.rounds.iter().any(|keys| keys.mask.len() != t || keys.own.len() != t) {
        return Some(format!("keys of `{name}` are not of `{rounds}` rounds with `{t}` commitments"));
    }
    let signed = verifier.verify(advert.party, &advert.signed(config), &advert.signature);
    (!signed).then(|| format!("the signature of the keys of `{name}` does not verify for this job, round and parameters"))
}

/// The commitments of a party, for each round of its mask secret and its own secret.
pub(super) fn read_commitments(config: &Config, advert: &Advert, step: &'static str) -> Result<Vec<[Commitments; 2]>> {
    let read = |keys: &RoundKeys| Some([Commitments::read(&keys.mask)?, Commitments::read(&keys.own)?]);
    let all: Option<Vec<_>> = advert.rounds.iter().map(read).collect();
    all.ok_or_else(|| config.peer(advert.party, step, "a key or commitment is not a point of the group, or of low order"))
}

struct Peer {
    party: u32,
    incoming: Incoming,
    rounds: Vec<[Commitments; 2]>,
}

/// A party that has dealt its shares.
pub struct Dealt {
    config: Arc<Config>,
    me: u32,
    transcript: Hash,
    present: PartySet,
    near: PartySet,
    peers: Vec<Peer>,
    own: Vec<Dealing>,
}

impl Dealt {
    /// Opens and checks the shares that the neighbours dealt. Parties that did not deal are out of all rounds.
    ///
    /// # Errors
    /// [`crate::Error::Peer`] naming the server for a delivery that the dealer did not sign, the dealer for shares that it
    /// signed and that do not decrypt or do not fit its commitments; [`crate::Error::Quorum`] if too few dealt.
    pub fn receive(self, delivery: &Delivery, verifier: &impl Verifier) -> Result<Session> {
        let Self { config, me, transcript, present, near, peers, own } = self;
        if delivery.transcript != transcript {
            return Err(config.server(DELIVERY, "shares of another set-up"));
        }
        let dealers = &delivery.dealers;
        let fits = dealers.is_among(config.parties()) && dealers.iter().all(|dealer| peers.iter().any(|peer| peer.party == dealer));
        if !fits || dealers.len() != delivery.sealed.len() {
            return Err(config.server(DELIVERY, "not one message from each of some neighbours"));
        }
        let mut rounds: Vec<Secrets> = own
            .iter()
            .map(|round| Secrets {
                mask: round.mask.secret(),
                own: round.own.secret(),
                held: vec![Held { party: me, mask: round.mask.share(me), own: round.own.share(me), public: RistrettoPoint::default() }],
            })
            .collect();
        let mut sealed = delivery.sealed.iter();
        for peer in peers.into_iter().filter(|peer| dealers.contains(peer.party)) {
            let Some(sealed) = sealed.next() else { break };
            open(&config, &transcript, me, peer, sealed, verifier, &mut rounds)?;
        }
        // of a complete graph all parties must still be there; of a regular one only the neighbours are seen here
        let holders = dealers.len() + 1;
        if holders < config.threshold() {
            return Err(crate::Error::Quorum { step: DELIVERY, present: holders, needed: config.threshold(), remedy: "set up again" });
        }
        for round in &mut rounds {
            round.held.sort_unstable_by_key(|held| held.party);
        }
        let mut members = dealers.clone();
        members.insert(me);
        let rounds = rounds.into_iter().map(Some).collect();
        Ok(Session { config, me, transcript, present, near, members, rounds })
    }
}

/// Opens what one neighbour dealt and files it by round.
fn open(
    config: &Config,
    transcript: &Hash,
    me: u32,
    peer: Peer,
    sealed: &Sealed,
    verifier: &impl Verifier,
    rounds: &mut [Secrets],
) -> Result<()> {
    let party = peer.party;
    if !verifier.verify(party, &Sealed::signed(transcript, party, me, &sealed.cipher, &sealed.tag), &sealed.signature) {
        return Err(config.server(DELIVERY, format!("shares that `{}` did not sign", config.name(party))));
    }
    let bad = |what: &str| config.peer(party, DELIVERY, what);
    let plain = peer.incoming.open(&sealed.cipher, &sealed.tag).ok_or_else(|| bad("signed shares that do not decrypt"))?;
    let (pairs, rest) = plain.as_chunks::<{ 2 * shamir::LEN }>();
    if pairs.len() != rounds.len() || !rest.is_empty() {
        return Err(bad("shares of another number of rounds"));
    }
    for ((round, pair), [mask, own]) in rounds.iter_mut().zip(pairs).zip(&peer.rounds) {
        let read = |bytes: &[u8], commitments: &Commitments| {
            let share = bytes.try_into().ok().and_then(shamir::scalar);
            share.filter(|share| commitments.holds(me, share)).ok_or_else(|| bad("a share that does not fit its commitments"))
        };
        let (low, high) = pair.split_at(shamir::LEN);
        round.held.push(Held { party, mask: read(low, mask)?, own: read(high, own)?, public: mask.public() });
    }
    Ok(())
}

/// What a party holds of another, or of itself, in one round.
struct Held {
    party: u32,
    mask: Zeroizing<Scalar>,
    own: Zeroizing<Scalar>,
    /// The mask key; not used for oneself.
    public: RistrettoPoint,
}

/// All secrets of one round; wiped on drop.
struct Secrets {
    mask: Zeroizing<Scalar>,
    own: Zeroizing<Scalar>,
    held: Vec<Held>,
}

/// A party that is ready for rounds. It does not print, copy or write itself anywhere:
/// ```compile_fail
/// fn copy(session: &yu_fedlearn::secagg::client::Session) -> yu_fedlearn::secagg::client::Session {
///     session.clone()
/// }
/// ```
pub struct Session {
    config: Arc<Config>,
    me: u32,
    transcript: Hash,
    /// Who advertised.
    present: PartySet,
    /// This party and its neighbours.
    near: PartySet,
    /// Those of them that dealt.
    members: PartySet,
    /// Taken out when the round begins.
    rounds: Vec<Option<Secrets>>,
}
