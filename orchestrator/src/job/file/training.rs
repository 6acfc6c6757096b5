//! `job.toml` with `technique = "federated"`: parties with the same columns train a model, each on its own rows.

use serde::Deserialize;
use yu_fedlearn::gate;
use yu_fedlearn::train::Settings;

use super::LimitsFile;
use super::derivative::InputFile;
use crate::fault::{Code, Fault, Result};

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

/// `[step.train]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTable {
    /// Settings of the training.
    pub train: toml::Table,
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
        file.settings()?.check(file.inputs.len()).map_err(|e| Fault::from(e).at("job.toml `[step.train]`"))?;
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
    pub fn settings(&self) -> Result<Settings> {
        Settings::deserialize(toml::Value::Table(self.step.train.clone()))
            .map_err(|e| Fault::new(Code::Input, e.message().to_owned()).at("job.toml `[step.train]`"))
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
        let settings = file.settings().unwrap();
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
        ] {
            let fault = TrainingFile::parse(&JOB.replace(from, to)).unwrap_err();
            assert!(fault.place.clone().unwrap_or_default().contains(place), "{to}: {fault}");
        }
    }
}
