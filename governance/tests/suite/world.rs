//! A small complete world: two providers, a helper, an authority, and one job of theirs that may run.

use yu_governance::authorisation::{Authorisation, ContingencyPlan, Grant, OutsideDecision, Withdrawal};
use yu_governance::canonical::{Hash, digest};
use yu_governance::catalogue::{CatalogueEntry, Class, Column, Kind, Origin, Subjects};
use yu_governance::clock::Time;
use yu_governance::contract::*;
use yu_governance::id::*;
use yu_governance::policy::{Dossier, Floors, PolicyInput, PolicySet, check};
use yu_governance::request::{Approval, AskedColumn, ColumnDecision, DataRequest, Verdict};
use yu_governance::sign::{KeyRing, Signed, SignedType, SigningKey};
use yu_governance::text::Text;

pub(crate) const HEALTH: &str = "yu://dev/health/node1";
pub(crate) const BANK: &str = "yu://dev/bank/node1";
pub(crate) const PLATFORM: &str = "yu://dev/platform/node1";
pub(crate) const AUTHORITY: &str = "yu://dev/authority/node1";
/// Has a key in the ring and no part in the job.
pub(crate) const STRANGER: &str = "yu://dev/stranger/node1";

/// A code that is expected, and the change that brings it about.
pub(crate) type Spoil<T> = (&'static str, fn(&mut T));

pub(crate) fn party(name: &str) -> PartyName {
    PartyName::new(name).unwrap()
}

pub(crate) fn at(text: &str) -> Time {
    text.parse().unwrap()
}

pub(crate) fn set(names: &[&str]) -> ColumnSet {
    ColumnSet::new(names.iter().copied()).unwrap()
}

pub(crate) fn hash(text: &str) -> Hash {
    digest("yu-test-v1", text.as_bytes())
}

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(hash(name).as_bytes())
}

pub(crate) fn ring() -> KeyRing {
    let mut ring = KeyRing::new();
    for name in [HEALTH, BANK, PLATFORM, AUTHORITY, STRANGER] {
        ring.insert(name, key(name).public()).unwrap();
    }
    ring
}

pub(crate) fn sign<T: SignedType>(payload: T, signer: &str) -> Signed<T> {
    Signed::sign(payload, signer, &key(signer)).unwrap()
}

/// Everything a decision looks at, open to change before it is signed.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) me: PartyName,
    pub(crate) environment: Environment,
    pub(crate) authorities: Vec<PartyName>,
    pub(crate) now: Time,
    pub(crate) runs_today: u64,
    pub(crate) floors: Floors,
    pub(crate) keys: KeyRing,
    pub(crate) authorisation: Authorisation,
    /// Health, then bank; the same order everywhere.
    pub(crate) entries: [CatalogueEntry; 2],
    pub(crate) requests: [DataRequest; 2],
    pub(crate) approvals: [Approval; 2],
    pub(crate) outside: Vec<OutsideDecision>,
    pub(crate) withdrawals: Vec<Signed<Withdrawal>>,
    pub(crate) contract: Contract,
    /// Which documents are withheld, by name.
    pub(crate) absent: Vec<&'static str>,
    /// Documents signed by the wrong party, by name.
    pub(crate) forged: Vec<&'static str>,
}

impl World {
    pub(crate) fn new() -> Self {
        let authorisation = authorisation();
        let entries = [entry(0), entry(1)];
        let requests = [request(0), request(1)];
        let approvals = [approval(&requests[0], HEALTH), approval(&requests[1], AUTHORITY)];
        let mut world = Self {
            me: party(HEALTH),
            environment: Environment::Dev,
            authorities: vec![party(AUTHORITY)],
            now: at("2026-06-01T08:00:00Z"),
            runs_today: 0,
            floors: Floors::DEFAULT,
            keys: ring(),
            authorisation,
            entries,
            requests,
            approvals,
            outside: Vec::new(),
            withdrawals: Vec::new(),
            contract: contract(),
            absent: Vec::new(),
            forged: Vec::new(),
        };
        world.link();
        world
    }

    /// Lets the documents cite each other as they are now.
    pub(crate) fn link(&mut self) {
        let authorisation_hash = document_hash(&self.authorisation).unwrap();
        self.contract.authorisation = AuthorisationRef { id: self.authorisation.id.clone(), hash: authorisation_hash, agreement: None };
        self.contract.approvals.clear();
        for (request, approval) in self.requests.iter_mut().zip(&mut self.approvals) {
            request.authorisation_hash = authorisation_hash;
            approval.request_hash = document_hash(request).unwrap();
            let hash = document_hash(approval).unwrap();
            self.contract.approvals.push(ApprovalRef { request: approval.request.clone(), hash });
        }
        self.contract.leakage = leakage::required(&self.contract);
    }

    pub(crate) fn dossier(&self) -> Dossier {
        let there = |name| !self.absent.contains(&name);
        let signer = |name, right: &PartyName| {
            if self.forged.contains(&name) { STRANGER.to_owned() } else { right.to_string() }
        };
        let both = |name: &'static str| (0..2).filter(move |_| !self.absent.contains(&name));
        Dossier {
            authorisation: there("authorisation")
                .then(|| sign(self.authorisation.clone(), &signer("authorisation", &self.authorisation.authority))),
            requests: both("requests").map(|i| sign(self.requests[i].clone(), &signer("requests", &self.requests[i].requester))).collect(),
            approvals: both("approvals")
                .map(|i| sign(self.approvals[i].clone(), &signer("approvals", &self.approvals[i].approver)))
                .collect(),
            catalogue: both("catalogue").map(|i| sign(self.entries[i].clone(), &signer("catalogue", &self.entries[i].provider))).collect(),
            outside: self.outside.iter().map(|d| sign(d.clone(), &signer("outside", &party(AUTHORITY)))).collect(),
            withdrawals: self.withdrawals.clone(),
        }
    }

    pub(crate) fn input<'a>(&'a self, dossier: &'a Dossier) -> PolicyInput<'a> {
        PolicyInput {
            me: &self.me,
            environment: self.environment,
            contract: &self.contract,
            dossier,
            authorities: &self.authorities,
            keys: &self.keys,
            now: self.now,
            runs_today: self.runs_today,
            floors: self.floors,
        }
    }

    /// Codes of all findings under a policy, sorted, each once.
    pub(crate) fn codes_under(&self, policy: &PolicySet) -> Vec<String> {
        let dossier = self.dossier();
        let mut codes: Vec<String> = check(&self.input(&dossier), policy).into_iter().map(|f| f.code).collect();
        codes.sort();
        codes.dedup();
        codes
    }

    pub(crate) fn codes(&self) -> Vec<String> {
        self.codes_under(&PolicySet::default_policy().unwrap())
    }

    /// The contract, signed by all its parties.
    pub(crate) fn signed(&self) -> Signed<Contract> {
        let mut signed = Signed::unsigned(self.contract.clone());
        for p in &self.contract.parties {
            signed.add_signature(p.name.as_str(), &key(p.name.as_str())).unwrap();
        }
        signed
    }

    pub(crate) fn admitted(&self) -> Admitted {
        Admitted::new(self.signed(), &self.keys).unwrap()
    }
}

fn authorisation() -> Authorisation {
    Authorisation {
        v: 1,
        id: AuthorisationId::new("dev/authority/2026-1").unwrap(),
        environment: Environment::Dev,
        authority: party(AUTHORITY),
        licensee: "bank".into(),
        scenario: Scenario::new("普惠信贷").unwrap(),
        purpose: Purpose::new("joint-statistics").unwrap(),
        datasets: vec![
            Grant { dataset: dataset(0), columns: set(&["id", "cost", "visits", "chronic"]), quota: None },
            Grant { dataset: dataset(1), columns: set(&["id", "income", "loans"]), quota: None },
        ],
        contingency_plan: Some(ContingencyPlan {
            owner: "bank".into(),
            scope: "leak, loss or misuse".into(),
            contacts: vec!["duty officer".into()],
            steps: vec!["halt all jobs".into(), "report to the authority".into()],
            drill_interval_days: 180,
        }),
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at("2028-01-01T00:00:00Z"),
    }
}

/// Lets the only step read all columns of both sides.
pub(crate) fn ask_all(contract: &mut Contract) {
    let s = &contract.joint_mut().unwrap().statistics;
    let of = |side, terms: &SideTerms| terms.columns.iter().map(|c| ColumnRef { side, column: c.clone() }).collect::<Vec<_>>();
    let all = [of(Side::Left, &s.left), of(Side::Right, &s.right)].concat();
    if let [StepTerms::Stats { columns, .. }] = contract.joint_mut().unwrap().steps.as_mut_slice() {
        *columns = all;
    }
}

pub(crate) fn dataset(i: usize) -> DatasetId {
    DatasetId::new(["dev/health/insured", "dev/bank/customers"][i]).unwrap()
}

fn entry(i: usize) -> CatalogueEntry {
    let column = |name: &str, kind: Kind| Column { name: name.into(), kind, class: Class::Personal, grade: 2, unit: None };
    let categories = vec!["yes".into(), "no".into()];
    let items = if i == 0 {
        vec![
            column("id", Kind::Key),
            column("cost", Kind::Numeric),
            column("visits", Kind::Numeric),
            column("chronic", Kind::Categorical { categories }),
            column("address", Kind::Text),
        ]
    } else {
        vec![column("id", Kind::Key), column("income", Kind::Numeric), column("loans", Kind::Numeric)]
    };
    CatalogueEntry {
        v: 1,
        dataset: dataset(i),
        name: ["就医汇总", "客户汇总"][i].into(),
        provider: party([HEALTH, BANK][i]),
        summary: "simulated".into(),
        items,
        update_frequency: "monthly".into(),
        version: hash(["health file", "bank file"][i]),
        rows: 2_000,
        subjects: Subjects::Persons,
        subject_column: Some("id".into()),
        origin: if i == 0 {
            Origin::Public
        } else {
            Origin::Imported { source: "own customers".into(), licence: "contract of account".into() }
        },
        prohibited: false,
    }
}

fn request(i: usize) -> DataRequest {
    let columns: &[&str] = if i == 0 { &["id", "cost", "visits", "chronic"] } else { &["id", "income", "loans"] };
    DataRequest {
        v: 1,
        id: RequestId::new(["dev/bank/r1", "dev/bank/r2"][i]).unwrap(),
        authorisation: AuthorisationId::new("dev/authority/2026-1").unwrap(),
        authorisation_hash: hash("to be linked"),
        requester: party(BANK),
        dataset: dataset(i),
        columns: columns.iter().map(|c| AskedColumn { column: (*c).into(), reason: "needed".into() }).collect(),
        scenario: Scenario::new("普惠信贷").unwrap(),
        purpose: Purpose::new("joint-statistics").unwrap(),
        at: at("2026-02-01T00:00:00Z"),
    }
}

fn approval(request: &DataRequest, approver: &str) -> Approval {
    Approval {
        v: 1,
        request: request.id.clone(),
        request_hash: hash("to be linked"),
        authorisation: request.authorisation.clone(),
        dataset: request.dataset.clone(),
        approver: party(approver),
        columns: request
            .columns
            .iter()
            .map(|c| ColumnDecision { column: c.column.clone(), verdict: Verdict::Granted, reason: None })
            .collect(),
        scenario: request.scenario.clone(),
        purpose: request.purpose.clone(),
        at: at("2026-03-01T00:00:00Z"),
        not_after: at("2027-03-01T00:00:00Z"),
    }
}

fn input(i: usize, columns: &[&str]) -> Input {
    Input {
        party: party([HEALTH, BANK][i]),
        dataset: dataset(i),
        version: hash(["health file", "bank file"][i]),
        columns: set(columns),
        key: KeyTerms { columns: vec!["id".into()], normalisation: vec!["trim".into(), "resident-id".into()] },
        consent: ConsentTerms::Filter { subject_column: "id".into(), commitment: hash("consents") },
        rows: 1_000,
    }
}

fn contract() -> Contract {
    let person = |name: &str, roles: &[Role], controller: &str| Party {
        name: party(name),
        roles: roles.to_vec(),
        zone: Zone::Inside,
        controller: controller.into(),
    };
    let side = |name: &str, columns: &[&str]| SideTerms {
        party: party(name),
        columns: columns.iter().map(|c| (*c).into()).collect(),
        exponents: Vec::new(),
    };
    Contract {
        v: 1,
        title: Text::new("joint statistics", "联合统计"),
        environment: Environment::Dev,
        technique: Technique::Mpc,
        parties: vec![
            person(HEALTH, &[Role::Input, Role::Computing], "health bureau"),
            person(BANK, &[Role::Input, Role::Computing, Role::Result], "bank group"),
            person(PLATFORM, &[Role::Computing], "data company"),
            person(AUTHORITY, &[Role::Reviewer], "data bureau"),
        ],
        authorisation: AuthorisationRef {
            id: AuthorisationId::new("dev/authority/2026-1").unwrap(),
            hash: hash("to be linked"),
            agreement: None,
        },
        approvals: Vec::new(),
        scenario: Scenario::new("普惠信贷").unwrap(),
        purpose: Purpose::new("joint-statistics").unwrap(),
        inputs: vec![input(0, &["id", "cost", "visits", "chronic"]), input(1, &["id", "income", "loans"])],
        protocol: ProtocolTerms::Joint(JointTerms {
            psi: PsiTerms { kind: PsiKind::EcdhRistretto255, tag_rule: "40 + log2 n_r + log2 n_s bits, rounded up".into() },
            statistics: StatisticsTerms {
                left: side(HEALTH, &["cost", "visits"]),
                right: side(BANK, &["income", "loans"]),
                helper: party(PLATFORM),
                deviation: Deviation::Sample,
                fixed_point: FixedPoint { value_bits: 20, unit_bits: 30 },
            },
            steps: vec![StepTerms::Stats {
                columns: [(Side::Left, "cost"), (Side::Left, "visits"), (Side::Right, "income"), (Side::Right, "loans")]
                    .map(|(side, column)| ColumnRef { side, column: column.into() })
                    .to_vec(),
                group: Some(GroupingTerms { side: Side::Left, column: "chronic".into(), categories: vec!["yes".into(), "no".into()] }),
            }],
            enclave: None,
        }),
        security: SecurityModel {
            adversary: Adversary::SemiHonest,
            corruptions: 1,
            computational_bits: 128,
            statistical_bits: 40,
            assumptions: Text::new("no two computing parties collude", "任意两个计算方不合谋"),
        },
        reveal_match: RevealMatch::Both,
        leakage: Vec::new(),
        cost: CostStatement {
            formula: vec![StepCost { step: "psi.points".into(), from: HEALTH.into(), to: BANK.into(), bytes: "32 * n_left".into() }],
            rounds: "8".into(),
            min_bytes: 10,
            max_bytes: 20,
            min_rounds: 8,
            max_rounds: 8,
        },
        limits: Limits { min_rows: 100, max_ratio: 100, runs_per_day: 4, min_cell: 5 },
        outputs: vec![OutputTerms {
            name: "statistics".into(),
            kind: "report".into(),
            layout: hash("layout"),
            digits: 6,
            own_correlations: OwnCorrelations::Withheld,
        }],
        receivers: vec![Recipient { party: party(BANK), seal: SealTo::from_bytes([1; 32]) }],
        reviewer: Recipient { party: party(AUTHORITY), seal: SealTo::from_bytes([2; 32]) },
        crypto: CryptoTerms::intl(),
        engines: vec![Engine { name: "yu-mpc".into(), version: "0.1.0".into() }],
        created: at("2026-06-01T07:59:00Z"),
        expires: at("2026-06-02T08:00:00Z"),
        nonce: "ab".repeat(32),
    }
}
