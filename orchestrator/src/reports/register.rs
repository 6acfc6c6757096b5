//! The public register (A11): the authority's node keeps it up to date item by item, every node can show it and compares it with what it knows itself.

use super::{all_filed, authority_key, file};
use crate::fault::Result;
use crate::keys::now;
use crate::node::Node;
use crate::procedure::chain;
use crate::procedure::law::{self, Law};
use crate::verbs::{known_authorisation, lines, to_value};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use yu_governance::clock::Time;
use yu_governance::id::AuthorisationId;
use yu_governance::register::{Facts, FeedItem, Register};
use yu_governance::report::page::{Page, Table, same};
use yu_governance::text::Text;
use yu_governance::workflow::Role;
use yu_governance::workflow::authorisation::Case;
use yu_governance::workflow::dossier::Announcement;

/// What this node knows of every authorisation whose text it has: without it nothing can be said of operator and scenario.
fn facts(node: &Node) -> Result<BTreeMap<AuthorisationId, Facts>> {
    let mut facts = BTreeMap::new();
    for object in chain::objects::<Case>(node)? {
        let (Ok(id), Ok(signed)) = (object.parse::<AuthorisationId>(), known_authorisation(node, &object)) else { continue };
        let here = chain::replay::<Case>(node, &object)?;
        let operator = here.tenant(Role::Licensee).map_or(signed.payload.licensee, str::to_owned);
        facts.insert(id, Facts { operator, scenario: signed.payload.scenario, case: here.case().clone() });
    }
    Ok(facts)
}

fn current(node: &Node, law: &Law) -> Result<Register> {
    node.docket().with(node, |book| Ok(book.register.register(&law.authority)))
}

fn due(node: &Node, law: &Law) -> Result<Vec<FeedItem>> {
    Ok(current(node, law)?.updates(&facts(node)?, law.rules().register(), now())?)
}

/// Brings the register up to date where this node keeps it, and shows it.
///
/// # Errors
/// `not-found` without a profile; `storage.damaged`.
pub fn make(node: &Arc<Node>) -> Result<Value> {
    let law = law::required(node)?;
    if law.authority.as_str() == node.name() {
        for item in due(node, &law)? {
            file(node, item)?;
        }
    }
    let left = due(node, &law)?;
    let register = current(node, &law)?;
    let announcements: Vec<Announcement> = node.docket().with(node, |book| {
        Ok(book.register.announcements().map(|(_, known)| known.clone()).filter(|known| now() < known.closes).collect())
    })?;
    let key = authority_key(node, law.authority.as_str())?;
    let feed = all_filed::<FeedItem>(node)?;
    let mut say: Vec<(String, String)> = register
        .lines()
        .iter()
        .map(|(id, entry)| {
            let state = if entry.active { ("active", "运营中") } else { ("proposed", "拟授权") };
            (format!("{id}: {}, {}", entry.operator, state.0), format!("{id}：{}，{}", entry.operator, state.1))
        })
        .collect();
    for item in &left {
        let id = &item.authorisation;
        say.push((
            format!("ALARM: the register does not say of {id} what this node knows"),
            format!("告警：公示内容与本节点所知不符：{id}"),
        ));
    }
    if register.lines().is_empty() {
        say.push(("the register is empty".into(), "暂无公示".into()));
    }
    let html = page(&register, &announcements, law.authority.as_str(), now()).to_html();
    Ok(json!({ "authority": law.authority, "key": key, "feed": to_value(&feed)?, "register": to_value(register.lines())?,
        "differs": left.iter().map(|item| item.authorisation.to_string()).collect::<Vec<_>>(), "html": html, "say": lines(say) }))
}

/// The page that is put on a site: what the feed says, nothing else.
pub(super) fn page(register: &Register, announcements: &[Announcement], authority: &str, at: Time) -> Page {
    let head = |words: &[(&str, &str)]| words.iter().map(|(en, zh)| Text::new(*en, *zh)).collect();
    let instant = |time: Option<Time>| same(time.map_or_else(String::new, |time| time.to_string()));
    let rows = register.lines().iter().map(|(id, entry)| {
        let scenario = entry.scenario.as_ref().map_or_else(String::new, ToString::to_string);
        let state = if entry.active { Text::new("in force", "生效") } else { Text::new("proposed", "拟授权") };
        vec![same(id), same(&entry.operator), same(scenario), instant(entry.not_before), instant(entry.not_after), state]
    });
    let announced = announcements.iter().map(|known| {
        let fields: (Vec<&str>, Vec<&str>) = known.fields.iter().map(|field| (field.en.as_str(), field.zh.as_str())).unzip();
        let fields = Text::new(fields.0.join("; "), fields.1.join("；"));
        let window = same(format!("{} - {}", known.opens, known.closes));
        vec![same(&known.id), fields, known.conditions.clone(), known.review_rules.clone(), window]
    });
    let authorised = Table {
        title: Text::new("Authorisations", "授权运营情况"),
        head: head(&[
            ("authorisation", "授权编号"),
            ("operator", "授权运营单位"),
            ("scenario", "应用场景"),
            ("from", "起"),
            ("until", "止"),
            ("state", "状态"),
        ]),
        rows: rows.collect(),
    };
    let open = Table {
        title: Text::new("Announcements", "授权公告"),
        head: head(&[
            ("announcement", "公告"),
            ("fields", "重点领域"),
            ("conditions", "申请条件"),
            ("review", "评审规则"),
            ("window", "申请期"),
        ]),
        rows: announced.collect(),
    };
    Page {
        title: Text::new("Public register of authorised operation", "公共数据授权运营公示"),
        text: vec![Text::new(format!("Kept by {authority}; as of {at}."), format!("公示单位：{authority}；截至 {at}。"))],
        tables: vec![authorised, open],
        foot: Text::new(
            "Made from the signed feed beside this page (feed.json); `yu report verify` checks it without a node.",
            "依据同目录下经签署的 feed.json 生成；可用 `yu report verify` 离线核验。",
        ),
    }
}
