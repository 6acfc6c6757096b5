//! Parties with Ed25519 keys, and a job moved by hand.

use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha512};
use yu_fedlearn::secagg::client::{Dealt, Offered, Sent, Session};
use yu_fedlearn::secagg::identity::{Signature, Signer, Verifier};
use yu_fedlearn::secagg::msg::{Advert, Delivery, Masked, Roster, Shares};
use yu_fedlearn::secagg::server::{self, Collecting, Enrolling, Sharing};
use yu_fedlearn::secagg::{Adversary, Config, Params, Topology};
use yu_fedlearn::{Error, Result};

pub(super) struct Key(SigningKey);

impl Key {
    pub(super) fn new(number: u8) -> Self {
        Self(SigningKey::from_bytes(&[number; 32]))
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

pub(super) struct Keys(Vec<VerifyingKey>);

impl Verifier for Keys {
    fn verify(&self, party: u32, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.get(party as usize).is_some_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

/// A stand-in for signatures where thousands of set-ups are made: a keyed hash that everybody could make.
pub(super) struct Stamp(pub(super) u32);

pub(super) struct Stamps;

impl Signer for Stamp {
    fn sign(&self, message: &[u8]) -> Signature {
        let digest = Sha512::new().chain_update(self.0.to_le_bytes()).chain_update(message).finalize();
        Signature(digest.as_slice().try_into().unwrap())
    }
}

impl Verifier for Stamps {
    fn verify(&self, party: u32, message: &[u8], signature: &Signature) -> bool {
        Stamp(party).sign(message) == *signature
    }
}

pub(super) fn params(n: usize, len: usize, bits: u32, adversary: Adversary) -> Params {
    Params {
        job: [7; 32],
        first_round: 40,
        rounds: 1,
        server: "server".into(),
        parties: (0..n).map(|party| format!("party-{party}")).collect(),
        len,
        bits,
        long: 0,
        adversary,
        topology: Topology::recommended(n, adversary),
    }
}

/// Everything before the first message.
pub(super) struct World {
    pub(super) config: Arc<Config>,
    pub(super) signers: Vec<Key>,
    pub(super) keys: Keys,
}

/// Adverts out, rosters made.
pub(super) struct Enrolled {
    pub(super) offered: Vec<Offered>,
    pub(super) adverts: Vec<Advert>,
    pub(super) sharing: Sharing,
    pub(super) rosters: Vec<Roster>,
}

/// Shares out, deliveries made.
pub(super) struct Delivered {
    pub(super) dealt: Vec<Dealt>,
    pub(super) shares: Vec<Shares>,
    pub(super) server: server::Session,
    pub(super) deliveries: Vec<Delivery>,
}

/// Masked vectors out.
pub(super) struct Uploaded {
    pub(super) sent: Vec<Sent>,
    pub(super) masked: Vec<Masked>,
    pub(super) collecting: Collecting,
}

impl World {
    pub(super) fn new(params: Params) -> Self {
        let signers: Vec<Key> = (0..params.parties.len()).map(|party| Key::new(party as u8 + 1)).collect();
        let keys = Keys(signers.iter().map(|signer| signer.0.verifying_key()).collect());
        Self { config: Arc::new(Config::new(params).unwrap()), signers, keys }
    }

    pub(super) fn parties(&self) -> std::ops::Range<u32> {
        0..self.config.parties() as u32
    }

    pub(super) fn offer(&self, party: u32, seed: u64) -> (Offered, Advert) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(party));
        Offered::new(self.config.clone(), party, &self.signers[party as usize], &mut rng).unwrap()
    }

    pub(super) fn enrol(&self, seed: u64) -> Enrolled {
        let (offered, adverts): (Vec<_>, Vec<_>) = self.parties().map(|party| self.offer(party, seed)).unzip();
        let mut enrolling = Enrolling::new(self.config.clone());
        for (party, advert) in self.parties().zip(&adverts) {
            enrolling.accept(party, advert.clone(), &self.keys).unwrap();
        }
        let (sharing, rosters) = enrolling.close().unwrap();
        Enrolled { offered, adverts, sharing, rosters: rosters.into_iter().map(|(_, roster)| roster).collect() }
    }

    pub(super) fn share(&self, party: u32, offered: Offered, roster: &Roster) -> Result<(Dealt, Shares)> {
        offered.share(roster, &self.signers[party as usize], &self.keys)
    }

    pub(super) fn deliver(&self, seed: u64) -> Delivered {
        let Enrolled { offered, mut sharing, rosters, .. } = self.enrol(seed);
        let both = self.parties().zip(offered).zip(&rosters).map(|((party, state), roster)| self.share(party, state, roster).unwrap());
        let (dealt, shares): (Vec<_>, Vec<_>) = both.unzip();
        for (party, shares) in self.parties().zip(&shares) {
            sharing.accept(party, shares.clone(), &self.keys).unwrap();
        }
        let (server, deliveries) = sharing.close().unwrap();
        Delivered { dealt, shares, server, deliveries: deliveries.into_iter().map(|(_, delivery)| delivery).collect() }
    }

    pub(super) fn ready(&self, seed: u64) -> (Vec<Session>, server::Session) {
        let Delivered { dealt, server, deliveries, .. } = self.deliver(seed);
        let clients = dealt.into_iter().zip(&deliveries).map(|(state, delivery)| state.receive(delivery, &self.keys).unwrap()).collect();
        (clients, server)
    }

    /// The first `count` parties send their vectors.
    pub(super) fn upload(&self, seed: u64, inputs: &[Vec<u32>], count: usize) -> Uploaded {
        let (mut clients, mut server) = self.ready(seed);
        let both = clients.iter_mut().zip(inputs).take(count).map(|(client, input)| client.mask(0, input).unwrap());
        let (sent, masked): (Vec<_>, Vec<_>) = both.unzip();
        let mut collecting = server.round(0).unwrap();
        for (party, masked) in (0..).zip(&masked) {
            collecting.accept(party, masked).unwrap();
        }
        Uploaded { sent, masked, collecting }
    }
}

pub(super) fn clear(inputs: &[Vec<u32>], survivors: impl Iterator<Item = u32>) -> Vec<u64> {
    let mut sum = vec![0; inputs[0].len()];
    for party in survivors {
        sum.iter_mut().zip(&inputs[party as usize]).for_each(|(sum, weight)| *sum += u64::from(*weight));
    }
    sum
}

/// Extremes and everything between.
pub(super) fn inputs(n: usize, len: usize, bits: u32) -> Vec<Vec<u32>> {
    let largest = u32::MAX >> (32 - bits);
    let one = |party: usize, at: usize| match (party + at) % 3 {
        0 => largest,
        1 => 0,
        _ => (at as u32).wrapping_mul(2_654_435_761).rotate_left(party as u32) & largest,
    };
    (0..n).map(|party| (0..len).map(|at| one(party, at)).collect()).collect()
}

#[track_caller]
pub(super) fn culprit<T>(result: Result<T>, who: &str) -> String {
    match result {
        Err(Error::Peer { culprit, what, .. }) => {
            assert_eq!(culprit, who, "{what}");
            what
        }
        Err(other) => panic!("expected `{who}` to be named, got: {other}"),
        Ok(_) => panic!("expected `{who}` to be named, got no error"),
    }
}
