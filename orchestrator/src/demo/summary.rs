//! What the demo shows of a running job and of its result.

use crate::cli::Output;
use crate::verbs::JobStatus;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use std::io::IsTerminal;

/// A progress bar on a terminal, nothing elsewhere (the story's lines are enough there).
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(super) fn new(out: &Output) -> Self {
        if out.is_json() || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("            [{bar:40}] {percent:>3} % {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(Some(bar))
    }

    pub(super) fn suspend(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    pub(super) fn show(&self, status: &JobStatus) {
        if let Some(bar) = &self.0 {
            bar.set_position(u64::from(status.percent));
            bar.set_message(status.step.clone());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Means, the strongest correlations across the parties, group means.
pub(super) fn print(out: &Output, released: &Value) {
    let Some(result) = released.get("result") else { return };
    out.line("");
    for line in crate::job::explain::statistics(result, out.lang()) {
        out.line(&format!("            {line}"));
    }
}
