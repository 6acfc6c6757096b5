//! The contract of a job in which parties train a model, each on its own rows.

use super::{Bundle, finish, input, parties, recipient, side};
use crate::fault::Result;
use crate::job::file::{SideFile, TrainingFile};
use crate::job::{plan, training};
use crate::node::Node;
use crate::verbs::environment;
use yu_governance::contract::{
    Adversary, ApprovalRef, Contract, CostStatement, CryptoTerms, MAX_DIGITS, OwnCorrelations, ProtocolTerms, PsiKind, RevealMatch, Role,
    SecurityModel, Technique, TrainingTerms, leakage,
};
use yu_governance::id::document_hash;
use yu_governance::policy::Dossier;
use yu_governance::text::Text;

/// Compiles it against the catalogue and documents of this moment.
///
/// # Errors
/// As [`super::compile`].
pub(super) fn compile(node: &Node, file: &TrainingFile) -> Result<Bundle> {
    let (authorisation, purpose) = finish::grounds(node, &file.authorisation, file.purpose.as_deref())?;
    let settings = file.settings()?;
    let columns: Vec<String> = file.features.iter().chain([&file.target]).cloned().collect();
    let rows: Vec<SideFile> = file
        .inputs
        .iter()
        .map(|input| SideFile {
            party: input.party.clone(),
            dataset: input.dataset.clone(),
            key: Vec::new(),
            columns: columns.clone(),
            normalise: Vec::new(),
        })
        .collect();
    // nothing is joined on shares, so no magnitude is asked for
    let sides = rows.iter().map(|rows| side(node, rows, &authorisation, PsiKind::EcdhRistretto255, &[])).collect::<Result<Vec<_>>>()?;
    let roles: Vec<(&String, &[Role])> = file
        .inputs
        .iter()
        .map(|input| (&input.party, &[Role::Input, Role::Computing][..]))
        .chain([
            (&file.coordinator, &[Role::Computing][..]),
            (&file.reviewer, &[Role::Reviewer][..]),
            (&file.receiver, &[Role::Result][..]),
        ])
        .collect();
    let draft = finish::draft(node, file.expires_hours, &file.limits, authorisation.payload.not_after);
    let (names, count) = (file.features.join(", "), file.inputs.len());
    let mut contract = Contract {
        v: 1,
        title: Text::new(
            format!("model of {} from {names}, trained by {count} parties", file.target),
            format!("{count} 方联合训练：由 {names} 预测 {}", file.target),
        ),
        environment: environment(node)?,
        technique: Technique::Federated,
        parties: parties(node, &roles)?,
        authorisation: finish::cited(node, &authorisation.payload)?,
        approvals: sides
            .iter()
            .map(|s| Ok(ApprovalRef { request: s.approval.payload.request.clone(), hash: document_hash(&s.approval.payload)? }))
            .collect::<Result<Vec<_>>>()?,
        scenario: authorisation.payload.scenario.clone(),
        purpose,
        inputs: sides.iter().map(input).collect::<Result<Vec<_>>>()?,
        protocol: ProtocolTerms::Training(TrainingTerms {
            coordinator: file.coordinator.parse()?,
            features: file.features.clone(),
            target: file.target.clone(),
            learner: settings.learner(),
            settings: settings.words()?,
            gate: training::gate_words(&file.limits_of_gate()?)?,
            aggregation: settings.aggregation(),
            privacy: settings.privacy()?,
            trainer: file.step.trainer.as_ref().map(training::trainer::terms).transpose()?,
        }),
        security: SecurityModel {
            adversary: Adversary::SemiHonest,
            corruptions: 1,
            computational_bits: 128,
            statistical_bits: 40,
            assumptions: training::assumptions(&settings),
        },
        reveal_match: RevealMatch::None,
        leakage: Vec::new(),
        cost: CostStatement { formula: Vec::new(), rounds: String::new(), min_bytes: 0, max_bytes: 0, min_rounds: 0, max_rounds: 0 },
        limits: draft.limits,
        outputs: Vec::new(),
        receivers: vec![recipient(node, &file.receiver)?],
        reviewer: recipient(node, &file.reviewer)?,
        crypto: CryptoTerms::of(crate::suite::current()),
        engines: finish::engines(&["yu-fedlearn", "yu-wire", "yu"]),
        created: draft.created,
        expires: draft.expires,
        nonce: draft.nonce,
    };
    contract.cost = plan::cost(&contract)?;
    contract.outputs = plan::outputs(&contract, MAX_DIGITS, OwnCorrelations::Withheld)?;
    contract.leakage = leakage::required(&contract);
    let mut dossier = Dossier {
        authorisation: Some(authorisation),
        requests: Vec::new(),
        approvals: Vec::new(),
        catalogue: Vec::new(),
        outside: Vec::new(),
        withdrawals: Vec::new(),
    };
    for side in sides {
        dossier.requests.push(side.request);
        dossier.approvals.push(side.approval);
        dossier.catalogue.push(side.entry);
    }
    Ok(Bundle { contract: yu_governance::sign::Signed::unsigned(contract), dossier })
}
