//! Tariffs: prices for a term, the same for everybody under the same conditions (S8; ZW 22), bound to cost as the profile says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::counter::{Unit, named};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::id::{PartyName, document_hash};
use crate::profile::FeeBasis;
use crate::sign::{KeyRing, Signed, SignedType};
use crate::workflow::word::words;

words! {
    /// Classes of customers: what may make a difference in price, and nothing else may.
    Class {
        Market = "market", "市场用户", "Uses products on the market.";
        PublicGood = "public-good", "公共治理与公益", "Public governance and public welfare (TZ 一(五)).";
        Supplier = "supplier", "供数单位", "Supplies data (O11, ZZ 25).";
    }
}

/// `micro` micro-yuan for every `per` of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Micro-yuan.
    #[serde(with = "u64_string")]
    pub micro: u64,
    /// For so many of the unit; not zero.
    #[serde(with = "u64_string")]
    pub per: u64,
}

impl Price {
    /// What an amount costs, rounded down: never above the exact price.
    #[must_use]
    pub fn of(self, amount: u64) -> Option<u64> {
        let exact = u128::from(self.micro).checked_mul(u128::from(amount))?.checked_div(u128::from(self.per))?;
        u64::try_from(exact).ok()
    }

    /// Whether it is at most `other` times `permille` thousandths, exactly.
    fn at_most(self, other: Self, permille: u64) -> bool {
        // a/b <= c/d * p/1000, as three factors on each side
        let left = [self.micro, other.per, 1000];
        let right = [other.micro, self.per, permille];
        product(left) <= product(right)
    }
}

/// The product of three numbers as (high, low), without loss.
fn product([a, b, c]: [u64; 3]) -> (u128, u64) {
    let ab = u128::from(a) * u128::from(b);
    let (high, low) = ((ab >> 64) * u128::from(c), (ab & u128::from(u64::MAX)) * u128::from(c));
    let (carry, low) = (low >> 64, low & u128::from(u64::MAX));
    (high + carry, u64::try_from(low).unwrap_or(u64::MAX))
}

/// For whom a price holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The class.
    pub class: Class,
    /// What is paid for.
    pub unit: Unit,
    /// One customer only. No tariff with it is accepted; it is here so that such a tariff can be read, named and refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TariffLine {
    /// For whom and what.
    pub condition: Condition,
    /// How much.
    pub price: Price,
}

/// A tariff, signed by the platform and by the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// Format version, 1.
    pub v: u32,
    /// Who charges and signs.
    pub platform: PartyName,
    /// Who approved it and signs (D16).
    pub authority: PartyName,
    /// What a unit costs the platform: the reference that fees are bound to (NB 9; ZW 14; ZZ 23).
    pub costs: BTreeMap<Unit, Price>,
    /// The prices. What is not named is free.
    pub lines: Vec<TariffLine>,
    /// When it was published.
    pub published: Time,
    /// First second at which it holds; not before it was published.
    pub not_before: Time,
    /// First second at which it no longer holds.
    pub not_after: Time,
}

impl SignedType for Tariff {
    const TYPE: &'static str = "tariff-v1";
}

/// What a profile says about fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRules {
    /// What fees are based on.
    pub basis: FeeBasis,
    /// Greatest margin in thousandths of the cost where "a small margin" (微利) is allowed. No text has a number: the
    /// authority sets it.
    pub margin_permille: u64,
}

impl Tariff {
    /// Checks signatures and content; gives the hash that invoices cite.
    ///
    /// # Errors
    /// All at once: `tariff.signature`, `tariff.authority`, `tariff.malformed`, `tariff.term`, `tariff.unequal` for a line that
    /// treats one customer of a class in another way or says two things for the same condition, `tariff.cost` for a price
    /// without a cost to refer to or above it.
    pub fn verify(signed: &Signed<Self>, authorities: &[PartyName], rules: FeeRules, keys: &KeyRing) -> Checked<Hash> {
        let (platform, authority) = (&signed.payload.platform, &signed.payload.authority);
        let tariff =
            signed.verify(keys, &[platform.as_str(), authority.as_str()]).map_err(|error| broken("tariff.signature", platform, &error))?;
        let mut found = Vec::new();
        let mut add = |code, what: (String, String), remedy| found.push(Finding::new(code, platform, what, remedy));
        if !authorities.contains(authority) || authority.organisation() == platform.organisation() {
            let what = (format!("`{authority}` is no authority over `{platform}`"), format!("`{authority}` 不是 `{platform}` 的主管部门"));
            add("tariff.authority", what, ("have the tariff approved by the authority", "报主管部门审核"));
        }
        if tariff.v != 1 || tariff.lines.is_empty() || tariff.prices().any(|price| price.per == 0) {
            let what =
                ("the tariff has another format, no line, or a price for none of a unit".into(), "价目格式不符、为空或计价单位为零".into());
            add("tariff.malformed", what, ("state each price for a positive amount", "每项价格须有正的计价单位"));
        }
        if tariff.not_before < tariff.published || tariff.not_before >= tariff.not_after {
            let what = (
                format!("it is published at {} for {} to {}", tariff.published, tariff.not_before, tariff.not_after),
                format!("公布于 {}，适用期 {} 至 {}", tariff.published, tariff.not_before, tariff.not_after),
            );
            add("tariff.term", what, ("publish prices before they hold", "价格须先公布后施行"));
        }
        for line in tariff.lines.iter().filter(|line| line.condition.only.is_some()) {
            let (en, zh) = named(line.condition.unit);
            let class = line.condition.class;
            let what = (
                format!("one customer of class `{class}` pays another price for {en}"),
                format!("“{}”类中个别用户的{zh}价格不同", crate::workflow::Word::zh(class)),
            );
            add("tariff.unequal", what, ("one price for all of a class (S8)", "同类用户同价"));
        }
        let mut seen = BTreeSet::new();
        for line in tariff.lines.iter().filter(|line| !seen.insert((line.condition.class, line.condition.unit))) {
            let (en, zh) = named(line.condition.unit);
            let what = (format!("it has two prices for {en} of `{}`", line.condition.class), format!("{zh}有两个价格"));
            add("tariff.unequal", what, ("state each condition once", "同一条件只列一次"));
        }
        for line in tariff.lines.iter().filter(|line| line.price.micro > 0) {
            let (en, zh) = named(line.condition.unit);
            let within = tariff.costs.get(&line.condition.unit).is_some_and(|cost| {
                cost.per > 0
                    && match rules.basis {
                        FeeBasis::Cost => line.price.at_most(*cost, 1000),
                        FeeBasis::CostAndSmallMargin => line.price.at_most(*cost, rules.margin_permille.saturating_add(1000)),
                        FeeBasis::CostReferenced => true,
                    }
            });
            if !within {
                let what = (
                    format!("the price of {en} has no cost to refer to, or is above what cost allows"),
                    format!("{zh}的价格没有成本依据或超出成本所允许"),
                );
                add("tariff.cost", what, ("state the cost and stay within it", "列明成本并据此定价"));
            }
        }
        unless(found, ())?;
        document_hash(tariff).map_err(|error| broken("tariff.malformed", platform, &error))
    }

    /// The price of a unit for a class; nothing if it is free.
    #[must_use]
    pub fn price(&self, class: Class, unit: Unit) -> Option<Price> {
        let of = |line: &&TariffLine| line.condition.class == class && line.condition.unit == unit;
        self.lines.iter().find(of).map(|line| line.price).filter(|price| price.micro > 0)
    }

    /// Whether it holds at this moment.
    #[must_use]
    pub fn holds(&self, at: Time) -> bool {
        self.not_before <= at && at < self.not_after
    }

    fn prices(&self) -> impl Iterator<Item = &Price> {
        self.lines.iter().map(|line| &line.price).chain(self.costs.values())
    }
}

/// All tariffs of one platform: at any moment one holds, for everybody.
#[derive(Debug, Clone, Default)]
pub struct Tariffs(Vec<(Hash, Tariff)>);

impl Tariffs {
    /// No tariff.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes a tariff in after [`Tariff::verify`]; the same one again changes nothing.
    ///
    /// # Errors
    /// Those of [`Tariff::verify`]; `tariff.overlap` if another one holds at the same time, or is of another platform: two price
    /// lists are two treatments.
    pub fn add(&mut self, signed: &Signed<Tariff>, authorities: &[PartyName], rules: FeeRules, keys: &KeyRing) -> Checked<Hash> {
        let hash = Tariff::verify(signed, authorities, rules, keys)?;
        let tariff = &signed.payload;
        if self.0.iter().any(|(known, _)| *known == hash) {
            return Ok(hash);
        }
        let clashes = |known: &Tariff| {
            known.platform != tariff.platform || (known.not_before < tariff.not_after && tariff.not_before < known.not_after)
        };
        if let Some((_, known)) = self.0.iter().find(|(_, known)| clashes(known)) {
            let what = (
                format!("another tariff of `{}` holds from {} to {}", known.platform, known.not_before, known.not_after),
                format!("`{}` 另有价目适用于 {} 至 {}", known.platform, known.not_before, known.not_after),
            );
            return refuse("tariff.overlap", &tariff.platform, what, ("let one end where the next begins", "新旧价目首尾相接"));
        }
        self.0.push((hash, tariff.clone()));
        Ok(hash)
    }

    /// The tariff of this hash.
    #[must_use]
    pub fn get(&self, hash: &Hash) -> Option<&Tariff> {
        self.0.iter().find(|(known, _)| known == hash).map(|(_, tariff)| tariff)
    }

    /// The tariff of a moment.
    #[must_use]
    pub fn at(&self, at: Time) -> Option<(Hash, &Tariff)> {
        self.0.iter().find(|(_, tariff)| tariff.holds(at)).map(|(hash, tariff)| (*hash, tariff))
    }
}

/// The authority says to which class a customer belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// Format version, 1.
    pub v: u32,
    /// Who says so and signs.
    pub authority: PartyName,
    /// The organisation.
    pub tenant: String,
    /// Its class.
    pub class: Class,
    /// From when on.
    pub from: Time,
}

impl SignedType for Enrolment {
    const TYPE: &'static str = "enrolment-v1";
}

/// The classes of all customers. Who is not enrolled is on the market.
#[derive(Debug, Clone, Default)]
pub struct Classes(BTreeMap<String, BTreeMap<Time, Class>>);

impl Classes {
    /// Everybody is on the market.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes an enrolment in.
    ///
    /// # Errors
    /// `enrolment.signature`, `enrolment.authority`, `enrolment.conflict` for two classes from one moment on.
    pub fn add(&mut self, signed: &Signed<Enrolment>, authorities: &[PartyName], keys: &KeyRing) -> Checked<()> {
        let authority = &signed.payload.authority;
        let enrolment = signed.verify(keys, &[authority.as_str()]).map_err(|error| broken("enrolment.signature", authority, &error))?;
        if enrolment.v != 1 || !authorities.contains(authority) || enrolment.tenant.trim().is_empty() {
            let what =
                (format!("`{authority}` is no authority, or the form is another"), format!("`{authority}` 不是主管部门，或格式不符"));
            return refuse("enrolment.authority", authority, what, ("have the authority enrol the customer", "由主管部门认定类别"));
        }
        let known = self.0.entry(enrolment.tenant.clone()).or_default();
        if *known.entry(enrolment.from).or_insert(enrolment.class) != enrolment.class {
            let what = ("the customer has another class from the same moment on", "该用户自同一时刻起另有类别");
            return refuse("enrolment.conflict", authority, what, ("enrol it from a later moment on", "自其后时刻起变更"));
        }
        Ok(())
    }

    /// The class of a customer at a moment.
    #[must_use]
    pub fn of(&self, tenant: &str, at: Time) -> Class {
        let last = self.0.get(tenant).and_then(|known| known.range(..=at).next_back());
        last.map_or(Class::Market, |(_, class)| *class)
    }
}
