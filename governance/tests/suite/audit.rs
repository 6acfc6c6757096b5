//! Every damage to a log is seen and named.

use super::logs::{Files, Node, key, line_ranges, name, round, small_world, witnessed_rounds, world};
use yu_governance::audit::verify::{Place, Problem};
use yu_governance::audit::{AuditLog, Entry, Event, Field, SignedCheckpoint, Verb, story, verify};
use yu_governance::canonical::{digest, to_canonical};
use yu_governance::clock::Time;
use yu_governance::sign::SignatureBytes;

#[derive(Clone, Copy, Debug, PartialEq)]
enum File {
    Entries,
    Checkpoints,
    Countersignatures,
}

const FILES: [File; 3] = [File::Entries, File::Checkpoints, File::Countersignatures];

fn bytes(files: &mut Files, file: File) -> &mut Vec<u8> {
    match file {
        File::Entries => &mut files.entries,
        File::Checkpoints => &mut files.checkpoints,
        File::Countersignatures => &mut files.countersignatures,
    }
}

fn place(file: File, line: usize) -> Place {
    match file {
        File::Entries => Place::Entry(line as u64),
        File::Checkpoints => Place::Checkpoint(line as u64),
        File::Countersignatures => Place::Countersignature(line as u64),
    }
}

fn problems(files: &Files) -> Vec<Problem> {
    let report = verify(&[files.as_log()]);
    assert_eq!(report.passes(), report.nodes[0].problems.is_empty());
    report.nodes[0].problems.clone()
}

fn places(files: &Files) -> Vec<Place> {
    problems(files).iter().map(|problem| problem.place).collect()
}

#[test]
fn sound_logs_pass_and_are_counted() {
    let world = world();
    let logs: Vec<_> = world.iter().map(|node| node.files.as_log()).collect();
    let report = verify(&logs);
    assert!(report.passes(), "{report:#?}");
    let first = &report.nodes[0];
    assert_eq!(first.node, Some(name(0)));
    assert_eq!((first.entries, first.checkpoints, first.countersignatures, first.uncovered), (13, 3, 6, 0));
    assert_eq!(first.countersigners, [name(1).as_str(), name(2).as_str()]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["verdict"], "pass");
    assert_eq!(json["nodes"][0]["entries"], "13");
}

#[test]
fn every_flipped_byte_is_named() {
    let sound = small_world()[0].files.clone();
    assert_eq!(places(&sound), []);
    for file in FILES {
        let mut flipped = sound.clone();
        for (number, range) in line_ranges(bytes(&mut sound.clone(), file)).into_iter().enumerate() {
            for at in range.clone() {
                let bit = 1 << (at % 8);
                bytes(&mut flipped, file)[at] ^= bit;
                let mut found = places(&flipped);
                // without its newline, a line swallows the next one
                let is_newline = at + 1 == range.end;
                found.retain(|found| !is_newline || *found != place(file, number + 1));
                assert_eq!(found, [place(file, number)], "{file:?} byte {at} of line {number}");
                bytes(&mut flipped, file)[at] ^= bit;
            }
        }
    }
}

#[test]
fn every_bit_of_a_line_and_every_other_byte_in_its_place() {
    let sound = small_world()[0].files.clone();
    for file in FILES {
        let ranges = line_ranges(bytes(&mut sound.clone(), file));
        let number = ranges.len() - 1;
        for at in ranges[number].clone().step_by(97) {
            let mut changed = sound.clone();
            let old = bytes(&mut changed, file)[at];
            for new in (0..=255).filter(|new| *new != old) {
                bytes(&mut changed, file)[at] = new;
                let found = places(&changed);
                assert_eq!(found.first(), Some(&place(file, number)), "{file:?} byte {at} as {new}");
            }
        }
    }
}

#[test]
fn dropped_repeated_and_swapped_lines_are_named() {
    let sound = world()[0].files.clone();
    for file in FILES {
        let all = bytes(&mut sound.clone(), file).clone();
        let ranges = line_ranges(&all);
        let line = |n: usize| all[ranges[n].clone()].to_vec();
        let rebuilt = |order: &[usize]| {
            let mut files = sound.clone();
            *bytes(&mut files, file) = order.iter().flat_map(|n| line(*n)).collect();
            places(&files)
        };
        let whole: Vec<usize> = (0..ranges.len()).collect();
        for n in 0..ranges.len() {
            let mut dropped = whole.clone();
            dropped.remove(n);
            let found = rebuilt(&dropped);
            // the last checkpoint is missed by its countersignatures; the last countersignatures by nothing yet
            let is_last = n + 1 == ranges.len();
            match file {
                File::Checkpoints if is_last => {
                    assert!(matches!(found[..], [Place::Countersignature(_), ..]), "{found:?}")
                }
                File::Countersignatures if is_last => assert_eq!(found, []),
                _ => assert_eq!(found.first(), Some(&place(file, n)), "{file:?} without {n}: {found:?}"),
            }
            let mut repeated = whole.clone();
            repeated.insert(n, n);
            let found = rebuilt(&repeated);
            let expected = if file == File::Entries { n } else { n + 1 };
            assert_eq!(found.first(), Some(&place(file, expected)), "{file:?} twice {n}: {found:?}");
            for m in n + 1..ranges.len() {
                let mut swapped = whole.clone();
                swapped.swap(n, m);
                let found = rebuilt(&swapped);
                let named = found.contains(&place(file, n)) || found.contains(&place(file, m));
                assert!(named, "{file:?} swapped {n} {m}: {found:?}");
            }
        }
    }
}

#[test]
fn cut_files_are_seen() {
    let sound = world()[0].files.clone();
    for file in FILES {
        let length = bytes(&mut sound.clone(), file).len();
        let ranges = line_ranges(bytes(&mut sound.clone(), file));
        for keep in (0..length).step_by(11).chain([length - 1]) {
            let mut cut = sound.clone();
            bytes(&mut cut, file).truncate(keep);
            let whole_lines = ranges.iter().any(|range| range.end == keep) || keep == 0;
            let is_end_of_countersignatures = file == File::Countersignatures && ranges.len() - 2 <= count(&cut);
            assert!(!places(&cut).is_empty() || (whole_lines && is_end_of_countersignatures), "{file:?} {keep}");
        }
    }
}

fn count(files: &Files) -> usize {
    line_ranges(&files.countersignatures).len()
}

#[test]
fn lines_that_nobody_signed_are_named() {
    let sound = world()[0].files.clone();
    let ranges = line_ranges(&sound.entries);
    let mut inserted = sound.clone();
    inserted.entries.splice(ranges[4].start..ranges[4].start, b"{}\n".iter().copied());
    assert_eq!(places(&inserted), [Place::Entry(4)]);
    assert_eq!(problems(&inserted)[0].code, "inserted");
    let mut several = sound.clone();
    several.entries[ranges[3].start + 30] ^= 1;
    several.entries[ranges[9].start + 30] ^= 1;
    assert_eq!(places(&several), [Place::Entry(3), Place::Entry(9)]);
    let mut appended = sound;
    appended.entries.extend_from_slice(b"{}\n");
    assert_eq!(places(&appended), [Place::Entry(13)]);
}

#[test]
fn entries_after_the_last_checkpoint_are_reported_and_chained() {
    let mut node = world().remove(0);
    node.work(7);
    let report = verify(&[node.files.as_log()]);
    assert!(report.passes());
    assert_eq!(report.nodes[0].uncovered, 3);
    for (number, range) in line_ranges(&node.files.entries).into_iter().enumerate() {
        for at in range.step_by(3) {
            let mut flipped = node.files.clone();
            flipped.entries[at] ^= 1 << (at % 8);
            let found = places(&flipped);
            match number {
                0..=12 => assert_eq!(found.first(), Some(&Place::Entry(number as u64)), "{at}"),
                // the last but one is told from the last by nothing
                13 | 14 => assert!(!found.is_empty(), "{at}"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_rewritten_log_is_betrayed_by_its_peers() {
    let honest = world();
    // the owner of log 1 starts again with the same key and another history
    let mut again: Vec<Node> = (0..3).map(Node::start).collect();
    again[1].append(Event::new(Verb::PolicyChanged));
    round(&mut again);
    let logs = [honest[0].files.as_log(), again[1].files.as_log()];
    let report = verify(&logs);
    assert!(report.nodes[0].problems.is_empty());
    assert_eq!(report.nodes[1].problems[0].place, Place::Checkpoint(1));
    assert_eq!(report.nodes[1].problems[0].code, "absent");
    // or with another key
    let now = Time::from_unix(1_800_000_000);
    let (_, line) = AuditLog::create(name(1), key(2).public(), now).unwrap();
    let other = Files { directory: "node1".into(), entries: line, ..Files::default() };
    let report = verify(&[honest[0].files.as_log(), other.as_log()]);
    assert_eq!(report.nodes[0].problems[0].place, Place::Entry(1));
    assert_eq!(report.nodes[0].problems[0].code, "peer-key");
    let report = verify(&[honest[0].files.as_log(), honest[0].files.as_log()]);
    assert_eq!(report.nodes[1].problems[0].code, "twice");
}

#[test]
fn a_log_rolled_back_as_a_whole_is_betrayed_by_what_its_peers_wrote() {
    let rounds = witnessed_rounds();
    let now = rounds.last().unwrap();
    let all = |files: &[Files]| verify(&files.iter().map(Files::as_log).collect::<Vec<_>>());
    assert!(all(now).passes(), "{:#?}", all(now));
    for (kept, old) in rounds.iter().enumerate().take(2) {
        for which in 0..3 {
            // an older state of the whole directory: sound, and countersigned by everybody
            let alone = verify(&[old[which].as_log()]);
            assert!(alone.passes() && alone.nodes[0].countersigners.len() == 2, "{alone:#?}");
            let mut files = now.clone();
            files[which] = old[which].clone();
            let report = all(&files);
            assert!(!report.passes());
            for (n, node) in report.nodes.iter().enumerate() {
                assert_eq!(node.problems.is_empty(), n != which, "{node:#?}");
            }
            let problem = &report.nodes[which].problems[0];
            assert_eq!((problem.place, problem.code), (Place::Checkpoint(kept as u64 + 1), "absent"));
            // the entry of the first witness is named
            let witness = (0..3).find(|n| *n != which).unwrap();
            let entry = countersigned(&now[witness], which, kept + 1);
            assert!(problem.what.en.contains(&format!("{} (entry {entry})", name(witness))), "{problem:?}");
            // one witness is enough
            assert_eq!(verify(&[files[which].as_log(), now[witness].as_log()]).nodes[0].problems[0].code, "absent");
        }
    }
}

/// Index of the entry in which a node wrote down that it countersigned the n-th checkpoint of a peer.
fn countersigned(files: &Files, peer: usize, n: usize) -> u64 {
    let entries = line_ranges(&files.entries).into_iter().map(|r| Entry::parse(files.entries[r].strip_suffix(b"\n").unwrap()).unwrap());
    entries.filter(|e| e.verb == "checkpoint.countersigned" && e.party == Some(name(peer))).nth(n).unwrap().index
}

#[test]
fn a_witness_that_quotes_a_checkpoint_wrongly_is_named() {
    for field in ["size", "root"] {
        let mut nodes = world();
        let last = line_ranges(&nodes[1].files.checkpoints).pop().unwrap();
        let signed = SignedCheckpoint::parse(nodes[1].files.checkpoints[last].strip_suffix(b"\n").unwrap()).unwrap();
        let event = Event::checkpoint_countersigned(&signed.checkpoint).unwrap();
        let wrong = if field == "size" { Field::Count(signed.checkpoint.size + 1) } else { Field::Hash(digest("r", b"other")) };
        nodes[0].append(event.with(field, wrong));
        let report = verify(&[nodes[0].files.as_log(), nodes[1].files.as_log()]);
        assert_eq!(report.nodes[0].problems.len(), 1, "{report:#?}");
        assert_eq!((report.nodes[0].problems[0].place, report.nodes[0].problems[0].code), (Place::Entry(13), "misstated"));
        assert!(report.nodes[1].problems.is_empty());
    }
}

#[test]
fn a_checkpoint_of_another_key_or_node_is_named() {
    let nodes = world();
    let mut mixed = nodes[0].files.clone();
    mixed.checkpoints.clone_from(&nodes[1].files.checkpoints);
    assert!(!places(&mixed).is_empty());
    // the same content signed by somebody else
    let first = line_ranges(&nodes[0].files.checkpoints).remove(0);
    let line = &nodes[0].files.checkpoints[first.clone()];
    let mut signed = SignedCheckpoint::parse(line.strip_suffix(b"\n").unwrap()).unwrap();
    let bytes = to_canonical(&signed.checkpoint).unwrap();
    signed.signature.key = key(1).public();
    signed.signature.sig = SignatureBytes(key(1).sign_message("yu-checkpoint-v1", &bytes));
    signed.verify_signature().unwrap();
    let mut resigned = nodes[0].files.clone();
    let line = [signed.to_line().unwrap(), b"\n".to_vec()].concat();
    resigned.checkpoints.splice(first, line);
    assert_eq!(places(&resigned), [Place::Checkpoint(0)]);
    assert_eq!(problems(&resigned)[0].code, "key");
    let mut empty = Files::default();
    assert_eq!(problems(&empty)[0].place, Place::File("entries.jsonl"));
    empty.checkpoints.clone_from(&nodes[0].files.checkpoints);
    assert!(places(&empty).contains(&Place::Entry(0)));
    let mut unsigned = nodes[0].files.clone();
    unsigned.checkpoints.clear();
    unsigned.countersignatures.clear();
    let report = verify(&[unsigned.as_log()]);
    assert!(report.passes());
    assert_eq!(report.nodes[0].uncovered, 13);
}

#[test]
fn a_log_is_read_back_and_continued() {
    let mut node = world().remove(0);
    let Files { entries, checkpoints, countersignatures, .. } = &node.files;
    let (log, recovery) = AuditLog::recover(entries, checkpoints, countersignatures).unwrap();
    assert_eq!(log, node.log);
    assert_eq!(recovery, yu_governance::audit::Recovery::default());
    // a crash in the middle of a line that nothing covers
    let before = (entries.len() as u64, checkpoints.len() as u64);
    node.work(8);
    node.checkpoint();
    let mut torn = node.files.clone();
    torn.checkpoints.truncate(torn.checkpoints.len() - 1);
    torn.entries.truncate(torn.entries.len() - 1);
    let (log, recovery) = AuditLog::recover(&torn.entries, &torn.checkpoints, &torn.countersignatures).unwrap();
    assert_eq!(recovery.checkpoints, Some(before.1));
    assert_eq!(log.size(), 15);
    assert!(recovery.entries.unwrap() > before.0);
    // the same end is no crash if the checkpoint is there
    let error = AuditLog::recover(&torn.entries, &node.files.checkpoints, &torn.countersignatures).unwrap_err();
    assert!(error.to_string().contains("entry 15"), "{error}");
    let mut flipped = node.files.clone();
    flipped.entries[500] ^= 1;
    assert!(AuditLog::recover(&flipped.entries, &flipped.checkpoints, &flipped.countersignatures).is_err());
    assert!(AuditLog::recover(b"", b"", b"").is_err());
}

#[test]
fn only_known_peers_countersign_and_the_key_stays() {
    let mut nodes = world();
    let (line, signed) = nodes[0].log.clone().checkpoint(&key(0), nodes[0].now).unwrap();
    assert_eq!(SignedCheckpoint::parse(line.strip_suffix(b"\n").unwrap()).unwrap(), signed);
    let last = nodes[1].witnesses[0].clone();
    let now = nodes[0].now;
    let stranger = yu_governance::id::PartyName::new("yu://dev/stranger/node1").unwrap();
    let log = &mut nodes[0].log;
    assert!(log.countersigned(&last.countersign(&stranger, &key(1), now).unwrap()).is_err());
    assert!(log.countersigned(&last.countersign(&name(1), &key(0), now).unwrap()).is_err());
    let mut altered = last.countersign(&name(1), &key(1), now).unwrap();
    altered.time = now.plus_days(1);
    assert!(log.countersigned(&altered).is_err());
    assert!(log.checkpoint(&key(1), now).is_err());
    assert!(log.append(Event::log_opened(key(0).public()), now).is_err());
    assert!(log.append(Event::new(Verb::PeerJoined), now).is_err());
}

#[test]
fn an_entry_is_proved_to_be_covered() {
    let node = world().remove(0);
    let line = &node.files.entries[line_ranges(&node.files.entries)[5].clone()];
    let line = line.strip_suffix(b"\n").unwrap();
    let last = line_ranges(&node.files.checkpoints).pop().unwrap();
    let signed = SignedCheckpoint::parse(node.files.checkpoints[last].strip_suffix(b"\n").unwrap()).unwrap();
    let proof = node.log.inclusion(5).unwrap();
    assert!(proof.holds(line, &signed.checkpoint.root));
    assert!(!proof.holds(b"{}", &signed.checkpoint.root));
    assert_eq!(node.log.inclusion(13), None);
}

#[test]
fn the_log_reads_as_a_story() {
    let node = world().remove(0);
    let told: Vec<_> = line_ranges(&node.files.entries)
        .into_iter()
        .map(|range| story::tell(&Entry::parse(node.files.entries[range].strip_suffix(b"\n").unwrap()).unwrap()))
        .collect();
    assert!(told[0].en.starts_with("health/node1 opened its audit log (key: ed25519:"), "{}", told[0].en);
    assert!(told[1].zh.starts_with("health/node1 登记 bank/node1"), "{}", told[1].zh);
}
