//! From `job.toml` to the canonical contract: catalogue, authorisation and approvals are looked up, rows are asked for,
//! cost and leakage are derived; nothing is guessed.

mod derivative;
mod enclave;
mod finish;
mod split;
mod training;

use super::bundle::Bundle;
use super::file::{DerivativeFile, JobFile, SideFile, TrainingFile};
use super::{offer, plan};
use crate::control::{Ask, OfferAnswer};
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use crate::verbs::{environment, fetch_catalogue};
use std::collections::BTreeSet;
use yu_governance::authorisation::Authorisation;
use yu_governance::catalogue::{CatalogueEntry, Kind};
use yu_governance::contract::leakage;
use yu_governance::contract::{
    Adversary, ApprovalRef, ColumnRef, ConsentTerms, Contract, CostStatement, CryptoTerms, Deviation, FixedPoint, Input, JointTerms,
    KeyTerms, Leakage, Party, ProtocolTerms, PsiKind, PsiTerms, Recipient, Role, SealTo, SecurityModel, Side, SideTerms, StatisticsTerms,
    StepTerms, Technique, Zone,
};
use yu_governance::id::{ColumnSet, DatasetId, PartyName, document_hash};
use yu_governance::policy::Dossier;
use yu_governance::request::{Approval, DataRequest};
use yu_governance::sign::Signed;
use yu_governance::text::Text;

/// One side while it is compiled.
struct Side1<'a> {
    file: &'a SideFile,
    entry: Signed<CatalogueEntry>,
    columns: ColumnSet,
    request: Signed<DataRequest>,
    approval: Signed<Approval>,
    offer: OfferAnswer,
}

/// Compiles the text of a job file, whatever its technique.
///
/// # Errors
/// `input.bad` naming line and field; those of [`compile`].
pub fn text(node: &Node, text: &str) -> Result<Bundle> {
    if DerivativeFile::is_one(text) {
        return derivative::compile(node, &DerivativeFile::parse(text)?);
    }
    if TrainingFile::is_one(text) {
        return training::compile(node, &TrainingFile::parse(text)?);
    }
    compile(node, &JobFile::parse(text)?)
}

/// Compiles a job file against the catalogue and documents of this moment.
///
/// # Errors
/// `input.bad`, `not-found`, `column.missing`, `request.not-approved`, `authorisation.missing`, or why a peer could not
/// be asked.
pub fn compile(node: &Node, file: &JobFile) -> Result<Bundle> {
    let file = &split::filled(node, file)?;
    let (authorisation, purpose) = finish::grounds(node, &file.authorisation, file.purpose.as_deref())?;
    let enclave = file.enclave.as_ref().map(enclave::terms).transpose()?;
    let kind = match (&enclave, file.reveal_match.as_str()) {
        (Some(_), _) => PsiKind::EnclaveJoin,
        (None, "both") => PsiKind::EcdhRistretto255,
        (None, _) => PsiKind::SharedJoin80,
    };
    let left = side(node, &file.left, &authorisation, kind, &file.categorical(Side::Left)?)?;
    let right = side(node, &file.right, &authorisation, kind, &file.categorical(Side::Right)?)?;
    let steps = file.terms(&|column| categories(column, &left, &right))?;
    let malicious = match &enclave {
        // whoever operates hardware may do what it wants; who operates a simulator is believed
        Some(terms) => !terms.simulated,
        None => file.security == "malicious",
    };
    let statistics = StatisticsTerms {
        left: terms(&left)?,
        right: terms(&right)?,
        helper: file.helper.parse()?,
        deviation: Deviation::Sample,
        fixed_point: FixedPoint { value_bits: plan::VALUE_BITS, unit_bits: plan::UNIT_BITS },
    };
    let draft = finish::draft(node, file.expires_hours, &file.limits, authorisation.payload.not_after);
    let computing = [Role::Input, Role::Computing];
    let roles = [
        (&file.left.party, &computing[..]),
        (&file.right.party, &computing[..]),
        (&file.helper, &[Role::Computing]),
        (&file.reviewer, &[Role::Reviewer]),
        (&file.receiver, &[Role::Result]),
    ];
    let mut contract = Contract {
        v: 1,
        title: title(file, &steps),
        environment: environment(node)?,
        technique: match &enclave {
            Some(_) => Technique::Enclave,
            None if file.step.is_some() => Technique::Federated,
            None => Technique::Mpc,
        },
        parties: parties(node, &roles)?,
        authorisation: finish::cited(node, &authorisation.payload)?,
        approvals: [&left, &right]
            .into_iter()
            .map(|s| Ok(ApprovalRef { request: s.approval.payload.request.clone(), hash: document_hash(&s.approval.payload)? }))
            .collect::<Result<Vec<_>>>()?,
        scenario: authorisation.payload.scenario.clone(),
        purpose,
        inputs: vec![input(&left)?, input(&right)?],
        protocol: ProtocolTerms::Joint(JointTerms {
            psi: PsiTerms { kind, tag_rule: tag_rule(kind).into() },
            statistics,
            steps,
            enclave: enclave.clone(),
        }),
        security: SecurityModel {
            adversary: if malicious { Adversary::Malicious } else { Adversary::SemiHonest },
            corruptions: 1,
            computational_bits: 128,
            statistical_bits: 40,
            assumptions: match &enclave {
                Some(terms) => enclave::assumptions(terms),
                None if malicious => assumptions_malicious(),
                None => assumptions(kind),
            },
        },
        reveal_match: kind.reveals(),
        leakage: Vec::<Leakage>::new(),
        cost: CostStatement { formula: Vec::new(), rounds: String::new(), min_bytes: 0, max_bytes: 0, min_rounds: 0, max_rounds: 0 },
        limits: draft.limits,
        outputs: Vec::new(),
        receivers: vec![recipient(node, &file.receiver)?],
        reviewer: recipient(node, &file.reviewer)?,
        crypto: CryptoTerms::of(crate::suite::current()),
        engines: finish::engines(match &enclave {
            Some(_) => &["yu-tee-attest", "yu-wire", "yu"],
            None if file.step.is_some() => &["yu-fedlearn", "yu-mpc", "yu-wire", "yu"],
            None => &["yu-mpc", "yu-wire", "yu"],
        }),
        created: draft.created,
        expires: draft.expires,
        nonce: draft.nonce,
    };
    contract.cost = plan::cost(&contract)?;
    contract.outputs = plan::outputs(&contract, file.digits, file.own_correlations)?;
    contract.leakage = leakage::required(&contract);
    let dossier = Dossier {
        authorisation: Some(authorisation),
        requests: vec![left.request, right.request],
        approvals: vec![left.approval, right.approval],
        catalogue: vec![left.entry, right.entry],
        outside: Vec::new(),
        withdrawals: Vec::new(),
    };
    Ok(Bundle { contract: Signed::unsigned(contract), dossier })
}

const fn tag_rule(kind: PsiKind) -> &'static str {
    match kind {
        PsiKind::EcdhRistretto255 => "40 + log2 n_left + log2 n_right bits, rounded up to bytes",
        PsiKind::SharedJoin80 | PsiKind::EnclaveJoin => "80 bits",
    }
}

fn assumptions(kind: PsiKind) -> Text {
    match kind {
        PsiKind::EcdhRistretto255 => Text::new(
            "at most one of the three computing parties is corrupted and follows the protocol; decisional Diffie-Hellman on Ristretto255 with hashing as a random oracle; AES-128 as a pseudorandom function",
            "三个计算方中至多一方被攻陷且遵守协议；Ristretto255 上的判定性 Diffie-Hellman 假设及随机谕言机；AES-128 为伪随机函数",
        ),
        PsiKind::SharedJoin80 | PsiKind::EnclaveJoin => Text::new(
            "at most one of the three computing parties is corrupted and follows the protocol; AES-128 as a pseudorandom function; keyed SHA-256 does not collide",
            "三个计算方中至多一方被攻陷且遵守协议；AES-128 为伪随机函数；带密钥的 SHA-256 不发生碰撞",
        ),
    }
}

fn assumptions_malicious() -> Text {
    Text::new(
        "at most one of the three computing parties is corrupted and may deviate in any way: the others then end with an error, or the result is right for the inputs that were given (security with abort); AES-128 as a pseudorandom function; keyed SHA-256 does not collide",
        "三个计算方中至多一方被攻陷，可任意偏离协议：此时其他方报错终止，或结果对所给输入正确（可中止的安全性）；AES-128 为伪随机函数；带密钥的 SHA-256 不发生碰撞",
    )
}

fn title(file: &JobFile, steps: &[StepTerms]) -> Text {
    let (left, right) = (&file.left.dataset, &file.right.dataset);
    if matches!(steps, [StepTerms::Stats { .. }]) {
        return Text::new(format!("joint statistics over {left} and {right}"), format!("{left} 与 {right} 的联合统计"));
    }
    let kinds: Vec<&str> = steps.iter().map(StepTerms::kind).collect();
    Text::new(format!("{} over {left} and {right}", kinds.join(", ")), format!("{left} 与 {right} 的联合分析：{}", kinds.join("、")))
}

fn side<'a>(node: &Node, file: &'a SideFile, authorisation: &Signed<Authorisation>, kind: PsiKind, groups: &[String]) -> Result<Side1<'a>> {
    let dataset: DatasetId = file.dataset.parse()?;
    let entry = fetch_catalogue(node, &file.party)?
        .into_iter()
        .find(|e| e.payload.dataset == dataset)
        .ok_or_else(|| Fault::new(Code::NotFound, format!("data set `{dataset}`")).party(file.party.clone()))?;
    for name in file.key.iter().chain(&file.columns).chain(groups) {
        if entry.payload.column(name).is_none() {
            let near: Vec<&str> = entry.payload.items.iter().map(|c| c.name.as_str()).collect();
            return Err(
                Fault::new(Code::ColumnMissing, format!("`{name}` in {dataset}; it has {}", near.join(", "))).party(file.party.clone())
            );
        }
    }
    let approvals: Vec<Signed<Approval>> = node.all_signed("approval")?;
    let approval = approvals
        .into_iter()
        .rev()
        .find(|a| a.payload.dataset == dataset && a.payload.authorisation == authorisation.payload.id)
        .ok_or_else(|| {
            Fault::new(Code::NotApproved, format!("no approval for {dataset} under {}", authorisation.payload.id)).party(file.party.clone())
        })?;
    let request: Signed<DataRequest> = node.signed("request", approval.payload.request.as_str())?;
    // only a join on shares scales the columns
    let measured: &[String] = if kind == PsiKind::SharedJoin80 { &file.columns } else { &[] };
    let columns = columns(file, &entry.payload, groups)?;
    if let Some(beyond) = columns.beyond(&approval.payload.granted()).first() {
        let what = format!("columns.beyond-approval: column `{beyond}` of `{dataset}` is beyond the approved request");
        return Err(Fault::new(Code::ColumnBeyond, what).party(file.party.clone()));
    }
    let wanted = offer::Wanted { key: &file.key, steps: &file.normalise, columns: &columns, measured };
    let offer = if file.party == node.name() {
        offer::of(node, node.name(), &dataset, &authorisation.payload, &approval.payload, &wanted)?
    } else {
        let ask = Ask::Offer {
            authorisation: authorisation.payload.id.to_string(),
            request: approval.payload.request.to_string(),
            key: file.key.clone(),
            normalisation: file.normalise.clone(),
            columns: columns.clone(),
            measured: measured.to_vec(),
        };
        serde_json::from_value(node.ask(&file.party, &ask)?)
            .map_err(|_| Fault::new(Code::PeerProtocol, "offer").party(file.party.clone()))?
    };
    Ok(Side1 { file, entry, columns, request, approval, offer })
}

fn terms(side: &Side1<'_>) -> Result<SideTerms> {
    Ok(SideTerms { party: side.file.party.parse()?, columns: side.file.columns.clone(), exponents: side.offer.exponents.clone() })
}

/// All labels of a categorical column, from the catalogue.
fn categories(column: &ColumnRef, left: &Side1<'_>, right: &Side1<'_>) -> Result<Vec<String>> {
    let of = if column.side == Side::Left { left } else { right };
    match of.entry.payload.column(&column.column).map(|c| &c.kind) {
        Some(Kind::Categorical { categories }) => Ok(categories.clone()),
        Some(_) => Err(Fault::new(Code::Input, format!("`{}` is not categorical in the catalogue", column.column))),
        None => {
            let near: Vec<&str> = of.entry.payload.items.iter().map(|c| c.name.as_str()).collect();
            let what = format!("`{}` in {}; it has {}", column.column, of.file.dataset, near.join(", "));
            Err(Fault::new(Code::ColumnMissing, what).party(of.file.party.clone()))
        }
    }
}

/// Every column of a side that the job reads: keys, numbers, the columns that group, and whom a row is about.
fn columns(file: &SideFile, entry: &CatalogueEntry, groups: &[String]) -> Result<ColumnSet> {
    let names: BTreeSet<&str> =
        file.key.iter().chain(&file.columns).chain(&entry.subject_column).chain(groups).map(String::as_str).collect();
    Ok(ColumnSet::new(names)?)
}

fn input(side: &Side1<'_>) -> Result<Input> {
    let consent = match (&side.offer.commitment, &side.entry.payload.subject_column) {
        (None, _) => ConsentTerms::NotNeeded,
        (Some(commitment), Some(subject)) => ConsentTerms::Filter { subject_column: subject.clone(), commitment: commitment.parse()? },
        (Some(_), None) => return Err(Fault::new(Code::PeerProtocol, "consent without a subject").party(side.file.party.clone())),
    };
    Ok(Input {
        party: side.file.party.parse()?,
        dataset: side.entry.payload.dataset.clone(),
        version: side.entry.payload.version,
        columns: side.columns.clone(),
        key: KeyTerms { columns: side.file.key.clone(), normalisation: side.file.normalise.clone() },
        consent,
        rows: side.offer.rows,
    })
}

/// Everyone with all of its roles, in the order of `with`.
fn parties(node: &Node, with: &[(&String, &[Role])]) -> Result<Vec<Party>> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in with {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let (zone, controller) = standing(node, name)?;
            let of_party = with.iter().filter(|(party, _)| *party == name);
            let roles: BTreeSet<Role> = of_party.flat_map(|(_, roles)| roles.iter().copied()).collect();
            let roles: Vec<Role> = roles.into_iter().collect();
            let zone = if zone == "inside" { Zone::Inside } else { Zone::Outside };
            Ok(Party { name: name.parse()?, roles, zone, controller })
        })
        .collect()
}

fn standing(node: &Node, name: &str) -> Result<(String, String)> {
    if name == node.name() {
        return Ok((node.config().zone.clone(), node.config().controller.clone()));
    }
    let peer = node.peer(name)?;
    Ok((peer.zone, peer.controller))
}

fn recipient(node: &Node, name: &str) -> Result<Recipient> {
    let party: PartyName = name.parse()?;
    let seal = if name == node.name() { hex::encode(node.keys().seal.public().0) } else { node.peer(name)?.seal_key };
    Ok(Recipient { party, seal: SealTo::try_from(seal)? })
}
