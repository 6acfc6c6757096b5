//! Evidence as it travels: a kind, the body that was signed, and what belongs to it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::crypto::sha256;
use crate::fault::{Fault, Result, malformed};

/// Evidence is small: quotes have 5 to 8 KiB, an event log up to 64 KiB, a chain of a graphics card 5 KiB.
pub const MOST_BYTES: usize = 1 << 20;

/// Which environment speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Intel SGX, DCAP quote of version 3.
    Sgx,
    /// Intel TDX, DCAP quote of version 4 or 5.
    Tdx,
    /// AMD SEV-SNP attestation report of version 2 to 5.
    Snp,
    /// Hygon CSV attestation report.
    Csv,
    /// AWS Nitro Enclaves attestation document.
    Nitro,
    /// TPM 2.0 quote, with the report of the machine's environment where there is one (Azure).
    Tpm,
    /// Arm CCA token.
    Cca,
    /// NVIDIA graphics card, SPDM measurement report.
    Nvidia,
    /// An attester in software. No hardware stands behind it.
    #[cfg(feature = "danger-simulated-tee")]
    Simulated,
}

impl Kind {
    /// All kinds that hardware stands behind.
    pub const HARDWARE: [Self; 8] = [Self::Sgx, Self::Tdx, Self::Snp, Self::Csv, Self::Nitro, Self::Tpm, Self::Cca, Self::Nvidia];

    /// The name in files and policies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgx => "sgx",
            Self::Tdx => "tdx",
            Self::Snp => "snp",
            Self::Csv => "csv",
            Self::Nitro => "nitro",
            Self::Tpm => "tpm",
            Self::Cca => "cca",
            Self::Nvidia => "nvidia",
            #[cfg(feature = "danger-simulated-tee")]
            Self::Simulated => "simulated",
        }
    }
}

/// What may come beside the body. Nothing of it is believed until something signed vouches for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Part {
    /// TCG event log, CCEL or TPM form: replayed against the registers that the body signs.
    EventLog,
    /// Certificates of the signing key, PEM or DER, leaf first.
    Certificates,
    /// TPM: the signature over the quote (TPMT_SIGNATURE, or raw RSA).
    Signature,
    /// TPM: values of the quoted registers, each 32 bytes, in the order of the selection.
    Registers,
    /// Azure: the report that the paravisor made (HCL), with the environment's own report and the runtime data inside.
    HclReport,
    /// Azure TDX: the quote made from the report in `HclReport`.
    Quote,
}

impl Part {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EventLog => "event-log",
            Self::Certificates => "certificates",
            Self::Signature => "signature",
            Self::Registers => "registers",
            Self::HclReport => "hcl-report",
            Self::Quote => "quote",
        }
    }
}

/// Evidence, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    kind: Kind,
    body: Vec<u8>,
    parts: BTreeMap<Part, Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    kind: Kind,
    body: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<Part, String>,
}

impl Evidence {
    /// Evidence of one piece.
    #[must_use]
    pub const fn new(kind: Kind, body: Vec<u8>) -> Self {
        Self { kind, body, parts: BTreeMap::new() }
    }

    /// The same with something beside it.
    #[must_use]
    pub fn with(mut self, part: Part, bytes: Vec<u8>) -> Self {
        self.parts.insert(part, bytes);
        self
    }

    /// Which environment speaks.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The signed body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What lies beside it.
    #[must_use]
    pub fn part(&self, part: Part) -> Option<&[u8]> {
        self.parts.get(&part).map(Vec::as_slice)
    }

    /// A part that this kind cannot do without.
    pub(crate) fn need(&self, part: Part, en: &str) -> Result<&[u8]> {
        self.part(part).ok_or_else(|| malformed(format!("{} evidence", self.kind.name()), format!("no {en} beside the body")))
    }

    /// The form that travels and is stored: JSON, keys in order, bytes in base64.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let stored = Stored {
            kind: self.kind,
            body: STANDARD.encode(&self.body),
            parts: self.parts.iter().map(|(part, bytes)| (*part, STANDARD.encode(bytes))).collect(),
        };
        serde_json_canonicalizer::to_vec(&stored).unwrap_or_default()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// `format.malformed`: too long, unknown kind or part, not the one canonical form.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let wrong = |en: &str| malformed("evidence", en);
        if bytes.len() > MOST_BYTES {
            return Err(Fault::new("evidence.length", "evidence", "more than 1 MiB", "证据超过 1 MiB"));
        }
        let stored: Stored =
            serde_json::from_slice(bytes).map_err(|_| wrong("not the JSON of evidence, or of a kind that this build does not know"))?;
        let open = |text: &str| STANDARD.decode(text).map_err(|_| wrong("bytes that are no base64"));
        let parts = stored.parts.iter().map(|(part, text)| Ok((*part, open(text)?))).collect::<Result<_>>()?;
        let evidence = Self { kind: stored.kind, body: open(&stored.body)?, parts };
        // one evidence, one hash: the audit log names evidence by it
        if evidence.encode() == bytes { Ok(evidence) } else { Err(wrong("not in canonical form")) }
    }

    /// The name of this evidence in logs: SHA-256 over a domain and kind, body and parts, each with its length before it.
    ///
    /// Evidence has more than one spelling (zeros behind a quote, text around certificates): the hash names bytes, it finds no replay.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut fields: Vec<&[u8]> = vec![b"yu evidence 1", self.kind.name().as_bytes(), &self.body];
        for (part, bytes) in &self.parts {
            fields.push(part.name().as_bytes());
            fields.push(bytes);
        }
        let lengths: Vec<[u8; 8]> = fields.iter().map(|field| (field.len() as u64).to_be_bytes()).collect();
        let parts: Vec<&[u8]> = lengths.iter().zip(fields).flat_map(|(length, field)| [length.as_slice(), field]).collect();
        sha256(&parts)
    }
}
