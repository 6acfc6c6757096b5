//! Options of `yu backup`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Encrypted backup and restore (备份与恢复); what was destroyed does not come back.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Make a key pair for restoring. The secret half belongs into other hands than the backups; the node needs KEY.pub only.
    #[command(
        after_help = "Example: yu backup key restore.key --passphrase-file passphrase.txt\n         yu backup key restore.key --holders 3 --quorum 2"
    )]
    Key {
        /// Where the secret half goes; the public half gets `.pub` behind its name.
        file: PathBuf,
        /// A file whose first line protects the secret half; 12 characters or more.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// Split the secret half among so many holders.
        #[arg(long, requires = "quorum", conflicts_with = "passphrase_file")]
        holders: Option<u8>,
        /// How many of them open a backup together.
        #[arg(long, requires = "holders")]
        quorum: Option<u8>,
    },
    /// Name a second medium for the wrapped keys of payloads: keys are destroyed there first, and a backup holds none of them.
    #[command(after_help = "Example: yu backup escrow /mnt/escrow --dir health")]
    Escrow {
        /// An empty folder on the medium.
        folder: PathBuf,
    },
    /// Make a backup of the running node.
    #[command(after_help = "Example: yu backup make /mnt/backup/2026-11-29 --to restore.key.pub --dir health")]
    Make {
        /// An empty folder.
        folder: PathBuf,
        /// Public half of the key.
        #[arg(long)]
        to: PathBuf,
    },
    /// Open a backup and check every byte of it; with the escrow also what would come back. No node is needed.
    #[command(after_help = "Example: yu backup verify /mnt/backup/2026-11-29 --key restore.key --escrow /mnt/escrow")]
    Verify(BackupSource),
    /// Put a backup into the empty directory of `--dir`. The node that starts there asks its peers first how far they saw its log. No node is needed.
    #[command(
        after_help = "Example: yu backup restore /mnt/backup/2026-11-29 --key restore.key --escrow /mnt/escrow --dir health-new\n         yu backup restore /mnt/backup/2026-11-29 --key restore.key --escrow /mnt/escrow --log regulator/replica/health.n1 --dir health-new"
    )]
    Restore {
        /// The backup.
        #[command(flatten)]
        source: BackupSource,
        /// Directory with a later copy of the node's log, as its regulator keeps one under replica/.
        #[arg(long)]
        log: Option<PathBuf>,
        /// A peer that exists no more: nobody waits for what it saw.
        #[arg(long)]
        without: Vec<String>,
    },
    /// Restore for practice into a scratch folder, verify, wipe it, and write a signed record. No node is needed.
    #[command(
        after_help = "Example: yu backup drill /mnt/backup/2026-11-29 --key restore.key --escrow /mnt/escrow --scratch /tmp/drill --out drill.json"
    )]
    Drill {
        /// The backup.
        #[command(flatten)]
        source: BackupSource,
        /// A folder that does not exist yet; it is removed at the end.
        #[arg(long)]
        scratch: PathBuf,
        /// Where the record goes; its hash is evidence for a step of a drill.
        #[arg(long)]
        out: PathBuf,
    },
}

/// A backup with what opens it.
#[derive(Debug, Args)]
pub struct BackupSource {
    /// Folder of the backup.
    pub folder: PathBuf,
    /// Secret half of the key; once for each part where several hold it.
    #[arg(long, required = true)]
    pub key: Vec<PathBuf>,
    /// A file whose first line opens the key.
    #[arg(long)]
    pub passphrase_file: Option<PathBuf>,
    /// Folder of the escrow; without it no payload comes back.
    #[arg(long)]
    pub escrow: Option<PathBuf>,
}
