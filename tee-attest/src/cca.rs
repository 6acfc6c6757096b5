//! Arm Confidential Compute Architecture: tokens of a platform and of the realm that runs on it.
//!
//! A token (Realm Management Monitor specification DEN0137, section A7.2; draft-ffm-rats-cca-token) is two COSE_Sign1 structures
//! in a CBOR map with tag 399. The platform's is signed by its attestation key (CPAK), the realm's by a key that the monitor made
//! (RAK). The two belong together because the platform's challenge is the hash of the RAK, and by nothing else: a token in which
//! it is not is refused, whatever its signatures (`cca.binding`).
//!
//! | profile | platform | realm |
//! |---|---|---|
//! | legacy | `http://arm.com/CCA-SSD/1.0.0` | no profile, RAK as the bare point |
//! | 2023 | `tag:arm.com,2023:cca_platform#1.0.0` | `tag:arm.com,2023:realm#1.0.0`, RAK as COSE_Key |
//!
//! Makers publish no list of CPAKs and no root that could be pinned here; the entry names the key of each platform by its
//! implementation and instance identities, and the bundle's signer vouches for them.
//!
//! Report data: the realm's challenge, 64 bytes. Claims that a token has and this reader does not know are listed in
//! `cca.unknown-claims` and believed by nobody. ES512 is not accepted: no platform at hand signs with it.

mod cbor;
mod cose;
mod platform;
mod realm;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::claims::{ClaimType, Claims, Definition};
use crate::collateral::VerifiedCollateral;
use crate::crypto::{Provider, sha256, sha384, sha512};
use crate::evidence::Evidence;
use crate::fault::{Fault, Result, malformed};
use crate::instant::{Instant, Span};
use crate::verify::Finding;
use crate::x509::{self, PublicKey};

pub(crate) const SCHEMA: &[Definition] = &[
    Definition::new("cca.profile", ClaimType::Text, "profile of the token: legacy or 2023", "令牌规范版本：legacy 或 2023"),
    Definition::bytes("cca.implementation", 32, "identity of the platform's implementation", "平台实现标识"),
    Definition::bytes("cca.instance", 33, "identity of this platform", "平台实例标识"),
    Definition::new(
        "cca.lifecycle",
        ClaimType::Text,
        "state of the platform's life: secured, or in debug, test, repair",
        "平台生命周期状态",
    ),
    Definition::new("cca.lifecycle-value", ClaimType::Number, "the same as the number in the token", "平台生命周期数值"),
    Definition::new("cca.configuration", ClaimType::Bytes, "configuration of the platform", "平台配置"),
    Definition::new("cca.hash-algorithm", ClaimType::Text, "hash algorithm of the platform's measurements", "平台度量的杂凑算法"),
    Definition::new(
        "cca.components",
        ClaimType::List,
        "software of the platform: type, version, measurement, signer",
        "平台软件组件：类型、版本、度量、签名者",
    ),
    Definition::new("cca.verification-service", ClaimType::Text, "where the platform says it can be verified", "平台声明的核验服务"),
    Definition::new(
        "cca.realm-initial-measurement",
        ClaimType::Bytes,
        "measurement of the realm when it was started (RIM)",
        "机密域初始度量",
    ),
    Definition::new("cca.realm-measurements", ClaimType::List, "measurements that the realm extended (REM 0 to 3)", "机密域可扩展度量"),
    Definition::bytes("cca.realm-personalization", 64, "value that the host gave to this realm", "机密域个性化值"),
    Definition::new("cca.realm-hash-algorithm", ClaimType::Text, "hash algorithm of the realm's measurements", "机密域度量的杂凑算法"),
    Definition::bytes("cca.realm-key", 32, "SHA-256 of the realm's key as it stands in the token", "机密域密钥的 SHA-256"),
    Definition::new(
        "cca.unknown-claims",
        ClaimType::List,
        "claims in the token that are not known and not used",
        "令牌中无法识别、未被采用的声明",
    ),
];

/// Collateral as it travels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Platforms and their keys. At most 1024.
    pub platforms: Vec<Platform>,
}

/// The key of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Implementation identity, 32 bytes.
    #[serde(with = "hex::serde")]
    pub implementation: [u8; 32],
    /// Instance identity (a UEID of RFC 9711, section 4.2.1.1), 33 bytes.
    #[serde(with = "hex::serde")]
    pub instance: [u8; 33],
    /// Attestation key of the platform (SubjectPublicKeyInfo), P-256 or P-384: base64 of DER, or PEM.
    pub key: String,
}

/// Keys of platforms by implementation and instance.
#[derive(Debug)]
pub(crate) struct Endorsement {
    platforms: Vec<([u8; 32], [u8; 33], Vec<u8>)>,
}

impl Endorsement {
    /// No dates: keys have none.
    #[expect(clippy::unused_self, reason = "as every maker's")]
    pub(crate) fn spans(&self) -> Vec<crate::instant::Span> {
        Vec::new()
    }
}

/// Reads the keys. One platform has one key.
pub(crate) fn endorse(_provider: &dyn Provider, entry: &Entry) -> Result<Endorsement> {
    const PLACE: &str = "arm entry";
    if entry.platforms.len() > 1024 {
        return Err(malformed(PLACE, "more than 1024 platforms"));
    }
    let mut platforms: Vec<([u8; 32], [u8; 33], Vec<u8>)> = Vec::with_capacity(entry.platforms.len());
    for platform in &entry.platforms {
        let key = x509::one("platform attestation key", "PUBLIC KEY", &platform.key)?;
        PublicKey::read("platform attestation key", &key)?;
        if platforms
            .iter()
            .any(|(implementation, instance, _)| *implementation == platform.implementation && *instance == platform.instance)
        {
            return Err(malformed(PLACE, "one platform twice"));
        }
        platforms.push((platform.implementation, platform.instance, key));
    }
    Ok(Endorsement { platforms })
}

/// Checks a token: platform signature, hash of the realm's key in the platform's challenge, realm signature; in this order.
pub(crate) fn verify(provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral, _at: Instant) -> Result<Finding> {
    let (platform_token, realm_token) = cose::collection(evidence.body())?;
    let platform_signed = cose::Signed::read("platform token", platform_token)?;
    let platform = platform::Platform::read(platform_signed.payload)?;
    let key = collateral
        .cca
        .iter()
        .flat_map(|entry| entry.platforms.iter())
        .find(|(implementation, instance, _)| {
            implementation.as_slice() == platform.implementation && instance.as_slice() == platform.instance
        })
        .map(|(_, _, key)| key)
        .ok_or_else(|| {
            Fault::new("cca.no-key", "platform token", "the bundle has no key of this platform", "背书材料中没有该平台的密钥")
                .remedy("put the platform's attestation key into the bundle", "请将该平台的证明密钥放入背书材料")
        })?;
    let key = PublicKey::read("platform attestation key", key)?;
    if !platform_signed.verify(provider, &key) {
        return Err(Fault::new(
            "cca.platform-signature",
            "platform token",
            "the platform's key did not sign this token",
            "平台密钥未签署该令牌",
        ));
    }
    let realm_signed = cose::Signed::read("realm token", realm_token)?;
    let realm = realm::Realm::read(realm_signed.payload, platform.profile)?;
    let hash = match realm.key_hash {
        "sha-256" => sha256(&[realm.key]).to_vec(),
        "sha-384" => sha384(&[realm.key]).to_vec(),
        "sha-512" => sha512(&[realm.key]).to_vec(),
        _ => return Err(malformed("realm token", "a hash algorithm of the realm's key that is not known")),
    };
    if !bool::from(hash.as_slice().ct_eq(platform.challenge)) {
        return Err(Fault::new(
            "cca.binding",
            "platform token",
            "the platform did not vouch for the realm's key: the two tokens were put together by somebody else",
            "平台未担保该机密域密钥：两个令牌可能被他人拼接",
        ));
    }
    if !realm_signed.verify_raw(provider, realm.curve, &realm.point) {
        return Err(Fault::new("cca.realm-signature", "realm token", "the realm's key did not sign this token", "机密域密钥未签署该令牌"));
    }
    let mut claims = Claims::new();
    platform.claims(&mut claims);
    realm.claims(&mut claims);
    let unknown: Vec<String> = platform.unknown.iter().chain(&realm.unknown).cloned().collect();
    claims.set("cca.unknown-claims", unknown);
    Ok(Finding { claims, report_data: realm.challenge.to_vec(), span: Span::always(), issued: None })
}
