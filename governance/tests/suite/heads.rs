//! What a log's head tells at the next start: every change, loss, fork and rollback of what was acknowledged, and nothing of what
//! a crash may leave behind it.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use yu_governance::audit::{AuditLog, Event, Head, Verb};
use yu_governance::sign::SigningKey;

use super::logs::{Files, Node, key, name, round, world};

/// A log with its head, and entries, a checkpoint and countersignatures that nothing covers yet.
struct Kept {
    files: Files,
    head: Head,
}

fn lengths(files: &Files) -> [u64; 3] {
    [&files.entries, &files.checkpoints, &files.countersignatures].map(|file| file.len() as u64)
}

fn kept(node: &Node) -> Kept {
    Kept { files: node.files.clone(), head: node.log.head(7, lengths(&node.files)) }
}

fn worked() -> Vec<Node> {
    let mut nodes = world();
    round(&mut nodes);
    nodes[0].work(9);
    nodes
}

fn file(files: &mut Files, which: usize) -> &mut Vec<u8> {
    [&mut files.entries, &mut files.checkpoints, &mut files.countersignatures].into_iter().nth(which).unwrap()
}

fn recovers(head: &Head, files: &Files) -> bool {
    AuditLog::recover_to(head, &files.entries, &files.checkpoints, &files.countersignatures).is_ok()
}

#[test]
fn a_log_comes_back_as_it_was() {
    let nodes = worked();
    for node in &nodes {
        let Kept { files, head } = kept(node);
        let (log, recovery) = AuditLog::recover_to(&head, &files.entries, &files.checkpoints, &files.countersignatures).unwrap();
        assert_eq!((&log, recovery), (&node.log, Default::default()));
    }
    let (log, line) = AuditLog::create(name(0), key(0).public(), nodes[0].now).unwrap();
    let head = log.head(0, [line.len() as u64, 0, 0]);
    assert_eq!(AuditLog::recover_to(&head, &line, b"", b"").unwrap().0, log);
}

#[test]
fn a_head_is_signed() {
    let Kept { head, .. } = kept(&worked()[0]);
    let bytes = head.sign(&key(0)).unwrap();
    assert!(bytes.len() <= 1200, "{}", bytes.len());
    assert_eq!(Head::open(&bytes, &key(0).public()).unwrap(), head);
    assert!(Head::open(&bytes, &key(1).public()).is_err());
    assert!(Head::open(&head.sign(&SigningKey::from_bytes(&[9; 32])).unwrap(), &key(0).public()).is_err());
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(Head::open(&flipped, &key(0).public()).is_err(), "byte {at}");
    }
}

#[test]
fn l2_every_flipped_bit_and_every_cut_is_seen() {
    let Kept { files, head } = kept(&worked()[0]);
    let total: usize = lengths(&files).iter().map(|len| *len as usize).sum();
    let mut runner = TestRunner::new(Config::with_cases(1500));
    runner
        .run(&(0..total, 0..8_u32), |(mut at, bit)| {
            let mut changed = files.clone();
            let which = (0..3).find(|which| {
                let len = file(&mut changed, *which).len();
                if at < len {
                    true
                } else {
                    at -= len;
                    false
                }
            });
            let bytes = file(&mut changed, which.unwrap());
            bytes[at] ^= 1 << bit;
            prop_assert!(!recovers(&head, &changed), "bit {bit} of byte {at} of file {which:?}");
            let mut cut = files.clone();
            file(&mut cut, which.unwrap()).truncate(at);
            prop_assert!(!recovers(&head, &cut), "file {which:?} cut to {at} bytes");
            Ok(())
        })
        .unwrap();
    // the last lines, which nothing in the log refers to, bit by bit
    for which in 0..3 {
        let len = file(&mut files.clone(), which).len();
        for at in len.saturating_sub(120)..len {
            for bit in 0..8 {
                let mut changed = files.clone();
                file(&mut changed, which)[at] ^= 1 << bit;
                assert!(!recovers(&head, &changed), "bit {bit} of byte {at} of file {which}");
            }
        }
    }
}

#[test]
fn lost_repeated_and_moved_lines_are_seen() {
    let Kept { files, head } = kept(&worked()[0]);
    for which in 0..3 {
        let all: Vec<Vec<u8>> = file(&mut files.clone(), which).split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
        for n in 0..all.len() {
            let mut without = all.clone();
            without.remove(n);
            let mut twice = all.clone();
            twice.insert(n, all[n].clone());
            let mut swapped = all.clone();
            swapped.swap(n, (n + 1) % all.len());
            for (what, lines) in [("without", without), ("twice", twice), ("swapped", swapped)] {
                let mut changed = files.clone();
                *file(&mut changed, which) = lines.concat();
                // the last line a second time stands behind the head, and goes
                let goes = what == "twice" && n + 1 == all.len();
                assert_eq!(recovers(&head, &changed), goes, "file {which}, line {n} {what}");
            }
        }
    }
}

#[test]
fn a_fork_and_a_rollback_are_seen() {
    let mut nodes = world();
    let old = kept(&nodes[0]);
    let mut fork = Node {
        n: 0,
        suite: nodes[0].suite,
        log: nodes[0].log.clone(),
        files: nodes[0].files.clone(),
        witnesses: Vec::new(),
        now: nodes[0].now,
    };
    nodes[0].work(7);
    nodes[0].checkpoint();
    let new = kept(&nodes[0]);
    assert!(recovers(&old.head, &old.files) && recovers(&new.head, &new.files));
    assert!(!recovers(&new.head, &old.files), "all three files put back");
    // another history of the same lengths, signed with the same key
    fork.work(8);
    fork.checkpoint();
    assert_eq!(lengths(&fork.files), lengths(&new.files));
    assert!(!recovers(&new.head, &fork.files), "another history");
    assert!(!recovers(&new.head, &nodes[1].files), "another node's log");
    // a log that went on is ahead of an older head
    assert!(recovers(&old.head, &new.files));
}

#[test]
fn what_a_crash_leaves_behind_the_head_is_kept_as_far_as_it_is_whole() {
    let mut nodes = world();
    let Kept { head, files } = kept(&nodes[0]);
    nodes[0].append(Event::new(Verb::NodeStopped));
    nodes[0].append(Event::new(Verb::NodeStarted));
    let ahead = nodes[0].files.clone();
    let behind = ahead.entries.len() - files.entries.len();
    let whole = ahead.entries[files.entries.len()..].iter().position(|b| *b == b'\n').unwrap() + 1;
    for torn in 0..=behind {
        let mut crashed = ahead.clone();
        crashed.entries.truncate(files.entries.len() + torn);
        let (log, recovery) = AuditLog::recover_to(&head, &crashed.entries, &crashed.checkpoints, &crashed.countersignatures).unwrap();
        let stay = if torn == behind {
            behind
        } else if torn >= whole {
            whole
        } else {
            0
        };
        assert_eq!(recovery.entries, (stay < torn).then_some((files.entries.len() + stay) as u64), "{torn}");
        assert_eq!(log.size(), head.entries.lines + [0, 1, 2][usize::from(stay > 0) + usize::from(stay == behind)]);
    }
    // pages that never reached the disk
    let mut holes = ahead;
    let at = files.entries.len() + whole / 2;
    holes.entries[at..at + whole].fill(0);
    let (log, recovery) = AuditLog::recover_to(&head, &holes.entries, &holes.checkpoints, &holes.countersignatures).unwrap();
    assert_eq!((log.size(), recovery.entries), (head.entries.lines, Some(files.entries.len() as u64)));
}
