//! A small world of three nodes with logs, checkpoints and countersignatures, as the files that they would leave.

use yu_governance::audit::{AuditLog, Event, Field, LogFiles, SignedCheckpoint, Verb, Witness};
use yu_governance::canonical::{Hash, digest_with};
use yu_governance::clock::Time;
use yu_governance::id::{JobId, PartyName};
use yu_governance::sign::SigningKey;
use yu_governance::suite::{HashAlgorithm, Suite};

/// The bytes of one node's files.
#[derive(Clone, Default)]
pub(crate) struct Files {
    pub(crate) directory: String,
    pub(crate) entries: Vec<u8>,
    pub(crate) checkpoints: Vec<u8>,
    pub(crate) countersignatures: Vec<u8>,
}

impl Files {
    pub(crate) fn as_log(&self) -> LogFiles<'_> {
        let Self { directory, entries, checkpoints, countersignatures } = self;
        LogFiles { directory, entries, checkpoints, countersignatures }
    }
}

pub(crate) fn name(n: usize) -> PartyName {
    PartyName::new(format!("yu://dev/{}/node1", ["health", "bank", "platform"][n])).unwrap()
}

pub(crate) fn key(n: usize) -> SigningKey {
    key_of(Suite::Standard, n)
}

fn key_of(suite: Suite, n: usize) -> SigningKey {
    SigningKey::of_suite(suite, &[u8::try_from(n).unwrap() + 1; 32]).unwrap()
}

/// One node while it runs.
pub(crate) struct Node {
    pub(crate) n: usize,
    pub(crate) suite: Suite,
    pub(crate) log: AuditLog,
    pub(crate) files: Files,
    pub(crate) witnesses: Vec<Witness>,
    pub(crate) now: Time,
}

impl Node {
    pub(crate) fn start(n: usize) -> Self {
        Self::start_with(Suite::Standard, n)
    }

    pub(crate) fn key(&self) -> SigningKey {
        key_of(self.suite, self.n)
    }

    fn start_with(suite: Suite, n: usize) -> Self {
        let key = |n| key_of(suite, n);
        let now: Time = "2026-11-21T08:00:00Z".parse().unwrap();
        let (log, line) = AuditLog::create(name(n), key(n).public(), now).unwrap();
        let files = Files { directory: format!("node{n}"), entries: line, ..Files::default() };
        let witnesses = (0..3).map(|peer| Witness::new(name(peer), key(peer).public())).collect();
        let mut node = Self { n, suite, log, files, witnesses, now };
        for peer in (0..3).filter(|peer| *peer != n) {
            node.append(Event::peer_joined(name(peer), key(peer).public()));
        }
        node
    }

    pub(crate) fn append(&mut self, event: Event) {
        self.now = self.now.plus_seconds(1);
        let line = self.log.append(event, self.now).unwrap();
        self.files.entries.extend(line);
    }

    pub(crate) fn checkpoint(&mut self) -> SignedCheckpoint {
        let (line, signed) = self.log.checkpoint(&self.key(), self.now).unwrap();
        self.files.checkpoints.extend(line);
        signed
    }

    pub(crate) fn work(&mut self, step: u8) {
        let digest = |domain: &str, step: &[u8]| -> Hash { digest_with(self.suite.hash(), domain, step) };
        let job = JobId(digest("job", &[step]));
        let result = digest("r", &[step]);
        self.append(Event::new(Verb::JobStarted).job(job));
        let points = Event::new(Verb::StepFinished).job(job).with("step", Field::Code("psi.points"));
        self.append(points.with("rows", Field::Count(100_000)));
        self.append(Event::new(Verb::ResultSealed).job(job).party(name(2)).with("result", Field::Hash(result)));
    }
}

/// Every node checkpoints, every peer countersigns.
pub(crate) fn round(nodes: &mut [Node]) {
    for n in 0..nodes.len() {
        let signed = nodes[n].checkpoint();
        for peer in (0..nodes.len()).filter(|peer| *peer != n) {
            let now = nodes[peer].now;
            nodes[peer].witnesses[n].accept(&signed).unwrap();
            let countersigned = nodes[peer].witnesses[n].countersign(&name(peer), &nodes[peer].key(), now).unwrap();
            let line = nodes[n].log.countersigned(&countersigned).unwrap().unwrap();
            assert_eq!(nodes[n].log.countersigned(&countersigned).unwrap(), None, "the second time");
            nodes[n].files.countersignatures.extend(line);
        }
    }
}

/// As [`round`], and every peer writes down what it countersigned.
pub(crate) fn witnessed_round(nodes: &mut [Node]) {
    round(nodes);
    for n in 0..nodes.len() {
        let last = line_ranges(&nodes[n].files.checkpoints).pop().unwrap();
        let signed = SignedCheckpoint::parse(nodes[n].files.checkpoints[last].strip_suffix(b"\n").unwrap()).unwrap();
        for peer in (0..nodes.len()).filter(|peer| *peer != n) {
            nodes[peer].append(Event::checkpoint_countersigned(&signed.checkpoint).unwrap());
        }
    }
}

/// The files of every node after each of three witnessed rounds of work.
pub(crate) fn witnessed_rounds() -> Vec<Vec<Files>> {
    let mut nodes: Vec<Node> = (0..3).map(Node::start).collect();
    let rounds = (0..3).map(|step| {
        nodes.iter_mut().for_each(|node| node.work(step));
        witnessed_round(&mut nodes);
        nodes.iter().map(|node| node.files.clone()).collect()
    });
    rounds.collect()
}

/// Two nodes of the national suite, two rounds of work, all countersigned and written down.
pub(crate) fn national_world() -> Vec<Node> {
    let mut nodes: Vec<Node> = (0..3).map(|n| Node::start_with(Suite::Gm, n)).collect();
    nodes.truncate(2);
    for step in 0..2 {
        nodes.iter_mut().for_each(|node| node.work(step));
        witnessed_round(&mut nodes);
    }
    round(&mut nodes);
    assert_eq!(nodes[0].suite.hash(), HashAlgorithm::Sm3);
    nodes
}

/// Three nodes, two rounds of work, ending with a countersigned checkpoint.
pub(crate) fn world() -> Vec<Node> {
    let mut nodes: Vec<Node> = (0..3).map(Node::start).collect();
    for step in 0..3 {
        nodes.iter_mut().for_each(|node| node.work(step));
        if step == 0 {
            let seen = nodes[1].checkpoint();
            nodes[0].witnesses[1].accept(&seen).unwrap();
            nodes[2].witnesses[1].accept(&seen).unwrap();
            nodes[0].append(Event::checkpoint_countersigned(&seen.checkpoint).unwrap());
        }
        round(&mut nodes);
    }
    nodes
}

/// Two nodes, one round of work each, two rounds of checkpoints: small enough to damage every byte.
pub(crate) fn small_world() -> Vec<Node> {
    let mut nodes: Vec<Node> = (0..2).map(Node::start).collect();
    round(&mut nodes);
    nodes.iter_mut().for_each(|node| node.work(0));
    round(&mut nodes);
    nodes
}

/// Where a line of a file begins and ends (with its newline).
pub(crate) fn line_ranges(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut start = 0;
    bytes
        .split_inclusive(|b| *b == b'\n')
        .map(|line| {
            let range = start..start + line.len();
            start = range.end;
            range
        })
        .collect()
}
