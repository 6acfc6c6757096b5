//! `yu program`: which programs of others may train on this node's rows.

use super::Output;
use super::args::ProgramCommand;
use crate::fault::Result;
use crate::home::Home;
use crate::job::training::trainer;
use serde_json::json;

pub(super) fn run(command: &ProgramCommand, home: &Home, out: &Output) -> Result<()> {
    home.config()?;
    match command {
        ProgramCommand::Add { file, interpreter } => {
            let hash = trainer::add(home, file, interpreter.as_deref())?;
            out.say(&format!("program {hash}"), &format!("程序 {hash}"));
            out.document(&json!({ "program": hash.to_string() }));
        }
        ProgramCommand::List => {
            let programs: Vec<String> = trainer::list(home)?.iter().map(ToString::to_string).collect();
            for program in &programs {
                out.say(program, program);
            }
            out.document(&json!({ "programs": programs }));
        }
        ProgramCommand::Remove { program } => {
            trainer::remove(home, &program.parse()?)?;
            out.say(&format!("{program} is refused here from now on"), &format!("本节点自此拒绝 {program}"));
            out.document(&json!({ "removed": program }));
        }
    }
    Ok(())
}
