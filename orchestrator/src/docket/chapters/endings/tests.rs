use super::super::super::rig::{Court, hash, party};
use super::*;
use yu_governance::asset::AssetKind;
use yu_governance::contract as terms;
use yu_governance::ending::{EndedAsset, root_of};
use yu_governance::id::ColumnSet;
use yu_governance::text::Text;

/// A contract of health and bank under one authorisation.
pub(crate) fn contract() -> Contract {
    let person = |org: &str, roles: &[terms::Role]| terms::Party {
        name: party(org),
        roles: roles.to_vec(),
        zone: terms::Zone::Inside,
        controller: org.into(),
    };
    let side = |org: &str| terms::SideTerms { party: party(org), columns: vec!["amount".into()], exponents: Vec::new() };
    let input = |org: &str| terms::Input {
        party: party(org),
        dataset: format!("dev/{org}/rows").parse().unwrap(),
        version: hash(org),
        columns: ColumnSet::new(["id", "amount"]).unwrap(),
        key: terms::KeyTerms { columns: vec!["id".into()], normalisation: vec!["trim".into()] },
        consent: terms::ConsentTerms::Filter { subject_column: "id".into(), commitment: hash("consents") },
        rows: 1000,
    };
    Contract {
        v: 1,
        title: Text::new("joint statistics", "联合统计"),
        environment: yu_governance::id::Environment::Dev,
        technique: terms::Technique::Mpc,
        parties: vec![person("health", &[terms::Role::Input]), person("bank", &[terms::Role::Input, terms::Role::Result])],
        authorisation: terms::AuthorisationRef { id: "dev/authority/a1".parse().unwrap(), hash: hash("agreement"), agreement: None },
        approvals: Vec::new(),
        scenario: "credit".parse().unwrap(),
        purpose: "joint-statistics".parse().unwrap(),
        inputs: vec![input("health"), input("bank")],
        protocol: terms::ProtocolTerms::Joint(terms::JointTerms {
            psi: terms::PsiTerms { kind: terms::PsiKind::EcdhRistretto255, tag_rule: "40 bits".into() },
            statistics: terms::StatisticsTerms {
                left: side("health"),
                right: side("bank"),
                helper: party("platform"),
                deviation: terms::Deviation::Sample,
                fixed_point: terms::FixedPoint { value_bits: 20, unit_bits: 30 },
            },
            steps: Vec::new(),
            enclave: None,
        }),
        security: terms::SecurityModel {
            adversary: terms::Adversary::SemiHonest,
            corruptions: 1,
            computational_bits: 128,
            statistical_bits: 40,
            assumptions: Text::new("none collude", "互不合谋"),
        },
        reveal_match: terms::RevealMatch::Both,
        leakage: Vec::new(),
        cost: terms::CostStatement { formula: Vec::new(), rounds: "8".into(), min_bytes: 1, max_bytes: 2, min_rounds: 8, max_rounds: 8 },
        limits: terms::Limits { min_rows: 100, max_ratio: 100, runs_per_day: 4, min_cell: 5 },
        outputs: vec![terms::OutputTerms {
            name: "statistics".into(),
            kind: "report".into(),
            layout: hash("layout"),
            digits: 6,
            own_correlations: terms::OwnCorrelations::Withheld,
        }],
        receivers: Vec::new(),
        reviewer: terms::Recipient { party: party("authority"), seal: terms::SealTo::from_bytes([2; 32]) },
        crypto: terms::CryptoTerms::intl(),
        engines: Vec::new(),
        created: super::super::super::rig::time("2026-06-01T00:00:00Z"),
        expires: super::super::super::rig::time("2026-06-02T00:00:00Z"),
        nonce: "ab".repeat(32),
    }
}

fn code(result: Result<Hash>) -> String {
    result.unwrap_err().detail.split(':').next().unwrap().to_owned()
}

fn plan() -> DisposalPlan {
    DisposalPlan { agreement: hash("agreement"), ..toml::from_str(DisposalPlan::EXAMPLE).unwrap() }
}

fn package() -> SealedPackage {
    toml::from_str(SealedPackage::EXAMPLE).unwrap()
}

fn certificate(court: &Court, assets: Vec<EndedAsset>) -> EndingCertificate {
    let plan = court.book.endings.plans.values().next().map(|(_, hash)| *hash);
    let example: EndingCertificate = toml::from_str(EndingCertificate::EXAMPLE).unwrap();
    EndingCertificate { plan, root: root_of(&assets).unwrap(), assets, ..example }
}

fn asset(id: &str, kind: AssetKind, action: Action, evidence: Hash) -> EndedAsset {
    EndedAsset { id: id.into(), kind, content: None, action, evidence }
}

#[test]
fn l1_the_certificate_of_an_end_is_signed_by_holder_and_regulator_once() {
    let mut court = Court::new("zhejiang");
    let good = certificate(&court, vec![asset("model-1", AssetKind::Model, Action::Destroy, hash("one"))]);
    for by in [&["bank"][..], &["watch"], &["bank", "authority"]] {
        assert_eq!(court.file(good.clone(), by).unwrap_err().code, crate::fault::Code::Signature);
    }
    let mut contract = contract();
    assert!(objections(&court.book, &contract, &court.law, court.at).is_empty());
    court.file(good.clone(), &["bank", "watch"]).unwrap();
    assert!(court.book.endings.is_complete(&good.authorisation, &good.holder));
    assert_eq!(objections(&court.book, &contract, &court.law, court.at)[0].code, "ending.ended");
    contract.authorisation.id = "dev/authority/a2".parse().unwrap();
    assert!(objections(&court.book, &contract, &court.law, court.at).is_empty());
    // the same part with another text, and a second part of a whole of one
    let other = certificate(&court, Vec::new());
    assert_eq!(code(court.file(other.clone(), &["bank", "watch"])), "ending.twice");
    assert_eq!(code(court.file(EndingCertificate { part: [2, 2], ..other.clone() }, &["bank", "watch"])), "ending.twice");
    // assets that are left out of the root; an end that is to come
    let cut = EndingCertificate { assets: Vec::new(), holder: party("platform"), ..good.clone() };
    assert_eq!(code(court.file(cut, &["platform", "watch"])), "ending.root");
    let early = EndingCertificate { ended: court.at.plus_days(1), at: court.at.plus_days(1), holder: party("platform"), ..other };
    assert_eq!(code(court.file(early, &["platform", "watch"])), "ending.early");
    // the regulator's own is countersigned by the authority
    let own = EndingCertificate { holder: party("watch"), ..good };
    court.file(own, &["watch", "authority"]).unwrap();
}

#[test]
fn l6_the_plan_is_part_of_the_agreement_and_binds_jobs_and_the_end() {
    let mut court = Court::new("zhejiang");
    let mut contract = contract();
    assert_eq!(court.file(plan(), &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
    let own = DisposalPlan { sides: [party("bank"), party("authority")], ..plan() };
    assert_eq!(code(court.file(own, &["bank", "authority"])), "disposal.sides");
    let mut keeps = plan();
    keeps.actions.insert(AssetKind::Rows, Action::Keep);
    assert_eq!(code(court.file(keeps, &["authority", "bank"])), "disposal.rows");
    let mut silent = plan();
    silent.actions.remove(&AssetKind::Model);
    assert_eq!(code(court.file(silent, &["authority", "bank"])), "disposal.kind");
    court.file(plan(), &["authority", "bank"]).unwrap();
    let codes = |contract: &Contract, court: &Court| -> Vec<String> {
        objections(&court.book, contract, &court.law, court.at).into_iter().map(|finding| finding.code).collect()
    };
    assert!(codes(&contract, &court).is_empty());
    contract.authorisation.hash = hash("another agreement");
    assert_eq!(codes(&contract, &court), ["disposal.other-agreement"]);
    contract.authorisation.id = "dev/authority/a2".parse().unwrap();
    assert_eq!(codes(&contract, &court), ["disposal.missing"]);
    let keeps = certificate(&court, vec![asset("model-1", AssetKind::Model, Action::Keep, hash("one"))]);
    assert_eq!(code(court.file(keeps, &["bank", "watch"])), "ending.action");
    let all = vec![
        asset("model-1", AssetKind::Model, Action::Destroy, hash("one")),
        asset("result-1", AssetKind::Result, Action::Keep, hash("two")),
    ];
    let good = certificate(&court, all);
    assert_eq!(code(court.file(EndingCertificate { plan: None, ..good.clone() }, &["bank", "watch"])), "ending.plan");
    court.file(good, &["bank", "watch"]).unwrap();
    assert_eq!(code(court.file(DisposalPlan { within_days: 90, ..plan() }, &["authority", "bank"])), "disposal.ended");
    assert!(tell(&court.book, &court.law, court.at)[0].0.contains("within 30 days"));
}

#[test]
fn l5_what_is_sealed_is_filed_by_three_and_opened_by_two() {
    let mut court = Court::new("zhejiang");
    let sealed = package();
    let own = SealedPackage { regulator: party("bank"), ..sealed.clone() };
    assert_eq!(code(court.file(own, &["bank", "authority"])), "sealed.keepers");
    assert_eq!(court.file(sealed.clone(), &["bank", "authority"]).unwrap_err().code, crate::fault::Code::Signature);
    let unsealing: Unsealing = toml::from_str(Unsealing::EXAMPLE).unwrap();
    assert_eq!(code(court.file(unsealing.clone(), &["authority", "watch"])), "sealed.unknown");
    // a certificate cannot rest on what is not filed, or on somebody else's package
    let evidence = crate::node::payload_hash(&sealed).unwrap();
    let with = |court: &Court, holder: &str| EndingCertificate {
        is_held: true,
        holder: party(holder),
        ..certificate(court, vec![asset("model-1", AssetKind::Model, Action::Seal, evidence)])
    };
    assert_eq!(code(court.file(with(&court, "bank"), &["bank", "watch"])), "ending.not-sealed");
    court.file(sealed.clone(), &["bank", "authority", "watch"]).unwrap();
    assert_eq!(code(court.file(SealedPackage { objects: 9, ..sealed }, &["bank", "authority", "watch"])), "sealed.twice");
    assert_eq!(code(court.file(with(&court, "platform"), &["platform", "watch"])), "ending.not-sealed");
    court.file(with(&court, "bank"), &["bank", "watch"]).unwrap();
    // a matter that is open destroys nothing
    let destroys = EndingCertificate {
        is_held: true,
        holder: party("platform"),
        ..certificate(&court, vec![asset("model-1", AssetKind::Model, Action::Destroy, hash("x"))])
    };
    assert_eq!(code(court.file(destroys, &["platform", "watch"])), "ending.action");
    for by in [&["authority"][..], &["watch"], &["bank", "authority"]] {
        assert_eq!(court.file(unsealing.clone(), by).unwrap_err().code, crate::fault::Code::Signature);
    }
    court.file(unsealing.clone(), &["authority", "watch"]).unwrap();
    assert!(court.book.endings.unsealed.contains_key(&unsealing.file));
}
