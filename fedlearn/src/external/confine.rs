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
    let place = kernel::Place { folder, interpreter };
    kernel::confine(&mut command, place, limits, without_network)?;
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

/// What keeps a program of others apart on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protection {
    /// Version of Landlock: the program reaches no files but its own and the system's; 0 without it.
    pub landlock: u32,
    /// Own network namespace, filter of system calls, no new privileges: without them no program runs.
    pub cut_off: bool,
    /// Whether the number of its processes is limited: not for the superuser.
    pub processes: bool,
}

impl Protection {
    /// Finds out, by running a program that does nothing.
    #[must_use]
    pub fn of_this_machine() -> Self {
        kernel::protection()
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    #![allow(unsafe_code, reason = "limits and namespaces of a child are set between fork and exec, which is unsafe to do")]

    use std::io;
    use std::os::unix::process::CommandExt as _;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    use super::super::landlock::{self, Rules};
    use super::{Limits, Protection};
    use crate::{Error, Result};

    /// Most processes and threads of a program.
    const MOST_PROCESSES: libc::rlim_t = 256;

    /// Where a program runs.
    #[derive(Clone, Copy)]
    pub(super) struct Place<'a> {
        pub(super) folder: &'a Path,
        pub(super) interpreter: Option<&'a Path>,
    }

    /// Sets what is set between fork and exec.
    pub(super) fn confine(command: &mut Command, place: Place<'_>, limits: &Limits, without_network: bool) -> Result<()> {
        let rules = Rules::new(place.folder, place.interpreter, without_network).map_err(|error| Error::Unsafe {
            setting: "external".into(),
            reason: format!("the program's files cannot be cut off from all others (Landlock): {error}"),
            remedy: "look at `yu doctor`".into(),
        })?;
        let mib = |count: u32| libc::rlim_t::from(count) << 20;
        let all: [(_, libc::rlim_t); 5] = [
            (libc::RLIMIT_AS, mib(limits.memory_mib)),
            (libc::RLIMIT_CPU, limits.processor_seconds.into()),
            (libc::RLIMIT_FSIZE, mib(limits.file_mib)),
            (libc::RLIMIT_NOFILE, 256),
            (libc::RLIMIT_CORE, 0),
        ];
        command.process_group(0);
        let filter = if without_network { filter() } else { Vec::new() };
        let before = move || {
            for (what, most) in all {
                let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
                // SAFETY: the call reads `limit`, which lives until after it
                check(unsafe { libc::setrlimit(what, &raw const limit) })?;
            }
            const NONE: libc::c_ulong = 0;
            // SAFETY: these calls take numbers, and a structure that lives until after the call
            unsafe {
                if without_network {
                    // an own user namespace is what lets a plain user have an own, empty network namespace
                    const NEEDED: libc::c_int = libc::CLONE_NEWUSER | libc::CLONE_NEWNET;
                    if libc::unshare(NEEDED | libc::CLONE_NEWNS | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS) != 0 {
                        check(libc::unshare(NEEDED))?;
                    }
                    // after the namespace, in which none but its own processes count
                    let limit = libc::rlimit { rlim_cur: MOST_PROCESSES, rlim_max: MOST_PROCESSES };
                    check(libc::setrlimit(libc::RLIMIT_NPROC, &raw const limit))?;
                }
                check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1 as libc::c_ulong, NONE, NONE, NONE))?;
                // after the namespace, which would forget it
                check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, NONE, NONE, NONE))?;
            }
            if let Some(rules) = &rules {
                rules.enforce()?;
            }
            if without_network { deny(&filter) } else { Ok(()) }
        };
        // SAFETY: `before` runs in the child after fork, where other threads' locks may be held: it allocates nothing, takes no lock, and calls
        // the kernel only
        unsafe { command.pre_exec(before) };
        Ok(())
    }

    /// System calls that a program that trains has no use for: sockets (those of the file system are in no network namespace), leaving the group that
    /// is killed after a step, other processes, further namespaces.
    const DENIED: [libc::c_long; 39] = [
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_io_uring_setup,
        libc::SYS_setsid,
        libc::SYS_setpgid,
        libc::SYS_kill,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_bpf,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_userfaultfd,
        libc::SYS_request_key,
        libc::SYS_perf_event_open,
        libc::SYS_process_madvise,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_send_signal,
        libc::SYS_tkill,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_kexec_file_load,
        libc::SYS_mount_setattr,
    ];
    /// Asking for namespaces when a process is started: in the first argument of `clone`, low half.
    const NEW_NAMESPACES: u32 = (libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET) as u32;
    /// Numbers from here on belong to another table of the same processor (x32).
    const OTHER_TABLE: u32 = 0x4000_0000;
    /// Name of the table of system calls, as the kernel tells it to a filter (`linux/audit.h`); 0: this module knows none.
    const TABLE: u32 = if cfg!(target_arch = "x86_64") {
        0xc000_003e
    } else if cfg!(target_arch = "aarch64") {
        0xc000_00b7
    } else {
        0
    };

    /// The filter: another table ends the program, a denied call fails with EPERM, everything else is as before.
    fn filter() -> Vec<libc::sock_filter> {
        const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
        const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        const AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
        const ANY_OF: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
        const ANSWER: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
        let line = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
        let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let mut program = vec![
            // offsets in `struct seccomp_data`: the number is first, the table after it
            line(LOAD, 4, 0, 0),
            line(EQUAL, TABLE, 1, 0),
            line(ANSWER, libc::SECCOMP_RET_KILL_PROCESS, 0, 0),
            line(LOAD, 0, 0, 0),
            line(AT_LEAST, OTHER_TABLE, 0, 1),
            line(ANSWER, refuse, 0, 0),
        ];
        for number in DENIED {
            program.push(line(EQUAL, number as u32, 0, 1));
            program.push(line(ANSWER, refuse, 0, 0));
        }
        // limits of the own process only: those of the node are not its matter
        program.push(line(EQUAL, libc::SYS_prlimit64 as u32, 0, 4));
        program.push(line(LOAD, 16, 0, 0));
        program.push(line(EQUAL, 0, 0, 1));
        program.push(line(ANSWER, libc::SECCOMP_RET_ALLOW, 0, 0));
        program.push(line(ANSWER, refuse, 0, 0));
        // `clone3` has its flags where a filter cannot look: without it libraries use `clone`
        program.push(line(EQUAL, libc::SYS_clone3 as u32, 0, 1));
        program.push(line(ANSWER, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32, 0, 0));
        program.push(line(EQUAL, libc::SYS_clone as u32, 0, 3));
        // the first argument, low half: both tables are little-endian
        program.push(line(LOAD, 16, 0, 0));
        program.push(line(ANY_OF, NEW_NAMESPACES, 0, 1));
        program.push(line(ANSWER, refuse, 0, 0));
        program.push(line(ANSWER, libc::SECCOMP_RET_ALLOW, 0, 0));
        program
    }

    /// Puts the filter in force, for good.
    fn deny(filter: &[libc::sock_filter]) -> io::Result<()> {
        if TABLE == 0 {
            return Err(io::Error::from_raw_os_error(libc::ENOSYS));
        }
        let len = libc::c_ushort::try_from(filter.len()).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
        let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
        // SAFETY: the kernel copies the program, which lives until after the call, and does not write to it
        check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::c_ulong::from(libc::SECCOMP_MODE_FILTER), &raw const program) })
    }

    fn check(result: libc::c_int) -> io::Result<()> {
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// What this machine has, tried out.
    pub(super) fn protection() -> Protection {
        // SAFETY: the call takes and gives numbers only
        let is_superuser = unsafe { libc::geteuid() } == 0;
        let folder = std::env::temp_dir();
        let mut command = Command::new("true");
        command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let place = Place { folder: &folder, interpreter: None };
        let confined = confine(&mut command, place, &Limits::default(), true).is_ok();
        let cut_off = confined && command.status().is_ok_and(|status| status.success());
        Protection { landlock: landlock::version().unwrap_or(0), cut_off, processes: cut_off && !is_superuser }
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
    use std::path::Path;
    use std::process::{Child, Command};

    use super::{Limits, Protection};
    use crate::{Error, Result};

    /// Where a program runs.
    #[derive(Clone, Copy)]
    #[expect(dead_code, reason = "the twin for Linux reads it")]
    pub(super) struct Place<'a> {
        pub(super) folder: &'a Path,
        pub(super) interpreter: Option<&'a Path>,
    }

    pub(super) fn protection() -> Protection {
        Protection { landlock: 0, cut_off: false, processes: false }
    }

    pub(super) fn confine(_: &mut Command, _: Place<'_>, _: &Limits, without_network: bool) -> Result<()> {
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
