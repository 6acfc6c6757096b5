//! Masked vectors and the survivor set of one round.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Common, Session, Unmasking};
use crate::secagg::config::Adversary;
use crate::secagg::identity::{Signature, Verifier};
use crate::secagg::mask;
use crate::secagg::msg::{self, CONSENT, Consent, Consents, MASKED, Masked, Survivors};
use crate::secagg::set::PartySet;
use crate::{Error, Result};

impl Session {
    /// Begins a round, counted from the first that was set up. Rounds may overlap.
    ///
    /// # Errors
    /// [`Error::Caller`] for a round that was not set up or was begun before.
    pub fn round(&mut self, round: u32) -> Result<Collecting> {
        let config = &self.common.config;
        config.check_round(round)?;
        match self.begun.get_mut(round as usize) {
            Some(begun @ false) => *begun = true,
            _ => return Err(Error::caller(format!("round `{round}` was begun before: its keys are used up"))),
        }
        Ok(Collecting {
            sum: vec![0; config.layout().words()],
            common: self.common.clone(),
            dealers: self.dealers.clone(),
            round,
            sent: config.empty_set(),
        })
    }

    /// Who takes part.
    #[must_use]
    pub const fn dealers(&self) -> &PartySet {
        &self.dealers
    }
}

/// Takes masked vectors and adds them up; keeps the sum only.
pub struct Collecting {
    common: Arc<Common>,
    dealers: PartySet,
    round: u32,
    sent: PartySet,
    sum: Vec<u64>,
}

impl Collecting {
    /// Adds the vector of a party.
    ///
    /// # Errors
    /// [`Error::Peer`] naming the sender for a vector of another set-up, round or length, from a party that did not deal, or a
    /// second one.
    pub fn accept(&mut self, from: u32, masked: &Masked) -> Result<()> {
        let Common { config, transcript, .. } = &*self.common;
        config.check_party(from)?;
        let refuse = |what: String| Err(config.peer(from, MASKED, what));
        if masked.transcript != *transcript || masked.round != self.round {
            return refuse(format!("a vector of another set-up or of round `{}`, not `{}`", masked.round, self.round));
        }
        if masked.words.len() != self.sum.len() {
            return refuse(format!("`{}` words, expected `{}`", masked.words.len(), self.sum.len()));
        }
        if !self.dealers.contains(from) || !self.sent.insert(from) {
            return refuse("a second vector, or one of a party whose shares nobody has".into());
        }
        mask::add(config.layout(), &mut self.sum, &masked.words);
        Ok(())
    }

    /// Whose vectors are there.
    #[must_use]
    pub const fn sent(&self) -> &PartySet {
        &self.sent
    }

    /// Fixes the survivor set, which is announced to all in it.
    ///
    /// # Errors
    /// [`Error::Quorum`] if too few sent a vector.
    pub fn close(self) -> Result<(Closing, Survivors)> {
        let Self { common, dealers, round, sent: set, sum } = self;
        common.config.check_quorum(MASKED, set.len())?;
        let survivors = Survivors { transcript: common.transcript, round, set: set.clone() };
        Ok((Closing { common, dealers, round, survivors: set, sum, subject: [0; 32], consents: BTreeMap::new() }, survivors))
    }
}

/// The survivor set is fixed. A semi-honest server goes on to [`Self::unmask`], others take consents first.
pub struct Closing {
    common: Arc<Common>,
    dealers: PartySet,
    round: u32,
    survivors: PartySet,
    sum: Vec<u64>,
    subject: [u8; 32],
    consents: BTreeMap<u32, Signature>,
}

impl Closing {
    /// Names what the vectors answer, as [`crate::secagg::client::Sent::about`] at the parties.
    #[must_use]
    pub const fn about(mut self, subject: [u8; 32]) -> Self {
        self.subject = subject;
        self
    }

    /// Takes the consent of a survivor.
    ///
    /// # Errors
    /// [`Error::Peer`] naming the sender for a consent to another set or round, not signed, not of a survivor, or a second one.
    pub fn accept(&mut self, from: u32, consent: &Consent, verifier: &impl Verifier) -> Result<()> {
        let Common { config, transcript, .. } = &*self.common;
        config.check_party(from)?;
        let refuse = |what: &str| Err(config.peer(from, CONSENT, what));
        if consent.transcript != *transcript || consent.round != self.round {
            return refuse("a consent to another set-up or round");
        }
        if !self.survivors.contains(from) || self.consents.contains_key(&from) {
            return refuse("a second consent, or one of a party that is not in the set");
        }
        if !verifier.verify(from, &msg::consent(transcript, self.round, &self.subject, &self.survivors), &consent.signature) {
            return refuse("the signature of the survivor set does not verify");
        }
        self.consents.insert(from, consent.signature);
        Ok(())
    }

    /// The consents, which go to all who gave one.
    ///
    /// # Errors
    /// [`Error::Quorum`] if too few consented, [`Error::Caller`] if the server is held to be semi-honest.
    pub fn agree(self) -> Result<(Unmasking, Consents)> {
        self.expect(Adversary::Malicious)?;
        let config = &self.common.config;
        config.check_quorum(CONSENT, self.consents.len())?;
        let consents = Consents {
            transcript: self.common.transcript,
            round: self.round,
            signers: config.set(self.consents.keys().copied()),
            signatures: self.consents.values().copied().collect(),
        };
        Ok((self.next(), consents))
    }

    /// Goes on without consents.
    ///
    /// # Errors
    /// [`Error::Caller`] if the server may be malicious: parties would not answer.
    pub fn unmask(self) -> Result<Unmasking> {
        self.expect(Adversary::SemiHonest)?;
        Ok(self.next())
    }

    fn expect(&self, adversary: Adversary) -> Result<()> {
        if self.common.config.params().adversary != adversary {
            return Err(Error::caller(format!("this step is for a job with a server that is {adversary:?}")));
        }
        Ok(())
    }

    fn next(self) -> Unmasking {
        Unmasking::new(self.common, self.dealers, self.round, self.survivors, self.sum)
    }
}
