//! `job.toml` with `technique = "federated"`: parties with the same columns train a model or trees, each on its own rows.

use serde::Deserialize;
use yu_fedlearn::external::Program;
use yu_fedlearn::trees::horizontal;
use yu_fedlearn::{gate, train};

use super::LimitsFile;
use super::derivative::InputFile;
use crate::fault::{Code, Fault, Result};
use crate::job::training::{Settings, trainer};

/// A training as a person describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingFile {
    /// Id of the authorisation.
    pub authorisation: String,
    /// Purpose; absent: the purpose of the authorisation.
    #[serde(default)]
    pub purpose: Option<String>,
    /// `federated`.
    pub technique: String,
    /// Numeric columns from which is predicted, the same at every party.
    pub features: Vec<String>,
    /// Numeric column that is predicted.
    pub target: String,
    /// Whose rows, one data set each.
    pub inputs: Vec<InputFile>,
    /// Who asks for updates and adds them up, without rows.
    pub coordinator: String,
    /// What is trained, and how.
    pub step: StepTable,
    /// Limits of the release gate; absent: the strict ones that the library has.
    #[serde(default)]
    pub gate: toml::Table,
    /// Who decides about the result; it never computes.
    pub reviewer: String,
    /// Who receives it.
    pub receiver: String,
    /// Limits that are stricter than the parties' own.
    #[serde(default)]
    pub limits: LimitsFile,
    /// Hours until the contract expires.
    #[serde(default = "super::day")]
    pub expires_hours: u32,
}

/// `[step.train]` or `[step.trees]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTable {
    /// Settings of a training of weights.
    #[serde(default)]
    pub train: Option<toml::Table>,
    /// Settings of a training of boosted trees.
    #[serde(default)]
    pub trees: Option<toml::Table>,
    /// A program of others that makes the updates; absent: Yu does.
    #[serde(default)]
    pub trainer: Option<Program>,
}

impl TrainingFile {
    /// Whether a job file is one of these.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        super::names_technique(text, "federated") && !super::has(text, "left")
    }

    /// Parses the text of a job file.
    ///
    /// # Errors
    /// `input.bad`, naming line and field.
    pub fn parse(text: &str) -> Result<Self> {
        let file: Self = super::read(text)?;
        let bad = |field: &str, what: &str| Err(Fault::new(Code::Input, what.to_owned()).at(format!("job.toml `{field}`")));
        if file.expires_hours == 0 || file.expires_hours > 24 * 30 {
            return bad("expires_hours", "1 to 720");
        }
        if file.features.contains(&file.target) {
            return bad("features", "the target is among them");
        }
        if file.inputs.iter().any(|input| input.party == file.coordinator) {
            return bad("coordinator", "it brings no rows: name a party that is not among [[inputs]]");
        }
        let settings = file.settings()?;
        settings.check(file.inputs.len(), file.features.len()).map_err(|e| Fault::from(e).at(file.place()))?;
        if let Some(program) = &file.step.trainer {
            let place = "job.toml `[step.trainer]`";
            let terms = trainer::terms(program).map_err(|e| e.at(place))?;
            trainer::check(&terms, &settings).map_err(|e| e.at(place))?;
        }
        file.limits_of_gate()?;
        Ok(file)
    }

    /// The limits of the release gate, with everything that was left out.
    ///
    /// # Errors
    /// `input.bad` naming the field.
    pub fn limits_of_gate(&self) -> Result<gate::Settings> {
        let limits = gate::Settings::deserialize(toml::Value::Table(self.gate.clone()))
            .map_err(|e| Fault::new(Code::Input, e.message().to_owned()).at("job.toml `[gate]`"))?;
        limits.check().map_err(|e| Fault::from(e).at("job.toml `[gate]`"))?;
        Ok(limits)
    }

    /// The settings, with everything that was left out.
    ///
    /// # Errors
    /// `input.bad` naming the field.
    pub(in crate::job) fn settings(&self) -> Result<Settings> {
        let bad = |what: &str| Fault::new(Code::Input, what.to_owned()).at(self.place());
        match (&self.step.train, &self.step.trees) {
            (Some(table), None) => {
                let settings = train::Settings::deserialize(toml::Value::Table(table.clone())).map_err(|e| bad(e.message()))?;
                Ok(Settings::Updates(settings))
            }
            (None, Some(table)) if self.step.trainer.is_none() => {
                let mut table = table.clone();
                // what the library takes for experiments is too small for rows of several organisations
                if let Some(boosting) = table.get_mut("boosting").and_then(toml::Value::as_table_mut) {
                    boosting.entry("min_rows").or_insert_with(|| toml::Value::Integer(horizontal::LEAST_ROWS as i64));
                }
                let settings = horizontal::Settings::deserialize(toml::Value::Table(table)).map_err(|e| bad(e.message()))?;
                Ok(Settings::Trees(settings))
            }
            (None, Some(_)) => Err(bad("a program of others trains weights: name it with [step.train]")),
            _ => Err(bad("name one of [step.train] and [step.trees]")),
        }
    }

    /// Where the settings stand.
    const fn place(&self) -> &'static str {
        if self.step.trees.is_some() { "job.toml `[step.trees]`" } else { "job.toml `[step.train]`" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = r#"
authorisation = "A-1"
technique = "federated"
features = ["age", "cost"]
target = "again"
coordinator = "yu://dev/platform/n1"
reviewer = "yu://dev/authority/n1"
receiver = "yu://dev/bank/n1"
[[inputs]]
party = "yu://dev/health/n1"
dataset = "dev/health/visits"
[[inputs]]
party = "yu://dev/bank/n1"
dataset = "dev/bank/visits"
[step.train]
rounds = 5
model = { name = "logistic" }
aggregation = { kind = "clear" }
strategy = { local = { learning_rate = 0.1, batch = 32 } }
"#;

    #[test]
    fn what_is_left_out_is_filled_in() {
        assert!(TrainingFile::is_one(JOB) && !TrainingFile::is_one("technique = \"central\""));
        let file = TrainingFile::parse(JOB).unwrap();
        let Settings::Updates(settings) = file.settings().unwrap() else { panic!("weights") };
        assert_eq!((settings.rounds, settings.holdout, settings.standardise, file.expires_hours), (5, 10, true, 24));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (from, to, place) in [
            ("rounds = 5", "rounds = 0", "step.train"),
            ("rounds = 5", "runds = 5", "step.train"),
            ("name = \"logistic\"", "name = \"magic\"", "step.train"),
            ("target = \"again\"", "target = \"age\"", "features"),
            ("yu://dev/platform", "yu://dev/health", "coordinator"),
            // two parties would know each other's update from the sum
            ("aggregation = { kind = \"clear\" }\n", "", "step.train"),
            ("reviewer", "revewer", "line"),
            ("[step.train]", "[step.trees]", "step.trees"),
            ("[step.train]", "[step.trees]\n[step.train]", "step.trees"),
            ("[step.train]", "[step.trainer]\nsha256 = \"12\"\n[step.train]", "step.trainer"),
        ] {
            let fault = TrainingFile::parse(&JOB.replace(from, to)).unwrap_err();
            assert!(fault.place.clone().unwrap_or_default().contains(place), "{to}: {fault}");
        }
    }
}
