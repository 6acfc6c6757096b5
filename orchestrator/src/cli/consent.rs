//! `yu consent`.

use super::Output;
use super::args::ConsentCommand;
use super::verbs::{absolute, text};
use crate::admin::{AdminAsk, ask};
use crate::consent::book::Subject;
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use yu_governance::canonical::Hash;
use zeroize::Zeroizing;

pub(super) fn run(command: ConsentCommand, home: &Home, out: &Output) -> Result<()> {
    let question = match command {
        ConsentCommand::Import { dataset, file } => AdminAsk::ConsentImport { dataset, file: absolute(&file)? },
        ConsentCommand::List { dataset } => AdminAsk::ConsentList { dataset },
        ConsentCommand::Export { dataset, out } => AdminAsk::ConsentExport { dataset, out: absolute(&out)? },
        ConsentCommand::Delete { dataset } => AdminAsk::ConsentDelete { dataset },
        ConsentCommand::Revoke { dataset, subject_file, scenario, document } => {
            let read = Zeroizing::new(text(&subject_file)?);
            let subject = Subject(read.lines().next().unwrap_or_default().trim().to_owned());
            if subject.0.is_empty() {
                return Err(Fault::new(Code::Input, "its first line is empty").at(subject_file.display().to_string()));
            }
            let bytes = std::fs::read(&document).map_err(|e| Fault::io(&e, &document))?;
            AdminAsk::ConsentRevoke { dataset, subject, scenario, document: Hash::of_file(&bytes) }
        }
    };
    let value = ask(home, &question)?;
    out.answer(&question, &value);
    Ok(())
}
