//! Login through an existing service (D10): OpenID Connect, authorization code with PKCE (RFC 6749, RFC 7636, RFC 8252, RFC 9207).
//!
//! The node asks the service, with what only the node knows; the browser carries a code that is worth nothing without it. What comes out is the name that the
//! service has for somebody, and until when its token lives: no session outlives the token, so whoever is disabled there is out here at its end.

use super::http::{self, Form, Url};
use super::token::Keys;
use crate::fault::{Code, Fault, Result};
use crate::home::LoginService;
use crate::keys::now;
use crate::node::Node;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use yu_governance::clock::Time;
use yu_governance::person::token::Expected;
use zeroize::Zeroizing;

/// What the service says of itself (OpenID Connect Discovery 1.0).
#[derive(Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What the service gives for a code.
#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// Who has logged in there.
pub(super) struct Found {
    /// The service's name for the person.
    pub(super) subject: Zeroizing<String>,
    /// First second at which its token is over.
    pub(super) until: Time,
}

/// The service that is configured.
///
/// # Errors
/// `input.bad` naming what node.toml lacks.
pub(super) fn config(node: &Node) -> Result<&LoginService> {
    let lacks = || Fault::new(Code::Input, "`[login]` with issuer, client and redirect is missing").at("node.toml").party(node.name());
    let config = node.config().login.as_ref().ok_or_else(lacks)?;
    let redirect = Url::parse(&config.redirect)?;
    if !redirect.is_own_machine() || redirect.is_tls() || redirect.path.contains('?') {
        return Err(Fault::new(Code::Input, "http://127.0.0.1:PORT/PATH is expected").at("node.toml `login.redirect`"));
    }
    Ok(config)
}

fn protocol(what: impl Into<String>) -> Fault {
    Fault::new(Code::PeerProtocol, what).at("login service")
}

fn describe(config: &LoginService) -> Result<Description> {
    let issuer = Url::parse(&config.issuer)?;
    let place = format!("{}/.well-known/openid-configuration", config.issuer.trim_end_matches('/'));
    let told = http::get(&place, config.roots.as_deref())?;
    let told: Description = serde_json::from_slice(&told).map_err(|_| protocol("its description cannot be read"))?;
    if told.issuer != config.issuer {
        return Err(protocol("its description is another service's: `issuer` differs from node.toml"));
    }
    for endpoint in [&told.authorization_endpoint, &told.token_endpoint, &told.jwks_uri] {
        if issuer.is_tls() && !Url::parse(endpoint)?.is_tls() {
            return Err(protocol("its description leaves TLS"));
        }
    }
    Ok(told)
}

/// Begins a login: where the browser goes, and where it comes back to.
///
/// # Errors
/// `input.bad`, `network.failed`, `policy.refused`.
pub(super) fn begin(node: &Node) -> Result<Value> {
    let config = config(node)?;
    let told = describe(config)?;
    Url::parse(&told.authorization_endpoint)?;
    let (state, nonce, verifier) = node.desk().begin(now())?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let query = http::encoded(&[
        ("response_type", "code"),
        ("client_id", &config.client),
        ("redirect_uri", &config.redirect),
        ("scope", "openid"),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let joint = if told.authorization_endpoint.contains('?') { '&' } else { '?' };
    Ok(json!({ "url": format!("{}{joint}{query}", told.authorization_endpoint), "redirect": config.redirect, "state": state }))
}

/// Ends a login: the code is exchanged for a token, and the token is judged.
///
/// # Errors
/// `policy.refused` for a login that was not begun here, that is over, or whose token is not for it; `signature.bad`; `network.failed`.
pub(super) fn finish(node: &Node, state: &str, code: &str, issuer: Option<&str>) -> Result<Found> {
    let config = config(node)?;
    let pending = node.desk().take(state, now());
    let pending = pending.ok_or_else(|| Fault::new(Code::Refused, "login.state: this login was not begun here, is over, or was used"))?;
    let told = describe(config)?;
    let is_its = issuer.map_or(!told.authorization_response_iss_parameter_supported, |issuer| issuer == config.issuer);
    if !is_its {
        return Err(Fault::new(Code::Refused, "login.issuer: the answer comes from another service"));
    }
    let token = exchange(config, &told, code, &pending.verifier)?;
    let keys = Keys::parse(&http::get(&told.jwks_uri, config.roots.as_deref())?)?;
    let skew = i64::try_from(node.config().limits.max_skew_s).unwrap_or(i64::MAX);
    let expected = Expected { issuer: &config.issuer, client: &config.client, nonce: &pending.nonce, skew };
    let claims = keys.verify(&token, &expected, now())?;
    Ok(Found { subject: Zeroizing::new(claims.sub), until: Time::from_unix(claims.exp) })
}

fn exchange(config: &LoginService, told: &Description, code: &str, verifier: &str) -> Result<Zeroizing<String>> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &config.redirect),
        ("client_id", &config.client),
        ("code_verifier", verifier),
    ];
    let secret = config
        .secret
        .as_ref()
        .map(|path| std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| Fault::io(&e, path)))
        .transpose()?;
    let authorization = secret.map(|secret| {
        // RFC 6749, 2.3.1: both encoded before they are joined
        let pair = Zeroizing::new(format!("{}:{}", http::escape(&config.client), http::escape(secret.trim())));
        Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
    });
    let (status, body) = http::post(&told.token_endpoint, &Form { fields: &fields, authorization }, config.roots.as_deref())?;
    let body = Zeroizing::new(body);
    let given: Given = serde_json::from_slice(&body).map_err(|_| protocol(format!("it answers {status} for a code, and no token")))?;
    match given.id_token {
        Some(token) if status == 200 => Ok(Zeroizing::new(token)),
        _ => {
            let word: String =
                given.error.unwrap_or_default().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
            Err(Fault::new(Code::Refused, format!("login.refused: the login service answers {status} `{word}`")))
        }
    }
}
