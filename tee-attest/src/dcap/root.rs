//! Intel's root, and what only the root signs.

use crate::crypto::{Provider, sha256};
use crate::fault::{Fault, Result};
use crate::x509::{Certificate, Crl, link, may_issue};

/// SHA-256 of the SubjectPublicKeyInfo of "Intel SGX Root CA". From
/// <https://certificates.trustedservices.intel.com/Intel_SGX_Provisioning_Certification_RootCA.cer>:
/// `openssl x509 -inform der -in F -noout -pubkey | openssl pkey -pubin -outform der | sha256sum`.
const ROOT_KEY: [u8; 32] = [
    0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1, 0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35,
    0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e,
];

/// SHA-256 of that certificate itself: `sha256sum F`. A root that is these bytes needs no check of its signature by itself,
/// whose result is known; another certificate of the same key (a reissued root) is checked, so that its dates and
/// constraints are Intel's and not those of who carried it here.
const ROOT_CERTIFICATE: [u8; 32] = [
    0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89, 0xb8, 0xe1, 0x49, 0xe9, 0x5b, 0x80, 0x7a, 0x35, 0x0e, 0x74, 0x24, 0x96, 0x43, 0x99,
    0xe8, 0x85, 0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3,
];

/// SHA-256 of certificates that the root issued and Intel's API gives with every TCB info and list. Whether the root's
/// signature over these bytes verifies never changes and was checked when this table was made (and is by a test): names,
/// constraints, dates and revocation are looked at as for every other. A certificate that is not here is checked in full.
const PUBLISHED: [[u8; 32]; 3] = [
    // Intel SGX PCK Platform CA, 2018 to 2033
    [
        0x22, 0xeb, 0x77, 0x0d, 0xca, 0x21, 0x5b, 0x60, 0x7b, 0x5c, 0xcf, 0xc2, 0x1a, 0x67, 0x2b, 0x1d, 0xa5, 0xcc, 0x66, 0x0b, 0x1a, 0xd0,
        0x36, 0x50, 0x20, 0x56, 0x79, 0x79, 0xed, 0xca, 0xa0, 0xe1,
    ],
    // Intel SGX PCK Processor CA, 2018 to 2033
    [
        0x13, 0xb2, 0xdc, 0xce, 0xf8, 0xfc, 0x4e, 0xc9, 0x77, 0xee, 0x52, 0x49, 0x74, 0x3b, 0x0f, 0x75, 0x8e, 0xbd, 0x1e, 0x28, 0xd7, 0x68,
        0xb2, 0xe1, 0xe1, 0x2b, 0xc3, 0x48, 0xad, 0xaa, 0x09, 0xfb,
    ],
    // Intel SGX TCB Signing, 2025 to 2032
    [
        0xc0, 0x57, 0x5e, 0x76, 0xd0, 0x30, 0x3b, 0x61, 0xd0, 0x9c, 0xde, 0x8c, 0xbd, 0xb7, 0x0d, 0xb3, 0x4a, 0x74, 0xf3, 0x83, 0x18, 0x30,
        0x0d, 0x7c, 0x0e, 0x6b, 0xa8, 0xcf, 0x4b, 0xf4, 0x5a, 0xea,
    ],
];

/// Checks that a certificate is Intel's root.
pub(super) fn check(provider: &dyn Provider, place: &'static str, root: &Certificate<'_>) -> Result<()> {
    if sha256(&[root.der]) == ROOT_CERTIFICATE {
        return Ok(());
    }
    if root.key_hash() != ROOT_KEY {
        return Err(Fault::new("x509.root", place, "the chain does not end at Intel's root", "证书链未终止于英特尔根证书")
            .remedy("check that the chain is whole and from Intel", "请检查证书链是否完整、是否来自英特尔"));
    }
    if root.issuer != root.subject || !root.signed_by(provider, &root.key) || root.unknown_critical(&[]).is_some() {
        return Err(Fault::new("x509.signature", place, "the root is not signed by itself", "根证书自签名无效"));
    }
    Ok(())
}

/// A root with its revocation list, whose signature is checked once.
pub(super) struct Rooted<'a> {
    pub(super) root: Certificate<'a>,
    pub(super) list: Crl<'a>,
}

impl<'a> Rooted<'a> {
    pub(super) fn new(provider: &dyn Provider, root: Certificate<'a>, list: Crl<'a>) -> Result<Self> {
        check(provider, "root certificate", &root)?;
        if !list.signed_by(provider, &root) {
            return Err(Fault::new("x509.crl-signature", "root revocation list", "a signature that does not verify", "签名无效"));
        }
        let rooted = Self { root, list };
        rooted.not_revoked("root certificate", rooted.root.serial)?;
        Ok(rooted)
    }

    /// Checks that the root issued `certificate` and did not revoke it. `below`: how many certificates stand below it.
    pub(super) fn issued(&self, provider: &dyn Provider, place: &'static str, certificate: &Certificate<'_>, below: usize) -> Result<()> {
        if PUBLISHED.contains(&sha256(&[certificate.der])) {
            may_issue(place, &self.root, certificate, below)?;
        } else {
            link(provider, place, &self.root, certificate, below)?;
        }
        if certificate.unknown_critical(&[]).is_some() {
            return Err(Fault::new("x509.critical", place, "a critical extension that is not understood", "存在无法识别的关键扩展"));
        }
        self.not_revoked(place, certificate.serial)
    }

    fn not_revoked(&self, place: &'static str, serial: &[u8]) -> Result<()> {
        if self.list.holds(serial) { Err(revoked(place)) } else { Ok(()) }
    }
}

/// A certificate that is on its issuer's list.
pub(super) fn revoked(place: &'static str) -> Fault {
    Fault::new("x509.revoked", place, "a certificate that its issuer revoked", "证书已被颁发者吊销")
        .remedy("this platform must not be used: its keys are known to be lost", "不得使用该平台：其密钥已失信")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::crypto::default_provider;
    use crate::der::pem;

    /// Every certificate of the table is among the published vectors, and Intel's root signed it.
    #[test]
    fn every_signature_that_is_not_checked_again_is_true() {
        let root = std::env::var_os("YU_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), Into::into);
        let mut seen = BTreeSet::new();
        for folder in ["sgx", "tdx"].map(|folder| root.join("vectors/tee").join(folder)) {
            let Ok(files) = std::fs::read_dir(folder) else {
                println!("skipped: vectors/tee is not in the shared folder; set YU_SHARED to the folder that holds `vectors`");
                return;
            };
            let is_collateral = |file: &Path| file.file_name().unwrap().to_str().unwrap().starts_with("collateral-");
            for file in files.map(|file| file.unwrap().path()).filter(|file| is_collateral(file)) {
                let entry: super::super::Entry = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
                for chain in [entry.pck_crl_issuer_chain, entry.tcb_info_issuer_chain, entry.qe_identity_issuer_chain] {
                    let ders = pem("chain", "CERTIFICATE", &chain).unwrap();
                    let [below, root] = [0, 1].map(|place| Certificate::read("chain", &ders[place]).unwrap());
                    check(default_provider(), "root", &root).unwrap();
                    assert!(root.signed_by(default_provider(), &root.key) && below.signed_by(default_provider(), &root.key));
                    assert!(below.unknown_critical(&[]).is_none());
                    seen.insert(sha256(&[below.der]));
                }
            }
        }
        assert!(PUBLISHED.iter().all(|hash| seen.contains(hash)), "{seen:?}");
    }
}
