//! The binary `yu`: a node and its command line.

use clap::Parser;
use std::process::ExitCode;
use yu_orchestrator::cli::{self, Cli, Output};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // help and version are no errors; usage faults exit with 2 as clap does
            let code = error.exit_code();
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    let out = Output::new(cli.json, &cli.lang).or_else(|_| Output::new(cli.json, "both"));
    match cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            if let Ok(out) = out {
                out.fault(&fault);
            }
            ExitCode::from(fault.exit())
        }
    }
}
