//! Where a party stands in secure aggregation: keys for vectors of each kind, and the last vector sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::CryptoRng;
use yu_wire::codec;

use super::plan::{Kind, Plan};
use super::sums::config;
use super::task::{SetUp, stage};
use crate::secagg::client::{Dealt, Offered, Sent, Session};
use crate::secagg::identity::{Signer, Verifier};
use crate::secagg::{self, Config, PartySet, msg};
use crate::{Error, Result};

enum Coming {
    Nothing,
    Offered(Kind, Arc<Config>, Offered),
    Dealt(Kind, Arc<Config>, Dealt),
}

/// A party's place in the sums.
pub(super) struct Seat<'a, S, V> {
    plan: &'a Plan,
    index: u32,
    signer: &'a S,
    verifier: &'a V,
    coming: Coming,
    ready: BTreeMap<Kind, (Arc<Config>, Session)>,
    sent: Option<(Arc<Config>, Sent)>,
}

impl<'a, S: Signer, V: Verifier> Seat<'a, S, V> {
    pub(super) const fn new(plan: &'a Plan, index: u32, signer: &'a S, verifier: &'a V) -> Self {
        Self { plan, index, signer, verifier, coming: Coming::Nothing, ready: BTreeMap::new(), sent: None }
    }

    fn peer(&self, what: &str) -> Error {
        Error::Peer { culprit: self.plan.coordinator.clone(), step: "sums", what: what.to_owned() }
    }

    /// Stages before a task.
    pub(super) fn prepare(&mut self, place: u32, stage: u8, body: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
        match (stage, std::mem::replace(&mut self.coming, Coming::Nothing)) {
            (stage::KEYS, _) => {
                let set_up: SetUp = codec::decode(body, 64).map_err(|error| self.peer(&format!("does not decode: {error}")))?;
                let config = config(self.plan, set_up).map_err(|error| self.peer(&error.to_string()))?;
                if set_up.first != u64::from(place) {
                    return Err(self.peer("keys out of order"));
                }
                let (offered, advert) = Offered::new(Arc::clone(&config), self.index, self.signer, rng)?;
                self.ready.remove(&set_up.kind);
                self.coming = Coming::Offered(set_up.kind, config, offered);
                Ok(msg::encode(&advert))
            }
            (stage::SHARES, Coming::Offered(kind, config, offered)) => {
                let roster = msg::decode(body, &config, &self.plan.coordinator)?;
                let (dealt, shares) = offered.share(&roster, self.signer, self.verifier)?;
                self.coming = Coming::Dealt(kind, config, dealt);
                Ok(msg::encode(&shares))
            }
            (stage::READY, Coming::Dealt(kind, config, dealt)) => {
                let delivery = msg::decode(body, &config, &self.plan.coordinator)?;
                self.ready.insert(kind, (config, dealt.receive(&delivery, self.verifier)?));
                Ok(Vec::new())
            }
            _ => Err(self.peer("a stage out of order")),
        }
    }

    /// Masks a vector that answers a question.
    pub(super) fn mask(&mut self, kind: Kind, within: u32, limbs: &[u32], question: [u8; 32]) -> Result<Vec<u8>> {
        self.sent = None;
        let Some((config, session)) = self.ready.get_mut(&kind) else { return Err(self.peer("a task without keys for it")) };
        if config.params().len != limbs.len() {
            return Err(self.peer("a task of another length than its keys"));
        }
        let (sent, masked) = session.mask(within, limbs)?;
        self.sent = Some((Arc::clone(config), sent.about(question)));
        Ok(masked.encode())
    }

    /// Stages after the vector was sent; `once` is told over whom the sum is, and may refuse.
    pub(super) fn end(&mut self, stage: u8, body: &[u8], once: impl FnOnce(&PartySet) -> Result<()>) -> Result<Vec<u8>> {
        let Some((config, mut sent)) = self.sent.take() else { return Err(self.peer("an end before the beginning")) };
        let server = &self.plan.coordinator;
        let answer = match (stage, config.params().adversary) {
            (stage::CONSENT, _) => {
                let survivors: msg::Survivors = msg::decode(body, &config, server)?;
                once(&survivors.set)?;
                msg::encode(&sent.consent(&survivors, self.signer)?)
            }
            (_, secagg::Adversary::SemiHonest) => {
                let survivors: msg::Survivors = msg::decode(body, &config, server)?;
                once(&survivors.set)?;
                msg::encode(&sent.unmask(&survivors)?)
            }
            // what it consented to was told before
            (_, secagg::Adversary::Malicious) => msg::encode(&sent.unmask_agreed(&msg::decode(body, &config, server)?, self.verifier)?),
        };
        self.sent = Some((config, sent));
        Ok(answer)
    }
}

/// Bytes that a question of the sums may have.
pub(super) fn most_asked(plan: &Plan) -> usize {
    let figures = u32::try_from(plan.most_figures()).unwrap_or(u32::MAX);
    let set_up = SetUp { kind: Kind::Leaves, figures, first: 0, rounds: super::sums::BATCH };
    config(plan, set_up).map_or(0, |config| {
        let limits = [
            <msg::Roster as msg::Message>::limit(&config),
            <msg::Delivery as msg::Message>::limit(&config),
            <msg::Consents as msg::Message>::limit(&config),
        ];
        limits.into_iter().max().unwrap_or(0)
    })
}
