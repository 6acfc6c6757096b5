//! Redeeming a ticket, on both sides.

use super::{lines, to_value};
use crate::control::{Ask, call_within};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::store::PeerRow;
use crate::suite::same_key;
use crate::ticket::{Countersigned, NodeCard, Standing, Ticket, verify_card};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yu_governance::profile::CountyDomain;
use yu_governance::sign::{PublicKey, Signed};
use yu_wire::identity::NodeName;
use yu_wire::inner::POINT;
use yu_wire::trust::Peer;

/// Label of the keying material that a proof is bound to.
const JOIN_LABEL: &str = "EXPORTER-yu-join-v1";
/// Kind under which the newcomer that an invitation names is stored.
pub(super) const EXPECTED: &str = "expected";
/// Kind under which the card is stored that was admitted by an invitation.
const JOINED: &str = "joined";
/// How long the inviter may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pauses before another attempt when the network failed.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1)];
/// No further attempt begins after this time.
const TRYING: Duration = Duration::from_secs(10);

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
    // also at the authority: it names whom it signs for when it invites, not here
    verify(node, &ticket.card, Introduced::ByTicket, Countersigned::Before)?;
    if let Some(expected) = &ticket.expects {
        expected.check(&node.card()?.payload)?;
    }
    let address = card.address.clone().ok_or_else(|| Fault::new(Code::TicketBad, "the inviter cannot be dialled"))?;
    let expect = card.name.parse::<NodeName>()?;
    let root = card.root_der()?;
    let organisation_known = same_root(node, &expect, &root)?;
    node.trust().add(&expect, &root)?;
    let answered = match persistently(|| join(node, &ticket, &address, &expect)) {
        Ok(card) => card,
        Err(fault) => {
            if !organisation_known {
                node.trust().remove(&expect);
            }
            return Err(fault.party(card.name.clone()));
        }
    };
    admit(node, &ticket.card)?;
    let own = node.card()?;
    if answered.payload == own.payload && answered.signatures.len() > own.signatures.len() {
        verify(node, &answered, Introduced::ByTicket, Countersigned::Before)?;
        node.store_signed("card", node.name(), &answered)?;
    }
    Ok(
        json!({ "peer": card.name, "say": lines([(format!("{} and {} know each other", node.name(), card.name), format!("{} 与 {} 已相互登记", node.name(), card.name))]) }),
    )
}

/// One attempt to show the own card and prove the ticket's secret.
fn join(node: &Node, ticket: &Ticket, address: &str, inviter: &NodeName) -> Result<Signed<NodeCard>> {
    let connection = node.dial(address, inviter)?;
    // the ticket came over a channel that its people trust: the inviter's key stands in it
    same_key(connection.inner_key(), &ticket.card.payload.signing_key, &ticket.card.payload.name)?;
    let binding = connection.export_keying_material(JOIN_LABEL.as_bytes(), ticket.invite.as_bytes());
    let ask =
        Ask::Join { ticket: to_value(&node.card()?)?.to_string(), invite: ticket.invite.clone(), proof: proof(&ticket.secret, &binding)? };
    let answer = call_within(node, &connection, &ask, PATIENCE)?;
    connection.close();
    serde_json::from_value(answer).map_err(|_| Fault::new(Code::PeerProtocol, "card does not parse").party(inviter.to_string()))
}

/// Tries again when the network failed; the inviter answers a repeated question as it did the first time.
fn persistently<T>(attempt: impl Fn() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    for pause in PAUSES {
        match attempt() {
            Err(fault) if matches!(fault.code, Code::Transport | Code::Unreachable) && start.elapsed() < TRYING => {
                tracing::info!(%fault, "the ticket is shown again");
                std::thread::sleep(pause);
            }
            done => return done,
        }
    }
    attempt()
}

/// The other side of [`accept`]: a newcomer shows its card and proves the secret. Asked again over another connection, the
/// answer is the same.
pub(crate) fn joined(
    node: &Arc<Node>,
    (peer, inner): (&Peer, Option<[u8; POINT]>),
    binding: &[u8; 32],
    card: &str,
    invite: &str,
    shown: &str,
) -> Result<Value> {
    // two newcomers with one ticket, or one that asks twice at once: one after the other
    let _turn = node.merge_turn();
    let at = now();
    let kept = node.store().open_invite(invite, at.unix())?;
    let vault_id = format!("invite-{invite}");
    let card: Signed<NodeCard> = serde_json::from_str(card).map_err(|_| Fault::new(Code::TicketBad, "card does not parse"))?;
    same_key(inner, &card.payload.signing_key, &card.payload.name)?;
    if kept.is_none() || !node.vault().holds(&vault_id) {
        return again(node, peer, &card, invite);
    }
    let secret = zeroize::Zeroizing::new(hex::encode(&node.vault().get(&vault_id)?[..]));
    if !equal(&proof(&secret, binding)?, shown) {
        return Err(Fault::new(Code::TicketBad, "the proof does not fit this connection"));
    }
    of_connection(node, peer, &card.payload)?;
    expected(node, invite, &card.payload)?;
    verify(node, &card, Introduced::ByItself, at_admission(node))?;
    admissible(node, &card.payload)?;
    let mut answer = card.clone();
    if node.config().authority.as_deref() == Some(node.name()) {
        answer.add_signature(node.name(), node.signing())?;
    }
    let answer = to_value(&answer)?;
    let hash = payload_hash(&card.payload)?.to_string();
    if !node.store().redeem_invite(invite, &hash, &answer.to_string(), &row(&card.payload), at.unix())? {
        return Err(Fault::new(Code::TicketBad, "the invitation was used a moment ago"));
    }
    // What follows is repeated at the next start if the node stops here.
    node.trust().add(&card.payload.name.parse::<NodeName>()?, &card.payload.root_der()?)?;
    node.log_peers()?;
    node.open_door()?;
    // the watchdog repeats it, also when the medium of the escrow is away now
    if let Err(fault) = node.vault().shred(&vault_id) {
        tracing::warn!(code = fault.code.as_str(), "the secret of an invitation is destroyed later");
    }
    Ok(answer)
}

/// A newcomer that was admitted by this very invitation, with this very card, has lost the answer on its way.
fn again(node: &Node, peer: &Peer, card: &Signed<NodeCard>, invite: &str) -> Result<Value> {
    let used = || Fault::new(Code::TicketBad, "the invitation is unknown, used or expired");
    let kept = node.store().object(JOINED, invite)?.ok_or_else(used)?;
    let still_admitted = node.store().peer(&card.payload.name)?.is_some_and(|known| same_but_address(&known, &row(&card.payload)));
    if kept.hash != payload_hash(&card.payload)?.to_string() || !still_admitted {
        return Err(used());
    }
    of_connection(node, peer, &card.payload)?;
    serde_json::from_str(&kept.json).map_err(|_| Fault::new(Code::Damaged, "admitted card").at(invite.to_owned()))
}

/// A card is shown by the node that it describes.
fn of_connection(node: &Node, peer: &Peer, card: &NodeCard) -> Result<()> {
    let root = card.root_der()?;
    let root_fits = match peer {
        Peer::Unadmitted(_, shown) => root == *shown,
        Peer::Admitted(_) => node.trust().roots().iter().any(|(_, _, der)| root == *der),
    };
    if card.name != peer.name().to_string() || !root_fits {
        return Err(Fault::new(Code::PeerIdentity, "card and certificate are of two nodes").party(peer.name().to_string()));
    }
    Ok(())
}

/// A newcomer may call itself only what the invitation names; the authority's signature in production stands for nothing else.
fn expected(node: &Node, invite: &str, card: &NodeCard) -> Result<()> {
    match node.store().object(EXPECTED, invite)? {
        Some(kept) => {
            let expected: Standing = serde_json::from_str(&kept.json).map_err(|_| Fault::new(Code::Damaged, "invited newcomer"))?;
            expected.check(card)
        }
        None if certifies(node) => Err(Fault::new(Code::TicketBad, "the invitation names no newcomer").party(card.name.clone())),
        None => Ok(()),
    }
}

/// Whether what newcomers say about themselves is signed here for everybody else to rely on.
pub(super) fn certifies(node: &Node) -> bool {
    node.config().environment == "prod" && node.config().authority.as_deref() == Some(node.name())
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

/// A card as it is stored.
pub(super) fn row(c: &NodeCard) -> PeerRow {
    PeerRow {
        name: c.name.clone(),
        address: c.address.clone(),
        root: c.root.clone(),
        signing_key: c.signing_key.to_string(),
        seal_key: c.seal_key.clone(),
        role: c.role.clone(),
        controller: c.controller.clone(),
        zone: c.zone.clone(),
    }
}

/// Whether two cards differ in nothing but the address.
pub(super) fn same_but_address(a: &PeerRow, b: &PeerRow) -> bool {
    PeerRow { address: None, ..a.clone() } == PeerRow { address: None, ..b.clone() }
}

/// D8: one channel. A domain has one authority; the authority of a county (县、区) takes part in the city's domain as an organ.
fn one_domain(node: &Node, name: &str, role: &str) -> Result<()> {
    match node.config().authority.as_deref() {
        Some(own) if role == "authority" && name != own => {
            let city_only =
                crate::procedure::law::in_force(node)?.is_some_and(|law| law.rules().county_domain.value == CountyDomain::CityOnly);
            let rest = if city_only {
                "the profile knows no other domain"
            } else {
                "or stays in a domain of its own, where that is really necessary"
            };
            let what =
                format!("domain.second-authority: `{own}` is the authority of this domain; `{name}` joins it as `--role organ`; {rest}");
            Err(Fault::new(Code::Standing, what).party(name))
        }
        _ => Ok(()),
    }
}

/// Whether a card can be admitted beside those that are known.
fn admissible(node: &Node, c: &NodeCard) -> Result<()> {
    one_domain(node, &c.name, &c.role)?;
    same_root(node, &c.name.parse()?, &c.root_der()?)?;
    // One key for two names would make every later verification fail: refuse the card instead.
    let mut ring = node.ring()?;
    ring.insert(&c.name, c.signing_key).map_err(|e| Fault::new(Code::TicketBad, e.to_string()).party(c.name.clone()))?;
    match node.store().peer(&c.name)? {
        Some(known) if !same_but_address(&known, &row(c)) => {
            Err(Fault::new(Code::Exists, "a peer of this name has another card; `yu peer remove` it first").party(c.name.clone()))
        }
        _ => Ok(()),
    }
}

fn admit(node: &Node, card: &Signed<NodeCard>) -> Result<()> {
    let c = &card.payload;
    admissible(node, c)?;
    node.trust().add(&c.name.parse::<NodeName>()?, &c.root_der()?)?;
    node.store().put_peer(&row(c), now().unix())?;
    node.log_peers()
}

/// The authority signs a card when it admits a node that it has named; everybody else wants to see that signature.
fn at_admission(node: &Node) -> Countersigned {
    if node.config().authority.as_deref() == Some(node.name()) { Countersigned::OnAdmission } else { Countersigned::Before }
}

fn verify(node: &Node, card: &Signed<NodeCard>, how: Introduced, when: Countersigned) -> Result<()> {
    let authority = authority_for(node, &card.payload, how)?;
    verify_card(card, &node.config().environment, authority.as_ref().map(|(n, k)| (n.as_str(), k)), when)
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
