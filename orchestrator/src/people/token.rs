//! ID tokens of the service: signature by one of its published keys, then what the token says (RFC 7515, RFC 7518; OpenID Connect Core 1.0).

use crate::fault::{Code, Fault, Result};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use yu_governance::clock::Time;
use yu_governance::person::token::{Claims, Expected};

/// Longest token.
const LONGEST: usize = 64 << 10;
/// Most keys of a set that are looked at.
const MOST_KEYS: usize = 64;

/// A key of the service (RFC 7517); those of other kinds are skipped.
#[derive(Debug, Clone, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// The keys of the service.
#[derive(Debug, Clone, Deserialize)]
pub struct Keys {
    keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

fn refused(what: &str) -> Fault {
    Fault::new(Code::Signature, format!("token.signature: {what}")).at("ID token")
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| refused("a part of it is not base64url"))
}

impl Keys {
    /// Reads a key set.
    ///
    /// # Errors
    /// `peer.protocol`.
    pub fn parse(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json)
            .map_err(|e| Fault::new(Code::PeerProtocol, format!("column {}: no key set", e.column())).at("keys of the login service"))
    }

    /// What a token says, if a key of the service signed it and it is for this node, this login and this moment.
    ///
    /// # Errors
    /// `signature.bad`; those of [`Claims::check`].
    pub fn verify(&self, token: &str, expected: &Expected<'_>, now: Time) -> Result<Claims> {
        if token.len() > LONGEST {
            return Err(refused("it is too long"));
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else { return Err(refused("it has not three parts")) };
        let signed = token.get(..header.len().saturating_add(payload.len()).saturating_add(1)).unwrap_or_default();
        let signature = bytes(signature)?;
        let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| refused("its header cannot be read"))?;
        if header.crit.is_some() {
            return Err(refused("its header demands what is not known here"));
        }
        let kind = match header.alg.as_str() {
            "RS256" => "RSA",
            "ES256" => "EC",
            // `none` and keyed hashes among them: whoever knows the public key could make such a token
            other => return Err(refused(&format!("`{}`: RS256 or ES256 is expected", other.escape_debug()))),
        };
        let fits = |key: &&Key| {
            key.kty == kind
                && key.alg.as_deref().is_none_or(|alg| alg == header.alg)
                && key.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
                && header.kid.as_ref().is_none_or(|kid| key.kid.as_ref() == Some(kid))
        };
        let mut keys = self.keys.iter().take(MOST_KEYS).filter(fits);
        let (Some(key), None) = (keys.next(), keys.next()) else { return Err(refused("it does not name exactly one key of the service")) };
        let holds = match kind {
            "RSA" => rsa(key, signed.as_bytes(), &signature)?,
            _ => ecdsa(key, signed.as_bytes(), &signature)?,
        };
        if !holds {
            return Err(refused("its signature does not hold"));
        }
        let claims: Claims = serde_json::from_slice(&bytes(payload)?).map_err(|_| refused("what it says cannot be read"))?;
        claims.check(expected, now).map_err(|found| Fault::new(Code::Refused, super::told(&found)).at("ID token"))?;
        Ok(claims)
    }
}

fn part(key: &Key, pick: fn(&Key) -> &Option<String>) -> Result<Vec<u8>> {
    bytes(pick(key).as_deref().ok_or_else(|| refused("the service's key lacks a part"))?)
}

fn rsa(key: &Key, signed: &[u8], signature: &[u8]) -> Result<bool> {
    let significant = |bytes: Vec<u8>| bytes.into_iter().skip_while(|b| *b == 0).collect::<Vec<u8>>();
    let key = RsaPublicKeyComponents { n: significant(part(key, |k| &k.n)?), e: significant(part(key, |k| &k.e)?) };
    Ok(key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok())
}

fn ecdsa(key: &Key, signed: &[u8], signature: &[u8]) -> Result<bool> {
    let (x, y) = (part(key, |k| &k.x)?, part(key, |k| &k.y)?);
    if key.crv.as_deref() != Some("P-256") || x.len() != 32 || y.len() != 32 {
        return Err(refused("the service's key is none of P-256"));
    }
    let point = [&[4][..], &x, &y].concat();
    Ok(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
    use serde_json::{Value, json};

    const NOW: i64 = 1_790_000_000;
    const EXPECTED: Expected<'_> = Expected { issuer: "https://login.example.gov", client: "yu", nonce: "n-1", skew: 60 };

    struct Service {
        rsa: RsaKeyPair,
        ec: EcdsaKeyPair,
    }

    impl Service {
        fn new() -> Self {
            Self {
                rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
                ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            }
        }

        fn keys(&self) -> Value {
            let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            // PKCS #1: a sequence of two integers, of 257 and 3 bytes for a key of 2048 bits
            let public = self.rsa.public_key().as_ref();
            assert_eq!((public.len(), &public[4..9], &public[265..267]), (270, &[2, 0x82, 1, 1, 0][..], &[2, 3][..]));
            let point = self.ec.public_key().as_ref();
            json!({ "keys": [
                { "kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "n": b64(&public[9..265]), "e": b64(&public[267..]) },
                { "kty": "EC", "kid": "e", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]) },
                { "kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "AA" },
            ] })
        }

        fn token(&self, header: &Value, claims: &Value) -> String {
            let b64 = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", b64(header), b64(claims));
            let rng = SystemRandom::new();
            let signature = if header["alg"] == "ES256" {
                self.ec.sign(&rng, signed.as_bytes()).unwrap().as_ref().to_vec()
            } else {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &rng, signed.as_bytes(), &mut signature).unwrap();
                signature
            };
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn claims() -> Value {
        json!({ "iss": EXPECTED.issuer, "sub": "u-1", "aud": "yu", "exp": NOW + 300, "iat": NOW, "nonce": "n-1", "name": "left out" })
    }

    fn verify(keys: &Value, token: &str) -> Result<Claims> {
        Keys::parse(keys.to_string().as_bytes()).unwrap().verify(token, &EXPECTED, Time::from_unix(NOW))
    }

    #[test]
    fn d10_tokens_of_the_service_hold_and_no_others() {
        let (service, other) = (Service::new(), Service::new());
        let keys = service.keys();
        for header in [json!({ "alg": "RS256", "kid": "r" }), json!({ "alg": "ES256", "kid": "e" }), json!({ "alg": "ES256" })] {
            let token = service.token(&header, &claims());
            assert_eq!(verify(&keys, &token).unwrap().sub, "u-1");
            assert_eq!(verify(&other.keys(), &token).unwrap_err().code, Code::Signature, "{header}");
            // every part counts
            for at in [3, token.find('.').unwrap() + 3, token.len() - 5] {
                let mut flipped = token.clone().into_bytes();
                flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
                assert!(verify(&keys, &String::from_utf8(flipped).unwrap()).is_err(), "{header} {at}");
            }
            // the words of one token under the signature of another
            let mut forged = claims();
            forged["sub"] = "u-2".into();
            let forged = service.token(&header, &forged);
            let mixed = format!("{}.{}", forged.rsplit_once('.').unwrap().0, token.rsplit_once('.').unwrap().1);
            assert_eq!(verify(&keys, &mixed).unwrap_err().code, Code::Signature);
        }
        let mut old = claims();
        old["exp"] = (NOW - 1).into();
        let fault = verify(&keys, &service.token(&json!({ "alg": "RS256", "kid": "r" }), &old)).unwrap_err();
        assert!(fault.detail.starts_with("token.expired") && !fault.detail.contains("u-1"), "{fault}");
    }

    #[test]
    fn d10_tricks_with_the_header_are_refused() {
        let service = Service::new();
        let keys = service.keys();
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "HS256", "kid": "r" }),
            json!({ "alg": "RS512", "kid": "r" }),
            json!({ "alg": "EdDSA", "kid": "o" }),
            json!({ "alg": "ES256", "kid": "r" }),
            json!({ "alg": "RS256", "kid": "e" }),
            json!({ "alg": "RS256", "kid": "unknown" }),
            json!({ "alg": "RS256", "kid": "r", "crit": ["b64"] }),
            json!({ "kid": "r" }),
        ] {
            assert_eq!(verify(&keys, &service.token(&header, &claims())).unwrap_err().code, Code::Signature, "{header}");
        }
        let token = service.token(&json!({ "alg": "RS256", "kid": "r" }), &claims());
        for broken in ["", ".", "..", "a.b.c", &format!("{token}.x"), &token.replace('.', " "), &"a".repeat(LONGEST + 1)] {
            assert_eq!(verify(&keys, broken).unwrap_err().code, Code::Signature);
        }
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(verify(&keys, &format!("{signed}.")).unwrap_err().code, Code::Signature, "no signature");
        // two keys of one name, a short key, a key for encryption, a point that is none
        let changes: [fn(&mut Value); 4] = [
            |k| {
                let twin = k["keys"][0].clone();
                k["keys"].as_array_mut().unwrap().push(twin);
            },
            |k| k["keys"][0]["n"] = "AQAB".into(),
            |k| k["keys"][0]["use"] = "enc".into(),
            |k| k["keys"][0]["e"] = Value::Null,
        ];
        for change in changes {
            let mut changed = keys.clone();
            change(&mut changed);
            assert_eq!(verify(&changed, &token).unwrap_err().code, Code::Signature);
        }
        let mut off = keys.clone();
        off["keys"][1]["x"] = URL_SAFE_NO_PAD.encode([7; 32]).into();
        assert_eq!(verify(&off, &service.token(&json!({ "alg": "ES256" }), &claims())).unwrap_err().code, Code::Signature);
        assert!(Keys::parse(b"[]").is_err() && Keys::parse(b"{}").is_err());
    }
}
