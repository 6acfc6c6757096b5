//! Runs a program without network and within limits. On Linux by the kernel; elsewhere it is not run unless that is allowed by name.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::program::Limits;
use crate::{Error, Result};

/// How long the end of a program may go unnoticed.
const NAP: Duration = Duration::from_millis(5);

/// How a program ended.
pub(super) enum Ended {
    /// With status 0.
    Well,
    /// Otherwise; how, in words.
    Badly(String),
    /// Not before the time was over; it was killed.
    TooLate,
}

/// Runs it to its end.
///
/// # Errors
/// [`Error::Unsafe`] if it cannot be cut off from the network or limited; [`Error::Data`] if it cannot be started.
pub(super) fn run(
    interpreter: Option<&Path>,
    program: &Path,
    folder: &Path,
    limits: &Limits,
    without_network: bool,
    time: Duration,
) -> Result<Ended> {
    let mut command = Command::new(interpreter.unwrap_or(program));
    if interpreter.is_some() {
        command.arg(program);
    }
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder).env("TMPDIR", folder).env("LANG", "C.UTF-8");
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    kernel::confine(&mut command, limits, without_network)?;
    let mut child = command.spawn().map_err(|error| {
        if without_network && kernel::is_refusal(&error) {
            return Error::Unsafe {
                setting: "external".into(),
                reason: format!("the program cannot be cut off from the network or limited here: {error}"),
                remedy: "allow the node's user its own namespaces (`user.max_net_namespaces`), or name `danger_network`".into(),
            };
        }
        Error::Data {
            what: "external program".into(),
            problem: format!("it cannot be started: {error}"),
            remedy: "see that it is a program of this machine, or name its `interpreter`".into(),
        }
    })?;
    let end = Instant::now() + time;
    let has_ended = loop {
        match kernel::has_ended(&mut child) {
            Ok(false) if Instant::now() < end => std::thread::sleep(NAP),
            Ok(has_ended) => break has_ended,
            Err(_) => break false,
        }
    };
    // whatever it started goes with it, while the number of its group is still its own
    kernel::kill_group(&child);
    let _ = child.kill();
    Ok(match child.wait() {
        _ if !has_ended => Ended::TooLate,
        Ok(status) if status.success() => Ended::Well,
        Ok(status) => Ended::Badly(format!("it ended by {status}")),
        Err(error) => Ended::Badly(format!("its end is not known: {error}")),
    })
}

#[cfg(target_os = "linux")]
mod kernel {
    #![allow(unsafe_code, reason = "limits and namespaces of a child are set between fork and exec, which is unsafe to do")]

    use std::io;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command};

    use super::Limits;
    use crate::Result;

    /// Sets what is set between fork and exec.
    #[expect(clippy::unnecessary_wraps, reason = "the twin for other systems refuses")]
    pub(super) fn confine(command: &mut Command, limits: &Limits, without_network: bool) -> Result<()> {
        let mib = |count: u32| libc::rlim_t::from(count) << 20;
        let all: [(_, libc::rlim_t); 5] = [
            (libc::RLIMIT_AS, mib(limits.memory_mib)),
            (libc::RLIMIT_CPU, limits.processor_seconds.into()),
            (libc::RLIMIT_FSIZE, mib(limits.file_mib)),
            (libc::RLIMIT_NOFILE, 256),
            (libc::RLIMIT_CORE, 0),
        ];
        command.process_group(0);
        let before = move || {
            for (what, most) in all {
                let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
                // SAFETY: the call reads `limit`, which lives until after it
                check(unsafe { libc::setrlimit(what, &raw const limit) })?;
            }
            const NONE: libc::c_ulong = 0;
            // SAFETY: these calls take numbers only
            unsafe {
                if without_network {
                    // an own user namespace is what lets a plain user have an own, empty network namespace
                    check(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET))?;
                }
                check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1 as libc::c_ulong, NONE, NONE, NONE))?;
                // after the namespace, which would forget it
                check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, NONE, NONE, NONE))?;
            }
            Ok(())
        };
        // SAFETY: `before` runs in the child after fork, where other threads' locks may be held: it allocates nothing, takes no lock, and calls
        // the kernel only
        unsafe { command.pre_exec(before) };
        Ok(())
    }

    fn check(result: libc::c_int) -> io::Result<()> {
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Whether the kernel refused to confine it, as far as that can be told from a program that is not there.
    pub(super) fn is_refusal(error: &io::Error) -> bool {
        matches!(error.raw_os_error(), Some(libc::EPERM | libc::EINVAL | libc::ENOSPC | libc::EUSERS | libc::ENOSYS))
    }

    /// Whether it has ended; its number stays its own until it is waited for.
    pub(super) fn has_ended(child: &mut Child) -> io::Result<bool> {
        // SAFETY: all bits zero are a value of this structure of numbers
        let mut about: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: the call writes `about`, which lives until after it and is of the kernel's layout
        check(unsafe { libc::waitid(libc::P_PID, child.id(), &raw mut about, options) })?;
        // SAFETY: waitid has filled the part of the structure that holds the number, or left it zero
        Ok(unsafe { about.si_pid() } != 0)
    }

    /// Kills what is left of its process group.
    pub(super) fn kill_group(child: &Child) {
        if let Ok(id) = libc::pid_t::try_from(child.id())
            && id > 1
        {
            // SAFETY: the call takes numbers only; the group is the child's own, made before it ran
            unsafe { libc::kill(-id, libc::SIGKILL) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::io;
    use std::process::{Child, Command};

    use super::Limits;
    use crate::{Error, Result};

    pub(super) fn confine(_: &mut Command, _: &Limits, without_network: bool) -> Result<()> {
        if without_network {
            return Err(Error::Unsafe {
                setting: "external".into(),
                reason: "this system cannot cut a program off from the network, nor limit it".into(),
                remedy: "run the node on Linux, or name `danger_network`".into(),
            });
        }
        Ok(())
    }

    pub(super) fn is_refusal(_: &io::Error) -> bool {
        false
    }

    pub(super) fn has_ended(child: &mut Child) -> io::Result<bool> {
        child.try_wait().map(|status| status.is_some())
    }

    pub(super) fn kill_group(_: &Child) {}
}
