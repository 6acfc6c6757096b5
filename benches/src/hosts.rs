//! Who is where: the hosts file, and development identities for it.
//!
//! ```toml
//! [[party]]
//! name = "yu://dev/p0/bench"
//! address = "10.0.0.1:7000"
//! identity = "p0.pem"        # certificate and private key: on the party's own machine only
//! roots = ["p0.root.pem"]    # roots of the party's organisation: on all machines
//! ```
//! Paths are relative to the file.

use std::fs;
use std::io::Write;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use yu_wire::identity::{Env, NodeIdentity, NodeName, OrgRoot};
use yu_wire::trust::TrustStore;

use crate::cli::KeygenArgs;
use crate::machine::now;
use crate::phase::NAMES;
use crate::{Error, Result};

/// Name of the file that `keygen` writes.
pub const FILE: &str = "hosts.toml";
/// Clocks of different machines may differ: certificates begin this much earlier, seconds.
const BACKDATED: i64 = 3600;

/// All parties of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    /// In the order of their numbers.
    pub party: Vec<Host>,
    /// Where the paths begin.
    #[serde(skip)]
    base: PathBuf,
}

/// One party.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its node's name.
    pub name: NodeName,
    /// `host:port`.
    pub address: String,
    /// PEM file with its certificate, its root and its private key.
    pub identity: PathBuf,
    /// PEM files with the roots of its organisation.
    pub roots: Vec<PathBuf>,
}

impl Hosts {
    /// Reads a hosts file.
    ///
    /// # Errors
    /// A file that cannot be read or has another form.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| named(path, &e))?;
        let mut hosts: Self = toml::from_str(&text).map_err(|e| named(path, &e))?;
        hosts.base = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(hosts)
    }

    /// Party `index`.
    ///
    /// # Errors
    /// A number that the file does not have.
    pub fn get(&self, index: usize) -> Result<&Host> {
        self.party.get(index).ok_or_else(|| format!("the hosts file has no party `{index}`: `{}` are listed", self.party.len()).into())
    }

    /// The identity of party `index`.
    ///
    /// # Errors
    /// A file that cannot be read, or another node's.
    pub fn identity(&self, index: usize) -> Result<NodeIdentity> {
        let host = self.get(index)?;
        let path = self.base.join(&host.identity);
        let identity = NodeIdentity::from_pem(&fs::read_to_string(&path).map_err(|e| named(&path, &e))?).map_err(|e| named(&path, &e))?;
        if *identity.name() == host.name {
            Ok(identity)
        } else {
            Err(format!("`{}` holds the identity of `{}`, the hosts file says `{}`", path.display(), identity.name(), host.name).into())
        }
    }

    /// The roots of all parties.
    ///
    /// # Errors
    /// A file that cannot be read, or a root of another organisation.
    pub fn trust(&self) -> Result<TrustStore> {
        let trust = TrustStore::new();
        for host in &self.party {
            for root in &host.roots {
                let path = self.base.join(root);
                let der = CertificateDer::from_pem_file(&path).map_err(|e| named(&path, &e))?;
                trust.add(&host.name, &der).map_err(|e| named(&path, &e))?;
            }
        }
        Ok(trust)
    }
}

/// Writes identities, roots and a hosts file; returns the path of the latter.
///
/// # Errors
/// Too many or malformed addresses; files that cannot be written.
pub fn keygen(args: &KeygenArgs) -> Result<PathBuf> {
    if args.addresses.len() > NAMES.len() {
        return Err(format!("`{}` addresses, at most `{}`", args.addresses.len(), NAMES.len()).into());
    }
    fs::create_dir_all(&args.dir).map_err(|e| named(&args.dir, &e))?;
    let mut hosts = Hosts { party: Vec::new(), base: args.dir.clone() };
    for (address, name) in args.addresses.iter().zip(NAMES) {
        let is_address = address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        if !is_address {
            return Err(format!("`{address}` is not `host:port`").into());
        }
        let identity = OrgRoot::generate(Env::Dev, name)?.issue("bench", now() - BACKDATED, now() + args.days * 86_400)?;
        let (own, root) = (format!("{name}.pem"), format!("{name}.root.pem"));
        let pem = identity.to_pem();
        write_secret(&args.dir.join(&own), &pem)?;
        let root_pem = certificates(&pem).nth(1).ok_or("an identity without its root")?;
        write(&args.dir.join(&root), root_pem)?;
        hosts.party.push(Host { name: identity.name().clone(), address: address.clone(), identity: own.into(), roots: vec![root.into()] });
    }
    let path = args.dir.join(FILE);
    write(&path, &toml::to_string(&hosts)?)?;
    Ok(path)
}

/// The first address that a `host:port` stands for.
///
/// # Errors
/// A name that is not known.
pub fn resolve(address: &str) -> Result<std::net::SocketAddr> {
    address.to_socket_addrs()?.next().ok_or_else(|| format!("`{address}` has no address").into())
}

/// The certificate sections of a PEM text.
fn certificates(pem: &str) -> impl Iterator<Item = &str> {
    const END: &str = "-----END CERTIFICATE-----\n";
    pem.split_inclusive(END).filter(|section| section.ends_with(END))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| named(path, &e))
}

/// Readable by its owner only, from the first byte on.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| named(path, &e))
}

fn named(path: &Path, e: &dyn std::fmt::Display) -> Error {
    format!("`{}`: {e}", path.display()).into()
}
