//! Logins of an outside service, one to one with people (D10). They stay at this node; of the service's name for a person, which may be an address or a
//! telephone number, only a hash under the node's own secret is kept.

use super::Roll;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::canonical::digest;
use yu_governance::clock::Time;
use yu_governance::finding::Checked;
use yu_governance::id::PersonId;
use yu_governance::person::directory::Directory;
use yu_governance::person::mapping::ExternalSubject;
use zeroize::Zeroizing;

/// Kind and id in the store: one list, so that its order is what it was.
const LOGINS: (&str, &str) = ("person-logins", "all");
/// Most logins ever; a dead one stays, because it is never given on.
const MOST: usize = 4096;

/// One login.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    subject: ExternalSubject,
    person: PersonId,
    from: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<Time>,
}

/// The login of a subject as it is kept here.
pub(super) fn subject(node: &Node, issuer: &str, name: &str) -> ExternalSubject {
    let secret = node.signing().to_bytes();
    let inner = Zeroizing::new([secret.as_slice(), issuer.as_bytes(), &[0], name.as_bytes()].concat());
    let inner = digest("yu-person-login-v1", &inner);
    // hashed twice under the secret, as references of subjects are
    let outer = Zeroizing::new([secret.as_slice(), inner.as_bytes()].concat());
    ExternalSubject { issuer: issuer.to_owned(), subject: digest("yu-person-login-outer-v1", &outer).to_hex() }
}

fn all(node: &Node) -> Result<Vec<Link>> {
    let damaged = |_| Fault::new(Code::Damaged, "the logins of people do not parse").at("store");
    let kept = node.store().object(LOGINS.0, LOGINS.1)?;
    kept.map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).transpose().map(Option::unwrap_or_default)
}

fn enter(directory: &mut Directory, link: &Link) -> Checked<()> {
    directory.link(link.subject.clone(), &link.person, link.from)?;
    link.ended.map_or(Ok(()), |at| directory.unlink(&link.subject, at))
}

/// The people with their logins.
pub(super) fn known(node: &Node, mut roll: Roll) -> Result<Roll> {
    for link in all(node)? {
        enter(&mut roll.directory, &link).or_else(crate::docket::kind::all_of)?;
    }
    Ok(roll)
}

fn keep(node: &Node, links: &[Link], verb: Verb, person: &PersonId) -> Result<()> {
    let event = Event::new(verb).with("person", Field::Person(person.clone()));
    node.store().keep(LOGINS, "", &to_value(&links)?.to_string(), event, now().unix())?;
    node.settle()
}

/// Ties a login to a person.
///
/// # Errors
/// By the rules of [`Directory::link`].
pub(super) fn link(node: &Node, mut roll: Roll, person: &PersonId, subject: ExternalSubject) -> Result<()> {
    let _turn = node.procedure_turn();
    let mut links = all(node)?;
    if links.len() >= MOST {
        return Err(Fault::new(Code::Refused, format!("mapping.full: {MOST} logins were tied at this node")));
    }
    let link = Link { subject, person: person.clone(), from: now(), ended: None };
    enter(&mut roll.directory, &link).or_else(crate::docket::kind::all_of)?;
    links.push(link);
    keep(node, &links, Verb::LoginLinked, person)
}

/// Ends a person's login.
///
/// # Errors
/// `not-found`.
pub(super) fn unlink(node: &Node, person: &PersonId) -> Result<()> {
    let _turn = node.procedure_turn();
    let mut links = all(node)?;
    let Some(link) = links.iter_mut().find(|link| link.person == *person && link.ended.is_none()) else {
        return Err(Fault::new(Code::NotFound, format!("`{person}` has no login at the service")).party(node.name()));
    };
    link.ended = Some(now());
    keep(node, &links, Verb::LoginEnded, person)
}
