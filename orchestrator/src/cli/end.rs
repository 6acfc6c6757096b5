//! `yu end`.

use super::Output;
use super::args::EndCommand;
use super::verbs::{absolute, text};
use crate::admin::{AdminAsk, ask};
use crate::fault::Result;
use crate::home::{Home, write_atomic};

pub(super) fn run(command: EndCommand, home: &Home, out: &Output) -> Result<()> {
    let question = match command {
        EndCommand::Run { authorisation } => AdminAsk::EndRun { authorisation },
        EndCommand::Show { authorisation } => AdminAsk::EndShow { authorisation },
        EndCommand::Prove { authorisation, asset } => AdminAsk::EndProve { authorisation, asset },
        EndCommand::Open { file, half, out } => AdminAsk::EndOpen { file: absolute(&file)?, half: text(&half)?, out: absolute(&out)? },
        EndCommand::Half { file, out: half } => {
            let question = AdminAsk::EndHalf { file: absolute(&file)? };
            let value = ask(home, &question)?;
            write_atomic(&half, value["half"].as_str().unwrap_or_default().as_bytes(), 0o600)?;
            out.answer(&question, &value);
            return Ok(());
        }
    };
    let value = ask(home, &question)?;
    out.answer(&question, &value);
    Ok(())
}
