//! Which files a program reaches (Landlock, Linux 5.13 and later): its own folder, and what a program of this machine needs to run. By raw system calls:
//! three of them, with two small structures.

#![allow(unsafe_code, reason = "the three system calls have no safe form in the standard library")]

use std::fs::File;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
/// Truncating, from version 3 on.
const TRUNCATE: u64 = 1 << 14;
/// Rights over files of version 1; each later version added one more.
const FIRST_RIGHTS: u32 = 13;
/// TCP: binding and connecting.
const NET: u64 = 0b11;
/// Sockets without a name in the file system, and signals, of processes outside.
const SCOPES: u64 = 0b11;

/// What programs and libraries of the machine are read from.
const SYSTEM: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/sys/devices/system/cpu", "/etc/alternatives"];
/// Single files that are read: where libraries are, what time zone it is, how many processors there are.
const FILES: [&str; 5] = ["/etc/ld.so.cache", "/etc/localtime", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"];
/// Devices without a state.
const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// `struct landlock_ruleset_attr`; older kernels take it as long as what they do not know is zero.
#[repr(C)]
struct Handled {
    files: u64,
    net: u64,
    scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    folder: libc::c_int,
}

/// The version that the kernel has; `None`: it has none, or it is switched off.
pub(super) fn version() -> Option<u32> {
    const ASK: libc::c_long = 1;
    // SAFETY: without a structure the call only tells the version
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<Handled>(), 0_usize, ASK) };
    u32::try_from(version).ok().filter(|version| *version > 0)
}

/// Rules for a program in a folder, not yet in force.
pub(super) struct Rules(OwnedFd);

impl Rules {
    /// Makes them; `None` where the kernel has no Landlock.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn new(folder: &Path, interpreter: Option<&Path>, without_network: bool) -> io::Result<Option<Self>> {
        let Some(version) = version() else { return Ok(None) };
        let count = match version {
            1..=3 => FIRST_RIGHTS + version - 1,
            4 => FIRST_RIGHTS + 2,
            _ => FIRST_RIGHTS + 3,
        };
        let all = (1_u64 << count) - 1;
        let handled = Handled {
            files: all,
            net: if without_network && version >= 4 { NET } else { 0 },
            scoped: if without_network && version >= 6 { SCOPES } else { 0 },
        };
        // SAFETY: the kernel reads the structure, which lives until after the call
        let made = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled, size_of::<Handled>(), 0) };
        if made < 0 {
            return Err(io::Error::last_os_error());
        }
        let made = libc::c_int::try_from(made).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
        // SAFETY: the kernel has just given us this descriptor, and nobody else has it
        let rules = Self(unsafe { OwnedFd::from_raw_fd(made) });
        rules.allow(folder, all)?;
        for place in SYSTEM.iter().map(PathBuf::from).chain(interpreter.map(beside).unwrap_or_default()) {
            rules.allow(&place, EXECUTE | READ_FILE | READ_DIR)?;
        }
        for file in FILES {
            rules.allow(Path::new(file), READ_FILE)?;
        }
        for device in DEVICES {
            rules.allow(Path::new(device), (READ_FILE | WRITE_FILE | TRUNCATE) & all)?;
        }
        Ok(Some(rules))
    }

    /// Lets the program have rights over a place and what is below it; a place that is not there needs none.
    fn allow(&self, place: &Path, rights: u64) -> io::Result<()> {
        let opened = File::options().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(place);
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => return Ok(()),
            Err(error) => return Err(error),
        };
        // of a single file only these can be allowed
        let of_files = EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE;
        let allowed = if opened.metadata()?.is_dir() { rights } else { rights & of_files };
        let beneath = Beneath { allowed, folder: opened.as_raw_fd() };
        const PATH_BENEATH: libc::c_int = 1;
        // SAFETY: the kernel reads the structure, which lives until after the call; both descriptors are open
        let added = unsafe { libc::syscall(libc::SYS_landlock_add_rule, self.0.as_raw_fd(), PATH_BENEATH, &raw const beneath, 0) };
        if added == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Puts them in force for this process and what it starts, for good. Between fork and exec: it calls the kernel and nothing else.
    pub(super) fn enforce(&self) -> io::Result<()> {
        // SAFETY: the call takes numbers only
        let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, self.0.as_raw_fd(), 0) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Where an interpreter that is not the system's has its own libraries: the folders beside its own, no others of that place.
fn beside(interpreter: &Path) -> Vec<PathBuf> {
    let real = std::fs::canonicalize(interpreter).unwrap_or_else(|_| interpreter.to_owned());
    let mut places = vec![interpreter.to_owned(), real.clone()];
    for path in [interpreter, &real] {
        if let Some(above) = path.parent().and_then(Path::parent).filter(|above| above.parent().is_some()) {
            places.extend(["lib", "lib64", "pyvenv.cfg"].map(|name| above.join(name)));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d5_an_interpreter_brings_its_libraries_and_nothing_else_of_its_place() {
        let places = beside(Path::new("/opt/tools/bin/interpreter"));
        let told: Vec<&str> = places.iter().filter_map(|path| path.to_str()).collect();
        assert!(told.contains(&"/opt/tools/lib") && told.contains(&"/opt/tools/bin/interpreter"), "{told:?}");
        assert!(!told.contains(&"/opt/tools") && !told.contains(&"/opt/tools/bin"), "{told:?}");
        // one in the root folder brings nothing but itself
        let root = beside(Path::new("/interpreter"));
        assert!(root.iter().all(|path| path == Path::new("/interpreter")), "{root:?}");
    }
}
