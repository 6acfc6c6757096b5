//! Faults of the crates below, in the node's words.

use super::{Code, Fault};
use std::path::Path;

impl Fault {
    /// An operating-system error at a path.
    pub fn io(error: &std::io::Error, path: &Path) -> Self {
        use std::io::ErrorKind as K;
        let code = match error.kind() {
            K::StorageFull | K::QuotaExceeded | K::FileTooLarge => Code::DiskFull,
            K::NotFound => Code::FileMissing,
            _ => Code::Storage,
        };
        Self::new(code, error.kind().to_string()).at(path.display().to_string())
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let code = match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Code::DiskFull,
            // a quota or a limit of the file size reads as a refused write
            Some(rusqlite::ErrorCode::SystemIoFailure) if extended(&error) == Some(rusqlite::ffi::SQLITE_IOERR_WRITE) => Code::DiskFull,
            _ => Code::Storage,
        };
        Self::new(code, error.to_string()).at("store/yu.sqlite")
    }
}

fn extended(error: &rusqlite::Error) -> Option<i32> {
    match error {
        rusqlite::Error::SqliteFailure(inner, _) => Some(inner.extended_code),
        _ => None,
    }
}

impl From<yu_wire::Error> for Fault {
    fn from(error: yu_wire::Error) -> Self {
        use yu_wire::Error as E;
        match error {
            E::Caller(text) => Self::new(Code::Bug, text),
            E::Peer { culprit, step, what } => Self::new(Code::PeerProtocol, what).at(step).party(culprit),
            E::PeerLost { party, after_s } => Self::new(Code::PeerLost, format!("no contact for {after_s} s")).party(party),
            E::PeerRestarted { party } => Self::new(Code::PeerRestarted, "session unknown there").party(party),
            E::PeerFailed { party, code } => match Code::parse(&code) {
                Code::Other => Self::new(Code::PeerFailed, code).party(party),
                // the same name on every side
                known => Self::new(known, "the job was stopped there").party(party),
            },
            E::Identity { party, reason } if reason.contains("suite mismatch") => Self::new(Code::Suite, reason).party(party),
            E::Identity { party, reason } if reason.contains("version") => Self::new(Code::Version, reason).party(party),
            E::Identity { party, reason } if reason.contains("environment") => Self::new(Code::EnvMismatch, reason).party(party),
            E::Identity { party, reason } => Self::new(Code::PeerIdentity, reason).party(party),
            E::PortInUse { address, port } => Self::new(Code::PortInUse, format!("{address}:{port}")),
            E::Transport { what, source } => Self::new(Code::Transport, format!("{what}: {}", source.kind())),
            E::Crypto(text) => Self::new(Code::Damaged, text),
            other => Self::new(Code::Transport, other.to_string()),
        }
    }
}

impl From<yu_fedlearn::Error> for Fault {
    fn from(error: yu_fedlearn::Error) -> Self {
        use yu_fedlearn::Error as E;
        match error {
            E::Peer { culprit, step, what } => Self::new(Code::PeerProtocol, what).at(step).party(culprit),
            E::Transport(error) => error.into(),
            E::Shares(error) => error.into(),
            E::Quorum { .. } | E::Absent { .. } => Self::new(Code::PeerLost, error.to_string()),
            E::Unsafe { .. } | E::Budget(_) => Self::new(Code::Refused, error.to_string()),
            other => Self::new(Code::Input, other.to_string()),
        }
    }
}

impl From<yu_tee_attest::Fault> for Fault {
    fn from(fault: yu_tee_attest::Fault) -> Self {
        let code = match fault.code {
            "format.malformed" => Code::Input,
            code if code.starts_with("policy.") || code.starts_with("bundle.") => Code::Input,
            _ => Code::AttestRefused,
        };
        let place = fault.detail.place.clone();
        let detail = format!("{}: {}", fault.code, fault.detail.what.en);
        Self::new(code, detail).at(place)
    }
}

impl From<yu_desensitize::Error> for Fault {
    fn from(error: yu_desensitize::Error) -> Self {
        use yu_desensitize::Error as E;
        use yu_desensitize::error::Lang;
        let code = match &error {
            E::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Code::FileMissing,
            E::EmptyFile { .. } | E::NoRows { .. } => Code::EmptyFile,
            E::Ragged { .. } => Code::Ragged,
            E::Undecodable { .. } => Code::Encoding,
            E::MissingColumn { .. } => Code::ColumnMissing,
            E::HeaderTwice { .. } => Code::ColumnDuplicate,
            E::Cell { .. } => Code::NotNumeric,
            E::UnknownCategory { .. } => Code::Category,
            E::Key { .. } => Code::KeyFormat,
            E::DuplicateKeys { .. } => Code::KeyDuplicate,
            E::Changed { .. } => Code::DataChanged,
            E::Shape { .. } | E::Arrow { .. } => Code::Bug,
            _ => Code::FileRead,
        };
        let advice = error.advice();
        if let E::Refused(refusal) = &error {
            // these have sentences and remedies of their own, in both languages
            let [en, zh] = [Lang::En, Lang::Zh].map(|lang| format!("{}; {}", advice.what.get(lang), advice.remedy.get(lang)));
            let fault = Self::new(Code::Input, format!("{}: {en} ({zh})", refusal.code));
            let place = advice.place.get(Lang::En);
            return if place.is_empty() { fault } else { fault.at(place) };
        }
        let place = advice.place.get(Lang::En).to_owned();
        let fault = Self::new(code, advice.what.get(Lang::En));
        if place.is_empty() { fault } else { fault.at(place) }
    }
}

impl From<yu_governance::Error> for Fault {
    fn from(error: yu_governance::Error) -> Self {
        use yu_governance::Error as E;
        match error {
            E::Signature { object, reason } => Self::new(Code::Signature, reason).at(object),
            E::Malformed { object, reason } => Self::new(Code::Input, reason).at(object),
            E::Refused { code, what } => Self::new(rule(code), format!("{code}: {what}")),
            other => Self::new(Code::Refused, other.to_string()),
        }
    }
}

impl From<&yu_governance::finding::Finding> for Fault {
    fn from(finding: &yu_governance::finding::Finding) -> Self {
        Self::new(rule(&finding.code), format!("{}: {}", finding.code, finding.what.en)).party(finding.party.clone())
    }
}

/// The node's code for a rule's code.
fn rule(code: &str) -> Code {
    match code {
        "authorisation.expired" => Code::AuthExpired,
        "authorisation.not-yet-valid" => Code::AuthNotYet,
        "authorisation.missing" => Code::AuthMissing,
        "authorisation.environment" | "environment.mixed" => Code::EnvMismatch,
        "authorisation.other-text" | "admission.other-contract" => Code::Tampered,
        "purpose.mismatch" | "scenario.mismatch" | "approval.purpose" => Code::Purpose,
        "approval.columns" => Code::ColumnBeyond,
        "approval.missing" | "approval.not-entitled" | "request.missing" => Code::NotApproved,
        "runs.exhausted" => Code::RunsPerDay,
        "rows.too-few" => Code::TooFewRows,
        "rows.ratio" => Code::Ratio,
        "contract.expired" => Code::ContractExpired,
        "contract.from-the-future" => Code::ClockSkew,
        "dataset.version" => Code::DataChanged,
        c if c.starts_with("authorisation.plan-") => Code::PlanMissing,
        c if c.starts_with("columns.") => Code::ColumnBeyond,
        c if c.ends_with(".signature") => Code::Signature,
        _ => Code::ContractRule,
    }
}

impl From<yu_mpc::Error> for Fault {
    fn from(error: yu_mpc::Error) -> Self {
        use yu_mpc::Error as E;
        match error {
            E::Transport(e) => e.into(),
            E::Peer { culprit, step, what } => Self::new(Code::PeerProtocol, what).at(step).party(culprit),
            other => Self::new(Code::Refused, other.to_string()),
        }
    }
}
