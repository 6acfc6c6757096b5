//! What a person or a machine sees: sentences in the wanted language, or one JSON document per line.

use crate::admin::AdminAsk;
use crate::fault::{Code, Fault, Lang, Result, pick};
use crate::job::story;
use crate::store::JobEvent;
use crate::verbs::JobStatus;
use serde_json::{Value, json};

/// Where and how the command line prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    lang: Lang,
}

impl Output {
    /// From the global options.
    ///
    /// # Errors
    /// `input.bad` for an unknown language.
    pub fn new(json: bool, lang: &str) -> Result<Self> {
        let lang = match lang {
            "en" => Lang::En,
            "zh" => Lang::Zh,
            "both" => Lang::Both,
            other => return Err(Fault::new(Code::Input, format!("`{other}`: en, zh or both")).at("--lang")),
        };
        Ok(Self { json, lang })
    }

    /// Whether a machine reads.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// The language of texts.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// A sentence for people; machines do not see it.
    pub fn say(&self, en: &str, zh: &str) {
        if !self.json {
            emit(&pick(self.lang, en, zh));
        }
    }

    /// A plain line for people.
    pub fn line(&self, text: &str) {
        if !self.json {
            emit(text);
        }
    }

    /// A document for machines.
    pub fn document(&self, value: &Value) {
        if self.json {
            emit(&value.to_string());
        }
    }

    /// The answer of a node: its sentences for people, the whole document for machines.
    pub fn answer(&self, _question: &AdminAsk, value: &Value) {
        if self.json {
            emit(&value.to_string());
            return;
        }
        match value.get("say").and_then(Value::as_array) {
            Some(lines) => {
                for line in lines {
                    let part = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                    emit(&pick(self.lang, &part("en"), &part("zh")));
                }
            }
            None => emit(&serde_json::to_string_pretty(value).unwrap_or_default()),
        }
    }

    /// One line of a job's story.
    pub fn event(&self, event: &JobEvent) {
        if self.json {
            emit(&json!({ "event": event }).to_string());
            return;
        }
        let (en, zh) = story::sentence(&event.verb, &event.detail);
        emit(&format!("  {}  {}", story::clock(event.at), pick(self.lang, &en, &zh)));
    }

    /// Where a job came to rest.
    pub fn state(&self, status: &JobStatus) {
        if self.json {
            emit(&json!({ "job": status.job, "state": status.state, "fault": status.fault }).to_string());
        } else {
            emit(&format!("{} {}", &status.job, pick(self.lang, &status.state, &status.state_zh)));
        }
    }

    /// A fault, on standard error for people and on standard output for machines.
    pub fn fault(&self, fault: &Fault) {
        if self.json {
            emit(
                &json!({ "fault": fault, "title": { "en": fault.code.title_en(), "zh": fault.code.title_zh() },
                "remedy": { "en": fault.code.remedy_en(), "zh": fault.code.remedy_zh() } })
                .to_string(),
            );
        } else {
            eprintln!("{}", fault.render(self.lang));
        }
    }
}

/// Prints a line; a reader that went away (`| head`) ends the program quietly.
pub fn emit(line: &str) {
    use std::io::Write;
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        std::process::exit(0);
    }
}
