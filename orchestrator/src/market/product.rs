//! Products: what is known of a version's items, its listing from the steps of its procedure, the dossier for a registry, trade (O1, O6, O8, O10).

use super::start;
use crate::docket::chapters::products::Products;
use crate::docket::kind::all_of;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::{chain, law};
use crate::verbs::lines;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use yu_governance::canonical::Hash;
use yu_governance::catalogue::CatalogueEntry;
use yu_governance::catalogue::licence::check_own_sources;
use yu_governance::catalogue::offer::{ProductListing, ProductVersion};
use yu_governance::catalogue::product::ProductKind;
use yu_governance::catalogue::record::Registration;
use yu_governance::finding::Finding;
use yu_governance::id::{DatasetId, PartyName, ProductId, document_hash};
use yu_governance::lineage::version::changed;
use yu_governance::lineage::{Direction, Kind, NodeId};
use yu_governance::register::{IsPublic, RegistrationDossier, Venue, may_trade};
use yu_governance::workflow::Word as _;
use yu_governance::workflow::product::Case;

/// The version whose hash begins so.
fn version(products: &Products, seen: &str) -> Result<(Hash, ProductVersion)> {
    let seen = seen.strip_prefix("sha-256:").unwrap_or(seen);
    let fits = |hash: &&Hash| seen.len() >= 8 && hash.to_hex().starts_with(seen);
    let mut found = products.versions.keys().filter(fits);
    match (found.next(), found.next()) {
        (Some(hash), None) => match products.versions.get(hash) {
            Some((version, _)) => Ok((*hash, version.clone())),
            None => Err(Fault::new(Code::Bug, "a version without its text")),
        },
        _ => Err(Fault::new(
            Code::NotFound,
            format!("a version of a product whose hash begins with `{}`, 8 digits or more", seen.escape_debug()),
        )),
    }
}

/// What a checker needs to know of a version: what changed, where it comes from by the records, what objects.
///
/// # Errors
/// `not-found`, `verify.failed`.
pub fn check(node: &Node, seen: &str) -> Result<Value> {
    law::required(node)?;
    let graph = crate::trace::graph(node)?;
    let (hash, offered, before, entries) = node.docket().with(node, |book| {
        let (hash, offered) = version(&book.products, seen)?;
        let before = offered.previous.and_then(|hash| book.products.versions.get(&hash)).map(|(version, _)| version.clone());
        let records = book.catalogue.0.records().map(|record| (record.entry.dataset.clone(), record.entry.clone()));
        Ok((hash, offered, before, records.collect::<BTreeMap<DatasetId, CatalogueEntry>>()))
    })?;
    let contents = document_hash(&offered.contents)?;
    let place = NodeId::new(Kind::Product, contents);
    let mut say = vec![(
        format!("{} version {}, {}", offered.product, offered.number, offered.form.kind().as_str()),
        format!("{} 第 {} 版，{}", offered.product, offered.number, offered.form.kind().as_str()),
    )];
    let parts = before.map_or_else(Vec::new, |before| changed(&before.contents, &offered.contents));
    if !parts.is_empty() {
        let names = |name: fn(&yu_governance::lineage::Part) -> String, glue: &str| parts.iter().map(name).collect::<Vec<_>>().join(glue);
        say.push((
            format!("changed since the version before: {}", names(ToString::to_string, ", ")),
            format!("较前版变更：{}", names(|part| part.zh().to_owned(), "、")),
        ));
    }
    let trace = graph.trace(place, Direction::Backward).map_err(crate::trace::all)?;
    let text = trace.tell();
    say.push((text.en, text.zh));
    let mut found: Vec<Finding> = graph.audit_sources(place).map_err(crate::trace::all)?;
    if offered.sources.is_empty() {
        found.extend(check_own_sources(&offered.entry(hash, Vec::new()), &contents, &graph, &entries).err().unwrap_or_default());
    }
    if found.is_empty() {
        say.push(("item sources: every record is here and says the same".into(), "来源要点：记录齐全且一致".into()));
    }
    say.extend(found.iter().map(|found| {
        (format!("item sources: [{}] {} ({})", found.code, found.what.en, found.party), format!("来源要点：{}", found.what.zh))
    }));
    say.push((format!("version {hash}, contents {contents}"), format!("版本 {hash}，构成 {contents}")));
    Ok(json!({ "version": hash, "contents": contents, "object": offered.object(), "changed": parts, "findings": found, "say": lines(say) }))
}

/// Lists a version on the steps of its procedure, as this node knows them; this node is the one who lists.
///
/// # Errors
/// By the rules, naming what is missing.
pub fn list(node: &Arc<Node>, seen: &str, registration: Option<(String, String)>) -> Result<Value> {
    law::required(node)?;
    let (hash, offered) = node.docket().with(node, |book| version(&book.products, seen))?;
    let steps = chain::steps::<Case>(node, &offered.object())?.into_iter().map(|step| step.arrow).collect();
    let registrations = registration.map(|(number, registry)| Registration { number, registry, at: now() }).into_iter().collect();
    start(node, "product-listing", ProductListing { v: 1, lister: node.name().parse()?, version: hash, steps, registrations, at: now() })
}

fn product(text: &str) -> Result<ProductId> {
    text.parse().map_err(|error: yu_governance::Error| Fault::new(Code::Input, error.to_string()).at("product"))
}

/// Makes the dossier of what is listed from the records that are known here, signs and files it; this node is the owner's.
///
/// # Errors
/// `dossier.*` and `lineage.*` with everything that is missing.
pub fn dossier(node: &Arc<Node>, text: &str) -> Result<Value> {
    law::required(node)?;
    let (product, me, graph) = (product(text)?, node.name().parse::<PartyName>()?, crate::trace::graph(node)?);
    let made = node.docket().with(node, |book| {
        let products = &book.products;
        let Some((entry, offered)) = products.on_shelf(&product, now()) else {
            return Err(Fault::new(Code::NotFound, format!("dossier.not-listed: `{product}` is not listed")));
        };
        match RegistrationDossier::make(&me, entry, &products.catalogue, &offered.contents, &graph, now()) {
            Ok(dossier) => Ok(dossier),
            Err(found) => Err(all_of(found).err().unwrap_or_else(|| Fault::new(Code::Bug, "a refusal without a finding"))),
        }
    })?;
    start(node, "product-dossier", made)
}

/// Compares a filed dossier with the records that are known here, as a registry or the regulator does.
///
/// # Errors
/// `not-found`.
pub fn registered(node: &Node, text: &str) -> Result<Value> {
    let (product, graph) = (product(text)?, crate::trace::graph(node)?);
    let known = node.docket().with(node, |book| {
        let mut of: Vec<RegistrationDossier> =
            book.products.dossiers.values().filter(|dossier| dossier.product == product).cloned().collect();
        Ok(of.pop())
    })?;
    let Some(dossier) = known else { return Err(Fault::new(Code::NotFound, format!("a dossier of `{product}`")).party(node.name())) };
    let holds = dossier.follows(&graph);
    let (en, zh) = if holds {
        ("the records here give the lineage that it states", "本节点记录与其溯源一致")
    } else {
        (
            "the records here give ANOTHER lineage, or are not complete: `yu trace` shows them",
            "本节点记录与其溯源不符或不完整，`yu trace` 可查看",
        )
    };
    let say = lines([(format!("{product} version {}: {en}", dossier.number), format!("{product} 第 {} 版：{zh}", dossier.number))]);
    Ok(json!({ "dossier": dossier, "ok": holds, "say": say }))
}

/// Whether a product may be traded directly or on an exchange, with everything that stands in the way.
///
/// # Errors
/// By the rules.
pub fn trade(node: &Node, text: &str, exchange: bool) -> Result<Value> {
    let (product, law) = (product(text)?, law::required(node)?);
    let (venue, rules) = (if exchange { Venue::Exchange } else { Venue::Direct }, law.rules());
    node.docket().with(node, |book| {
        // rows of an own source hold no public data; others are lawfully public only if nobody had to authorise them
        let is_own =
            |entry: &yu_governance::catalogue::product::ProductEntry| entry.kind == ProductKind::DataPackage && entry.sources.is_empty();
        let public = if book.products.catalogue.listed(&product, now()).is_some_and(is_own) { IsPublic::Yes } else { IsPublic::No };
        let gates = (rules.exchange_trade.value, rules.product_registration.value);
        may_trade(&book.products.catalogue, &product, venue, gates, public, now()).or_else(all_of)?;
        book.products.callable(&product, book, &law, now())?;
        Ok(())
    })?;
    let word = if exchange { ("on an exchange", "场内") } else { ("directly", "场外") };
    Ok(crate::verbs::done(&format!("{product} may be traded {}", word.0), &format!("{product} 可{}交易", word.1)))
}
