//! TPM quotes, Azure's among them: every piece beside the quote by itself.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;
use yu_tee_attest::crypto::sha256;
use yu_tee_attest::{Entry, Evidence, Instant, Kind, Part, VerifiedCollateral, snp, tpm};

use super::{collateral, endorse, judge};
use crate::Result;
use crate::fuzz::mutate::Form;
use crate::fuzz::target::{MIDDLE, QUICK, Seed, Target};
use crate::fuzz::vectors::{Vectors, ders, hex, pem};

const AT: Instant = Instant(1_760_000_000);
/// Where the HCL report has its own size, the report data of the SNP report in it, and the runtime data.
const SIZE: usize = 8;
const REPORT_DATA: usize = 32 + 0x50;
const RUNTIME: usize = 1236;

/// Everything of one machine in Azure's cloud.
struct Machine {
    quote: Vec<u8>,
    signature: Vec<u8>,
    registers: Vec<u8>,
    report: Vec<u8>,
    key: Vec<u8>,
    collateral: VerifiedCollateral,
}

impl Machine {
    fn evidence(&self) -> Evidence {
        Evidence::new(Kind::Tpm, self.quote.clone())
            .with(Part::Signature, self.signature.clone())
            .with(Part::Registers, self.registers.clone())
            .with(Part::HclReport, self.report.clone())
            .with(Part::Certificates, self.key.clone())
    }

    fn read(vectors: &Vectors) -> Result<Self> {
        let all = vectors.json("tpm/az-snp-evidence-v1.json")?;
        let quote = &all["tpm_quote"];
        let text = |value: &Json| value.as_str().map(str::to_owned).ok_or("evidence without a member");
        let url = |value: &Json| -> Result<Vec<u8>> { Ok(URL_SAFE_NO_PAD.decode(text(value)?.trim_end_matches('='))?) };
        let mut registers = Vec::new();
        for register in quote["pcrs"].as_array().ok_or("no registers")? {
            registers.extend(hex(&text(register)?)?);
        }
        // the processors of this cloud are Milan and Genoa
        let mut entries = Vec::new();
        for row in vectors.rows("snp")?.iter().filter(|row| ["snp-v3-milan-ms", "snp-v3-genoa-ms"].iter().any(|id| row["id"] == *id)) {
            let chain = ders(&vectors.read(&format!("snp/{}", text(&row["ca_chain"])?))?)?;
            let chain = pem(&chain.iter().map(Vec::as_slice).collect::<Vec<_>>());
            entries.push(Entry::Amd(Box::new(snp::Entry { chain, lists: Vec::new(), keys: Vec::new() })));
        }
        Ok(Self {
            quote: hex(&text(&quote["message"])?)?,
            signature: hex(&text(&quote["signature"])?)?,
            registers,
            report: url(&all["hcl_report"])?,
            key: url(&all["vcek"])?,
            collateral: collateral(&entries)?,
        })
    }

    /// The report with other runtime data: sizes and the hash in the report data are made right.
    fn with_runtime(&self, json: &[u8]) -> Vec<u8> {
        let mut report = self.report.clone();
        report.truncate(RUNTIME);
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
        report[RUNTIME - 4..].copy_from_slice(&length(json.len()));
        report[RUNTIME - 20..RUNTIME - 16].copy_from_slice(&length(json.len() + 20));
        report[SIZE..SIZE + 4].copy_from_slice(&length(RUNTIME + json.len()));
        report[REPORT_DATA..REPORT_DATA + 32].copy_from_slice(&sha256(&[json]));
        report.extend_from_slice(json);
        report
    }

    fn runtime(&self) -> &[u8] {
        let length = self.report.get(RUNTIME - 4..RUNTIME).unwrap_or_default();
        let length = length.iter().rev().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        self.report.get(RUNTIME..RUNTIME + length).unwrap_or_default()
    }

    /// The quote over other values of the registers.
    fn with_registers(&self, registers: &[u8]) -> Evidence {
        let (old, new) = (sha256(&[&self.registers]), sha256(&[registers]));
        let mut quote = self.quote.clone();
        if let Some(at) = quote.windows(32).position(|window| window == old) {
            quote[at..at + 32].copy_from_slice(&new);
        }
        let evidence = self.evidence();
        [Part::Signature, Part::HclReport, Part::Certificates]
            .into_iter()
            .filter_map(|part| Some((part, evidence.part(part)?.to_vec())))
            .fold(Evidence::new(Kind::Tpm, quote), |evidence, (part, bytes)| evidence.with(part, bytes))
            .with(Part::Registers, registers.to_vec())
    }
}

pub(super) fn targets(vectors: &Vectors) -> Result<Vec<Target>> {
    let machine = Arc::new(Machine::read(vectors)?);
    let part = |name: &'static str, form: Form, weight: u32, part: Part, bytes: Vec<u8>| {
        let machine = Arc::clone(&machine);
        Target::new(name, form, weight, vec![Seed::new("az-snp-evidence-v1", bytes)], move |_, bytes, provider| {
            judge(provider, &machine.evidence().with(part, bytes.to_vec()), &machine.collateral, AT)
        })
    };
    let own = || Arc::clone(&machine);
    let (quotes, runtimes, registers) = (own(), own(), own());
    let seed = |bytes: &[u8]| vec![Seed::new("az-snp-evidence-v1", bytes.to_vec())];
    let key = vectors.json("tpm/tpm-evidence.json")?["ak_public"].as_str().map(str::to_owned).ok_or("no key")?;
    let root = ders(&vectors.read("nvidia/nvidia_device_root.pem")?)?.into_iter().next().ok_or("no certificate")?;
    let mut entry = tpm::Entry { keys: vec![key.clone()], ..tpm::Entry::default() };
    entry.roots.push(STANDARD.encode(root));
    Ok(vec![
        Target::new("tpm-quote", Form::Binary, MIDDLE * 2, seed(&machine.quote), move |_, bytes, provider| {
            let evidence = Evidence::new(Kind::Tpm, bytes.to_vec())
                .with(Part::Signature, quotes.signature.clone())
                .with(Part::Registers, quotes.registers.clone())
                .with(Part::HclReport, quotes.report.clone())
                .with(Part::Certificates, quotes.key.clone());
            judge(provider, &evidence, &quotes.collateral, AT)
        }),
        part("tpm-signature", Form::Binary, MIDDLE, Part::Signature, machine.signature.clone()),
        part("tpm-hcl-report", Form::Binary, QUICK, Part::HclReport, machine.report.clone()),
        part("tpm-certificates", Form::Der, QUICK, Part::Certificates, machine.key.clone()),
        part("tpm-event-log", Form::Binary, MIDDLE, Part::EventLog, vectors.read("eventlog/cos113-ccel-data-trimmed.dat")?),
        Target::new("tpm-runtime-data", Form::Json, MIDDLE * 2, seed(machine.runtime()), move |_, bytes, provider| {
            let evidence = runtimes.evidence().with(Part::HclReport, runtimes.with_runtime(bytes));
            judge(provider, &evidence, &runtimes.collateral, AT)
        }),
        Target::new("tpm-registers", Form::Binary, MIDDLE * 2, seed(&machine.registers), move |_, bytes, provider| {
            judge(provider, &registers.with_registers(bytes), &registers.collateral, AT)
        }),
        with_certificate(vectors, &key)?,
        Target::new("tpm-entry", Form::Json, QUICK, vec![Seed::new("entry", serde_json::to_vec(&entry)?)], |_, bytes, provider| {
            serde_json::from_slice(bytes).map_or(crate::fuzz::target::plain(false), |entry| endorse(provider, Entry::Tpm(Box::new(entry))))
        }),
    ])
}

/// A certificate of the attestation key under a root of the entry. There is no genuine one among the vectors: the chain of a
/// graphics card has the same form, and signatures are believed.
fn with_certificate(vectors: &Vectors, key: &str) -> Result<Target> {
    let chain = ders(&vectors.read("nvidia/hopper-chain.pem")?)?;
    let root = chain.last().ok_or("a chain without certificates")?;
    let entry = tpm::Entry { keys: vec![key.to_owned()], roots: vec![STANDARD.encode(root)], lists: Vec::new() };
    let known = collateral(&[Entry::Tpm(Box::new(entry))])?;
    let machine = Machine::read(vectors)?;
    Ok(Target::new("tpm-key-certificate", Form::Der, QUICK, vec![Seed::new("hopper", chain.concat())], move |_, bytes, provider| {
        let evidence = Evidence::new(Kind::Tpm, machine.quote.clone())
            .with(Part::Signature, machine.signature.clone())
            .with(Part::Registers, machine.registers.clone())
            .with(Part::Certificates, bytes.to_vec());
        judge(provider, &evidence, &known, AT)
    }))
}
