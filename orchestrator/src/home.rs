//! The directory of a node: what lies where, with which permissions, and `node.toml`.
//!
//! ```text
//! DIR/node.toml          configuration, readable
//! DIR/keys/              0700: organisation root, node certificate, signing, sealing and node key (0600 each)
//! DIR/keys/data/         one wrapped key per data set or working copy: deleting the file is the destruction
//! DIR/store/yu.sqlite    control store (WAL, synchronous FULL, secure_delete)
//! DIR/store/blobs/       payloads as ID.KEY-ID, each encrypted under the key that keys/data/ID.key names
//! DIR/audit/             entries.jsonl, checkpoints.jsonl, countersignatures.jsonl
//! DIR/policy.cedar       editable policy; absent: the shipped default
//! DIR/admin.sock         local socket of the command line, while the node runs
//! DIR/session            0600: token of the person who is logged in here (`YU_SESSION` names another file)
//! ```

use crate::fault::{Code, Fault, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use yu_governance::suite::Suite;

/// What a node does by configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeRole {
    /// Owns data sets (数据提供单位).
    Provider,
    /// Authorised organisation (授权运营单位); may bring its own data.
    Licensee,
    /// Third computing party, holds no data (平台运营方).
    Platform,
    /// Signs, decides, never computes (公共数据主管部门).
    Authority,
    /// Watches: keeps a replica of every log, witnesses checkpoints, countersigns profiles; never computes (监管方).
    Regulator,
    /// Takes part in procedures by its signature only: government, coordination, province, county, sector, expert (机关、专家).
    Organ,
}

/// `node.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// `dev` or `prod`.
    pub environment: String,
    /// Organisation, lower case.
    pub organisation: String,
    /// Node name inside the organisation.
    pub node: String,
    /// Role.
    pub role: NodeRole,
    /// Address to listen on, UDP and TCP of one number; absent: this node only dials out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Address that peers are told to dial; absent: the listening address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertise: Option<String>,
    /// Who controls this node legally; computing parties need distinct controllers.
    pub controller: String,
    /// `inside` or `outside` the domain.
    pub zone: String,
    /// `auto`, `quic` or `tcp`.
    #[serde(default = "auto")]
    pub carrier: String,
    /// HTTP CONNECT proxy for dialling out, `host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// The authority whose signatures count, as `yu://env/org/node`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// The regulator whose signature counts beside it, as `yu://env/org/node`; without it no profile comes into force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regulator: Option<String>,
    /// Suite of algorithms of the domain: `standard`, or `gm` for SM2, SM3 and SM4 (国密).
    #[serde(default)]
    pub crypto: Suite,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
    /// The existing service through which people log in (统一用户认证), where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginService>,
}

/// A service that speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginService {
    /// Its name, as its tokens state it: `https://...`; `http://` on this machine only.
    pub issuer: String,
    /// This node's name there.
    pub client: String,
    /// Where it sends people back to: `http://127.0.0.1:PORT/PATH`, registered there.
    pub redirect: String,
    /// Certificates in PEM that its own has to chain up to; absent: those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roots: Option<PathBuf>,
    /// File with the secret of this node's name there; absent: a public client, which PKCE protects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<PathBuf>,
}

fn auto() -> String {
    "auto".to_owned()
}

/// A party's own limits; they are checked before it signs and before its first message.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Smallest set that may be aligned.
    pub min_rows: u64,
    /// Largest ratio between the two sets.
    pub max_ratio: u64,
    /// Runs per pair of inputs and day.
    pub runs_per_day: u64,
    /// Smallest group whose statistics may leave.
    pub min_cell: u64,
    /// Seconds that a cut may last before the job fails.
    pub resume_limit_s: u64,
    /// Seconds that a receiver has to take a released result before the reviewer gives up and destroys what it kept.
    pub release_limit_s: u64,
    /// Seconds of clock difference that are accepted.
    pub max_skew_s: u64,
    /// Sign contracts that pass the policy without asking a person.
    pub auto_sign: bool,
}

impl Default for Limits {
    fn default() -> Self {
        // A set below 100 rows makes membership guessable; 1:100 lets a big side probe a small one; 5 is the usual
        // smallest cell of official statistics.
        // A receiver that is repaired on Monday still gets what was released on the Monday before.
        Self {
            min_rows: 100,
            max_ratio: 100,
            runs_per_day: 10,
            min_cell: 5,
            resume_limit_s: 60,
            release_limit_s: 7 * 24 * 3600,
            max_skew_s: 60,
            auto_sign: false,
        }
    }
}

/// Paths of a node's directory.
#[derive(Debug, Clone)]
pub struct Home {
    dir: PathBuf,
}

impl Home {
    /// Names a directory; it need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path below it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Socket of the command line.
    pub fn socket(&self) -> PathBuf {
        self.path("admin.sock")
    }

    /// Makes the folders, private to the owner.
    ///
    /// # Errors
    /// `exists` when a node lives there already, `storage.failed` when the disk refuses.
    pub fn create(&self) -> Result<()> {
        if self.path("node.toml").exists() {
            return Err(Fault::new(Code::Exists, format!("a node lives in `{}`", self.dir.display())));
        }
        for sub in ["", "keys", "keys/data", "store", "store/blobs", "audit"] {
            let path = self.path(sub);
            if path.is_dir() {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(|e| Fault::io(&e, &path))?;
                continue;
            }
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|e| Fault::io(&e, &path))?;
        }
        Ok(())
    }

    /// Reads `node.toml`.
    ///
    /// # Errors
    /// `not-found` without a node, `input.bad` for an unknown or missing field.
    pub fn config(&self) -> Result<NodeConfig> {
        let path = self.path("node.toml");
        if !path.exists() {
            return Err(Fault::new(Code::NotFound, format!("no node in `{}`", self.dir.display())).at("yu init --dir DIR"));
        }
        let text = fs::read_to_string(&path).map_err(|e| Fault::io(&e, &path))?;
        toml::from_str(&text).map_err(|e| Fault::new(Code::Input, first_line(&e.to_string())).at(path.display().to_string()))
    }

    /// Writes `node.toml`.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn save_config(&self, config: &NodeConfig) -> Result<()> {
        let text = toml::to_string_pretty(config).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        write_atomic(&self.path("node.toml"), text.as_bytes(), 0o600)
    }
}

fn first_line(text: &str) -> String {
    text.lines().filter(|l| !l.trim().is_empty()).take(4).collect::<Vec<_>>().join(" ")
}

/// Writes a whole file so that a crash leaves either the old or the new one: temporary name, fsync, rename, fsync of the folder.
///
/// # Errors
/// `disk.full` or `storage.failed`.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    // unique among all writers of this process, and beside the target so that the rename stays on one file system
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    let tmp = path.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()));
    let done = (|| {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&tmp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&tmp, path)?;
        // a bare name lies in the current directory
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        fs::File::open(parent)?.sync_all()?;
        Ok(())
    })();
    done.map_err(|e: std::io::Error| {
        // The half-written file is worthless; failing to remove it changes nothing for the caller.
        let _ = fs::remove_file(&tmp);
        Fault::io(&e, path)
    })
}
