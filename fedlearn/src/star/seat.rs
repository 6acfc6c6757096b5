//! A party's side of secure sums: keys for vectors, and the last vector that was sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::CryptoRng;
use yu_wire::codec;

use super::Place;
use super::terms::{BATCH, SetUp, Vectors, stage};
use crate::secagg::client::{Dealt, Offered, Sent, Session};
use crate::secagg::identity::{Signer, Verifier};
use crate::secagg::{Adversary, Config, PartySet, msg};
use crate::{Error, Result};

/// Keys on their way.
enum Coming<W> {
    Nothing,
    Offered(W, Arc<Config>, Offered),
    Dealt(W, Arc<Config>, Dealt),
}

/// Keys for the sums of some vectors.
struct Ready<W> {
    vectors: W,
    config: Arc<Config>,
    session: Session,
}

/// A party's place in the sums.
pub(crate) struct Seat<'a, W: Vectors, S, V> {
    coordinator: &'a str,
    index: u32,
    signer: &'a S,
    verifier: &'a V,
    coming: Coming<W>,
    ready: BTreeMap<W::Slot, Ready<W>>,
    sent: Option<(Arc<Config>, Sent)>,
}

impl<'a, W: Vectors, S: Signer, V: Verifier> Seat<'a, W, S, V> {
    pub(crate) const fn new(coordinator: &'a str, index: u32, signer: &'a S, verifier: &'a V) -> Self {
        Self { coordinator, index, signer, verifier, coming: Coming::Nothing, ready: BTreeMap::new(), sent: None }
    }

    fn peer(&self, what: impl Into<String>) -> Error {
        Error::Peer { culprit: self.coordinator.to_owned(), step: "sums", what: what.into() }
    }

    /// Answers the stages before a task. `config` is that of a set-up, if it is agreed.
    ///
    /// # Errors
    /// [`Error::Peer`] for a set-up that is not agreed, or a stage out of order; `config`'s; those of [`crate::secagg::client`].
    pub(crate) fn prepare(
        &mut self,
        place: Place,
        body: &[u8],
        config: impl FnOnce(SetUp<W>) -> Result<Arc<Config>>,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>> {
        match (place.stage, std::mem::replace(&mut self.coming, Coming::Nothing)) {
            (stage::KEYS, _) => {
                let set_up: SetUp<W> = codec::decode(body, 64).map_err(|error| self.peer(format!("does not decode: {error}")))?;
                if set_up.rounds == 0 || set_up.rounds > BATCH || set_up.first != u64::from(place.round) {
                    return Err(self.peer("keys for more sums than are agreed, or out of order"));
                }
                let config = config(set_up)?;
                let (offered, advert) = Offered::new(Arc::clone(&config), self.index, self.signer, rng)?;
                self.ready.remove(&set_up.vectors.slot());
                self.sent = None;
                self.coming = Coming::Offered(set_up.vectors, config, offered);
                Ok(msg::encode(&advert))
            }
            (stage::SHARES, Coming::Offered(vectors, config, offered)) => {
                let roster = msg::decode(body, &config, self.coordinator)?;
                let (dealt, shares) = offered.share(&roster, self.signer, self.verifier)?;
                self.coming = Coming::Dealt(vectors, config, dealt);
                Ok(msg::encode(&shares))
            }
            (stage::READY, Coming::Dealt(vectors, config, dealt)) => {
                let delivery = msg::decode(body, &config, self.coordinator)?;
                let session = dealt.receive(&delivery, self.verifier)?;
                self.ready.insert(vectors.slot(), Ready { vectors, config, session });
                Ok(Vec::new())
            }
            _ => Err(self.peer("a stage out of order")),
        }
    }

    /// Masks a vector that answers a question, `within` sums of its keys.
    ///
    /// # Errors
    /// [`Error::Peer`] if no keys for such vectors were set up; those of [`Session::mask`].
    pub(crate) fn mask(&mut self, vectors: W, within: u32, integers: &[u32], question: [u8; 32]) -> Result<Vec<u8>> {
        self.sent = None;
        let Some(ready) = self.ready.get_mut(&vectors.slot()).filter(|ready| ready.vectors == vectors) else {
            return Err(self.peer("a task without keys for it"));
        };
        let (sent, masked) = ready.session.mask(within, integers)?;
        self.sent = Some((Arc::clone(&ready.config), sent.about(question)));
        Ok(masked.encode())
    }

    /// Answers the stages after the vector was sent; `once` is told over whom the sum is, and may refuse.
    ///
    /// # Errors
    /// [`Error::Peer`] if nothing was sent; `once`'s; those of [`Sent`].
    pub(crate) fn end(&mut self, stage: u8, body: &[u8], once: impl FnOnce(&PartySet) -> Result<()>) -> Result<Vec<u8>> {
        let Some((config, mut sent)) = self.sent.take() else { return Err(self.peer("an end before the beginning")) };
        let answer = match (stage, config.params().adversary) {
            (stage::CONSENT, _) => {
                let survivors: msg::Survivors = msg::decode(body, &config, self.coordinator)?;
                once(&survivors.set)?;
                msg::encode(&sent.consent(&survivors, self.signer)?)
            }
            (_, Adversary::SemiHonest) => {
                let survivors: msg::Survivors = msg::decode(body, &config, self.coordinator)?;
                once(&survivors.set)?;
                msg::encode(&sent.unmask(&survivors)?)
            }
            // what it consented to was told before
            (_, Adversary::Malicious) => {
                let consents = msg::decode(body, &config, self.coordinator)?;
                msg::encode(&sent.unmask_agreed(&consents, self.verifier)?)
            }
        };
        self.sent = Some((config, sent));
        Ok(answer)
    }
}
