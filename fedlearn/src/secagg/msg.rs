//! The messages, in the order in which they travel. `R` rounds are set up, `t` shares make a secret, a party has `h` holders
//! (itself and its neighbours). Sizes are those of [`encode`]; only [`Masked`] is raw.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yu_wire::codec;

use super::config::Config;
use super::identity::Signature;
use super::keys::Hash;
use super::set::PartySet;
use crate::{Error, Result};

/// A message that the codec writes.
pub trait Message: Serialize + DeserializeOwned {
    /// The step in which it is sent.
    const STEP: &'static str;

    /// The largest that it can be, bytes.
    fn limit(config: &Config) -> usize;
}

/// The bytes of a message.
#[must_use]
pub fn encode<M: Message>(message: &M) -> Vec<u8> {
    codec::encode(message)
}

/// Reads a message; `sender` takes the blame.
///
/// # Errors
/// [`Error::Peer`] for bytes that are no such message, too many or too few.
pub fn decode<M: Message>(bytes: &[u8], config: &Config, sender: &str) -> Result<M> {
    codec::decode(bytes, M::limit(config)).map_err(|error| match error {
        yu_wire::Error::Decode(what) => Error::Peer { culprit: sender.into(), step: M::STEP, what: format!("does not decode: {what}") },
        other => other.into(),
    })
}

/// What a party publishes for one round: commitments to the coefficients of two polynomials, `t` each.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundKeys {
    /// Of the mask secret; the first is the public key of the masks.
    pub mask: Vec<[u8; 32]>,
    /// Of the secret behind the party's own mask.
    pub own: Vec<[u8; 32]>,
}

/// Party to server: its keys, signed. `108 + R (16 + 64 t)` bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advert {
    /// Who.
    pub party: u32,
    /// X25519 key under which shares are sent to it.
    pub channel: [u8; 32],
    /// Keys of every round.
    pub rounds: Vec<RoundKeys>,
    /// Over context, party and keys.
    pub signature: Signature,
}

/// Server to party: everybody's keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Who advertised.
    pub present: PartySet,
    /// The keys of the receiver's neighbours, ascending.
    pub adverts: Vec<Advert>,
    /// Hashes of the adverts of the other parties, ascending, without the receiver: 32 bytes each, none in a complete graph.
    pub others: Vec<Hash>,
}

/// The shares of all rounds for one holder: `104 + 64 R` bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// For each round the share of the mask secret and that of the own secret, 32 bytes each, encrypted.
    pub cipher: Vec<u8>,
    /// HMAC-SHA256.
    pub tag: Hash,
    /// Of the dealer, over transcript, dealer, holder, ciphertext and tag.
    pub signature: Signature,
}

/// Party to server: shares for its neighbours. `40 + (h - 1) (104 + 64 R)` bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// What everybody advertised.
    pub transcript: Hash,
    /// One for each neighbour, ascending.
    pub sealed: Vec<Sealed>,
}

/// Server to party: what its neighbours sealed to it. `48 + ceil(n / 8) + (h - 1) (104 + 64 R)` bytes if all did.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// As in [`Shares`].
    pub transcript: Hash,
    /// Neighbours that dealt.
    pub dealers: PartySet,
    /// One for each of them, ascending.
    pub sealed: Vec<Sealed>,
}

/// Party to server: its masked vector, `36 + 8 ceil(len W / 64)` bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Masked {
    /// As in [`Shares`].
    pub transcript: Hash,
    /// Round, counted from the first that was set up.
    pub round: u32,
    /// Packed and masked weights.
    pub words: Vec<u64>,
}

/// Server to party: whose vectors are in the sum. `44 + ceil(n / 8)` bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survivors {
    /// As in [`Shares`].
    pub transcript: Hash,
    /// As in [`Masked`].
    pub round: u32,
    /// Who sent a masked vector.
    pub set: PartySet,
}

/// Party to server: that it saw this survivor set and no other. 100 bytes; malicious server only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// As in [`Shares`].
    pub transcript: Hash,
    /// As in [`Masked`].
    pub round: u32,
    /// Over transcript, round and set.
    pub signature: Signature,
}

/// Server to party: who consented to the set. `52 + ceil(n / 8)` bytes and 64 a signer; malicious server only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    /// As in [`Shares`].
    pub transcript: Hash,
    /// As in [`Masked`].
    pub round: u32,
    /// Who signed.
    pub signers: PartySet,
    /// Their signatures, ascending.
    pub signatures: Vec<Signature>,
}

/// Party to server: one share for each party whose shares it holds: of the own secret of a survivor, of the mask secret of one
/// that dropped out. `44 + 32 h` bytes. Does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmask {
    /// As in [`Shares`].
    pub transcript: Hash,
    /// As in [`Masked`].
    pub round: u32,
    /// In the order of the parties.
    pub shares: Vec<[u8; 32]>,
}

impl Masked {
    /// Bytes of every masked vector of a job.
    #[must_use]
    pub const fn size(config: &Config) -> usize {
        36 + 8 * config.layout().words()
    }

    /// Transcript, round, words, all little endian.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(36 + 8 * self.words.len());
        out.extend(self.transcript);
        out.extend(self.round.to_le_bytes());
        out.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        out
    }

    /// Reads a masked vector; the length is compared before anything is reserved.
    ///
    /// # Errors
    /// [`Error::Peer`] for another length.
    pub fn decode(bytes: &[u8], config: &Config, sender: &str) -> Result<Self> {
        let wrong = || Error::Peer {
            culprit: sender.into(),
            step: MASKED,
            what: format!("`{}` bytes, expected `{}`", bytes.len(), Self::size(config)),
        };
        if bytes.len() != Self::size(config) {
            return Err(wrong());
        }
        let (transcript, rest) = bytes.split_first_chunk::<32>().ok_or_else(wrong)?;
        let (round, words) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let words = words.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        Ok(Self { transcript: *transcript, round: u32::from_le_bytes(*round), words })
    }
}

pub(super) const ADVERT: &str = "secagg.advert";
pub(super) const ROSTER: &str = "secagg.roster";
pub(super) const SHARES: &str = "secagg.shares";
pub(super) const DELIVERY: &str = "secagg.delivery";
pub(super) const MASKED: &str = "secagg.masked";
pub(super) const SURVIVORS: &str = "secagg.survivors";
pub(super) const CONSENT: &str = "secagg.consent";
pub(super) const CONSENTS: &str = "secagg.consents";
pub(super) const UNMASK: &str = "secagg.unmask";

const fn advert_size(config: &Config) -> usize {
    108 + config.params().rounds as usize * (16 + 64 * config.threshold())
}

const fn set_size(config: &Config) -> usize {
    8 + config.parties().div_ceil(8)
}

const fn sealed_size(config: &Config) -> usize {
    104 + 64 * config.params().rounds as usize
}

macro_rules! messages {
    ($($message:ident $step:ident $config:ident $limit:expr;)*) => {
        $(impl Message for $message {
            const STEP: &'static str = $step;

            fn limit($config: &Config) -> usize {
                $limit
            }
        })*
    };
}
messages! {
    Advert ADVERT config advert_size(config);
    Roster ROSTER config set_size(config) + 16 + config.parties() * advert_size(config).max(32);
    Shares SHARES config 40 + config.parties() * sealed_size(config);
    Delivery DELIVERY config 40 + set_size(config) + config.parties() * sealed_size(config);
    Survivors SURVIVORS config 36 + set_size(config);
    Consent CONSENT _config 100;
    Consents CONSENTS config 44 + set_size(config) + 64 * config.parties();
    Unmask UNMASK config 44 + 32 * config.parties();
}

impl Advert {
    /// What is signed.
    pub(super) fn signed(&self, config: &Config) -> Vec<u8> {
        let mut hash = Sha256::new().chain_update(self.channel).chain_update((self.rounds.len() as u64).to_le_bytes());
        for keys in &self.rounds {
            for list in [&keys.mask, &keys.own] {
                hash.update((list.len() as u64).to_le_bytes());
                list.iter().for_each(|point| hash.update(point));
            }
        }
        let body: Hash = hash.finalize().into();
        [&b"yu-fedlearn/secagg/advert/v1"[..], config.context(), &self.party.to_le_bytes(), &body].concat()
    }

    /// What stands for it in the transcript.
    pub(super) fn digest(&self, config: &Config) -> Hash {
        Sha256::new().chain_update(self.signed(config)).chain_update(self.signature.0).finalize().into()
    }
}

/// Hash of everything that was agreed and advertised, with the digests in the order of the parties.
pub(super) fn transcript<'d>(config: &Config, present: &PartySet, digests: impl Iterator<Item = &'d Hash>) -> Hash {
    let mut hash =
        Sha256::new().chain_update(b"yu-fedlearn/secagg/transcript/v1").chain_update(config.context()).chain_update(present.as_bytes());
    digests.for_each(|digest| hash.update(digest));
    hash.finalize().into()
}

impl Sealed {
    pub(super) fn signed(transcript: &Hash, dealer: u32, holder: u32, cipher: &[u8], tag: &Hash) -> Vec<u8> {
        let body: Hash = Sha256::new().chain_update(cipher).chain_update(tag).finalize().into();
        [&b"yu-fedlearn/secagg/shares/v1"[..], transcript, &dealer.to_le_bytes(), &holder.to_le_bytes(), &body].concat()
    }
}

/// What a party signs when it consents to a survivor set; `subject` names what its vector answers.
pub(super) fn consent(transcript: &Hash, round: u32, subject: &Hash, set: &PartySet) -> Vec<u8> {
    [&b"yu-fedlearn/secagg/survivors/v2"[..], transcript, &round.to_le_bytes(), subject, set.as_bytes()].concat()
}
