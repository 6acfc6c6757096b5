//! A verdict as an EAR token (Entity Attestation Token of a result; AR4SI trustworthiness vector) that other verifiers read.
//!
//! A compact JWT under EdDSA (RFC 7519, RFC 8037) with the profile `tag:github.com,2023:veraison/ear`. A verdict on
//! simulated evidence carries a critical header (RFC 7515, 4.1.11), so that readers which do not know it refuse the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde_json::{Map, Value as Json, json};

use crate::claims::{Claims, Value};
use crate::fault::{Fault, Result, malformed};
use crate::verdict::{Outcome, Verdict};

/// Profile of the token.
pub const PROFILE: &str = "tag:github.com,2023:veraison/ear";
/// The header that marks verdicts on simulated evidence.
pub const SIMULATED: &str = "yu-simulated";

/// Values of the trustworthiness vector (draft-ietf-rats-ar4si, section 2.3): 2 affirming, 32 warning, 96 contraindicated.
mod level {
    pub(super) const AFFIRMING: i8 = 2;
    pub(super) const WARNING: i8 = 32;
    pub(super) const CONTRAINDICATED: i8 = 96;
}

/// Writes the token. `verifier` names this build; claims are annotated where the evidence was true.
///
/// # Errors
/// `format.malformed` if the verdict cannot be written.
pub fn token(verdict: &Verdict, claims: Option<&Claims>, verifier: &str, key: &SigningKey) -> Result<String> {
    let simulated = verdict.kind == "simulated";
    let header = if simulated {
        json!({"alg": "EdDSA", "typ": "JWT", "crit": [SIMULATED], (SIMULATED): true})
    } else {
        json!({"alg": "EdDSA", "typ": "JWT"})
    };
    let vector = vector(&verdict.outcome, simulated);
    let worst = vector.values().filter_map(Json::as_i64).max().unwrap_or_default();
    let mut submodule = json!({
        "ear.status": status(worst),
        "ear.trustworthiness-vector": vector,
        "ear.appraisal-policy-id": format!("sha-256:{}", hex::encode(verdict.policy)),
        "yu.evidence": hex::encode(verdict.evidence),
        "yu.bundle": hex::encode(verdict.bundle),
        "yu.reason": verdict.outcome.reason(),
    });
    if let (Some(object), Some(claims)) = (submodule.as_object_mut(), claims) {
        object.insert("ear.veraison.annotated-evidence".to_owned(), annotated(claims));
    }
    let mut submodules = Map::new();
    submodules.insert(verdict.kind.clone(), submodule);
    let payload = json!({
        "eat_profile": PROFILE,
        "iat": verdict.at.0,
        "ear.verifier-id": {"developer": "yu-tee-attest", "build": verifier},
        "submods": submodules,
    });
    let write = |value: &Json| {
        serde_json::to_vec(value).map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).map_err(|_| malformed("token", "cannot be written"))
    };
    let signed = format!("{}.{}", write(&header)?, write(&payload)?);
    let signature = key.sign(signed.as_bytes());
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
}

/// Reads a token of [`token`]: checks algorithm, critical headers and signature, gives the payload.
///
/// # Errors
/// `ear.token` for anything else, `ear.simulated` for a verdict on simulated evidence.
pub fn read(token: &str, key: &VerifyingKey) -> Result<Json> {
    let wrong = |en: &str| Fault::new("ear.token", "token", en, "令牌无效");
    if token.len() > 1 << 16 {
        return Err(wrong("more than 64 KiB"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(wrong("not three parts"));
    };
    let open = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong("a part that is no base64url"));
    let parse = |bytes: Vec<u8>| serde_json::from_slice::<Json>(&bytes).map_err(|_| wrong("a part that is no JSON"));
    let bytes: [u8; 64] = open(signature)?.try_into().map_err(|_| wrong("a signature of another length"))?;
    let signed = token.get(..header.len().saturating_add(1).saturating_add(payload.len())).ok_or_else(|| wrong("not three parts"))?;
    let head = parse(open(header)?)?;
    if head.get("alg").and_then(Json::as_str) != Some("EdDSA") {
        return Err(wrong("an algorithm other than EdDSA"));
    }
    key.verify_strict(signed.as_bytes(), &Signature::from_bytes(&bytes)).map_err(|_| wrong("a signature that does not verify"))?;
    if head.get("crit").is_some() {
        return Err(Fault::new(
            "ear.simulated",
            "token",
            "a verdict on simulated evidence, or another critical header",
            "模拟证据的裁定，或含其他关键头部",
        ));
    }
    parse(open(payload)?)
}

fn status(worst: i64) -> &'static str {
    match worst {
        i64::MIN..=1 => "none",
        2..=31 => "affirming",
        32..=95 => "warning",
        _ => "contraindicated",
    }
}

fn vector(outcome: &Outcome, simulated: bool) -> Map<String, Json> {
    let mut vector = Map::new();
    let mut set = |name: &str, value: i8| vector.insert(name.to_owned(), json!(value));
    match outcome {
        Outcome::Affirmed => {
            set("instance-identity", if simulated { level::WARNING } else { level::AFFIRMING });
            set("hardware", if simulated { level::CONTRAINDICATED } else { level::AFFIRMING });
            set("configuration", level::AFFIRMING);
            set("executables", level::AFFIRMING);
        }
        Outcome::Denied(denial) => {
            // the evidence is true; the claim that failed says which part is not to be trusted
            set("instance-identity", level::AFFIRMING);
            let part = match denial.claim.as_str() {
                claim if claim.starts_with("tcb.") || claim.starts_with("evidence.hardware") => "hardware",
                claim if claim.contains("measurement") || claim.contains("mr-") || claim.contains("pcr") || claim.contains("rtmr") => {
                    "executables"
                }
                _ => "configuration",
            };
            set(part, level::CONTRAINDICATED);
        }
        Outcome::Refused { .. } => {
            set("instance-identity", level::CONTRAINDICATED);
            set("hardware", level::CONTRAINDICATED);
        }
    }
    vector
}

fn annotated(claims: &Claims) -> Json {
    let value = |value: &Value| match value {
        Value::Flag(flag) => json!(flag),
        Value::Number(number) => json!(number),
        Value::List(list) => json!(list),
        other => json!(other.show()),
    };
    Json::Object(claims.iter().map(|(name, claim)| (name.to_owned(), value(claim))).collect())
}
