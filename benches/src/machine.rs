//! The conditions of a measurement: commit, CPU, load, time.

pub mod cpu;

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Where a party ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Model name of the CPU.
    pub cpu: String,
    /// Logical cores that the process may use.
    pub cores: usize,
    /// Load average over one minute at the start: other work on the machine spoils wall times.
    pub load: Option<f64>,
}

impl Machine {
    /// This machine, now.
    #[must_use]
    pub fn here() -> Self {
        let cpu = read("/proc/cpuinfo").and_then(|text| after(&text, "model name"));
        let load = read("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok());
        Self { cpu: cpu.unwrap_or_else(|| "unknown".into()), cores: std::thread::available_parallelism().map_or(0, Into::into), load }
    }
}

/// The commit checked out in the current directory, `-dirty` if files differ from it, `unknown` outside of a repository.
#[must_use]
pub fn commit() -> String {
    let git = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]).output();
    let text = git.ok().filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".into())
}

/// Seconds since 1970-01-01 UTC.
#[must_use]
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs().cast_signed())
}

/// Now, as `2026-11-21T08:00:00Z`.
#[must_use]
pub fn date() -> String {
    let date = OffsetDateTime::from_unix_timestamp(now()).ok().and_then(|date| date.format(&Rfc3339).ok());
    date.unwrap_or_else(|| "unknown".into())
}

/// Greatest resident memory of this process since [`reset_peak_memory`], bytes; `None` where the kernel does not tell.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let text = after(&read("/proc/self/status")?, "VmHWM")?;
    text.trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Lets [`peak_memory`] begin again; without permission it goes on since the start of the process.
pub fn reset_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// What follows the colon of the first line that begins with `name`.
fn after(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_name() {
        assert_eq!(after("a\t: 1\nmodel name\t: Zen 5 \n", "model name").as_deref(), Some("Zen 5"));
        assert_eq!(after("VmHWM:\t  12 kB\n", "VmHWM").as_deref(), Some("12 kB"));
        assert_eq!(after("x: 1", "y"), None);
    }

    #[test]
    fn clocks_advance() {
        let before = (cpu::process(), cpu::thread());
        let mut sum = 0u64;
        while cpu::thread() == before.1 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu::process() > before.0);
    }
}
