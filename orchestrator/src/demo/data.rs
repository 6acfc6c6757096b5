//! What the demo computes on: simulated residents, or two real files.

use crate::admin::DatasetAdd;
use crate::cli::DemoArgs;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use yu_desensitize::column;
use yu_desensitize::read::{ReadOptions, read_table};
use yu_desensitize::resident::{DEFAULT_OVERLAP, Population, ReceiptPlan};
use yu_desensitize::table::Table;
use yu_desensitize::write::write_csv;
use yu_governance::clock::Time;

const SCENARIO: &str = "小微企业信贷风控";
const PURPOSE: &str = "joint statistics for credit risk research";

/// One side.
pub(super) struct SideInput {
    pub(super) id: String,
    org: &'static str,
    name: &'static str,
    file: PathBuf,
    key: String,
    numeric: Vec<String>,
    category: Option<String>,
    consent: Option<PathBuf>,
    import: bool,
}

impl SideInput {
    pub(super) fn all_columns(&self) -> Vec<String> {
        std::iter::once(self.key.clone()).chain(self.category.clone()).chain(self.numeric.iter().cloned()).collect()
    }

    pub(super) fn add(&self) -> DatasetAdd {
        DatasetAdd {
            file: self.file.clone(),
            id: self.name.to_owned(),
            title: self.name.to_owned(),
            summary: format!("{} of {}", self.name, self.org),
            key: vec![self.key.clone()],
            subject: None,
            categorical: self.category.clone().into_iter().collect(),
            omit: Vec::new(),
            update_frequency: "yearly".into(),
            encoding: "auto".into(),
            sheet: None,
            consent: self.consent.clone(),
            personal: self.consent.is_some(),
            prohibited: false,
            import_source: self.import.then(|| "own customer records".to_owned()),
        }
    }
}

/// Both sides.
pub(super) struct Inputs {
    pub(super) left: SideInput,
    pub(super) right: SideInput,
    notes: Vec<(String, String)>,
    /// Normalisation of the keys.
    steps: &'static str,
    start: Time,
    reveal_match: String,
    own_correlations: bool,
}

impl Inputs {
    /// Writes the simulated residents, or reads the headers of the given files.
    pub(super) fn prepare(args: &DemoArgs, root: &Path) -> Result<Self> {
        let start = now();
        match (&args.left, &args.right, &args.key) {
            (Some(left), Some(right), Some(key)) => Self::files(left, right, key, start),
            _ => Self::residents(args.rows, args.seed, root, start),
        }
        .map(|inputs| Self { reveal_match: args.reveal_match.clone(), own_correlations: args.own_correlations, ..inputs })
    }

    fn residents(rows: u64, seed: u64, root: &Path, start: Time) -> Result<Self> {
        let people = Population::new(seed, rows, rows, DEFAULT_OVERLAP)?;
        let (health, bank) = (people.health()?, people.bank()?);
        let folder = root.join("data");
        std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&e, &folder))?;
        let items: Vec<String> = health.column_names().iter().map(|c| (*c).to_owned()).collect();
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        let receipts = people.receipts(&ReceiptPlan::new(SCENARIO, &items, start.unix()))?;
        let (left, right, consent) = (folder.join("health.csv"), folder.join("bank.csv"), folder.join("consent.csv"));
        write_csv(&health, &left)?;
        write_csv(&bank, &right)?;
        write_receipts(&receipts.table, &consent)?;
        // The bank's customers agreed to the use of their own bank's records when they applied.
        let own = folder.join("bank-consent.csv");
        write_own_consent(&bank, &own, start)?;
        let notes = vec![(
            format!(
                "simulated residents, seed {seed}: {rows} with the health office, {rows} with the bank, {} in both; {} valid consents",
                people.matched(),
                receipts.valid
            ),
            format!(
                "模拟居民（种子 {seed}）：医保 {rows} 人，银行 {rows} 人，重叠 {} 人；有效同意 {} 份",
                people.matched(),
                receipts.valid
            ),
        )];
        Ok(Self {
            left: SideInput {
                id: "dev/health/visits".into(),
                org: "health",
                name: "visits",
                file: left,
                key: "resident_id".into(),
                numeric: numeric_columns(&health, &["resident_id", "district"]),
                category: Some("district".into()),
                consent: Some(consent),
                import: false,
            },
            right: SideInput {
                id: "dev/bank/accounts".into(),
                org: "bank",
                name: "accounts",
                file: right,
                key: "resident_id".into(),
                numeric: numeric_columns(&bank, &["resident_id"]),
                category: None,
                consent: Some(own),
                import: true,
            },
            notes,
            steps: "\"trim\", \"nfkc\", \"upper_x\", \"resident_id\"",
            start,
            reveal_match: String::new(),
            own_correlations: false,
        })
    }

    fn files(left: &Path, right: &Path, key: &str, start: Time) -> Result<Self> {
        let side = |file: &Path, id: &str, org: &'static str, name: &'static str, import: bool| -> Result<SideInput> {
            let file = std::path::absolute(file).map_err(|e| Fault::io(&e, file))?;
            let table = read_table(&file, &ReadOptions { keys: vec![key.to_owned()], ..ReadOptions::default() })?;
            let numeric = numeric_columns(&table, &[key]);
            if numeric.is_empty() {
                return Err(Fault::new(Code::NotNumeric, "no numeric column").at(file.display().to_string()));
            }
            Ok(SideInput { id: id.into(), org, name, file, key: key.to_owned(), numeric, category: None, consent: None, import })
        };
        Ok(Self {
            left: side(left, "dev/health/left", "health", "left", false)?,
            right: side(right, "dev/bank/right", "bank", "right", true)?,
            notes: vec![(
                "two files of yours; they are declared as pointing at nobody".into(),
                "使用您的两个文件；声明为不指向个人".into(),
            )],
            steps: "\"trim\", \"nfkc\"",
            start,
            reveal_match: String::new(),
            own_correlations: false,
        })
    }

    pub(super) fn describe(&self, note: impl Fn(&str, &str)) {
        for (en, zh) in &self.notes {
            note(en, zh);
        }
    }

    pub(super) fn authorisation_id(&self) -> &'static str {
        "dev/authority/a-2026-001"
    }

    /// The authority's file: one scenario, one plan, a term.
    pub(super) fn authorisation(&self) -> String {
        let list = |side: &SideInput| quoted(&side.all_columns());
        format!(
            "id = \"a-2026-001\"\nlicensee = \"bank\"\nscenario = \"{SCENARIO}\"\npurpose = \"{PURPOSE}\"\nnot_before = \"{}\"\nnot_after = \"{}\"\n\
             [[datasets]]\ndataset = \"{}\"\ncolumns = [{}]\n[[datasets]]\ndataset = \"{}\"\ncolumns = [{}]\n\
             [contingency_plan]\nowner = \"bank\"\nscope = \"leak, misuse or loss of data of this scenario\"\n\
             contacts = [\"duty officer of the bank\", \"duty officer of the authority\"]\n\
             steps = [\"halt all jobs with yu job halt\", \"report to the authority at once\", \"preserve the logs\"]\ndrill_interval_days = 180\n",
            self.start.plus_seconds(-60),
            self.start.plus_days(365),
            self.left.id,
            list(&self.left),
            self.right.id,
            list(&self.right),
        )
    }

    /// The job file; `enclave` is the policy of attestation of a simulated worker.
    pub(super) fn job(&self, enclave: Option<&str>) -> String {
        let side = |s: &SideInput| {
            format!(
                "party = \"yu://dev/{}/n1\"\ndataset = \"{}\"\nkey = [\"{}\"]\ncolumns = [{}]\nnormalise = [{}]\n",
                s.org,
                s.id,
                s.key,
                quoted(&s.numeric),
                self.steps
            )
        };
        let technique = if enclave.is_some() { "technique = \"enclave\"\n" } else { "" };
        let mut text = format!(
            "{technique}authorisation = \"{}\"\nquestion = \"joint-statistics\"\nreveal_match = \"{}\"\nown_correlations = \"{}\"\nhelper = \"yu://dev/platform/n1\"\n\
             reviewer = \"yu://dev/authority/n1\"\nreceiver = \"yu://dev/bank/n1\"\n\n[left]\n{}\n[right]\n{}",
            self.authorisation_id(),
            self.reveal_match,
            if self.own_correlations { "published" } else { "withheld" },
            side(&self.left),
            side(&self.right),
        );
        if let Some(policy) = enclave {
            let policy = toml::Value::String(policy.to_owned());
            text.push_str(&format!("\n[enclave]\npolicy_text = {policy}\ndanger_simulated = true\n"));
        }
        if let Some(category) = &self.left.category {
            text.push_str(&format!("\n[group]\nside = \"left\"\ncolumn = \"{category}\"\n"));
        }
        text
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|n| toml::Value::String(n.clone()).to_string()).collect::<Vec<_>>().join(", ")
}

/// Columns whose every cell is a number, without those named.
fn numeric_columns(table: &Table, without: &[&str]) -> Vec<String> {
    let without: BTreeSet<&str> = without.iter().copied().collect();
    table.column_names().into_iter().filter(|c| !without.contains(c) && column::numeric(table, c).is_ok()).map(str::to_owned).collect()
}

fn csv(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Fault::io(&e, path))
}

/// Receipts as the node reads them: the generator's, for the purpose of the demo.
fn write_receipts(table: &Table, path: &Path) -> Result<()> {
    let get = |c: &str| column::text(table, c);
    let (ids, items, from, to) = (get("resident_id")?, get("items")?, get("not_before")?, get("not_after")?);
    let revoked = get("revoked_at")?;
    let mut out = String::from("resident_id,scenario,purpose,items,not_before,not_after,revoked_at\n");
    for i in 0..ids.len() {
        let _ = writeln!(out, "{},{SCENARIO},{PURPOSE},{},{},{},{}", ids[i], items[i], from[i], to[i], revoked[i]);
    }
    csv(path, &out)
}

fn write_own_consent(bank: &Table, path: &Path, start: Time) -> Result<()> {
    let items = bank.column_names().join("|");
    let (from, to) = (start.plus_days(-200), start.plus_days(400));
    let mut out = String::from("resident_id,scenario,purpose,items,not_before,not_after,revoked_at\n");
    for id in column::text(bank, "resident_id")? {
        let _ = writeln!(out, "{id},{SCENARIO},{PURPOSE},{items},{from},{to},");
    }
    csv(path, &out)
}
