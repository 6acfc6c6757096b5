//! Invitations and known peers.

use super::join::{certifies, row, same_but_address};
use super::{lines, to_value};
use crate::fault::{Code, Fault, Result};
use crate::job::State;
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::Node;
use crate::ticket::{Countersigned, Standing, Ticket, verify_card};
use rand::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_wire::identity::NodeName;

/// Makes a ticket; in production the authority makes it for one newcomer that its person has named.
pub(super) fn invite(node: &Arc<Node>, minutes: u32, expects: Option<Standing>) -> Result<Value> {
    if node.endpoint().listen_address().is_none() {
        return Err(Fault::new(Code::State, "this node only dials out: let the other side invite").at("node.toml `listen`"));
    }
    let expects = expects.map(|e| e.typed(&node.config().environment)).transpose()?;
    if expects.is_none() && certifies(node) {
        let what = "in production the authority signs what the newcomer says about itself: name it, as `yu peer card` shows it there";
        return Err(Fault::new(Code::Input, what).at("--name, --root, --role, --controller, --zone"));
    }
    let (mut id, mut secret) = ([0_u8; 16], [0_u8; 32]);
    let mut rng = rng();
    rng.fill_bytes(&mut id);
    rng.fill_bytes(&mut secret);
    let expires = now().plus_seconds(i64::from(minutes) * 60);
    let ticket = Ticket { v: 1, card: node.card()?, invite: hex::encode(id), secret: hex::encode(secret), expires, expects };
    if let Some(expects) = &ticket.expects {
        node.store().put_object(super::join::EXPECTED, &ticket.invite, "", &to_value(expects)?.to_string(), now().unix())?;
    }
    node.store().put_invite(&ticket.invite, &hex::encode(Sha256::digest(secret)), expires.unix())?;
    // The proof must be computed here as well, so the secret stays in the vault until it is used or expires.
    node.vault().put(&format!("invite-{}", ticket.invite), &secret)?;
    node.open_door()?;
    let text = ticket.encode()?;
    let mut say = vec![(
        format!("ticket, valid until {expires}, for one peer; pass it on over a channel you trust:"),
        format!("票据（有效至 {expires}，仅限一个对端），请经可信渠道传递："),
    )];
    if let Some(expects) = &ticket.expects {
        say.insert(0, ("only this newcomer may use it:".to_owned(), "仅限以下节点使用：".to_owned()));
        say.splice(1..1, expects.say());
    }
    say.push((text.clone(), text.clone()));
    Ok(json!({ "ticket": text, "expires": expires.to_string(), "expects": ticket.expects, "say": lines(say) }))
}

/// What this node says about itself, for the person who invites it.
pub(super) fn card(node: &Arc<Node>) -> Result<Value> {
    let standing = node.card()?.payload.standing()?;
    let mut say = standing.say();
    let options = format!("yu peer invite {}", standing.options());
    say.push((format!("its inviter types: {options}"), format!("邀请方输入：{options}")));
    Ok(json!({ "card": standing, "say": lines(say) }))
}

/// The authority signs the card inside a ticket once more, for example when a node's address has changed. Whoever it is was
/// named when the authority invited it.
pub(super) fn countersign(node: &Arc<Node>, text: &str) -> Result<Value> {
    if node.config().authority.as_deref() != Some(node.name()) {
        return Err(Fault::new(Code::State, "only the authority countersigns"));
    }
    let mut ticket = Ticket::decode(text)?;
    let own = (node.name(), &node.signing().public());
    verify_card(&ticket.card, &node.config().environment, Some(own), Countersigned::OnAdmission)?;
    let card = &ticket.card.payload;
    if card.name != node.name() {
        let known = node.peer(&card.name)?;
        if !same_but_address(&known, &row(card)) {
            let what = "the card differs from the one that was admitted; invite the node again and name what it says";
            return Err(Fault::new(Code::Standing, what).party(card.name.clone()));
        }
    }
    let standing = card.standing()?;
    ticket.card.add_signature(node.name(), node.signing())?;
    let text = ticket.encode()?;
    let mut say = vec![("countersigned:".to_owned(), "已联署：".to_owned())];
    say.extend(standing.say());
    say.push((text.clone(), text.clone()));
    Ok(json!({ "ticket": text, "card": standing, "say": lines(say) }))
}

/// Forgets a peer: its connections are refused from now on, its signatures verify no more.
pub(super) fn remove(node: &Arc<Node>, name: &str) -> Result<Value> {
    node.peer(name)?;
    let busy = node.store().jobs_in(&State::open())?.into_iter().find(|j| j.contract.contains(name));
    if let Some(job) = busy {
        return Err(Fault::new(Code::State, format!("job {} is not over", job.id)).party(name));
    }
    node.store().remove_peer(name, Event::new(Verb::PeerRemoved).by(name)?, now().unix())?;
    let of_organisation = |n: &str| n.rsplit_once('/').map(|(o, _)| o.to_owned());
    let shared = node.store().peers()?.iter().any(|p| of_organisation(&p.name) == of_organisation(name));
    if !shared {
        node.trust().remove(&name.parse::<NodeName>()?);
    }
    node.unlink(name);
    node.settle()?;
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
