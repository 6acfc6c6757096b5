//! The price before a run: from the most that the contract says the job can use.

use serde::{Deserialize, Serialize};

use super::counter::{Counts, Unit};
use super::tariff::{Class, Classes, Tariff};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::contract::Contract;
use crate::finding::{Checked, broken, refuse};
use crate::grant::lab::LabGrant;
use crate::id::{AuthorisationId, JobId, PartyName};
use crate::sign::SignedType;

/// What a job costs at most, to be signed by the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// Format version, 1.
    pub v: u32,
    /// Who offers it and signs.
    pub platform: PartyName,
    /// The tariff; absent for a job of the laboratory, which is free under every tariff (A7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<Hash>,
    /// The contract.
    pub job: JobId,
    /// Who asks.
    pub tenant: String,
    /// Its class.
    pub class: Class,
    /// The most that is counted.
    pub most: Counts,
    /// The most that is charged.
    #[serde(with = "u64_string")]
    pub micro: u64,
    /// When.
    pub at: Time,
}

impl SignedType for Quote {
    const TYPE: &'static str = "quote-v1";
}

/// Whether something under this authorisation happened in a laboratory.
#[must_use]
pub fn is_lab(labs: &[LabGrant], authorisation: &AuthorisationId, at: Time) -> bool {
    labs.iter().any(|lab| lab.id == *authorisation && lab.not_before <= at && at < lab.not_after)
}

/// The price of counts, line by line rounded down.
pub(super) fn price(tariff: &Tariff, class: Class, counts: &Counts) -> Option<u64> {
    counts
        .iter()
        .try_fold(0_u64, |sum, (unit, amount)| sum.checked_add(tariff.price(class, unit).map_or(Some(0), |price| price.of(amount))?))
}

impl Quote {
    /// The quote for a contract: its bytes and rounds at their maximum, one run, the rows that it names, and what the platform
    /// expects beside.
    ///
    /// # Errors
    /// `quote.no-tariff` if none holds; `quote.overflow`; `quote.malformed`.
    pub fn make(
        contract: &Contract,
        tenant: &str,
        beside: &Counts,
        tariff: (Hash, &Tariff),
        classes: &Classes,
        labs: &[LabGrant],
        at: Time,
    ) -> Checked<Self> {
        let (hash, tariff) = tariff;
        let platform = tariff.platform.clone();
        let job = contract.id().map_err(|error| broken("quote.malformed", &platform, &error))?;
        let overflow = || {
            let what = ("the amounts are beyond what a number holds", "数量超出可表示范围");
            refuse("quote.overflow", &platform, what, ("correct the contract's cost statement", "更正合约的成本说明"))
        };
        let rows = contract.inputs.iter().try_fold(0_u64, |sum, input| sum.checked_add(input.rows));
        let Some(rows) = rows else { return overflow() };
        let stated = Counts::of(&[
            (Unit::BytesSent, contract.cost.max_bytes),
            (Unit::BytesReceived, contract.cost.max_bytes),
            (Unit::Rounds, contract.cost.max_rounds),
            (Unit::Rows, rows),
            (Unit::Runs, 1),
        ]);
        let Some(most) = stated.plus(beside) else { return overflow() };
        let class = classes.of(tenant, at);
        let free = is_lab(labs, &contract.authorisation.id, at);
        if !free && !tariff.holds(at) {
            let what = (format!("the tariff does not hold at {at}"), format!("该价目在 {at} 不适用"));
            return refuse("quote.no-tariff", &platform, what, ("take the tariff in force", "采用现行价目"));
        }
        let micro = if free { Some(0) } else { price(tariff, class, &most) };
        let Some(micro) = micro else { return overflow() };
        let tariff = (!free).then_some(hash);
        Ok(Self { v: 1, platform, tariff, job, tenant: tenant.into(), class, most, micro, at })
    }

    /// Whether a quote that arrived follows from tariff, class and laboratories, as everybody knows them.
    ///
    /// # Errors
    /// `quote.malformed`; `quote.no-tariff` if its tariff is another than holds; `quote.class`; `quote.price`.
    pub fn follows(&self, tariff: Option<(Hash, &Tariff)>, classes: &Classes, is_free: bool) -> Checked<()> {
        let wrong = |code: &str, what: (&str, &str)| refuse(code, &self.platform, what, ("draw the quote again", "重新报价"));
        if self.v != 1 || self.tenant.trim().is_empty() {
            return wrong("quote.malformed", ("the quote has another format, or no customer", "报价格式不符或缺少用户"));
        }
        if self.class != classes.of(&self.tenant, self.at) {
            return wrong("quote.class", ("the customer is of another class", "用户类别不符"));
        }
        let expected = match (is_free, tariff) {
            (true, _) if self.tariff.is_none() => Some(0),
            (false, Some((hash, tariff))) if self.tariff == Some(hash) && tariff.holds(self.at) => price(tariff, self.class, &self.most),
            _ => return wrong("quote.no-tariff", ("it rests on another tariff than holds", "所依据的价目与现行价目不符")),
        };
        if expected != Some(self.micro) {
            return wrong("quote.price", ("the price does not follow from the tariff", "价格与价目不符"));
        }
        Ok(())
    }
}
