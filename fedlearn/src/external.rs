//! A training step by a program outside (外部训练程序), in Python or whatever its author likes: rows and weights go in, weights come out.
//!
//! | to see | open |
//! |---|---|
//! | what a job file says of the program | [`Program`], [`Limits`] |
//! | a step by it, for [`take_part_by`](crate::train::take_part_by) | [`External`] |
//! | its files | `external/files.rs` |
//! | what it may not do | `external/confine.rs` |
//! | which files it reaches | `external/landlock.rs` |
//!
//! **The contract with the program.** It is started in a folder of its own, which is its working folder, without arguments and with an empty
//! environment (but `PATH`, `HOME`, `TMPDIR`, `LANG`). It reads
//!
//! | file | what |
//! |---|---|
//! | `task.json` | `v` 1, `features` and `target` (names of columns), `layers` (name, rows, columns in the order of the weights), `seed` (hexadecimal) |
//! | `rows.arrow` | Arrow IPC file: one column of doubles for each feature, then the target; own rows, scaled as the training scales them |
//! | `weights.arrow` | Arrow IPC file: one column `weight` of doubles, the round's weights |
//!
//! and writes `out.arrow`, in the form of `weights.arrow`. Then it ends with status 0. Everything else that it writes is deleted, and so are the files.
//!
//! **What is held.** The program is the one whose SHA-256 the contract names: what runs is a copy that was hashed. It has no network: on Linux its
//! own empty network namespace, and no sockets of the file system either: the kernel refuses it sockets, leaving its process group, and looking into other
//! processes, mounting, keys of the kernel, tracing (seccomp), and every file but its own folder's and the system's programs and libraries (Landlock); where the former cannot be had it is not started, unless [`Program::danger_network`] is named. Memory, processor time, wall
//! time, sizes of files and open files are limited; whatever it started goes with it. Its output is a file of the right size with as many finite numbers as the model has weights.
//! An interpreter and its libraries are the node's: their hash is not in the contract.
//!
//! **What is not held.** On a kernel without Landlock (before 5.13, or switched off; [`Protection`] tells) it can read and write every file that the node's
//! user can, the node's keys and other data among them. The number of its processes is limited for plain users only. It sees rows and may hide them in the weights, which no limit shows:
//! secure aggregation hides them from the coordinator, a bound on updates ([`Aggregation::Secure`](crate::train::Aggregation)) limits them, the
//! release gate tests the model. Its gradients of single rows are not bounded, so **it cannot train under a row-level privacy budget**: such a plan
//! is refused. SCAFFOLD, whose control variates it does not know, is refused as well.

mod confine;
mod files;
#[cfg(target_os = "linux")]
mod landlock;
mod program;

pub use confine::Protection;
pub use files::remove_tree;
pub use program::{External, Limits, Program};
