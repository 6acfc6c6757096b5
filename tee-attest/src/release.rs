//! A data key for an affirmed peer: sealed by HPKE to the key that its evidence names, and to nothing else.
//!
//! What is sealed is bound (HPKE `info`) to the whole transcript of the session and to the grant: job, data set, purpose,
//! permit, policy, collateral, end. A key sealed for one session opens in no other.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::CryptoRng;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::binding::{Binding, Session};
use crate::crypto::sha256;
use crate::fault::{Fault, Result};
use crate::instant::Instant;
use crate::policy::Affirmed;
use crate::verify::{Hardware, Origin};

/// Domain of the sealing.
const DOMAIN: &[u8] = b"yu key release 1";

/// A key of a data set, or a share of one. Neither printed nor compared nor written anywhere in the clear.
/// ```compile_fail
/// fn print(key: &yu_tee_attest::release::DataKey) -> String {
///     format!("{key:?}")
/// }
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct DataKey(Vec<u8>);

impl DataKey {
    /// From its bytes: 16 to 64.
    ///
    /// # Errors
    /// `release.key-length`.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        if !(16..=64).contains(&bytes.len()) {
            return Err(Fault::new(
                "release.key-length",
                "data key",
                "a key of fewer than 16 or more than 64 bytes",
                "密钥长度须为 16 至 64 字节",
            ));
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Its bytes, for the cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// What the key is for. All of it is public and goes into the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Who releases.
    pub provider: String,
    /// Data set.
    pub dataset: String,
    /// The job.
    #[serde(with = "hex::serde")]
    pub job: [u8; 32],
    /// Purpose, as the permit has it.
    pub purpose: String,
    /// Hash of the permit in force.
    #[serde(with = "hex::serde")]
    pub permit: [u8; 32],
    /// Last instant at which the permit holds.
    pub until: Instant,
}

/// A key on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedKey {
    /// What it is for.
    pub grant: Grant,
    /// Encapsulated key, 32 bytes.
    #[serde(with = "hex::serde")]
    pub encapsulated: Vec<u8>,
    /// Ciphertext and tag.
    #[serde(with = "hex::serde")]
    pub ciphertext: Vec<u8>,
}

/// The secret half of the key that the measured code makes for one session; wiped on drop, never stored.
pub struct SessionKey(<X25519HkdfSha256 as Kem>::PrivateKey);

impl SessionKey {
    /// A fresh one.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(X25519HkdfSha256::gen_keypair_with_rng(rng).0)
    }

    /// The public half: it goes into the report data.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        X25519HkdfSha256::sk_to_pk(&self.0).write_exact(&mut bytes);
        bytes
    }

    /// Opens a key that was released to this session.
    ///
    /// # Errors
    /// `release.sealed`: it was sealed for another session, key or grant, or was changed.
    pub fn open(&self, session: &Session, sealed: &SealedKey) -> Result<DataKey> {
        let refused = || {
            Fault::new(
                "release.sealed",
                "released key",
                "it does not open: sealed for another session, key or grant, or changed",
                "无法解封：属于其他会话、密钥或许可，或已被改动",
            )
            .remedy("start a new session with the provider", "请与数据提供方重新建立会话")
        };
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.encapsulated).map_err(|_| refused())?;
        let plain = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            &info(session),
            &sealed.ciphertext,
            &grant_bytes(&sealed.grant),
        )
        .map(Zeroizing::new)
        .map_err(|_| refused())?;
        DataKey::new(&plain)
    }
}

/// Releases a key to affirmed hardware.
///
/// # Errors
/// `release.binding` if the evidence was not bound to exactly this session, `release.job` if the grant is for another job,
/// `release.policy` if it was appraised under another policy than the session names, `release.expired` if the permit ended.
pub fn release(
    affirmed: &Affirmed<Hardware>,
    session: &Session,
    grant: &Grant,
    key: &DataKey,
    at: Instant,
    rng: &mut impl CryptoRng,
) -> Result<SealedKey> {
    seal_for(affirmed, session, grant, key, at, rng)
}

/// The oldest verdict on which a key is released: evidence is asked for again before every release.
const OLDEST_VERDICT_SECONDS: i64 = 300;

pub(crate) fn seal_for<O: Origin>(
    affirmed: &Affirmed<O>,
    session: &Session,
    grant: &Grant,
    key: &DataKey,
    at: Instant,
    rng: &mut impl CryptoRng,
) -> Result<SealedKey> {
    session.check()?;
    let wrong = |code, en: &str, zh: &str| Err(Fault::new(code, format!("release of `{}`", grant.dataset), en, zh));
    match affirmed.binding() {
        Binding::Session(bound) if **bound == *session => {}
        _ => return wrong("release.binding", "the evidence is not bound to this session", "证据未绑定到本会话"),
    }
    if affirmed.any_code() {
        return wrong("release.any-code", "the policy admits any code: it is for looking at evidence", "策略接受任意代码，仅供查看证据");
    }
    if grant.job != session.job {
        return wrong("release.job", "the permit is for another job than the session", "许可对应的任务与会话不符");
    }
    if affirmed.policy_hash() != session.policy {
        return wrong("release.policy", "the evidence passed another policy than the session names", "证据所过的策略与会话所列不符");
    }
    if at > grant.until {
        return wrong("release.expired", "the permit has ended", "许可已到期");
    }
    if at < affirmed.at() || at.0.saturating_sub(affirmed.at().0) > OLDEST_VERDICT_SECONDS {
        return wrong("release.stale", "the verdict is older than five minutes, or from the future", "裁定已超过五分钟，或来自未来");
    }
    let unusable =
        || Fault::new("release.recipient", "key in the report data", "the key in the evidence is not usable", "证据中的密钥不可用");
    let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&session.hpke_key).map_err(|_| unusable())?;
    let (encapsulated, ciphertext) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        &info(session),
        key.expose(),
        &grant_bytes(grant),
        rng,
    )
    .map_err(|_| unusable())?;
    Ok(SealedKey { grant: grant.clone(), encapsulated: encapsulated.to_bytes().to_vec(), ciphertext })
}

fn info(session: &Session) -> Vec<u8> {
    [DOMAIN, &sha256(&[&session.transcript()])].concat()
}

fn grant_bytes(grant: &Grant) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(grant).unwrap_or_default()
}
