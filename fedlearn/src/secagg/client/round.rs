//! One round of a party.

use std::sync::Arc;

use super::{Held, Secrets, Session};
use crate::secagg::config::{Adversary, Config};
use crate::secagg::identity::{Signature, Signer, Verifier};
use crate::secagg::keys::{self, Hash};
use crate::secagg::mask::{self, Mask, Sign};
use crate::secagg::msg::{self, CONSENTS, Consent, Consents, Masked, SURVIVORS, Survivors, Unmask};
use crate::secagg::set::PartySet;
use crate::{Error, Result};

impl Session {
    /// Masks the vector of a round, counted from the first that was set up. Every round is masked once; what is left out is
    /// this party dropping out of that round only.
    ///
    /// # Errors
    /// [`Error::Caller`] for a vector of another length, a weight of more bits than agreed, or a round that is over.
    pub fn mask(&mut self, round: u32, weights: &[u32]) -> Result<(Sent, Masked)> {
        let config = &self.config;
        config.check_round(round)?;
        let (len, bits, long) = (config.params().len, config.params().bits, config.params().long);
        if weights.len() != len {
            return Err(Error::caller(format!("`{}` weights, the job has `{len}`", weights.len())));
        }
        // TIMING: no early end, a weight is a secret
        let all = |weights: &[u32]| u64::from(weights.iter().fold(0, |all, weight| all | weight));
        let (short, digits) = weights.split_at(len - long);
        if all(short) >> bits != 0 || all(digits) >> config.layout().width() != 0 {
            return Err(Error::caller(format!("a weight has more than the agreed `{bits}` bits: clip before masking")));
        }
        let Some(secrets) = self.rounds.get_mut(round as usize).and_then(Option::take) else {
            return Err(Error::caller(format!("round `{round}` was masked before: a second vector under the same masks would show both")));
        };
        let mut masks = vec![Mask::new(Sign::Plus, &keys::own_seed(&self.transcript, &secrets.own, self.me, round))];
        masks.extend(secrets.held.iter().filter(|held| held.party != self.me).map(|held| {
            let sign = if self.me < held.party { Sign::Plus } else { Sign::Minus };
            Mask::new(sign, &keys::pair_seed(&self.transcript, &secrets.mask, &held.public, self.me, held.party, round))
        }));
        let words = mask::pack(config.layout(), weights, &masks);
        let sent = Sent {
            config: config.clone(),
            me: self.me,
            transcript: self.transcript,
            round,
            present: self.present.clone(),
            near: self.near.clone(),
            members: self.members.clone(),
            secrets,
            consented: None,
            subject: [0; 32],
        };
        Ok((sent, Masked { transcript: self.transcript, round, words }))
    }
}

/// A party that has sent its masked vector. It remembers the survivor set that it accepted first and never answers another: with
/// answers to two sets the server could have both secrets of somebody.
pub struct Sent {
    config: Arc<Config>,
    me: u32,
    transcript: Hash,
    round: u32,
    present: PartySet,
    near: PartySet,
    members: PartySet,
    secrets: Secrets,
    consented: Option<PartySet>,
    subject: Hash,
}

impl Sent {
    /// Names what the vector answers, as a hash of the question. With a malicious server a sum is unmasked only if `t` parties answered the same
    /// question: else it could ask one party for its vector and the others for zeros.
    #[must_use]
    pub const fn about(mut self, subject: [u8; 32]) -> Self {
        self.subject = subject;
        self
    }

    /// Signs the survivor set; malicious server only. The same set may be asked for again.
    ///
    /// # Errors
    /// [`Error::Peer`] naming the server for a set that may not be answered, [`Error::Quorum`] for one that is too small,
    /// [`Error::Caller`] if the server is held to be semi-honest.
    pub fn consent(&mut self, survivors: &Survivors, signer: &impl Signer) -> Result<Consent> {
        self.expect(Adversary::Malicious)?;
        self.accept(survivors)?;
        let signature = signer.sign(&msg::consent(&self.transcript, self.round, &self.subject, &survivors.set));
        Ok(Consent { transcript: self.transcript, round: self.round, signature })
    }

    /// The shares that take the masks off the sum; semi-honest server only. The same set may be asked for again.
    ///
    /// # Errors
    /// [`Error::Peer`] naming the server for a set that may not be answered, [`Error::Quorum`] for one that is too small,
    /// [`Error::Caller`] if the server may be malicious.
    pub fn unmask(&mut self, survivors: &Survivors) -> Result<Unmask> {
        self.expect(Adversary::SemiHonest)?;
        self.accept(survivors)?;
        self.answer()
    }

    /// The same after `t` parties signed the set that this party consented to; malicious server only.
    ///
    /// # Errors
    /// [`Error::Peer`] naming the server for signatures that do not verify, of parties that are not in the set, or in another
    /// number; [`Error::Quorum`] for fewer than `t`; [`Error::Caller`] before [`Self::consent`].
    pub fn unmask_agreed(&mut self, consents: &Consents, verifier: &impl Verifier) -> Result<Unmask> {
        self.expect(Adversary::Malicious)?;
        let config = &self.config;
        let Some(set) = &self.consented else {
            return Err(Error::caller("consents came before this party saw a survivor set"));
        };
        self.same_round(CONSENTS, &consents.transcript, consents.round)?;
        let signers = &consents.signers;
        if !signers.is_among(config.parties()) || !signers.is_subset(set) || signers.len() != consents.signatures.len() {
            return Err(config.server(CONSENTS, "not one signature from each of some survivors"));
        }
        let (present, needed) = (signers.len(), config.quorum());
        if present < needed {
            return Err(Error::Quorum { step: CONSENTS, present, needed, remedy: "repeat the round" });
        }
        let message = msg::consent(&self.transcript, self.round, &self.subject, set);
        let wrong = |(party, signature): &(u32, &Signature)| !verifier.verify(*party, &message, signature);
        if let Some((party, _)) = signers.iter().zip(&consents.signatures).find(wrong) {
            let name = config.name(party);
            return Err(config.server(CONSENTS, format!("`{name}` did not sign the survivor set that this party was shown")));
        }
        self.answer()
    }

    fn expect(&self, adversary: Adversary) -> Result<()> {
        if self.config.params().adversary != adversary {
            return Err(Error::caller(format!("this step is for a job with a server that is {adversary:?}")));
        }
        Ok(())
    }

    fn same_round(&self, step: &'static str, transcript: &Hash, round: u32) -> Result<()> {
        if *transcript != self.transcript || round != self.round {
            return Err(self.config.server(step, format!("a message of another set-up or of round `{round}`, not `{}`", self.round)));
        }
        Ok(())
    }

    /// Checks a survivor set and remembers it.
    fn accept(&mut self, survivors: &Survivors) -> Result<()> {
        let config = &self.config;
        self.same_round(SURVIVORS, &survivors.transcript, survivors.round)?;
        let set = &survivors.set;
        let refuse = |what: &str| Err(config.server(SURVIVORS, what));
        if !set.is_among(config.parties()) || !set.is_subset(&self.present) {
            return refuse("survivors that never advertised keys");
        }
        if !set.contains(self.me) {
            return refuse("a survivor set without this party, which sent its vector");
        }
        if set.iter().any(|party| self.near.contains(party) && !self.members.contains(party)) {
            return refuse("survivors of whom this party has no shares");
        }
        config.check_quorum(SURVIVORS, set.len())?;
        let near = self.members.iter().filter(|party| set.contains(*party)).count();
        if near < config.threshold() {
            return Err(Error::Quorum { step: SURVIVORS, present: near, needed: config.threshold(), remedy: "repeat the round" });
        }
        match &self.consented {
            Some(first) if first != set => refuse("a second survivor set in one round: both secrets of a party would be asked for"),
            Some(_) => Ok(()),
            None => {
                self.consented = Some(set.clone());
                Ok(())
            }
        }
    }
}

impl Sent {
    /// One share of each party: never both.
    fn answer(&self) -> Result<Unmask> {
        let Some(set) = &self.consented else { return Err(Error::caller("no survivor set was accepted")) };
        let one = |held: &Held| if set.contains(held.party) { held.own.to_bytes() } else { held.mask.to_bytes() };
        let shares = self.secrets.held.iter().map(one).collect();
        Ok(Unmask { transcript: self.transcript, round: self.round, shares })
    }
}
