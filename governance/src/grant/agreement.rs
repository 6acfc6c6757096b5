//! Agreements (授权运营协议) as data: required clauses, tariffs, versions; a job cites the version in force (A13).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::scope::Scope;
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::error::Result;
use crate::id::{AuthorisationId, PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::refuse;
use crate::workflow::word::words;

words! {
    /// A clause; a profile says which are required.
    Clause {
        RightsAndDuties = "rights-and-duties", "权利义务", "Rights and duties of both sides.";
        Scope = "scope", "授权运营范围", "Scope of operation.";
        Term = "term", "运营期限", "Term.";
        Revenue = "revenue", "合理收益的测算方法", "How reasonable revenue is computed.";
        Fees = "fees", "服务费用", "Fees for services.";
        Security = "security", "数据安全要求", "Data security.";
        AssetDisposal = "asset-disposal", "期限届满后资产处置", "What happens to assets at the end of the term.";
        Exit = "exit", "退出机制", "How either side leaves.";
        Liability = "liability", "违约责任", "Liability for breach.";
        Prohibitions = "prohibitions", "禁止条款", "What is forbidden (ZZ 11).";
        Credit = "credit", "信用承诺", "Commitment of credit (ZZ 11).";
        ExchangeEntry = "exchange-entry", "进入数据交易场所交易条件", "Conditions for trade on an exchange (ZW 19).";
    }
}

/// What a profile demands of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementRules {
    /// Clauses without which it is refused.
    pub required: BTreeSet<Clause>,
}

/// One version of one agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Format version, 1.
    pub v: u32,
    /// The grant that it belongs to.
    pub grant: AuthorisationId,
    /// 1 for the first, one more for each supplement.
    #[serde(with = "u64_string")]
    pub version: u64,
    /// Hash of the version that it supersedes; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Hash>,
    /// Both sides; both sign.
    pub sides: [PartyName; 2],
    /// The clauses.
    pub clauses: BTreeMap<Clause, Text>,
    /// Data, purpose, term and quotas, as the machine reads them.
    pub annex: Scope,
    /// Price of each service in hundredths of the currency, as decimal strings.
    pub tariffs: BTreeMap<String, String>,
    /// When it takes effect.
    pub at: Time,
}

impl SignedType for Agreement {
    const TYPE: &'static str = "agreement-v1";
}

/// All versions of the agreement of one grant.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    /// Hash, moment of effect and end of term of each version.
    known: Vec<(Hash, Time, Time)>,
    sides: Option<[PartyName; 2]>,
}

impl Versions {
    /// No agreement yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: Vec::new(), sides: None }
    }

    /// Adds a version signed by both sides; `grant` is the scope that it must stay within.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `agreement.sides`, `agreement.clause` naming the first clause that is missing,
    /// `agreement.version` for a gap or another history, `agreement.tariff`, and those of [`Scope::within`] (`grant.beyond-*`).
    pub fn add(
        &mut self,
        signed: &Signed<Agreement>,
        id: &AuthorisationId,
        grant: &Scope,
        rules: &AgreementRules,
        keys: &KeyRing,
    ) -> Result<Hash> {
        let [one, two] = &signed.payload.sides;
        let agreement = signed.verify(keys, &[one.as_str(), two.as_str()])?;
        let stays = self.sides.as_ref().is_none_or(|sides| *sides == agreement.sides);
        if one.organisation() == two.organisation() || agreement.grant != *id || !stays {
            return Err(refuse("agreement.sides", format!("an agreement on `{id}` is made by its two sides, the same in every version")));
        }
        let blank = |clause: &&Clause| agreement.clauses.get(clause).is_none_or(Text::is_blank);
        if let Some(clause) = rules.required.iter().find(blank) {
            return Err(refuse("agreement.clause", format!("the clause `{clause}` is missing")));
        }
        if let Some((name, _)) = agreement.tariffs.iter().find(|(_, price)| crate::canonical::parse_u64(price).is_none()) {
            return Err(refuse("agreement.tariff", format!("the price of `{name}` is no whole number of hundredths")));
        }
        self.check_history(agreement)?;
        agreement.annex.check()?;
        agreement.annex.within(grant)?;
        let hash = document_hash(agreement)?;
        self.known.push((hash, agreement.at, agreement.annex.not_after));
        self.sides = Some(agreement.sides.clone());
        Ok(hash)
    }

    /// Whether a job may cite this version at this moment.
    ///
    /// # Errors
    /// `Refused`: `agreement.unknown`, `agreement.superseded`, `agreement.not-yet`, `agreement.ended`.
    pub fn cite(&self, cited: &Hash, at: Time) -> Result<()> {
        let Some((_, from, until)) = self.known.iter().find(|(hash, ..)| hash == cited) else {
            return Err(refuse("agreement.unknown", "the job cites an agreement that is not known here"));
        };
        if at < *from {
            return Err(refuse("agreement.not-yet", format!("the version cited takes effect at {from}")));
        }
        match self.in_force(at) {
            Some(hash) if hash != *cited => Err(refuse("agreement.superseded", format!("cite the version in force, {hash}"))),
            _ if at >= *until => Err(refuse("agreement.ended", format!("the agreement ended at {until}"))),
            _ => Ok(()),
        }
    }

    /// The version in force: the last that has taken effect.
    #[must_use]
    pub fn in_force(&self, at: Time) -> Option<Hash> {
        self.known.iter().rev().find(|(_, from, _)| *from <= at).map(|(hash, ..)| *hash)
    }

    fn check_history(&self, agreement: &Agreement) -> Result<()> {
        let count = u64::try_from(self.known.len()).unwrap_or(u64::MAX);
        let last = self.known.last();
        let next = count.checked_add(1) == Some(agreement.version) && agreement.supersedes == last.map(|(hash, ..)| *hash);
        if agreement.v == 1 && next && last.is_none_or(|(_, from, _)| agreement.at >= *from) {
            return Ok(());
        }
        Err(refuse("agreement.version", format!("version {} does not supersede version {count}", agreement.version)))
    }
}
