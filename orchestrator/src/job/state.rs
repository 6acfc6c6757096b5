//! States of a job. An "-ing" state is a persisted intent: after a crash it is repeated or ended by name, never guessed.

use std::fmt;

macro_rules! states {
    ($($name:ident = $text:literal, $zh:literal, $doc:literal;)*) => {
        /// State of a job on one node.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum State { $(#[doc = $doc] $name,)* }
        impl State {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// Stable name.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }
            /// Chinese name.
            pub fn zh(self) -> &'static str { match self { $(Self::$name => $zh,)* } }
            /// State of this name.
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$name),)* _ => None } }
        }
    };
}

states! {
    Proposing = "proposing", "提议中", "The proposer collects signatures.";
    Proposed = "proposed", "待签署", "A party waits for its person to decide.";
    Signed = "signed", "已签署", "This party signed and waits for the others.";
    Admitted = "admitted", "已准入", "Every signature is here; nothing has started.";
    Running = "running", "运行中", "Sessions are open and the protocol runs.";
    Sealing = "sealing", "提交份额中", "The sealed output share is on its way to the reviewer.";
    Held = "held", "待审", "The result waits for its decision.";
    Releasing = "releasing", "放行中", "Approved; on its way to the receiver, for at most the configured limit.";
    Destroying = "destroying", "销毁中", "Working copies and keys are being destroyed.";
    Done = "done", "完成", "Ended well; working copies are destroyed.";
    Rejected = "rejected", "未放行", "The review refused; nothing was released.";
    Refused = "refused", "已拒签", "A party refused to sign.";
    Failed = "failed", "失败", "Ended with a named fault; no result was delivered to the party that it names, or none at all.";
}

impl State {
    /// Whether nothing happens any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Rejected | Self::Refused | Self::Failed)
    }

    /// States in which something still happens.
    pub fn open() -> Vec<Self> {
        Self::ALL.iter().copied().filter(|state| !state.is_final()).collect()
    }

    /// Whether the job may still be ended by a fault of the computation.
    pub fn before_held(self) -> bool {
        matches!(self, Self::Proposing | Self::Proposed | Self::Signed | Self::Admitted | Self::Running | Self::Sealing)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for s in State::ALL {
            assert_eq!(State::parse(s.as_str()), Some(*s));
            assert!(!s.zh().is_empty());
        }
        assert_eq!(State::parse("guessed"), None);
    }
}
