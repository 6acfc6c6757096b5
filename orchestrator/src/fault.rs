//! What the user is told when something does not work: what, where, which party, and the remedy.
//!
//! A [`Fault`] is value-free, so it may be shown to every party of a job and written to logs. Its [`Code`] is stable
//! and decides the exit status of the command line.

mod code;
mod from;

pub use code::Code;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Result of the node.
pub type Result<T> = std::result::Result<T, Fault>;

/// The two languages of everything that a user reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
    /// Both, Chinese first.
    #[default]
    Both,
}

/// A failure with a stable name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Stable name.
    pub code: Code,
    /// Identifiers and public numbers that say what exactly; never a data value.
    pub detail: String,
    /// File, step, field or verb.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The party at fault or concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
}

impl Fault {
    /// A fault with its detail.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), place: None, party: None }
    }

    /// Says where it happened.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place.get_or_insert_with(|| place.into());
        self
    }

    /// Says which party is concerned.
    #[must_use]
    pub fn party(mut self, party: impl Into<String>) -> Self {
        self.party.get_or_insert_with(|| party.into());
        self
    }

    /// A fault that a peer sent: its words are shortened and stripped of control characters, and it says who sent it.
    #[must_use]
    pub fn reported_by(mut self, peer: &str) -> Self {
        fn clean(text: &str) -> String {
            text.chars().filter(|c| !c.is_control()).take(400).collect()
        }
        self.detail = clean(&self.detail);
        self.place = self.place.as_deref().map(clean);
        let named = self.party.as_deref().map(clean).unwrap_or_else(|| peer.to_owned());
        if named != peer && !self.detail.contains("(reported by") {
            self.detail = format!("{} (reported by {peer})", self.detail);
        }
        self.party = Some(named);
        self
    }

    /// The same for other parties: what and where in this node's own files, store and program is for its operator.
    #[must_use]
    pub fn for_peers(mut self) -> Self {
        let own = if self.exit() == Code::Input.exit() {
            Some("the party's data cannot be used as they are; its operator sees where")
        } else if self.exit() == Code::Storage.exit() {
            Some("the party's node could not read or write what it keeps; its operator sees where")
        } else if self.code == Code::Bug {
            Some("the party's operator sees what and where")
        } else {
            None
        };
        let is_path = self.place.as_deref().is_some_and(|place| place.contains(['/', '\\']));
        if own.is_some() || is_path || self.code == Code::DataChanged {
            self.place = None;
        }
        if let Some(told) = own {
            told.clone_into(&mut self.detail);
        }
        self
    }

    /// Exit status of a command that ends with this fault.
    pub fn exit(&self) -> u8 {
        self.code.exit()
    }

    /// Lines for a person.
    pub fn render(&self, lang: Lang) -> String {
        let mut out = String::new();
        let title = pick(lang, self.code.title_en(), self.code.title_zh());
        out.push_str(&format!("[{}] {title}: {}", self.code.as_str(), self.detail));
        if let Some(place) = &self.place {
            out.push_str(&format!("\n  {}: {place}", pick(lang, "where", "位置")));
        }
        if let Some(party) = &self.party {
            out.push_str(&format!("\n  {}: {party}", pick(lang, "party", "参与方")));
        }
        out.push_str(&format!("\n  {}: {}", pick(lang, "remedy", "处理办法"), pick(lang, self.code.remedy_en(), self.code.remedy_zh())));
        out
    }
}

/// One text in the wanted language.
pub fn pick(lang: Lang, en: &str, zh: &str) -> String {
    match lang {
        Lang::En => en.to_owned(),
        Lang::Zh => zh.to_owned(),
        Lang::Both if en == zh => en.to_owned(),
        Lang::Both => format!("{zh} / {en}"),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code.title_en(), self.code.as_str(), self.detail)?;
        if let Some(place) = &self.place {
            write!(f, " at {place}")?;
        }
        if let Some(party) = &self.party {
            write!(f, ", party {party}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_deviated_is_named_with_the_step() {
        let error = yu_mpc::Error::Peer {
            culprit: "yu://dev/platform/n1".into(),
            step: "quantiles, malicious.coefficients of rep3.multiply".into(),
            what: "its proof does not hold".into(),
        };
        let told = Fault::from(error).for_peers();
        assert_eq!((told.code, told.party.as_deref()), (Code::PeerProtocol, Some("yu://dev/platform/n1")));
        assert!(told.place.as_deref().is_some_and(|place| place.starts_with("quantiles")), "{told}");
    }

    #[test]
    fn peers_learn_nothing_of_files() {
        for code in Code::ALL {
            let own = Fault::io(&std::io::ErrorKind::IsADirectory.into(), std::path::Path::new("health/policy.cedar"));
            let told = Fault { code: *code, ..own }.party("yu://dev/health/n1").for_peers();
            assert!(told.place.is_none(), "{told}");
            assert_eq!((told.code, told.party.as_deref()), (*code, Some("yu://dev/health/n1")));
        }
        for code in [Code::NotNumeric, Code::FileMissing, Code::Storage, Code::Damaged, Code::DiskFull, Code::Bug] {
            let told = Fault::new(code, "unable to open database file: /home/x/store/yu.sqlite").at("row 7").for_peers();
            assert!(!told.to_string().contains("sqlite") && !told.to_string().contains("row 7"), "{told}");
        }
        let told = Fault::new(Code::PeerProtocol, "does not parse").at("proposal").for_peers();
        assert_eq!((told.detail.as_str(), told.place.as_deref()), ("does not parse", Some("proposal")));
    }
}
