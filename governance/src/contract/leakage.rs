//! What each party learns beyond its own input: the leakage statement, as codes with sentences.
//!
//! [`required`] derives from the protocol what must be said; a contract that says less is refused by
//! `contract.leakage-understated`. A contract may say more.

use serde::{Deserialize, Serialize};

use super::Contract;
use super::parties::Role;
use super::terms::{PsiKind, Side};
use crate::id::PartyName;
use crate::text::Text;

/// What can be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeakCode {
    /// How many rows each side offers.
    RowCount,
    /// A power of two above the largest absolute value of each numeric column.
    ColumnMagnitude,
    /// How many rows match.
    MatchCount,
    /// Which of its own rows match.
    MatchedRows,
    /// What a result about its own columns says about which of its rows match.
    MatchFromResult,
    /// Traffic: times, sizes, and whether and when the job stopped.
    Traffic,
    /// The complete result, before it is released.
    HeldResult,
    /// The result, after its release.
    Result,
}

impl LeakCode {
    /// The sentence in both languages.
    #[must_use]
    pub fn text(self) -> Text {
        match self {
            Self::RowCount => Text::new("learns how many rows each side offers to alignment", "得知各方参与求交的行数"),
            Self::ColumnMagnitude => Text::new(
                "learns for each numeric column a power of two above its largest absolute value",
                "得知各数值列最大绝对值的量级（2 的幂）",
            ),
            Self::MatchCount => Text::new("learns how many rows match", "得知匹配的行数"),
            Self::MatchedRows => Text::new(
                "learns which of its own rows match, so for each of its subjects whether the other side holds a row of them",
                "得知己方哪些行匹配，即己方每一主体是否也在对方数据中",
            ),
            Self::MatchFromResult => Text::new(
                "knows its own columns and may compute from the released numbers about them which of its rows match, if those are few",
                "掌握己方列，若匹配行较少，可能由发布的统计数推算己方哪些行匹配",
            ),
            Self::Traffic => Text::new(
                "sees times and sizes of the messages sent to it, and whether and when the job stopped",
                "可见发给自己的消息的时间与大小，以及任务是否及何时中止",
            ),
            Self::HeldResult => Text::new("reconstructs the held result in order to review it", "为审核而还原待审结果"),
            Self::Result => Text::new("receives the result after approval", "审核通过后获得结果"),
        }
    }
}

/// One line of the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leakage {
    /// Who learns.
    pub party: PartyName,
    /// What.
    pub code: LeakCode,
    /// The sentence.
    pub what: Text,
}

impl Leakage {
    /// A line with the standard sentence.
    #[must_use]
    pub fn new(party: PartyName, code: LeakCode) -> Self {
        Self { party, code, what: code.text() }
    }
}

/// Everything that this contract's protocols reveal, in the order of the parties.
///
/// The contract itself tells every party the rows offered. PSI on Diffie-Hellman: each side learns which of its rows
/// match, whatever `reveal_match` says (the hard rule `match.protocol` refuses a contract that promises otherwise), and the helper
/// needs the number of matched rows for the shapes. A join on shares tells nobody either; the contract names the magnitude of
/// each column. Rounding in the fixed-point protocol leaks only through opened values, and
/// nothing is opened to a computing party.
#[must_use]
pub fn required(contract: &Contract) -> Vec<Leakage> {
    let statistics = &contract.protocol.statistics;
    let mut lines = Vec::new();
    for party in &contract.parties {
        let mut add = |code| lines.push(Leakage::new(party.name.clone(), code));
        add(LeakCode::RowCount);
        let side = [(Side::Left, &statistics.left), (Side::Right, &statistics.right)]
            .into_iter()
            .find(|(_, s)| s.party == party.name)
            .map(|(side, _)| side);
        match contract.protocol.psi.kind {
            PsiKind::SharedJoin80 => add(LeakCode::ColumnMagnitude),
            PsiKind::EcdhRistretto255 if side.is_some() || party.name == statistics.helper => add(LeakCode::MatchCount),
            PsiKind::EcdhRistretto255 => {}
        }
        let reveals = contract.protocol.psi.kind.reveals();
        if side.is_some_and(|side| reveals.includes(side) || contract.reveal_match.includes(side)) {
            add(LeakCode::MatchedRows);
        }
        if party.is(Role::Computing) {
            add(LeakCode::Traffic);
        }
        if contract.protocol.psi.kind == PsiKind::SharedJoin80 {
            // the result begins with the number of matched rows
            if party.is(Role::Reviewer) || party.is(Role::Result) {
                add(LeakCode::MatchCount);
            }
            if side.is_some() && party.is(Role::Result) {
                add(LeakCode::MatchFromResult);
            }
        }
        if party.is(Role::Reviewer) {
            add(LeakCode::HeldResult);
        }
        if party.is(Role::Result) {
            add(LeakCode::Result);
        }
    }
    lines
}
