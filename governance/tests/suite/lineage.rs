//! Lineage: complete in both directions, honest about what is missing, and not to be forged.

use std::collections::BTreeSet;

use proptest::prelude::*;
use yu_governance::audit::{AuditLog, Event, Field, LogFiles, Verb};
use yu_governance::canonical::Hash;
use yu_governance::contract::Admitted;
use yu_governance::id::{JobId, ProductId, Purpose, document_hash};
use yu_governance::lineage::{Builder, Direction, Fact, Graph, Kind, NodeId, Output, Part, Record, version};
use yu_governance::sign::Signed;
use yu_governance::workflow::product::Contents;

use super::machines::t;
use super::world::{BANK, HEALTH, PLATFORM, STRANGER, World, dataset, hash, key, party, ring, sign};

fn record(signer: &str, fact: Fact) -> Signed<Record> {
    sign(Record { v: 1, recorder: party(signer), fact, at: t(100) }, signer)
}

fn builder() -> Builder {
    Builder::new(ring(), BTreeSet::from([party(PLATFORM)]))
}

fn job() -> (Admitted, JobId) {
    let admitted = World::new().admitted();
    let id = admitted.id();
    (admitted, id)
}

fn versions() -> [Hash; 2] {
    [hash("health file"), hash("bank file")]
}

fn contents() -> Contents {
    let purpose = Purpose::new("joint-statistics").unwrap();
    Contents { v: 1, model: hash("model"), code: hash("service"), sources: versions().into(), purpose }
}

fn product(number: u64, contents: Contents) -> Signed<Record> {
    record(BANK, Fact::Product { product: ProductId::new("dev/bank/score").unwrap(), number, contents })
}

fn made(job: JobId, output: Output, content: &str) -> Fact {
    Fact::Made { job, output, content: hash(content) }
}

/// Everything from two files to a call.
fn story(job: JobId) -> Vec<Signed<Record>> {
    let call = Fact::Called { product: document_hash(&contents()).unwrap(), consumer: "shop".into(), ticket: hash("call 1") };
    vec![
        record(HEALTH, Fact::Dataset { dataset: dataset(0), version: versions()[0] }),
        record(BANK, Fact::Dataset { dataset: dataset(1), version: versions()[1] }),
        record(PLATFORM, Fact::Algorithm { name: "logistic 1.0".into(), program: hash("program") }),
        record(PLATFORM, Fact::Algorithm { name: "service 1.0".into(), program: hash("service") }),
        record(BANK, Fact::Ran { job, algorithms: [hash("program")].into(), models: BTreeSet::new() }),
        record(HEALTH, Fact::Ran { job, algorithms: [hash("program")].into(), models: BTreeSet::new() }),
        record(HEALTH, made(job, Output::Model, "model")),
        product(1, contents()),
        record(PLATFORM, call),
    ]
}

fn graph(records: &[Signed<Record>], admitted: Option<&Admitted>) -> Result<Graph, String> {
    let mut builder = builder();
    admitted.into_iter().for_each(|admitted| builder.contract(admitted));
    let codes = |found: Vec<yu_governance::finding::Finding>| {
        assert!(found.iter().all(|f| !f.what.is_blank() && !f.remedy.is_blank() && !f.party.is_empty()));
        found.into_iter().map(|f| format!("{} {}", f.code, f.party)).collect::<Vec<_>>().join("; ")
    };
    for signed in records {
        builder.record(signed).map_err(codes)?;
    }
    builder.build().map_err(codes)
}

fn node(kind: Kind, text: &str) -> NodeId {
    NodeId::new(kind, hash(text))
}

fn reached(graph: &Graph, of: NodeId, direction: Direction) -> BTreeSet<NodeId> {
    graph.trace(of, direction).unwrap().steps.iter().map(|step| step.node.id).collect()
}

#[test]
fn p9_trace_is_complete_in_both_directions() {
    let (admitted, job) = job();
    let graph = graph(&story(job), Some(&admitted)).unwrap();
    assert_eq!(graph.gaps().count(), 0);
    let all: BTreeSet<NodeId> = graph.nodes().map(|n| n.id).collect();
    assert_eq!(all.len(), 8, "two files, two programs, job, model, product, call");
    let call = node(Kind::Call, "call 1");
    assert_eq!(reached(&graph, call, Direction::Backward), all, "the call rests on everything");
    let file = node(Kind::Dataset, "health file");
    let forward = graph.trace(file, Direction::Forward).unwrap();
    let kinds: Vec<Kind> = forward.steps.iter().map(|s| s.node.id.kind).collect();
    assert_eq!(kinds, [Kind::Dataset, Kind::Job, Kind::Model, Kind::Product, Kind::Call]);
    assert!(forward.is_complete());
    assert_eq!(forward.of_kind(Kind::Call).next().unwrap().names, BTreeSet::from(["shop".to_owned()]));
    for id in &all {
        for other in reached(&graph, *id, Direction::Backward) {
            assert!(reached(&graph, other, Direction::Forward).contains(id), "both directions are the same arrows");
        }
    }
    let product = NodeId::new(Kind::Product, document_hash(&contents()).unwrap());
    assert!(graph.audit_sources(product).unwrap().is_empty(), "it states what it was made from");
    assert_eq!(graph.trace(node(Kind::Model, "no such"), Direction::Forward).unwrap_err()[0].code, "lineage.unknown");
}

#[test]
fn p9_the_answer_is_told_drawn_and_written_in_one_way() {
    let (admitted, job) = job();
    let mut records = story(job);
    let graph = |records: &[Signed<Record>]| graph(records, Some(&admitted)).unwrap();
    let trace = |records: &[Signed<Record>]| graph(records).trace(node(Kind::Call, "call 1"), Direction::Backward).unwrap();
    let first = trace(&records);
    records.reverse();
    records.extend(story(job));
    let second = trace(&records);
    assert_eq!(first, second, "order and repetition change nothing");
    assert_eq!((first.to_svg(), first.to_json().unwrap()), (second.to_svg(), second.to_json().unwrap()));
    let told = first.tell();
    assert!(told.en.contains("dev/health/insured") && told.en.ends_with("Every record is here.\n"), "{}", told.en);
    assert!(told.zh.contains("数据集版本") && told.zh.ends_with("记录完整。\n"), "{}", told.zh);
    let json: serde_json::Value = serde_json::from_slice(&first.to_json().unwrap()).unwrap();
    assert_eq!(json["steps"].as_array().unwrap().len(), 8);
    let svg = first.to_svg();
    assert_eq!(svg.matches("<rect").count(), 8);
    assert_eq!(svg.matches("marker").count() + svg.matches("<script").count() + svg.matches("href").count(), 0);
}

#[test]
fn p9_markup_in_a_name_stays_text() {
    let (admitted, job) = job();
    let mut records = story(job);
    let name = "<script>\"'&";
    records.push(record(PLATFORM, Fact::Algorithm { name: name.into(), program: hash("program") }));
    let graph_of = graph(&records, Some(&admitted)).unwrap();
    let svg = graph_of.trace(node(Kind::Call, "call 1"), Direction::Backward).unwrap().to_svg();
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;&quot;&#39;&amp;"));
    for hidden in ["a\u{202e}b", "a\u{200b}", "a\nb", " ", &"x".repeat(300)] {
        let forged = record(PLATFORM, Fact::Algorithm { name: hidden.into(), program: hash("p") });
        assert!(graph(&[forged], None).unwrap_err().starts_with("lineage.malformed"), "{hidden:?}");
    }
}

#[test]
fn p9_missing_records_are_named_with_whom_to_ask() {
    let (admitted, job) = job();
    let records = story(job);
    let mut counted = 0;
    for left_out in 0..records.len() {
        let some: Vec<_> = records.iter().enumerate().filter(|(n, _)| *n != left_out).map(|(_, r)| r.clone()).collect();
        let graph = graph(&some, Some(&admitted)).unwrap();
        let gaps: Vec<String> = graph.gaps().map(|gap| gap.tell().en).collect();
        match &records[left_out].payload.fact {
            Fact::Dataset { dataset, .. } => {
                assert_eq!(gaps.len(), 1);
                assert!(gaps[0].ends_with(&format!("ask yu://dev/{}/node1", dataset.organisation())), "{gaps:?}");
            }
            // the other party's record is there; the last call leaves no trace that it was
            Fact::Ran { .. } | Fact::Called { .. } => assert!(gaps.is_empty()),
            Fact::Algorithm { .. } | Fact::Made { .. } => assert_eq!(gaps.len(), 1),
            Fact::Product { .. } => assert!(gaps[0].contains("product-version") && gaps[0].ends_with("ask yu://dev/platform/node1")),
        }
        counted += gaps.len();
    }
    assert_eq!(counted, 6);
    let graph = graph(&records, None).unwrap();
    let trace = graph.trace(node(Kind::Call, "call 1"), Direction::Backward).unwrap();
    assert!(!trace.is_complete());
    assert!(trace.tell().en.contains(&format!("the record of job {} is not here", &job.0.to_hex()[..12])));
    assert!(trace.tell().zh.contains("请向"));
    let product = NodeId::new(Kind::Product, document_hash(&contents()).unwrap());
    let codes: BTreeSet<String> = graph.audit_sources(product).unwrap().into_iter().map(|f| f.code).collect();
    assert_eq!(codes, ["lineage.gap", "lineage.source-unproved"].map(str::to_owned).into());
}

#[test]
fn p9_nobody_records_what_he_does_not_answer_for() {
    let (admitted, job) = job();
    let refusal = |extra: Signed<Record>| {
        let mut records = story(job);
        records.push(extra);
        graph(&records, Some(&admitted)).unwrap_err()
    };
    let dataset_of_health = Fact::Dataset { dataset: dataset(0), version: hash("forged") };
    assert_eq!(refusal(record(BANK, dataset_of_health.clone())), format!("lineage.signer {BANK}"));
    assert_eq!(refusal(record(STRANGER, made(job, Output::Model, "slipped in"))), format!("lineage.signer {STRANGER}"));
    let call = Fact::Called { product: document_hash(&contents()).unwrap(), consumer: "shop".into(), ticket: hash("call 2") };
    assert_eq!(refusal(record(BANK, call)), format!("lineage.signer {BANK}"));
    let foreign = Fact::Product { product: ProductId::new("dev/health/score").unwrap(), number: 1, contents: contents() };
    assert_eq!(refusal(record(BANK, foreign)), format!("lineage.signer {BANK}"));
    let forged = sign(Record { v: 1, recorder: party(HEALTH), fact: dataset_of_health, at: t(1) }, STRANGER);
    assert!(refusal(forged).starts_with("lineage.signature"));
    let mut altered = record(HEALTH, made(job, Output::Model, "model"));
    altered.payload.fact = made(job, Output::Model, "another");
    assert!(refusal(altered).starts_with("lineage.signature"));
    let person = Fact::Called { product: hash("p"), consumer: "张三 110101199003074514".into(), ticket: hash("c") };
    assert!(refusal(record(PLATFORM, person)).starts_with("lineage.malformed"), "callers are organisations");
}

#[test]
fn p9_contradictions_and_cycles_are_refused() {
    let (admitted, job) = job();
    let with = |extra: Vec<Signed<Record>>| graph(&[story(job), extra].concat(), Some(&admitted));
    let other_run = Fact::Ran { job, algorithms: [hash("another program")].into(), models: BTreeSet::new() };
    assert!(with(vec![record(PLATFORM, other_run)]).unwrap_err().contains("lineage.conflict"));
    let other_job = JobId(hash("another contract"));
    assert!(with(vec![record(BANK, made(other_job, Output::Model, "model"))]).unwrap_err().contains("lineage.conflict"));
    // the job that made the model is said to have applied it
    let mut records = story(job);
    records.retain(|r| !matches!(r.payload.fact, Fact::Ran { .. }));
    records.push(record(BANK, Fact::Ran { job, algorithms: BTreeSet::new(), models: [hash("model")].into() }));
    let cycle = graph(&records, Some(&admitted)).unwrap_err();
    assert!(cycle.starts_with("lineage.cycle") && cycle.contains(BANK) && cycle.contains(HEALTH), "{cycle}");
    // an input that the job itself is said to have made
    let eaten = record(HEALTH, made(job, Output::Derivative, "health file"));
    assert!(with(vec![eaten]).unwrap_err().starts_with("lineage.cycle"));
}

#[test]
fn p9_a_derivative_is_one_thing_in_catalogue_and_job() {
    let (admitted, job) = job();
    let maker = JobId(hash("sampling"));
    let graph =
        graph(&[story(job), vec![record(HEALTH, made(maker, Output::Derivative, "health file"))]].concat(), Some(&admitted)).unwrap();
    assert!(graph.get(&node(Kind::Dataset, "health file")).is_none());
    let derivative = graph.get(&node(Kind::Derivative, "health file")).unwrap();
    assert!(derivative.names.contains("dev/health/insured"));
    assert!(reached(&graph, NodeId::new(Kind::Job, maker.0), Direction::Forward).contains(&node(Kind::Call, "call 1")));
    assert_eq!(graph.gaps().count(), 1, "the contract of the sampling");
}

type Change = (Part, fn(&mut Contents));

#[test]
fn p9_o2_any_change_is_a_new_product_version() {
    let (admitted, job) = job();
    let base = contents();
    let changes: [Change; 4] = [
        (Part::Model, |c| c.model = hash("model 2")),
        (Part::Code, |c| c.code = hash("service 2")),
        (Part::Sources, |c| c.sources = [hash("health file")].into()),
        (Part::Purpose, |c| c.purpose = Purpose::new("advertising").unwrap()),
    ];
    assert!(version::changed(&base, &base).is_empty());
    for (part, change) in changes {
        let mut next = base.clone();
        change(&mut next);
        assert_eq!(version::changed(&base, &next), [part]);
        assert_ne!(document_hash(&base).unwrap(), document_hash(&next).unwrap(), "another node, so another review");
        let with = |number| graph(&[story(job), vec![product(number, next.clone())]].concat(), Some(&admitted));
        assert_eq!(with(1).unwrap_err(), "lineage.version-silent bank");
        let two = with(2).unwrap();
        assert_eq!(two.nodes().filter(|n| n.id.kind == Kind::Product).count(), 2);
        // calls of the old version are no calls of the new one
        let new = NodeId::new(Kind::Product, document_hash(&next).unwrap());
        assert_eq!(reached(&two, new, Direction::Forward).len(), 1);
    }
    let again = graph(&[story(job), vec![product(2, base)]].concat(), Some(&admitted));
    assert_eq!(again.unwrap_err(), "lineage.version-same bank");
}

#[test]
fn p9_unstated_sources_are_found() {
    let (admitted, job) = job();
    let mut less = contents();
    less.sources.pop_first();
    let mut records = story(job);
    records.retain(|r| !matches!(r.payload.fact, Fact::Product { .. } | Fact::Called { .. }));
    records.push(product(1, less.clone()));
    let graph = graph(&records, Some(&admitted)).unwrap();
    let found = graph.audit_sources(NodeId::new(Kind::Product, document_hash(&less).unwrap())).unwrap();
    assert_eq!(found.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["lineage.source-unstated"]);
}

#[test]
fn p9_facts_are_read_from_logs_that_verify() {
    let (admitted, job) = job();
    let write = |signer: &str, node: &str| {
        let key = key(signer);
        let (mut log, first) = AuditLog::create(party(node), key.public(), t(1)).unwrap();
        let mut entries = first;
        let added = Event::new(Verb::DatasetAdded).with("dataset", Field::Dataset(dataset(0))).with("version", Field::Hash(versions()[0]));
        entries.extend(log.append(added, t(2)).unwrap());
        let released = Event::new(Verb::ResultReleased).job(job).party(party(BANK)).with("result", Field::Hash(hash("model")));
        entries.extend(log.append(released, t(3)).unwrap());
        let (line, _) = log.checkpoint(&key, t(4)).unwrap();
        (entries, line)
    };
    let take = |entries: &[u8], checkpoints: &[u8]| {
        let mut builder = builder();
        builder.contract(&admitted);
        let files = LogFiles { directory: "health", entries, checkpoints, countersignatures: &[] };
        let taken = builder.logs(&[files]).map_err(|found| found[0].code.clone())?;
        Ok::<_, String>((taken, builder.build().unwrap()))
    };
    let (entries, checkpoints) = write(HEALTH, HEALTH);
    let (taken, graph) = take(&entries, &checkpoints).unwrap();
    assert_eq!(taken, 2);
    assert!(reached(&graph, node(Kind::Dataset, "health file"), Direction::Forward).contains(&node(Kind::Result, "model")));
    assert_eq!(graph.gaps().count(), 1, "the bank's data set");
    let mut longer = entries.clone();
    let mut log = AuditLog::recover(&entries, &checkpoints, b"").unwrap().0;
    let more = Event::new(Verb::ResultReleased).job(job).party(party(BANK)).with("result", Field::Hash(hash("later")));
    longer.extend(log.append(more, t(9)).unwrap());
    assert_eq!(take(&longer, &checkpoints).unwrap().0, 2, "what no checkpoint covers yet is no fact yet");
    let (forged, line) = write(STRANGER, HEALTH);
    assert_eq!(take(&forged, &line).unwrap_err(), "lineage.log", "another key than the node's");
    assert_eq!(take(&entries, b"").unwrap_err(), "lineage.log", "no checkpoint covers it");
    let mut altered = entries.clone();
    let place = altered.len() - 10;
    altered[place] ^= 1;
    assert_eq!(take(&altered, &checkpoints).unwrap_err(), "lineage.log");
    assert!(take(&entries[..entries.len() / 2], &checkpoints).is_err());
    assert!(take(b"", b"").is_err());
}

proptest! {
    /// P9: any subset of honest records in any order gives a graph; what is missing is named, and what is traced forward is traced back.
    #[test]
    fn p9_any_subset_in_any_order(order in Just((0..9_usize).collect::<Vec<_>>()).prop_shuffle(), count in 0_usize..=9, with_contract: bool) {
        let (admitted, job) = job();
        let all = story(job);
        let some: Vec<_> = order.iter().take(count).map(|n| all[*n].clone()).collect();
        let graph = graph(&some, with_contract.then_some(&admitted)).unwrap();
        for arrow in graph.arrows() {
            prop_assert!(arrow.to.kind.sources().contains(&arrow.from.kind));
            let missing = graph.get(&arrow.from).unwrap().since.is_none();
            prop_assert_eq!(missing, graph.gaps().any(|gap| gap.node == arrow.from));
            prop_assert!(reached(&graph, arrow.to, Direction::Backward).contains(&arrow.from));
        }
        for node in graph.nodes() {
            let trace = graph.trace(node.id, Direction::Backward).unwrap();
            prop_assert!(trace.to_svg().ends_with("</svg>\n"));
            let depth = |id| trace.steps.iter().find(|s| s.node.id == id).unwrap().depth;
            let falls = trace.arrows.iter().all(|a| depth(a.from) > depth(a.to));
            prop_assert!(falls);
        }
    }
}
