//! Tickets and peers.

use super::{lines, to_value};
use crate::control::{Ask, call_within};
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::Node;
use crate::store::PeerRow;
use crate::ticket::{Countersigned, NodeCard, Ticket, verify_card};
use rand::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::sign::{PublicKey, Signed};
use yu_wire::identity::NodeName;

/// Label of the keying material that a proof is bound to.
const JOIN_LABEL: &str = "EXPORTER-yu-join-v1";

/// Makes a ticket.
pub(super) fn invite(node: &Arc<Node>, minutes: u32) -> Result<Value> {
    if node.endpoint().listen_address().is_none() {
        return Err(Fault::new(Code::State, "this node only dials out: let the other side invite").at("node.toml `listen`"));
    }
    let (mut id, mut secret) = ([0_u8; 16], [0_u8; 32]);
    let mut rng = rng();
    rng.fill_bytes(&mut id);
    rng.fill_bytes(&mut secret);
    let expires = now().plus_seconds(i64::from(minutes) * 60);
    let ticket = Ticket { v: 1, card: node.card()?, invite: hex::encode(id), secret: hex::encode(secret), expires };
    node.store().put_invite(&ticket.invite, &hex::encode(Sha256::digest(secret)), expires.unix())?;
    // The proof must be computed here as well, so the secret stays in the vault until it is used or expires.
    node.vault().put(&format!("invite-{}", ticket.invite), &secret)?;
    node.trust().set_invitation_open(true);
    let text = ticket.encode()?;
    Ok(json!({ "ticket": text, "expires": expires.to_string(), "say": lines([
        (format!("ticket, valid until {expires}, for one peer; pass it on over a channel you trust:"), format!("票据（有效至 {expires}，仅限一个对端），请经可信渠道传递：")),
        (text.clone(), text),
    ]) }))
}

/// Redeems a ticket: trusts the inviter, dials it, proves the secret, is admitted.
pub(super) fn accept(node: &Arc<Node>, text: &str) -> Result<Value> {
    let ticket = Ticket::decode(text)?;
    if ticket.expires <= now() {
        return Err(Fault::new(Code::TicketBad, format!("expired at {}", ticket.expires)));
    }
    let card = &ticket.card.payload;
    if card.name == node.name() {
        return Err(Fault::new(Code::TicketBad, "is this node's own"));
    }
    verify_card(
        &ticket.card,
        &node.config().environment,
        authority_for(node, card, Introduced::ByTicket)?.as_ref().map(|(n, k)| (n.as_str(), k)),
        at_admission(node),
    )?;
    let address = card.address.clone().ok_or_else(|| Fault::new(Code::TicketBad, "the inviter cannot be dialled"))?;
    let expect = card.name.parse::<NodeName>()?;
    let root = card.root_der()?;
    let organisation_known = same_root(node, &expect, &root)?;
    node.trust().add(&expect, &root)?;
    let join = || -> Result<Signed<NodeCard>> {
        let connection = node.dial(&address, &expect)?;
        let binding = connection.export_keying_material(JOIN_LABEL.as_bytes(), ticket.invite.as_bytes());
        let ask = Ask::Join {
            ticket: to_value(&node.card()?)?.to_string(),
            invite: ticket.invite.clone(),
            proof: proof(&ticket.secret, &binding)?,
        };
        let answer = call_within(node, &connection, &ask, std::time::Duration::from_secs(20))?;
        serde_json::from_value(answer).map_err(|_| Fault::new(Code::PeerProtocol, "card does not parse").party(card.name.clone()))
    };
    let countersigned = match join() {
        Ok(card) => card,
        Err(fault) => {
            if !organisation_known {
                node.trust().remove(&expect);
            }
            return Err(fault.party(card.name.clone()));
        }
    };
    admit(node, &ticket.card)?;
    if countersigned.payload == node.card()?.payload {
        let own = node.card()?;
        if countersigned.signatures.len() > own.signatures.len() {
            node.store_signed("card", node.name(), &countersigned)?;
        }
    }
    Ok(
        json!({ "peer": card.name, "say": lines([(format!("{} and {} know each other", node.name(), card.name), format!("{} 与 {} 已相互登记", node.name(), card.name))]) }),
    )
}

/// The other side of [`accept`]: a newcomer shows its card and proves the secret.
pub(crate) fn joined(
    node: &Arc<Node>,
    peer: &yu_wire::trust::Peer,
    binding: &[u8; 32],
    card: &str,
    invite: &str,
    shown: &str,
) -> Result<Value> {
    let at = now();
    let kept = node.store().open_invite(invite, at.unix())?;
    let vault_id = format!("invite-{invite}");
    let (Some(_), true) = (kept, node.vault().holds(&vault_id)) else {
        return Err(Fault::new(Code::TicketBad, "the invitation is unknown, used or expired"));
    };
    let secret = hex::encode(&node.vault().get(&vault_id)?[..]);
    if !equal(&proof(&secret, binding)?, shown) {
        return Err(Fault::new(Code::TicketBad, "the proof does not fit this connection"));
    }
    let card: Signed<NodeCard> = serde_json::from_str(card).map_err(|_| Fault::new(Code::TicketBad, "card does not parse"))?;
    let name = peer.name().to_string();
    let root_fits = match peer {
        yu_wire::trust::Peer::Unadmitted(_, root) => card.payload.root_der()? == *root,
        yu_wire::trust::Peer::Admitted(_) => {
            node.trust().roots().iter().any(|(_, _, der)| card.payload.root_der().is_ok_and(|r| r == *der))
        }
    };
    if card.payload.name != name || !root_fits {
        return Err(Fault::new(Code::PeerIdentity, "card and certificate are of two nodes").party(name));
    }
    verify_card(
        &card,
        &node.config().environment,
        authority_for(node, &card.payload, Introduced::ByItself)?.as_ref().map(|(n, k)| (n.as_str(), k)),
        at_admission(node),
    )?;
    if !node.store().use_invite(invite)? {
        return Err(Fault::new(Code::TicketBad, "the invitation was used a moment ago"));
    }
    node.vault().shred(&vault_id)?;
    node.trust().set_invitation_open(node.store().invites_open(at.unix())?);
    admit(node, &card)?;
    let mut answer = card;
    if node.config().authority.as_deref() == Some(node.name()) {
        answer.add_signature(node.name(), node.signing())?;
    }
    to_value(&answer)
}

/// The authority signs the card inside a ticket.
pub(super) fn countersign(node: &Arc<Node>, text: &str) -> Result<Value> {
    if node.config().authority.as_deref() != Some(node.name()) {
        return Err(Fault::new(Code::State, "only the authority countersigns"));
    }
    let mut ticket = Ticket::decode(text)?;
    let own = (node.name(), &node.signing().public());
    verify_card(&ticket.card, &node.config().environment, Some(own), Countersigned::OnAdmission)?;
    ticket.card.add_signature(node.name(), node.signing())?;
    let text = ticket.encode()?;
    Ok(json!({ "ticket": text, "say": lines([(text.clone(), text)]) }))
}

/// Forgets a peer: its connections are refused from now on, its signatures verify no more.
pub(super) fn remove(node: &Arc<Node>, name: &str) -> Result<Value> {
    node.peer(name)?;
    let busy = node.store().jobs()?.into_iter().find(|j| !j.state.is_final() && j.contract.contains(name));
    if let Some(job) = busy {
        return Err(Fault::new(Code::State, format!("job {} is not over", job.id)).party(name));
    }
    node.store().remove_peer(name)?;
    let of_organisation = |n: &str| n.rsplit_once('/').map(|(o, _)| o.to_owned());
    let shared = node.store().peers()?.iter().any(|p| of_organisation(&p.name) == of_organisation(name));
    if !shared {
        node.trust().remove(&name.parse::<NodeName>()?);
    }
    node.unlink(name);
    node.log(Event::new(Verb::PeerRemoved).by(name)?)?;
    Ok(super::done(&format!("{name} is no longer known here"), &format!("已移除 {name}")))
}

/// Known peers.
pub(super) fn list(node: &Arc<Node>) -> Result<Value> {
    let peers = node.store().peers()?;
    let say = lines(peers.iter().map(|p| {
        let line = format!("{}  {}  {}  {}", p.name, p.role, p.zone, p.address.as_deref().unwrap_or("dials us"));
        (line.clone(), line)
    }));
    Ok(json!({ "peers": peers, "say": say }))
}

/// Whether the organisation is known here already; with another root it is refused, because that root could name any of
/// the organisation's nodes.
fn same_root(node: &Node, name: &NodeName, root: &[u8]) -> Result<bool> {
    let mut roots = node.trust().roots().into_iter().filter(|(env, org, _)| *env == name.env() && org == name.org()).peekable();
    let known = roots.peek().is_some();
    if known && !roots.any(|(_, _, der)| der == root) {
        return Err(Fault::new(Code::Exists, format!("organisation `{}` is known with another root certificate", name.org())));
    }
    Ok(known)
}

fn admit(node: &Node, card: &Signed<NodeCard>) -> Result<()> {
    let c = &card.payload;
    same_root(node, &c.name.parse()?, &c.root_der()?)?;
    // One key for two names would make every later verification fail: refuse the card instead.
    let mut ring = node.ring()?;
    ring.insert(&c.name, c.signing_key).map_err(|e| Fault::new(Code::TicketBad, e.to_string()).party(c.name.clone()))?;
    let row = PeerRow {
        name: c.name.clone(),
        address: c.address.clone(),
        root: c.root.clone(),
        signing_key: c.signing_key.to_string(),
        seal_key: c.seal_key.clone(),
        role: c.role.clone(),
        controller: c.controller.clone(),
        zone: c.zone.clone(),
    };
    if let Some(known) = node.store().peer(&c.name)?
        && (PeerRow { address: None, ..known.clone() }) != (PeerRow { address: None, ..row.clone() })
    {
        return Err(Fault::new(Code::Exists, "a peer of this name has another card; `yu peer remove` it first").party(c.name.clone()));
    }
    node.trust().add(&c.name.parse::<NodeName>()?, &c.root_der()?)?;
    let new = node.store().peer(&c.name)?.is_none();
    node.store().put_peer(&row, now().unix())?;
    if new {
        node.log(Event::peer_joined(c.name.parse()?, c.signing_key))?;
    }
    Ok(())
}

/// The authority signs a card when it admits its node; everybody else wants to see that signature.
fn at_admission(node: &Node) -> Countersigned {
    if node.config().authority.as_deref() == Some(node.name()) { Countersigned::OnAdmission } else { Countersigned::Before }
}

/// The key that speaks for the authority when judging a card: known from earlier, or the authority's own ticket.
fn authority_for(node: &Node, card: &NodeCard, how: Introduced) -> Result<Option<(String, PublicKey)>> {
    let Some(name) = node.config().authority.clone() else { return Ok(None) };
    if name == node.name() {
        return Ok(Some((name, node.signing().public())));
    }
    if let Some(peer) = node.store().peer(&name)? {
        return Ok(Some((name, crate::node::public_key(&peer)?)));
    }
    // The first ticket of all is the authority's own: a person brought it over a trusted channel.
    if card.name == name && how == Introduced::ByTicket {
        return Ok(Some((name, card.signing_key)));
    }
    if card.name == name {
        return Err(Fault::new(Code::TicketBad, "the authority is introduced by its own ticket: accept one of its invitations").party(name));
    }
    Ok(None)
}

/// How a card came here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Introduced {
    /// In a ticket that a person brought.
    ByTicket,
    /// Shown by the newcomer itself.
    ByItself,
}

/// HMAC-SHA-256 of the connection's keying material under the ticket's secret.
fn proof(secret_hex: &str, binding: &[u8; 32]) -> Result<String> {
    let secret = zeroize::Zeroizing::new(hex::decode(secret_hex).map_err(|_| Fault::new(Code::TicketBad, "secret"))?);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
    Ok(hex::encode(aws_lc_rs::hmac::sign(&key, binding).as_ref()))
}

fn equal(a: &str, b: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

/// The label that both sides export under.
pub(crate) fn join_label() -> &'static str {
    JOIN_LABEL
}
