//! The signature checks behind every verdict, over one small trait.
//!
//! `aws-lc` (default) is the fast provider; `rustcrypto` needs no C compiler. Hashes come from `sha2` and `sm3` in both:
//! they are pure Rust with hardware instructions where the processor has them. SM2 is pure Rust in both.

#[cfg(feature = "aws-lc")]
mod aws;
#[cfg(feature = "rustcrypto")]
mod pure;
mod sm;

use sha2::{Digest as _, Sha256, Sha384, Sha512};

#[cfg(feature = "aws-lc")]
pub use aws::AwsLc;
#[cfg(feature = "rustcrypto")]
pub use pure::RustCrypto;
pub(crate) use sm::{sm2_verify, sm3};

#[cfg(not(any(feature = "aws-lc", feature = "rustcrypto")))]
compile_error!("yu-tee-attest needs a provider of signature checks: feature `aws-lc` (default) or `rustcrypto`");

/// A signature scheme with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// ECDSA on P-256 with SHA-256.
    P256Sha256,
    /// ECDSA on P-384 with SHA-384.
    P384Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 to 8192 bits.
    RsaPkcs1Sha256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, salt of 32 bytes.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, salt of 48 bytes.
    RsaPssSha384,
}

/// How an ECDSA signature is written. RSA has one form only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// r then s, big-endian, each as long as the field: quotes, COSE.
    Fixed,
    /// DER sequence of two integers: X.509.
    Der,
}

/// Checks signatures. Implementations hold no state and read nothing but their arguments.
pub trait Provider: Sync {
    /// A name for logs and reports.
    fn name(&self) -> &'static str;

    /// Whether `signature` over `message` verifies under `key`.
    ///
    /// `key` is an uncompressed point (`04 || x || y`) for ECDSA and a DER `RSAPublicKey` (RFC 8017, A.1.1) for RSA.
    /// A key or a signature that cannot be read is a signature that does not verify.
    fn verify(&self, scheme: Scheme, form: Form, key: &[u8], message: &[u8], signature: &[u8]) -> bool;
}

/// The provider of this build: AWS-LC where it is compiled in.
#[must_use]
pub fn default_provider() -> &'static dyn Provider {
    #[cfg(feature = "aws-lc")]
    return &AwsLc;
    #[cfg(not(feature = "aws-lc"))]
    return &RustCrypto;
}

/// SHA-256 over the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// SHA-384 over the parts, one after the other.
#[must_use]
pub fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    let mut hash = Sha384::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// SHA-512 over the parts, one after the other.
#[must_use]
pub fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}
