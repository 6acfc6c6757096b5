//! Whether customers of one class are served alike (S8; ZW 3, 22): waiting times, and what was charged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counter::Unit;
use super::invoice::Invoice;
use super::tariff::Class;
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::Finding;

/// One request for service, from the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Served {
    /// Which organisation asked.
    pub tenant: String,
    /// Its class.
    pub class: Class,
    /// When it asked.
    pub asked: Time,
    /// When its turn came; absent while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Time>,
}

/// How one customer waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// Which organisation.
    pub tenant: String,
    /// Its class.
    pub class: Class,
    /// Requests.
    #[serde(with = "u64_string")]
    pub requests: u64,
    /// Of these, still waiting.
    #[serde(with = "u64_string")]
    pub waiting: u64,
    /// Median wait in seconds, the lower one of two.
    #[serde(with = "u64_string")]
    pub median: u64,
    /// Wait in seconds that nineteen of twenty do not exceed.
    #[serde(with = "u64_string")]
    pub most: u64,
}

/// When customers of one class are served so differently that somebody must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspicion {
    /// Fewest requests of a customer that say anything.
    pub least_requests: u64,
    /// A median of so many thousandths of the class's median, and more, is suspicious.
    pub permille: u64,
    /// Waits of so many seconds are short for everybody.
    pub short: u64,
}

impl Suspicion {
    /// No text has numbers: twice the class's median, from ten requests and a minute on.
    pub const DEFAULT: Self = Self { least_requests: 10, permille: 2000, short: 60 };
}

/// One line for each customer and class; who still waits has waited until `now`.
#[must_use]
pub fn queues(served: &[Served], now: Time) -> Vec<Queue> {
    let mut waits: BTreeMap<(Class, &str), (Vec<u64>, u64)> = BTreeMap::new();
    for one in served {
        let (known, waiting) = waits.entry((one.class, one.tenant.as_str())).or_default();
        known.push(wait(one, now));
        *waiting += u64::from(one.begun.is_none());
    }
    let line = |((class, tenant), (mut known, waiting)): ((Class, &str), (Vec<u64>, u64))| {
        known.sort_unstable();
        let (median, most) = (rank(&known, 500), rank(&known, 950));
        Queue { tenant: tenant.into(), class, requests: known.len() as u64, waiting, median, most }
    };
    waits.into_iter().map(line).collect()
}

/// Customers who wait much longer than the others of their class.
#[must_use]
pub fn unfair_waits(served: &[Served], now: Time, when: Suspicion) -> Vec<Finding> {
    let mut found = Vec::new();
    for queue in queues(served, now).iter().filter(|queue| queue.requests >= when.least_requests) {
        let others = served.iter().filter(|one| one.class == queue.class && one.tenant != queue.tenant);
        let mut waits: Vec<u64> = others.map(|one| wait(one, now)).collect();
        waits.sort_unstable();
        let usual = rank(&waits, 500).max(when.short);
        let is_long = u128::from(queue.median) * 1000 >= u128::from(usual) * u128::from(when.permille);
        if !waits.is_empty() && is_long && queue.median > when.short {
            let what = (
                format!("it waits {} s in the median, the others of class `{}` {} s", queue.median, queue.class, rank(&waits, 500)),
                format!("其等待时间中位数为 {} 秒，同类其他用户为 {} 秒", queue.median, rank(&waits, 500)),
            );
            let remedy = ("let the platform explain the order of the queue", "由平台说明排队顺序");
            found.push(Finding::new("fairness.wait", &queue.tenant, what, remedy));
        }
    }
    found
}

/// Amount, price, and who pays.
type Charge<'a> = (u64, u64, &'a str);

/// Customers of one class who paid two prices for one unit under one tariff. A line is a price times an amount, rounded down,
/// so two lines of one price differ from the same proportion by less than a micro-yuan each.
#[must_use]
pub fn unequal_charges(invoices: &[Invoice]) -> Vec<Finding> {
    let mut lines: BTreeMap<(Option<Hash>, Class, Unit), Vec<Charge<'_>>> = BTreeMap::new();
    for (invoice, line) in invoices.iter().flat_map(|invoice| invoice.lines.iter().map(move |line| (invoice, line))) {
        lines.entry((line.tariff, line.class, line.unit)).or_default().push((line.amount, line.micro, invoice.tenant.as_str()));
    }
    let mut found = Vec::new();
    for ((_, class, unit), mut known) in lines {
        known.sort_unstable();
        for pair in known.windows(2) {
            let &[(a, low, one), (b, high, other)] = pair else { continue };
            // p <= price * amount < p + 1 on both sides
            let beyond = |p: u64, of: u64, q: u64, times: u64| u128::from(p) * u128::from(times) >= (u128::from(q) + 1) * u128::from(of);
            if beyond(low, a, high, b) || beyond(high, b, low, a) {
                let what = (
                    format!("`{one}` pays {low} micro-yuan for {a} {unit}, `{other}` {high} for {b}, both of class `{class}`"),
                    format!("`{one}` {a} 单位付 {low} 微元，`{other}` {b} 单位付 {high} 微元，二者同类"),
                );
                found.push(Finding::new("fairness.charge", other, what, ("one price for all of a class (S8)", "同类用户同价")));
            }
        }
    }
    found
}

fn wait(one: &Served, now: Time) -> u64 {
    u64::try_from(one.begun.unwrap_or(now).unix().saturating_sub(one.asked.unix())).unwrap_or_default()
}

/// The value that `permille` thousandths of the sorted values do not exceed; zero of none.
fn rank(sorted: &[u64], permille: usize) -> u64 {
    let place = sorted.len().saturating_mul(permille).div_ceil(1000).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}
