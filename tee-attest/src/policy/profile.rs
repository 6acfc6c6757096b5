//! Named sets of rules: what to ask of a platform, whatever code runs on it.

use serde::{Deserialize, Serialize};

use super::{Rule, Test};
use crate::evidence::Kind;

/// A named set of rules about the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// The default. Genuine servers with every patch pass, also those of several packages (`dynamic platform`) and with
    /// hyper-threading; OutOfDate, debug, service domains, collateral older than 30 days do not.
    Standard,
    /// The same, and `SWHardeningNeeded` passes: on some processors that state never goes away, and the code inside is
    /// built with the defences that the advisories name. Who signs the policy says so.
    HardenedSoftware,
}

impl Profile {
    /// Its rules. A policy replaces one by a rule of the same name.
    pub(crate) fn rules(self) -> Vec<Rule> {
        let rule = |name: &str, claim: &str, test: Test| Rule {
            name: name.to_owned(),
            kinds: Vec::new(),
            claim: claim.to_owned(),
            test,
            may_be_absent: false,
        };
        let absent = |rule: Rule| Rule { may_be_absent: true, ..rule };
        let of = |rule: Rule, kinds: &[Kind]| Rule { kinds: kinds.to_vec(), ..rule };
        let statuses: Vec<String> = match self {
            Self::Standard => vec!["UpToDate".to_owned()],
            Self::HardenedSoftware => vec!["UpToDate".to_owned(), "SWHardeningNeeded".to_owned()],
        };
        let intel = [Kind::Sgx, Kind::Tdx];
        vec![
            rule("hardware", "evidence.hardware", Test::Is(true)),
            rule("no-debug", "evidence.debug", Test::Is(false)),
            rule("bound-to-session", "binding", Test::OneOf(vec!["session".to_owned()])),
            of(rule("tcb-status", "tcb.status", Test::OneOf(statuses.clone())), &intel),
            absent(of(rule("tcb-status-nested", "tcb.status", Test::OneOf(statuses)), &[Kind::Tpm])),
            of(rule("revocation-lists", "collateral.revocation", Test::Is(true)), &intel),
            of(rule("collateral-age", "collateral.age-days", Test::AtMost(30)), &intel),
            rule("bundle-age", "collateral.bundle-age-days", Test::AtMost(30)),
            of(rule("no-service-domain", "tdx.service-td", Test::Is(false)), &[Kind::Tdx]),
            of(rule("memory-faults-reported", "tdx.sept-ve-disable", Test::Is(true)), &[Kind::Tdx]),
            of(rule("highest-privilege", "snp.vmpl", Test::AtMost(0)), &[Kind::Snp]),
            // the host chooses these when it starts the guest, and they are in no measurement
            of(rule("no-migration", "snp.policy-migrate", Test::Is(false)), &[Kind::Snp]),
            of(rule("no-send", "csv.policy-no-send", Test::Is(true)), &[Kind::Csv]),
            of(rule("no-key-sharing", "csv.policy-no-key-sharing", Test::Is(true)), &[Kind::Csv]),
        ]
    }
}

/// Claims that say which code runs: a policy gives reference values for at least one of them.
#[must_use]
pub const fn measurement_claims(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Sgx => &["sgx.mr-enclave"],
        // registers are extended by what mr-td measures: without it they say nothing
        Kind::Tdx => &["tdx.mr-td"],
        Kind::Snp => &["snp.measurement"],
        Kind::Csv => &["csv.measurement"],
        Kind::Nitro => &["nitro.pcr0"],
        // on Azure the environment's own measurement is the paravisor's, not the guest's
        Kind::Tpm => &["tpm.pcr-4", "tpm.pcr-9", "tpm.pcr-11"],
        Kind::Cca => &["cca.realm-initial-measurement"],
        // a card says nothing about the program that uses it: no policy rests on it alone
        Kind::Nvidia => &[],
        #[cfg(feature = "danger-simulated-tee")]
        Kind::Simulated => &[],
    }
}
