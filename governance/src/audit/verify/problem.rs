//! Where a log is damaged and how, in one vocabulary for both verifiers.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::text::Text;

/// Where; counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The entry of that index.
    Entry(u64),
    /// The line of `checkpoints.jsonl`.
    Checkpoint(u64),
    /// The line of `countersignatures.jsonl`.
    Countersignature(u64),
    /// A file as a whole.
    File(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Checkpoint(line) => write!(f, "checkpoint {line}"),
            Self::Countersignature(line) => write!(f, "countersignature {line}"),
            Self::File(name) => write!(f, "file {name}"),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The file holds nothing.
    Empty,
    /// Two directories hold the log of one node.
    Twice,
    /// Not canonical JSON of the expected fields.
    Malformed,
    /// The newline at the end is missing.
    Torn,
    /// Not what was signed.
    Changed,
    /// Entries from here to before the given index are covered but not there.
    Missing(u64),
    /// A line stands where it does not belong, or a second time.
    OutOfPlace,
    /// A line that nobody signed stands before this entry.
    Inserted,
    /// The stated index is not the position.
    Index,
    /// Of another node than the rest of the log.
    Node,
    /// Does not continue the line before.
    Chain,
    /// The first entry does not open the log with a key.
    Genesis,
    /// States another key for a peer than that peer's own log.
    PeerKey(String),
    /// The signature does not verify.
    Signature,
    /// Signed with another key than the log's.
    Key,
    /// Does not follow the checkpoint before.
    Order,
    /// The stated size is not that of the leaves.
    Size,
    /// The root is not that of the leaves.
    Root,
    /// A peer, in the entry named, countersigned a checkpoint that is not in this log.
    Absent(String),
    /// States another size or root than the checkpoint of that peer that it names.
    Misstated(String),
    /// Names a checkpoint that is not in this log.
    UnknownCheckpoint,
    /// By somebody, or with a key, that the log does not know.
    UnknownSigner,
    /// The same peer's second one for the same checkpoint.
    Repeated,
    /// A checkpoint covers this line, and it is not there.
    Lost,
}

impl Fault {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Twice => "twice",
            Self::Malformed => "malformed",
            Self::Torn => "torn",
            Self::Changed => "changed",
            Self::Missing(_) => "missing",
            Self::OutOfPlace => "out-of-place",
            Self::Inserted => "inserted",
            Self::Index => "index",
            Self::Node => "node",
            Self::Chain => "chain",
            Self::Genesis => "genesis",
            Self::PeerKey(_) => "peer-key",
            Self::Signature => "signature",
            Self::Key => "key",
            Self::Order => "order",
            Self::Size => "size",
            Self::Root => "root",
            Self::Absent(_) => "absent",
            Self::Misstated(_) => "misstated",
            Self::UnknownCheckpoint => "unknown-checkpoint",
            Self::UnknownSigner => "unknown-signer",
            Self::Repeated => "repeated",
            Self::Lost => "lost",
        }
    }

    fn text(&self) -> Text {
        match self {
            Self::Empty => Text::new("there is no entry", "没有任何记录"),
            Self::Twice => Text::new("another directory holds a log of the same node", "另一目录中有同一节点的日志"),
            Self::Malformed => Text::new("is not a canonical line of this format", "不是本格式的规范行"),
            Self::Torn => Text::new("lacks the newline at its end", "行尾缺少换行符"),
            Self::Changed => Text::new("is not what was signed: it was changed", "与签名时的内容不符：已被改动"),
            Self::Missing(to) => Text::new(
                format!("is covered by a checkpoint but not there (next found: {to})"),
                format!("已被检查点覆盖，但不在文件中（其后找到：{to}）"),
            ),
            Self::OutOfPlace => Text::new("stands out of place or a second time", "位置不对或重复出现"),
            Self::Inserted => Text::new("is preceded by a line that nobody signed", "之前被插入了无人签名的一行"),
            Self::Index => Text::new("states another index than its position", "所记序号与其位置不符"),
            Self::Node => Text::new("is of another node than the rest of the log", "所属节点与日志其余部分不同"),
            Self::Chain => Text::new("does not continue the line before it: one of both was changed", "与前一行不衔接：两者之一被改动"),
            Self::Genesis => Text::new("does not open the log with a signing key", "首条记录未以签名公钥开启日志"),
            Self::PeerKey(peer) => {
                Text::new(format!("states another key for {peer} than its own log"), format!("所记 {peer} 的公钥与其自身日志不符"))
            }
            Self::Signature => Text::new("has a signature that does not verify", "签名验证失败"),
            Self::Key => Text::new("is signed with another key than the log's", "签名公钥不是本日志的公钥"),
            Self::Order => Text::new(
                "does not follow the checkpoint before: one is missing, repeated or misplaced",
                "与前一检查点不衔接：有缺失、重复或错位",
            ),
            Self::Size => Text::new("states another size than its leaves give", "所记条数与其叶子数不符"),
            Self::Root => Text::new("states a root that is not that of its leaves", "所记根哈希与叶子不符"),
            Self::Absent(peer) => Text::new(
                format!("is missing: {peer} countersigned a checkpoint that this log does not have; it was cut back or forked"),
                format!("缺失：{peer} 副署过本日志中没有的检查点；日志被截断或分叉"),
            ),
            Self::Misstated(peer) => Text::new(
                format!("states another size or root than the checkpoint of {peer} that it names"),
                format!("所记条数或根哈希与所指 {peer} 的检查点不符"),
            ),
            Self::UnknownCheckpoint => Text::new("names a checkpoint that is not in this log", "所指检查点不在本日志中"),
            Self::UnknownSigner => Text::new("is by a signer or key that this log does not know", "签名者或其公钥未在本日志中登记"),
            Self::Repeated => Text::new("repeats the same peer's for the same checkpoint", "同一节点对同一检查点重复副署"),
            Self::Lost => Text::new("is covered by a checkpoint but not there", "已被检查点覆盖，但不在文件中"),
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where.
    #[serde(rename = "where")]
    pub place: Place,
    /// [`Fault::code`].
    pub code: &'static str,
    /// For people.
    pub what: Text,
}

impl Problem {
    pub(super) fn new(place: Place, fault: Fault) -> Self {
        Self { place, code: fault.code(), what: fault.text() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.what.en)
    }
}
