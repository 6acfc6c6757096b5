//! How nodes come to know each other: one ticket, no copying of certificates.
//!
//! A node card states a node's name, keys and address. A ticket carries the inviter's card and a one-time secret. The
//! newcomer dials the inviter (whose root it now knows), shows its own card and proves the secret bound to this very
//! TLS connection, so that a ticket seen on the way is worthless after its first use and a middleman cannot pass it on.
//! In production both cards must carry the signature of the authority, and the authority signs only what a person of its
//! own named in the invitation: the newcomer's [`Standing`].

use crate::fault::{Code, Fault, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use yu_governance::canonical::to_canonical;
use yu_governance::clock::Time;
use yu_governance::sign::{KeyRing, PublicKey, Signed, SignedType};
use yu_wire::identity::NodeName;

const PREFIX: &str = "yu1.";

/// What a node says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeCard {
    /// Format version, 1.
    pub v: u32,
    /// `yu://env/org/node`.
    pub name: String,
    /// Organisation root certificate, DER as base64.
    pub root: String,
    /// Verifies its signatures.
    pub signing_key: PublicKey,
    /// Seals to it, hex.
    pub seal_key: String,
    /// Where to dial it; absent: it only dials out.
    pub address: Option<String>,
    /// Role.
    pub role: String,
    /// Who controls it.
    pub controller: String,
    /// `inside` or `outside` the domain.
    pub zone: String,
}

impl SignedType for NodeCard {
    const TYPE: &'static str = "node-card-v1";
}

impl NodeCard {
    /// The root certificate.
    ///
    /// # Errors
    /// `ticket.bad`.
    pub fn root_der(&self) -> Result<Vec<u8>> {
        STANDARD.decode(&self.root).map_err(|_| bad("root certificate is not base64"))
    }

    /// What it says about itself that others rely on.
    ///
    /// # Errors
    /// `ticket.bad`.
    pub fn standing(&self) -> Result<Standing> {
        Ok(Standing {
            name: self.name.clone(),
            root: fingerprint(&self.root_der()?),
            role: self.role.clone(),
            controller: self.controller.clone(),
            zone: self.zone.clone(),
        })
    }
}

/// Fingerprint of an organisation's root certificate (DER): SHA-256, hex.
pub fn fingerprint(root_der: &[u8]) -> String {
    hex::encode(Sha256::digest(root_der))
}

/// Who a newcomer is, as a person of the inviter named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// `yu://env/org/node`.
    pub name: String,
    /// [`fingerprint`] of its organisation's root certificate.
    pub root: String,
    /// Role.
    pub role: String,
    /// Who controls it.
    pub controller: String,
    /// `inside` or `outside` the domain.
    pub zone: String,
}

impl Standing {
    fn fields(&self) -> [(&'static str, &str); 5] {
        [("name", &self.name), ("root", &self.root), ("role", &self.role), ("controller", &self.controller), ("zone", &self.zone)]
    }

    /// Whether a card says exactly this.
    ///
    /// # Errors
    /// `peer.standing` with every field that differs, as invited and as declared.
    pub fn check(&self, card: &NodeCard) -> Result<()> {
        let declared = card.standing()?;
        let differ: Vec<String> = (self.fields().iter().zip(declared.fields()))
            .filter(|((_, invited), (_, declared))| invited != declared)
            .map(|((field, invited), (_, declared))| format!("{field}: invited `{invited}`, declared `{declared}`"))
            .collect();
        if differ.is_empty() { Ok(()) } else { Err(Fault::new(Code::Standing, differ.join("; ")).party(card.name.clone())) }
    }

    /// As typed by a person: the fingerprint in any case, with or without colons and spaces.
    ///
    /// # Errors
    /// `input.bad` with the option at fault.
    pub fn typed(mut self, environment: &str) -> Result<Self> {
        let bad = |option: &str, what: String| Err(Fault::new(Code::Input, what).at(option.to_owned()));
        let name: NodeName = match self.name.parse() {
            Ok(name) => name,
            Err(e) => return bad("--name", e.to_string()),
        };
        if name.env().to_string() != environment {
            return Err(Fault::new(Code::EnvMismatch, format!("`{name}` does not belong to `{environment}`")).at("--name"));
        }
        self.root = self.root.chars().filter(|c| !c.is_whitespace() && *c != ':').collect::<String>().to_ascii_lowercase();
        if self.root.len() != 64 || hex::decode(&self.root).is_err() {
            return bad("--root", "a fingerprint is 64 hexadecimal digits".into());
        }
        if !["provider", "licensee", "platform", "authority", "regulator", "organ"].contains(&self.role.as_str()) {
            return bad("--role", format!("`{}`: provider, licensee, platform or authority", self.role));
        }
        if !["inside", "outside"].contains(&self.zone.as_str()) {
            return bad("--zone", format!("`{}`: inside or outside", self.zone));
        }
        if self.controller.trim().is_empty() {
            return bad("--controller", "nobody is named".into());
        }
        Ok(self)
    }

    /// Lines for a person who compares them.
    pub fn say(&self) -> Vec<(String, String)> {
        let zh = ["节点", "机构根证书指纹", "角色", "控制人", "区域"];
        let names = self.fields().into_iter().zip(zh);
        names.map(|((field, value), zh)| (format!("  {field:<10} {value}"), format!("{zh}：{value}"))).collect()
    }

    /// The options of `yu peer invite` that name it.
    pub fn options(&self) -> String {
        let quoted = |value: &str| format!("'{}'", value.replace('\'', "'\\''"));
        self.fields().map(|(field, value)| format!("--{field} {}", quoted(value))).join(" ")
    }
}

/// An invitation.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Format version, 1.
    pub v: u32,
    /// The inviter.
    pub card: Signed<NodeCard>,
    /// Public id of the invitation.
    pub invite: String,
    /// One-time secret, hex.
    pub secret: String,
    /// When it expires.
    pub expires: Time,
    /// Who may redeem it; absent: whoever brings it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expects: Option<Standing>,
}

fn bad(what: &str) -> Fault {
    Fault::new(Code::TicketBad, what.to_owned())
}

impl Ticket {
    /// One line of text.
    ///
    /// # Errors
    /// `internal` when it has no canonical form.
    pub fn encode(&self) -> Result<String> {
        let bytes = to_canonical(self).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a ticket; does not yet trust it.
    ///
    /// # Errors
    /// `ticket.bad`.
    pub fn decode(text: &str) -> Result<Self> {
        let body = text.trim().strip_prefix(PREFIX).ok_or_else(|| bad("does not begin with `yu1.`"))?;
        if body.len() > 64 * 1024 {
            return Err(bad("longer than 64 KiB"));
        }
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| bad("is cut or altered"))?;
        let ticket: Self = serde_json::from_slice(&bytes).map_err(|_| bad("does not parse"))?;
        if ticket.v != 1 || ticket.card.payload.v != 1 {
            return Err(Fault::new(Code::Version, "ticket of another version"));
        }
        Ok(ticket)
    }
}

/// Whether a card must already carry the authority's signature in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Countersigned {
    /// Everywhere but at the authority.
    Before,
    /// At the authority itself, which signs the card of a newcomer that it has named.
    OnAdmission,
}

/// Verifies a card: signed by itself, and in production by the authority unless it is the authority's own.
///
/// # Errors
/// `ticket.bad`, `env.mismatch`, `suite.mismatch`, `signature.bad`.
pub fn verify_card(card: &Signed<NodeCard>, environment: &str, authority: Option<(&str, &PublicKey)>, when: Countersigned) -> Result<()> {
    let own = &card.payload;
    if !own.name.starts_with(&format!("yu://{environment}/")) {
        return Err(Fault::new(Code::EnvMismatch, format!("`{}` does not belong to `{environment}`", own.name)));
    }
    if own.signing_key.suite() != crate::suite::current() {
        let what = format!("its key is of the suite `{}`, this node is of `{}`", own.signing_key.suite(), crate::suite::current());
        return Err(Fault::new(Code::Suite, what).party(own.name.clone()));
    }
    let mut ring = KeyRing::new();
    let fault = |e: yu_governance::Error| Fault::new(Code::Signature, e.to_string()).party(own.name.clone());
    ring.insert(&own.name, own.signing_key).map_err(fault)?;
    let mut required = vec![own.name.as_str()];
    match authority {
        Some((name, key)) if name != own.name => {
            ring.insert(name, *key).map_err(fault)?;
            if environment == "prod" && when == Countersigned::Before {
                required.push(name);
            }
        }
        Some((_, key)) if *key != own.signing_key => return Err(Fault::new(Code::Signature, "another key claims to be the authority")),
        _ => {}
    }
    if environment == "prod" && authority.is_none() {
        return Err(Fault::new(Code::TicketBad, "production needs the authority: name it in node.toml and accept its ticket first"));
    }
    // signatures of parties that are unknown here say nothing; only the required ones count
    let mut known = card.clone();
    known.signatures.retain(|s| ring.get(&s.signer).is_some());
    known.verify(&ring, &required).map_err(fault)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use yu_governance::sign::SigningKey;

    fn card() -> NodeCard {
        NodeCard {
            v: 1,
            name: "yu://prod/bank/n1".into(),
            root: STANDARD.encode([7; 40]),
            signing_key: SigningKey::from_bytes(&[1; 32]).public(),
            seal_key: "00".into(),
            address: None,
            role: "licensee".into(),
            controller: "Bank's owner".into(),
            zone: "inside".into(),
        }
    }

    #[test]
    fn every_field_that_differs_is_named() {
        let card = card();
        let invited = card.standing().unwrap();
        invited.check(&card).unwrap();
        let other = NodeCard { controller: "platform".into(), zone: "outside".into(), root: STANDARD.encode([8; 40]), ..card };
        let fault = invited.check(&other).unwrap_err();
        assert_eq!(fault.code, Code::Standing);
        for part in ["controller: invited `Bank's owner`, declared `platform`", "zone: invited `inside`, declared `outside`", "root: "] {
            assert!(fault.detail.contains(part), "{fault}");
        }
        assert!(!fault.detail.contains("role"), "{fault}");
    }

    #[test]
    fn d12_a_node_of_another_suite_is_refused_by_name() {
        let key = SigningKey::of_suite(yu_governance::suite::Suite::Gm, &[1; 32]).unwrap();
        let card = NodeCard { name: "yu://dev/bank/n1".into(), signing_key: key.public(), ..card() };
        let signed = Signed::sign(card, "yu://dev/bank/n1", &key).unwrap();
        let fault = verify_card(&signed, "dev", None, Countersigned::Before).unwrap_err();
        assert_eq!((fault.code, fault.party.as_deref()), (Code::Suite, Some("yu://dev/bank/n1")));
        assert!(fault.detail.contains("`gm`") && fault.detail.contains("`standard`"), "{fault}");
    }

    #[test]
    fn what_a_person_types_is_checked() {
        let good = card().standing().unwrap();
        let typed = Standing { root: good.root.to_uppercase().chars().map(|c| format!("{c} ")).collect(), ..good.clone() };
        assert_eq!(typed.typed("prod").unwrap(), good);
        assert_eq!(good.clone().typed("dev").unwrap_err().code, Code::EnvMismatch);
        for (bad, option) in [
            (Standing { name: "bank".into(), ..good.clone() }, "--name"),
            (Standing { root: "12".into(), ..good.clone() }, "--root"),
            (Standing { role: "king".into(), ..good.clone() }, "--role"),
            (Standing { zone: "here".into(), ..good.clone() }, "--zone"),
            (Standing { controller: " ".into(), ..good.clone() }, "--controller"),
        ] {
            assert_eq!(bad.typed("prod").unwrap_err().place.as_deref(), Some(option));
        }
        assert!(good.options().contains(r"--controller 'Bank'\''s owner'"), "{}", good.options());
    }
}
