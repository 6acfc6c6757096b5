//! `yu dossier`.

use super::Output;
use super::args::DossierCommand;
use crate::admin::{AdminAsk, ask};
use crate::dossier::Asked;
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use serde_json::Value;

pub(super) fn run(command: DossierCommand, home: &Home, out: &Output) -> Result<()> {
    let (asked, folder) = match command {
        DossierCommand::Add { file } => {
            let file = std::path::absolute(&file).map_err(|e| Fault::io(&e, &file))?;
            (Asked::Add { file }, None)
        }
        DossierCommand::Read { application, document, office, out } => {
            (Asked::Read { office, application: application.parse()?, document: document.parse()? }, Some(out))
        }
    };
    let question = AdminAsk::Dossier(Box::new(asked));
    let mut value = ask(home, &question)?;
    if let Some(folder) = folder {
        let part = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let bytes = hex::decode(part("content")).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&e, &folder))?;
        write_atomic(&folder.join(part("mark")), &bytes, 0o600)?;
        if let Some(answer) = value.as_object_mut() {
            answer.remove("content");
        }
    }
    out.answer(&question, &value);
    Ok(())
}
