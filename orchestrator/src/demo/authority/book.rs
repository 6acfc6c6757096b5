//! The play's clock, its papers and its log: every step is signed, stored, logged and told.

use super::cast::Cast;
use crate::cli::Output;
use crate::fault::{Code, Fault, Result, pick};
use crate::home::write_atomic;
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use yu_governance::Error;
use yu_governance::audit::{AuditLog, Event, Field, Recovery, Verb, Witness};
use yu_governance::calendar::Calendar;
use yu_governance::canonical::{Hash, to_canonical};
use yu_governance::clock::Time;
use yu_governance::id::document_hash;
use yu_governance::profile::{Effective, Rules};
use yu_governance::sign::{Signed, SignedType, SigningKey};
use yu_governance::workflow::arrow::{Arrow, Replayed};
use yu_governance::workflow::{Machine, Role, Word};

/// One object on its way through its procedure.
pub(super) struct Case<M: Machine> {
    pub(super) name: String,
    pub(super) at: Replayed<M>,
    chain: Vec<Signed<Arrow<M>>>,
}

impl<M: Machine> Case<M> {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), at: Replayed::new(name), chain: Vec::new() }
    }

    /// Its chain is read again from the beginning by whoever has the keys.
    pub(super) fn replays(&self, rules: &M::Rules, cast: &Cast) -> Result<usize> {
        let again = Replayed::replay(&self.name, &self.chain, rules, &cast.roster, &cast.ring)?;
        if again == self.at { Ok(self.chain.len()) } else { Err(Fault::new(Code::Bug, format!("the chain of `{}`", self.name))) }
    }
}

pub(super) struct Book<'a> {
    out: &'a Output,
    folder: PathBuf,
    pub(super) cast: Cast,
    pub(super) profile: Effective,
    pub(super) calendar: Calendar,
    pub(super) now: Time,
    chapters: u32,
    log: AuditLog,
    log_key: SigningKey,
    lines: Vec<u8>,
    checkpoints: Vec<u8>,
    /// Refusals that were shown, by code.
    pub(super) refusals: Vec<String>,
}

impl<'a> Book<'a> {
    pub(super) fn new(out: &'a Output, folder: &Path, profile: Effective, now: Time) -> Result<Self> {
        let cast = Cast::new()?;
        let platform = cast.one(Role::Platform)?;
        let log_key = SigningKey::from_bytes(&cast.key(&platform)?.to_bytes());
        let (mut log, mut lines) = AuditLog::create(platform, log_key.public(), now)?;
        let regulator = cast.one(Role::Regulator)?;
        let joined = Event::peer_joined(regulator.clone(), cast.key(&regulator)?.public());
        lines.extend(log.append(joined, now)?);
        std::fs::create_dir_all(folder.join("papers")).map_err(|e| Fault::io(&e, folder))?;
        Ok(Self {
            out,
            folder: folder.to_owned(),
            cast,
            profile,
            calendar: Calendar::shipped()?,
            now,
            chapters: 0,
            log,
            log_key,
            lines,
            checkpoints: Vec::new(),
            refusals: Vec::new(),
        })
    }

    pub(super) fn rules(&self) -> &Rules {
        self.profile.rules()
    }

    /// Where the play keeps its files.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn chapter(&mut self, en: &str, zh: &str) {
        self.chapters += 1;
        self.out.line("");
        self.out.line(&format!("{}. {}", self.chapters, pick(self.out.lang(), en, zh)));
        self.out.document(&json!({ "chapter": self.chapters, "title": en }));
    }

    /// A sentence with the simulated date.
    pub(super) fn note(&self, en: &str, zh: &str) {
        let day: String = self.now.to_string().chars().take(10).collect();
        self.out.line(&format!("   {day}  {}", pick(self.out.lang(), en, zh)));
        self.out.document(&json!({ "at": self.now, "en": en, "zh": zh }));
    }

    pub(super) fn pass_days(&mut self, days: i64) {
        self.now = self.now.plus_days(days);
    }

    /// A paper that a step rests on, stored under its hash.
    pub(super) fn paper(&self, title: &str) -> Result<Hash> {
        self.store(&json!({ "title": title, "at": self.now }))
    }

    /// Any document, stored under its hash.
    pub(super) fn store(&self, document: &impl Serialize) -> Result<Hash> {
        let bytes = to_canonical(document)?;
        let hash = Hash::of_file(&bytes);
        write_atomic(&self.folder.join("papers").join(format!("{}.json", hash.to_hex())), &bytes, 0o644)?;
        Ok(hash)
    }

    /// Signs, stores and logs a document.
    pub(super) fn publish<T: SignedType + Clone>(&mut self, payload: T, by: &[Role]) -> Result<Signed<T>> {
        let names = by.iter().map(|role| self.cast.one(*role)).collect::<Result<Vec<_>>>()?;
        let signed = self.cast.sign(payload, &names.iter().collect::<Vec<_>>())?;
        self.store(&signed)?;
        let hash = document_hash(&signed.payload)?;
        self.record(hash)?;
        Ok(signed)
    }

    fn record(&mut self, document: Hash) -> Result<()> {
        let event = Event::new(Verb::ProcedureStepped).with("document", Field::Hash(document));
        let line = self.log.append(event, self.now)?;
        self.lines.extend(line);
        Ok(())
    }

    /// One step of a procedure: signed by whom it needs, followed, stored, logged, told.
    pub(super) fn step<M: Machine>(&mut self, case: &mut Case<M>, event: M::Event, rules: &M::Rules, evidence: &str) -> Result<()> {
        let paper = self.paper(evidence)?;
        self.step_on(case, event, rules, paper, evidence)
    }

    /// The same on a document that is there already.
    pub(super) fn step_on<M: Machine>(
        &mut self,
        case: &mut Case<M>,
        event: M::Event,
        rules: &M::Rules,
        document: Hash,
        evidence: &str,
    ) -> Result<()> {
        let before = case.at.case().state_at(self.now);
        let signers = self.cast.signers(&case.at.case().needs(&event, rules))?;
        let arrow = case.at.arrow(event, signers.clone(), document, self.now, rules)?;
        let names: Vec<_> = signers.iter().map(|signer| &signer.party).collect();
        let signed = self.cast.sign(arrow, &names)?;
        case.at = case.at.follow(&signed, self.now, rules, &self.cast.roster, &self.cast.ring)?;
        self.store(&signed)?;
        self.record(document_hash(&signed.payload)?)?;
        case.chain.push(signed);
        let after = case.at.case().state_at(self.now);
        let by = |name: fn(Role) -> &'static str, comma: &str| signers.iter().map(|s| name(s.role)).collect::<Vec<_>>().join(comma);
        let en = format!("{}: {before} -> {after}, signed by {}; {evidence}", case.name, by(Role::as_str, ", "));
        let zh = format!("{}：{} → {}，签署：{}", case.name, before.zh(), after.zh(), by(Role::zh, "、"));
        self.note(&en, &zh);
        Ok(())
    }

    /// A step that the rules do not allow: it has to be refused by this code.
    pub(super) fn refused<M: Machine>(&mut self, case: &Case<M>, event: M::Event, rules: &M::Rules, code: &str) -> Result<()> {
        self.denied(case.at.case().next(&event, self.now, rules).err(), code)
    }

    /// Something that has to be refused by this code.
    pub(super) fn denied(&mut self, error: Option<Error>, code: &str) -> Result<()> {
        match error {
            Some(Error::Refused { code: found, what }) if found == code => {
                self.note(&format!("REFUSED {code}: {what}"), &format!("拒绝 {code}：{what}"));
                self.refusals.push(code.to_owned());
                Ok(())
            }
            Some(error) => Err(Fault::new(Code::Bug, format!("expected `{code}`, got `{error}`"))),
            None => Err(Fault::new(Code::Bug, format!("`{code}` was not refused"))),
        }
    }

    /// Signs the log, writes it down and verifies it from the files.
    pub(super) fn close(&mut self) -> Result<u64> {
        let (line, signed) = self.log.checkpoint(&self.log_key, self.now)?;
        self.checkpoints.extend(line);
        let regulator = self.cast.one(Role::Regulator)?;
        let mut witness = Witness::new(self.log.node().clone(), self.log_key.public());
        witness.accept(&signed)?;
        let countersignature = witness.countersign(&regulator, self.cast.key(&regulator)?, self.now)?;
        let countersignatures = self.log.countersigned(&countersignature)?.unwrap_or_default();
        let files =
            [("entries.jsonl", &self.lines), ("checkpoints.jsonl", &self.checkpoints), ("countersignatures.jsonl", &countersignatures)];
        let audit = self.folder.join("audit");
        std::fs::create_dir_all(&audit).map_err(|e| Fault::io(&e, &audit))?;
        for (name, bytes) in files {
            write_atomic(&audit.join(name), bytes, 0o644)?;
        }
        let (_, recovery) = AuditLog::recover(&self.lines, &self.checkpoints, &countersignatures)?;
        if recovery != Recovery::default() {
            return Err(Fault::new(Code::Damaged, "the log of the play"));
        }
        Ok(self.log.size())
    }
}
