//! The contract of a job in which a provider de-identifies its rows.

use super::{Bundle, finish, input, parties, recipient, side};
use crate::fault::{Code, Fault, Result};
use crate::job::derive::{self, DEFAULT_KEY};
use crate::job::file::{DerivativeFile, SideFile};
use crate::job::plan;
use crate::node::Node;
use crate::verbs::environment;
use std::collections::BTreeSet;
use yu_governance::contract::{
    Adversary, ApprovalRef, Contract, CryptoTerms, DerivativeTerms, MAX_DIGITS, OwnCorrelations, ProtocolTerms, PsiKind, RevealMatch, Role,
    SecurityModel, Technique, leakage,
};
use yu_governance::id::document_hash;
use yu_governance::policy::Dossier;
use yu_governance::text::Text;

/// Compiles it against the catalogue and documents of this moment.
///
/// # Errors
/// As [`super::compile`]; `policy.*` with what is wrong in the policy.
pub(super) fn compile(node: &Node, file: &DerivativeFile) -> Result<Bundle> {
    let (authorisation, purpose) = finish::grounds(node, &file.authorisation, file.purpose.as_deref())?;
    let (text, files) = file.policy()?;
    let mut terms = DerivativeTerms { policy: text.to_owned(), files: files.clone(), keys: Vec::new(), columns: Vec::new() };
    let policy = derive::policy(&terms)?;
    terms.columns = policy.released().into_iter().map(str::to_owned).collect();
    terms.keys = policy.keys(DEFAULT_KEY).into_iter().collect();
    let read: BTreeSet<&str> = policy.released().into_iter().chain(policy.subjects()).collect();
    let rows = SideFile {
        party: file.input.party.clone(),
        dataset: file.input.dataset.clone(),
        key: Vec::new(),
        columns: read.into_iter().map(str::to_owned).collect(),
        normalise: Vec::new(),
    };
    // nothing is joined on shares, so no magnitude is asked for
    let side = side(node, &rows, &authorisation, PsiKind::EcdhRistretto255, &[])?;
    let roles =
        [(&file.input.party, &[Role::Input, Role::Computing][..]), (&file.receiver, &[Role::Result]), (&file.reviewer, &[Role::Reviewer])];
    let dataset = &file.input.dataset;
    let draft = finish::draft(node, file.expires_hours, &file.limits, authorisation.payload.not_after);
    let mut contract = Contract {
        v: 1,
        title: Text::new(
            format!("de-identified table of {dataset}: {}", policy.policy.name),
            format!("{dataset} 的去标识化数据：{}", policy.policy.name),
        ),
        environment: environment(node)?,
        technique: Technique::Central,
        parties: parties(node, &roles)?,
        authorisation: finish::cited(node, &authorisation.payload)?,
        approvals: vec![ApprovalRef { request: side.approval.payload.request.clone(), hash: document_hash(&side.approval.payload)? }],
        scenario: authorisation.payload.scenario.clone(),
        purpose,
        inputs: vec![input(&side)?],
        protocol: ProtocolTerms::Derivative(terms),
        security: SecurityModel {
            adversary: Adversary::SemiHonest,
            corruptions: 0,
            computational_bits: 128,
            statistical_bits: 40,
            assumptions: Text::new(
                "the provider alone works over its own rows; what its operators make is as safe as their keys, and what the gate's attacks do not know it does not say",
                "提供方仅就本方数据单独处理；处理结果的安全性取决于其密钥，攻击检验未涵盖的方法不在结论之内",
            ),
        },
        reveal_match: RevealMatch::None,
        leakage: Vec::new(),
        cost: derive::cost(),
        limits: draft.limits,
        outputs: Vec::new(),
        receivers: vec![recipient(node, &file.receiver)?],
        reviewer: recipient(node, &file.reviewer)?,
        crypto: CryptoTerms::of(crate::suite::current()),
        engines: finish::engines(&["yu-desensitize", "yu"]),
        created: draft.created,
        expires: draft.expires,
        nonce: draft.nonce,
    };
    contract.outputs = plan::outputs(&contract, MAX_DIGITS, OwnCorrelations::Withheld)?;
    contract.leakage = leakage::required(&contract);
    if contract.inputs.iter().any(|i| i.columns.iter().next().is_none()) {
        return Err(Fault::new(Code::Input, "the policy releases no column"));
    }
    let dossier = Dossier {
        authorisation: Some(authorisation),
        requests: vec![side.request],
        approvals: vec![side.approval],
        catalogue: vec![side.entry],
        outside: Vec::new(),
        withdrawals: Vec::new(),
    };
    Ok(Bundle { contract: yu_governance::sign::Signed::unsigned(contract), dossier })
}
