//! The certificate of a platform (PCK) and what Intel says in it (Intel SGX PCK Certificate and CRL Profile, 1.3.5).

use super::root::revoked;
use crate::crypto::{Provider, sha256};
use crate::der::{self, Reader, tag};
use crate::fault::{Fault, Result, malformed};
use crate::instant::Span;
use crate::x509::{Certificate, Serials, link};

/// 1.2.840.113741.1.13.1, "SGX Extensions"; those inside have one or two numbers more.
const SGX: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1];
const ENUMERATED: u8 = 0x0a;

const LEAF: &str = "pck certificate";

/// Which authority of Intel made a platform's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authority {
    /// For machines of one processor package.
    Processor,
    /// For machines that Intel registered, of several packages as well.
    Platform,
}

impl Authority {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Platform => "platform",
        }
    }

    /// From the common name of the authority.
    pub(super) fn of(name: Option<&[u8]>) -> Option<Self> {
        match name? {
            b"Intel SGX PCK Processor CA" => Some(Self::Processor),
            b"Intel SGX PCK Platform CA" => Some(Self::Platform),
            _ => None,
        }
    }
}

/// What a platform's certificate says. Made by [`Chain::platform`] only after the certificate was verified.
#[derive(Debug)]
pub(super) struct Platform {
    pub(super) authority: Authority,
    pub(super) facts: Facts,
    /// SHA-256 of the certificate.
    pub(super) hash: [u8; 32],
    /// `04 || x || y`: signs reports of the quoting enclave.
    key: Vec<u8>,
    /// Dates of the certificates in the chain.
    pub(super) span: Span,
}

impl Platform {
    /// Whether the platform signed this report of its quoting enclave.
    pub(super) fn signed(&self, provider: &dyn Provider, report: &[u8], signature: &[u8]) -> bool {
        provider.verify(crate::crypto::Scheme::P256Sha256, crate::crypto::Form::Fixed, &self.key, report, signature)
    }
}

/// The extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) fmspc: [u8; 6],
    pub(super) pce_id: [u8; 2],
    pub(super) pce_svn: u16,
    /// Security versions of the 16 parts of the platform, which TCB levels are compared with.
    pub(super) components: [u8; 16],
    pub(super) cpu_svn: [u8; 16],
    pub(super) ppid: [u8; 16],
    /// 0 standard, 1 scalable, 2 scalable with integrity.
    pub(super) sgx_type: u8,
    pub(super) instance: Option<[u8; 16]>,
    /// Packages can be added later.
    pub(super) dynamic: Option<bool>,
    /// Intel keeps the platform's root keys.
    pub(super) cached_keys: Option<bool>,
    pub(super) smt: Option<bool>,
}

/// A chain of three as it came: leaf, authority, root.
pub(super) struct Chain([Vec<u8>; 3]);

impl Chain {
    /// From PEM, leaf first. Zeros behind it belong to it: some writers end it as a string of C.
    pub(super) fn read(pem: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(pem).map_err(|_| malformed("pck certificate chain", "not text"))?;
        let blocks: [Vec<u8>; 3] = der::pem("pck certificate chain", "CERTIFICATE", text)?
            .try_into()
            .map_err(|blocks: Vec<_>| malformed("pck certificate chain", format!("{} certificates where 3 are due", blocks.len())))?;
        Ok(Self(blocks))
    }

    /// The certificates below the root, read; nothing of them is checked.
    pub(super) fn certificates(&self) -> Result<Certificates<'_>> {
        let [leaf, authority, _] = &self.0;
        let leaf = Certificate::read(LEAF, leaf)?;
        let facts = Facts::read(&leaf)?;
        Ok(Certificates { facts, authority: Certificate::read("pck authority certificate", authority)?, leaf })
    }

    /// The certificate of the authority.
    pub(super) fn authority(&self) -> &[u8] {
        let [_, authority, _] = &self.0;
        authority
    }

    pub(super) fn root(&self) -> &[u8] {
        let [.., root] = &self.0;
        root
    }
}

/// A chain's certificates below the root.
pub(super) struct Certificates<'a> {
    pub(super) leaf: Certificate<'a>,
    pub(super) facts: Facts,
    pub(super) authority: Certificate<'a>,
}

impl Certificates<'_> {
    /// The platform, once the authority is known to have issued the leaf and not to have revoked it.
    ///
    /// `above`: dates of the certificates above the leaf.
    pub(super) fn platform(
        &self,
        provider: &dyn Provider,
        authority: (Authority, &Certificate<'_>),
        revoked_serials: &Serials,
        above: Span,
    ) -> Result<Platform> {
        let leaf = &self.leaf;
        link(provider, LEAF, authority.1, leaf, 0)?;
        if revoked_serials.holds(leaf.serial) {
            return Err(revoked(LEAF));
        }
        if leaf.is_ca || !leaf.may_sign_data() || leaf.common_name(LEAF)? != Some(b"Intel SGX PCK Certificate") {
            return Err(malformed(LEAF, "a certificate that is no PCK certificate"));
        }
        if leaf.unknown_critical(&[SGX]).is_some() {
            return Err(Fault::new("x509.critical", LEAF, "a critical extension that is not understood", "存在无法识别的关键扩展"));
        }
        Ok(Platform {
            authority: authority.0,
            facts: self.facts.clone(),
            hash: sha256(&[leaf.der]),
            key: leaf.key.bytes().to_vec(),
            span: above.and(leaf.span(LEAF)),
        })
    }
}

impl Facts {
    /// Reads the extensions of a certificate. Unknown ones are passed over; known ones twice are refused.
    pub(super) fn read(leaf: &Certificate<'_>) -> Result<Self> {
        let value = leaf.extension(SGX).ok_or_else(|| malformed(LEAF, "no SGX extensions"))?;
        let mut found = Found::default();
        let mut all = Reader::new(LEAF, value);
        found.list(all.enter(tag::SEQUENCE)?)?;
        all.end()?;
        found.complete().ok_or_else(|| malformed(LEAF, "SGX extensions that are not complete"))
    }
}

#[derive(Default)]
struct Found {
    fmspc: Option<[u8; 6]>,
    pce_id: Option<[u8; 2]>,
    pce_svn: Option<u16>,
    components: [Option<u8>; 16],
    cpu_svn: Option<[u8; 16]>,
    ppid: Option<[u8; 16]>,
    sgx_type: Option<u8>,
    instance: Option<[u8; 16]>,
    dynamic: Option<bool>,
    cached_keys: Option<bool>,
    smt: Option<bool>,
}

impl Found {
    /// A sequence of pairs of an identifier and a value; two of the values are such sequences themselves.
    fn list(&mut self, mut pairs: Reader<'_>) -> Result<()> {
        while !pairs.is_empty() {
            let mut pair = pairs.enter(tag::SEQUENCE)?;
            let name = pair.content(tag::OID)?;
            match name.strip_prefix(SGX) {
                Some([1]) => once(&mut self.ppid, bytes(&mut pair)?)?,
                Some([2] | [7]) => self.list(pair.enter(tag::SEQUENCE)?)?,
                Some([2, 17]) => once(&mut self.pce_svn, number(&mut pair)?)?,
                Some([2, 18]) => once(&mut self.cpu_svn, bytes(&mut pair)?)?,
                Some([2, part]) => {
                    let slot = usize::from(*part).checked_sub(1).and_then(|index| self.components.get_mut(index));
                    let slot = slot.ok_or_else(|| malformed(LEAF, "a component that is none of 16"))?;
                    once(slot, number(&mut pair)?)?;
                }
                Some([3]) => once(&mut self.pce_id, bytes(&mut pair)?)?,
                Some([4]) => once(&mut self.fmspc, bytes(&mut pair)?)?,
                Some([5]) => match pair.content(ENUMERATED)? {
                    [value] => once(&mut self.sgx_type, *value)?,
                    _ => return Err(malformed(LEAF, "a type of SGX above 255")),
                },
                Some([6]) => once(&mut self.instance, bytes(&mut pair)?)?,
                Some([7, 1]) => once(&mut self.dynamic, pair.boolean()?)?,
                Some([7, 2]) => once(&mut self.cached_keys, pair.boolean()?)?,
                Some([7, 3]) => once(&mut self.smt, pair.boolean()?)?,
                _ => {
                    pair.any()?;
                }
            }
            pair.end()?;
        }
        Ok(())
    }

    fn complete(self) -> Option<Facts> {
        let mut components = [0; 16];
        for (to, from) in components.iter_mut().zip(self.components) {
            *to = from?;
        }
        Some(Facts {
            fmspc: self.fmspc?,
            pce_id: self.pce_id?,
            pce_svn: self.pce_svn?,
            components,
            cpu_svn: self.cpu_svn?,
            ppid: self.ppid?,
            sgx_type: self.sgx_type?,
            instance: self.instance,
            dynamic: self.dynamic,
            cached_keys: self.cached_keys,
            smt: self.smt,
        })
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<()> {
    if slot.replace(value).is_some() { Err(malformed(LEAF, "an SGX extension twice")) } else { Ok(()) }
}

fn bytes<const N: usize>(pair: &mut Reader<'_>) -> Result<[u8; N]> {
    pair.content(tag::OCTET_STRING)?.try_into().map_err(|_| malformed(LEAF, format!("an SGX extension that has not {N} bytes")))
}

fn number<T: TryFrom<u32>>(pair: &mut Reader<'_>) -> Result<T> {
    T::try_from(pair.number()?).map_err(|_| malformed(LEAF, "a version number that is too large"))
}
