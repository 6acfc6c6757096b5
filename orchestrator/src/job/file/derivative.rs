//! `job.toml` with `technique = "central"`: one step `desensitize` over one party's data set.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::LimitsFile;
use crate::fault::{Code, Fault, Result};

/// A job in which a provider de-identifies its rows, as a person describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivativeFile {
    /// Id of the authorisation.
    pub authorisation: String,
    /// Purpose; absent: the purpose of the authorisation.
    #[serde(default)]
    pub purpose: Option<String>,
    /// `central`.
    pub technique: String,
    /// One step.
    pub steps: Vec<Step>,
    /// Whose rows.
    pub input: InputFile,
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

/// The step.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// De-identify by a policy.
    Desensitize {
        /// The policy file; the command line puts its text in the place of its name.
        #[serde(default)]
        policy: Option<String>,
        /// The text of the policy.
        #[serde(default)]
        policy_text: Option<String>,
        /// Texts of the files that it names.
        #[serde(default)]
        files: BTreeMap<String, String>,
    },
}

/// The rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Owner, `yu://env/org/node`.
    pub party: String,
    /// Data set.
    pub dataset: String,
}

impl DerivativeFile {
    /// Whether a job file is one of these.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        super::names_technique(text, "central")
    }

    /// Parses the text of a job file.
    ///
    /// # Errors
    /// `input.bad`, naming line and field.
    pub fn parse(text: &str) -> Result<Self> {
        let file: Self = super::read(text)?;
        if file.expires_hours == 0 || file.expires_hours > 24 * 30 {
            return Err(Fault::new(Code::Input, "1 to 720").at("job.toml `expires_hours`"));
        }
        file.policy()?;
        Ok(file)
    }

    /// Text of the policy and of its files.
    ///
    /// # Errors
    /// `input.bad` if the policy is only named.
    pub fn policy(&self) -> Result<(&str, &BTreeMap<String, String>)> {
        match self.steps.as_slice() {
            [Step::Desensitize { policy: None, policy_text: Some(text), files }] => Ok((text, files)),
            [Step::Desensitize { .. }] => {
                Err(Fault::new(Code::Input, "one of `policy`, a file beside job.toml, and `policy_text`").at("job.toml `steps`"))
            }
            _ => Err(Fault::new(Code::Input, "technique = \"central\" has one step, `desensitize`").at("job.toml `steps`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_stands_in_the_job_or_is_asked_for() {
        let job = "authorisation = \"A-1\"\ntechnique = \"central\"\nreviewer = \"yu://dev/a/n1\"\nreceiver = \"yu://dev/b/n1\"\n\
                   [input]\nparty = \"yu://dev/h/n1\"\ndataset = \"visits\"\n[[steps]]\nkind = \"desensitize\"\n";
        assert!(DerivativeFile::is_one(job) && !DerivativeFile::is_one("technique = \"mpc\"") && !DerivativeFile::is_one("technique"));
        let whole = DerivativeFile::parse(&(job.to_owned() + "policy_text = \"x\"\n")).unwrap();
        assert_eq!((whole.policy().unwrap().0, whole.expires_hours), ("x", 24));
        for (more, place) in [
            ("policy = \"p.toml\"\n", "steps"),
            ("", "steps"),
            ("policy_text = \"x\"\n[[steps]]\nkind = \"desensitize\"\npolicy_text = \"y\"\n", "steps"),
            ("policy_text = \"x\"\nspeed = 1\n", "line"),
            ("policy_text = \"x\"\n[[steps]]\nkind = \"stats\"\n", "line"),
        ] {
            let fault = DerivativeFile::parse(&(job.to_owned() + more)).unwrap_err();
            assert!(fault.place.clone().unwrap().contains(place), "{fault}");
        }
    }
}
