//! `yu procedure`, and what of `yu profile` a node does.

use super::args::{ProcedureCommand, ProfileCommand};
use super::verbs::text;
use crate::admin::AdminAsk;
use crate::fault::{Code, Fault, Result};
use std::path::Path;
use yu_governance::canonical::Hash;

pub(super) fn question(command: ProcedureCommand) -> Result<AdminAsk> {
    Ok(match command {
        ProcedureCommand::List => AdminAsk::ProcedureList,
        ProcedureCommand::Show { machine, object } => AdminAsk::ProcedureShow { machine, object },
        ProcedureCommand::Step { machine, object, event, evidence, signer } => {
            // a file name holds no `=`, an event always does
            let event = if event.contains('=') { event } else { text(Path::new(&event))? };
            let evidence = match evidence {
                // a document of the docket is cited by its hash
                Some(cited) if cited.to_str().is_some_and(|text| text.starts_with(Hash::PREFIX)) => {
                    cited.to_str().unwrap_or_default().parse::<Hash>()?
                }
                Some(path) => Hash::of_file(&std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?),
                // the event itself is all there is
                None => Hash::of_file(event.as_bytes()),
            };
            AdminAsk::ProcedureStep { machine, object, event, evidence, signers: signers(&signer)? }
        }
        ProcedureCommand::Sign { hash } => AdminAsk::ProcedureSign { seen: hash },
        ProcedureCommand::Drop { hash } => AdminAsk::ProcedureDrop { seen: hash },
        ProcedureCommand::Appoint { file } => AdminAsk::ProcedureAppoint { toml: text(&file)? },
        ProcedureCommand::Sync => AdminAsk::ProcedureSync,
    })
}

fn signers(all: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |one: &String| one.split_once('=').map(|(role, party)| (role.to_owned(), party.to_owned()));
    let bad = |one: &String| Fault::new(Code::Input, format!("`{one}`: ROLE=PARTY")).at("--signer");
    all.iter().map(|one| pair(one).ok_or_else(|| bad(one))).collect()
}

/// What of `yu profile` needs the node.
pub(super) fn profile(command: &ProfileCommand) -> Result<Option<AdminAsk>> {
    Ok(match command {
        ProfileCommand::Adopt { profile } => {
            let (profile, parent) = crate::profiles::with_parent(profile)?;
            Some(AdminAsk::ProfileAdopt { profile: Box::new(profile), parent: parent.map(Box::new) })
        }
        ProfileCommand::Proposed => Some(AdminAsk::ProfileProposed),
        ProfileCommand::Countersign { hash } => Some(AdminAsk::ProfileCountersign { seen: hash.clone() }),
        ProfileCommand::List | ProfileCommand::Show { .. } | ProfileCommand::Diff { .. } => None,
    })
}
