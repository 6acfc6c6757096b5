//! Messages protected to one recipient: HPKE base mode (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM; in a domain of the
//! national suite the same over SM2's curve with SM3 and SM4-GCM (`sm2`).
//!
//! A share of a held result is sealed to the reviewer, a released result to the receiver. `info` says what is
//! sealed (a domain tag, the contract), `aad` what it belongs to (party, position); both must be equal at opening.
//! Base mode does not authenticate the sender: whoever needs that signs the [`Sealed`].
//!
//! ```
//! use yu_wire::seal::{SealKey, seal};
//!
//! let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
//! let reviewer = SealKey::generate(&mut rng);
//! let sealed = seal(&reviewer.public(), b"yu example v1", b"row 7", b"for your eyes", &mut rng)?;
//! assert_eq!(&*reviewer.open(b"yu example v1", b"row 7", &sealed)?, b"for your eyes");
//! assert!(reviewer.open(b"yu example v1", b"row 8", &sealed).is_err());
//! # Ok::<(), yu_wire::Error>(())
//! ```
//!
//! Keys do not print, compare or serialise by accident:
//! ```compile_fail
//! fn print(key: &yu_wire::seal::SealKey) -> String {
//!     format!("{key}")
//! }
//! ```
//! ```compile_fail
//! fn write(key: &yu_wire::seal::SealKey) -> Vec<u8> {
//!     yu_wire::codec::encode(key)
//! }
//! ```

use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

use crate::{Error, Result};

pub(crate) mod sm2;

/// Name of the algorithms of the standard suite, written into every [`Sealed`].
pub const ALG: &str = "hpke-x25519-hkdf-sha256-aes-256-gcm";

/// Bytes by which a sealed message is longer than the plaintext: encapsulated key and tag.
pub const OVERHEAD: usize = 32 + 16;

/// Algorithms of a sealing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SealAlgorithm {
    /// [`ALG`].
    #[default]
    Hpke,
    /// The national ones (国密): `ecdh-sm2-sm3-sm4-gcm`.
    Sm2,
}

impl SealAlgorithm {
    /// As written into every [`Sealed`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hpke => ALG,
            Self::Sm2 => sm2::ALG,
        }
    }
}

/// What this process seals with; decided once at its start.
static CHOSEN: OnceLock<SealAlgorithm> = OnceLock::new();

/// Decides once for the process, before the first key is made; false if another one was chosen before.
#[must_use]
pub fn choose(algorithm: SealAlgorithm) -> bool {
    *CHOSEN.get_or_init(|| algorithm) == algorithm
}

fn chosen() -> SealAlgorithm {
    CHOSEN.get().copied().unwrap_or_default()
}

/// HPKE's key schedule carries `info` with a 16-bit length; ours are short texts.
const MAX_INFO: usize = 4096;

/// The recipient's secret key; wiped on drop.
#[derive(Clone)]
pub struct SealKey(Secret);

#[derive(Clone)]
enum Secret {
    Hpke(<X25519HkdfSha256 as Kem>::PrivateKey),
    Sm2(::sm2::SecretKey),
}

/// The recipient's public key, of the suite that the contract names; in JSON its base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealPublic(pub [u8; 32]);

/// A sealed message; in JSON an object of strings, the bytes in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// [`SealAlgorithm::as_str`] of the recipient's key; another name is refused at opening.
    pub alg: String,
    /// The encapsulated key, 32 bytes.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub enc: Vec<u8>,
    /// Ciphertext and tag, 16 bytes longer than the plaintext.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub ciphertext: Vec<u8>,
}

impl SealKey {
    /// A fresh key.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::generate_for(chosen(), rng)
    }

    /// A fresh key for other algorithms than this process's.
    #[must_use]
    pub fn generate_for(algorithm: SealAlgorithm, rng: &mut impl CryptoRng) -> Self {
        Self(match algorithm {
            SealAlgorithm::Hpke => Secret::Hpke(X25519HkdfSha256::gen_keypair_with_rng(rng).0),
            SealAlgorithm::Sm2 => Secret::Sm2(sm2::generate(rng)),
        })
    }

    /// The key with these 32 bytes, as [`Self::to_bytes`] gave them.
    ///
    /// # Errors
    /// [`Error::Crypto`] for another length, or a number that is no key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_for(chosen(), bytes)
    }

    /// The same for other algorithms than this process's.
    ///
    /// # Errors
    /// As [`Self::from_bytes`].
    pub fn from_bytes_for(algorithm: SealAlgorithm, bytes: &[u8]) -> Result<Self> {
        let key = match algorithm {
            SealAlgorithm::Hpke => <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(bytes).map(Secret::Hpke).ok(),
            SealAlgorithm::Sm2 => ::sm2::SecretKey::from_slice(bytes).map(Secret::Sm2).ok().filter(|_| bytes.len() == 32),
        };
        key.map(Self).ok_or_else(|| Error::Crypto(format!("sealing key of `{}` bytes, expected `32` that are a key", bytes.len())))
    }

    /// The secret bytes, for the owner's encrypted store.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        match &self.0 {
            Secret::Hpke(key) => {
                let mut bytes = Zeroizing::new([0; 32]);
                key.write_exact(&mut bytes[..]);
                bytes
            }
            Secret::Sm2(key) => sm2::secret_bytes(key),
        }
    }

    /// What others seal to.
    #[must_use]
    pub fn public(&self) -> SealPublic {
        match &self.0 {
            Secret::Hpke(key) => {
                let mut bytes = [0; 32];
                X25519HkdfSha256::sk_to_pk(key).write_exact(&mut bytes);
                SealPublic(bytes)
            }
            Secret::Sm2(key) => SealPublic(sm2::public_x(key)),
        }
    }

    /// Its algorithms.
    #[must_use]
    pub const fn algorithm(&self) -> SealAlgorithm {
        match self.0 {
            Secret::Hpke(_) => SealAlgorithm::Hpke,
            Secret::Sm2(_) => SealAlgorithm::Sm2,
        }
    }

    /// Opens a message that was sealed to this key under the same `info` and `aad`.
    ///
    /// # Errors
    /// [`Error::Crypto`] if algorithm, key, `info`, `aad` or a single bit differ; it does not say which.
    pub fn open(&self, info: &[u8], aad: &[u8], sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>> {
        check_info(info)?;
        let expected = self.algorithm().as_str();
        if sealed.alg != expected {
            return Err(Error::Crypto(format!("sealed with other algorithms than `{expected}`")));
        }
        let refused = || Error::Crypto("sealed message is damaged or meant for another key or purpose".into());
        let key = match &self.0 {
            Secret::Hpke(key) => key,
            Secret::Sm2(key) => return sm2::open(key, info, aad, &sealed.enc, &sealed.ciphertext).ok_or_else(refused),
        };
        let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.enc).map_err(|_| refused())?;
        hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&OpModeR::Base, key, &enc, info, &sealed.ciphertext, aad)
            .map(Zeroizing::new)
            .map_err(|_| refused())
    }
}

/// Seals `plaintext` to `to`.
///
/// # Errors
/// [`Error::Crypto`] if `to` is not a usable key (a point of small order); [`Error::Caller`] for an `info` above 4096 bytes.
pub fn seal(to: &SealPublic, info: &[u8], aad: &[u8], plaintext: &[u8], rng: &mut impl CryptoRng) -> Result<Sealed> {
    seal_with(chosen(), to, info, aad, plaintext, rng)
}

/// The same with other algorithms than this process's.
///
/// # Errors
/// As [`seal`].
pub fn seal_with(
    algorithm: SealAlgorithm,
    to: &SealPublic,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Sealed> {
    check_info(info)?;
    if algorithm == SealAlgorithm::Sm2 {
        let (enc, ciphertext) = sm2::seal(&to.0, info, aad, plaintext, rng)?;
        return Ok(Sealed { alg: sm2::ALG.to_owned(), enc, ciphertext });
    }
    let unusable = |_| Error::Crypto("recipient's sealing key is not usable".into());
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&to.0).map_err(unusable)?;
    let (enc, ciphertext) =
        hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(&OpModeS::Base, &key, info, plaintext, aad, rng)
            .map_err(unusable)?;
    Ok(Sealed { alg: ALG.to_owned(), enc: enc.to_bytes().to_vec(), ciphertext })
}

fn check_info(info: &[u8]) -> Result<()> {
    if info.len() > MAX_INFO {
        return Err(Error::Caller(format!("info of `{}` bytes, at most `{MAX_INFO}` allowed", info.len())));
    }
    Ok(())
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

/// The base64 of the key.
impl fmt::Display for SealPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for SealPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealPublic({self})")
    }
}

/// Sizes only: ciphertexts are long.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("alg", &self.alg).field("bytes", &self.ciphertext.len()).finish_non_exhaustive()
    }
}

impl Serialize for SealPublic {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        to_base64(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for SealPublic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let bytes = from_base64(deserializer)?;
        bytes.try_into().map(Self).map_err(|_| de::Error::custom("a sealing key has 32 bytes"))
    }
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(|_| de::Error::custom("not base64"))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    const INFO: &[u8] = b"Ode on a Grecian Urn";
    const AAD: &[u8] = b"Count-0";
    const TEXT: &[u8] = b"Beauty is truth, truth beauty";

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(7)
    }

    /// Keys, info, aad and plaintext of RFC 9180 A.1.1. Its ciphertext is AES-128-GCM; this one was computed by an
    /// independent implementation (HMAC and AES-GCM of OpenSSL) that also reproduces the RFC's.
    #[test]
    fn opens_a_known_answer() {
        let key = SealKey::from_bytes(&hex::decode("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8").unwrap()).unwrap();
        assert_eq!(hex::encode(key.public().0), "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d");
        let sealed = Sealed {
            alg: ALG.to_owned(),
            enc: hex::decode("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431").unwrap(),
            ciphertext: hex::decode("090b7dc225419f7da9e8b460becfbb96a26c7964d79b8010d397fa838530a32a397b14f5776db19ff5e57734e0").unwrap(),
        };
        assert_eq!(&*key.open(INFO, AAD, &sealed).unwrap(), TEXT);
    }

    #[test]
    fn opens_only_with_everything_equal() {
        check_opening(SealAlgorithm::Hpke);
    }

    #[test]
    fn d12_sm2_opens_only_with_everything_equal() {
        check_opening(SealAlgorithm::Sm2);
        let mut rng = rng();
        let key = SealKey::generate_for(SealAlgorithm::Sm2, &mut rng);
        // the algorithms do not meet, whatever the bytes say
        let sealed = seal_with(SealAlgorithm::Sm2, &key.public(), INFO, AAD, TEXT, &mut rng).unwrap();
        let other = SealKey::from_bytes_for(SealAlgorithm::Hpke, &key.to_bytes()[..]).unwrap();
        assert!(other.open(INFO, AAD, &sealed).unwrap_err().to_string().contains(ALG));
        assert!(other.open(INFO, AAD, &Sealed { alg: ALG.to_owned(), ..sealed.clone() }).is_err());
        assert!(key.open(INFO, AAD, &Sealed { alg: ALG.to_owned(), ..sealed }).is_err());
        assert!(
            SealKey::from_bytes_for(SealAlgorithm::Sm2, &[0; 32]).is_err()
                && SealKey::from_bytes_for(SealAlgorithm::Sm2, &[1; 31]).is_err()
        );
        assert!(seal_with(SealAlgorithm::Sm2, &SealPublic([0xff; 32]), INFO, AAD, TEXT, &mut rng).is_err());
        let again = SealKey::from_bytes_for(SealAlgorithm::Sm2, &key.to_bytes()[..]).unwrap();
        assert_eq!((again.public(), again.algorithm()), (key.public(), SealAlgorithm::Sm2));
    }

    fn check_opening(algorithm: SealAlgorithm) {
        let mut rng = rng();
        let (key, other) = (SealKey::generate_for(algorithm, &mut rng), SealKey::generate_for(algorithm, &mut rng));
        let sealed = seal_with(algorithm, &key.public(), INFO, AAD, TEXT, &mut rng).unwrap();
        assert_eq!(sealed.enc.len() + sealed.ciphertext.len(), TEXT.len() + OVERHEAD);
        assert_eq!(&*key.open(INFO, AAD, &sealed).unwrap(), TEXT);
        let refused = |result: Result<Zeroizing<Vec<u8>>>| matches!(result, Err(Error::Crypto(_)));
        assert!(refused(other.open(INFO, AAD, &sealed)));
        assert!(refused(key.open(b"other", AAD, &sealed)));
        assert!(refused(key.open(INFO, b"other", &sealed)));
        for i in 0..sealed.enc.len() {
            let mut damaged = sealed.clone();
            damaged.enc[i] ^= 1;
            assert!(refused(key.open(INFO, AAD, &damaged)), "enc byte {i}");
        }
        for i in 0..sealed.ciphertext.len() {
            let mut damaged = sealed.clone();
            damaged.ciphertext[i] ^= 0x80;
            assert!(refused(key.open(INFO, AAD, &damaged)), "ciphertext byte {i}");
        }
        for len in [0, 15, sealed.ciphertext.len() - 1] {
            let mut damaged = sealed.clone();
            damaged.ciphertext.truncate(len);
            assert!(refused(key.open(INFO, AAD, &damaged)), "ciphertext of {len} bytes");
        }
        let mut damaged = sealed.clone();
        damaged.enc.pop();
        assert!(refused(key.open(INFO, AAD, &damaged)));
        let mut damaged = sealed;
        damaged.alg = "rot13".into();
        assert!(refused(key.open(INFO, AAD, &damaged)));
    }

    #[test]
    fn sealing_twice_differs() {
        let mut rng = rng();
        let key = SealKey::generate(&mut rng);
        let first = seal(&key.public(), INFO, AAD, TEXT, &mut rng).unwrap();
        let second = seal(&key.public(), INFO, AAD, TEXT, &mut rng).unwrap();
        assert_ne!(first.enc, second.enc);
        assert_ne!(first.ciphertext, second.ciphertext);
    }

    #[test]
    fn keys_of_small_order_and_long_infos_are_refused() {
        let mut rng = rng();
        assert!(matches!(seal(&SealPublic([0; 32]), INFO, AAD, TEXT, &mut rng), Err(Error::Crypto(_))));
        let key = SealKey::generate(&mut rng);
        let long = vec![0; MAX_INFO + 1];
        assert!(matches!(seal(&key.public(), &long, AAD, TEXT, &mut rng), Err(Error::Caller(_))));
    }

    #[test]
    fn keys_survive_storage() {
        let key = SealKey::generate(&mut rng());
        let again = SealKey::from_bytes(&key.to_bytes()[..]).unwrap();
        assert_eq!(key.public(), again.public());
        assert!(matches!(SealKey::from_bytes(&[0; 31]), Err(Error::Crypto(_))));
        assert_eq!(format!("{key:?}"), "SealKey");
    }

    #[test]
    fn json_is_strings() {
        let sealed = Sealed { alg: ALG.to_owned(), enc: vec![1, 2, 3], ciphertext: vec![0xff; 2] };
        let json = serde_json::to_string(&sealed).unwrap();
        assert_eq!(json, format!(r#"{{"alg":"{ALG}","enc":"AQID","ciphertext":"//8="}}"#));
        assert_eq!(serde_json::from_str::<Sealed>(&json).unwrap(), sealed);
        assert!(serde_json::from_str::<Sealed>(&json.replace("AQID", "A*ID")).is_err());
        let public = SealPublic([9; 32]);
        let json = serde_json::to_string(&public).unwrap();
        assert_eq!(serde_json::from_str::<SealPublic>(&json).unwrap(), public);
        assert!(serde_json::from_str::<SealPublic>("\"AQID\"").is_err());
    }
}
