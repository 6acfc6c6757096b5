//! Tests of one claim.

use serde::{Deserialize, Serialize};

use super::wrong;
use crate::claims::{ClaimType, Definition, TcbStatus, Value};
use crate::fault::Result;

/// What is asked of a claim. Each is for the claim types that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Test {
    /// Flags: this value.
    Is(bool),
    /// Bytes (hexadecimal), text, numbers in decimal, states: one of these.
    OneOf(Vec<String>),
    /// Numbers: at least this.
    AtLeast(u64),
    /// Numbers: at most this.
    AtMost(u64),
    /// Numbers: none of these bits is set.
    BitsClear(u64),
    /// Numbers: all of these bits are set.
    BitsSet(u64),
    /// Lists: nothing but these.
    Within(Vec<String>),
    /// Lists: none of these.
    Without(Vec<String>),
}

/// 2^53 - 1.
const MOST_NUMBER: u64 = 9_007_199_254_740_991;
/// Reference values of one rule.
const MOST_VALUES: usize = 1024;

impl Test {
    /// Whether it names values one by one.
    pub(crate) const fn names_values(&self) -> bool {
        matches!(self, Self::OneOf(_))
    }

    /// The test must be for the claim's type, and its values must be of it.
    pub(crate) fn check(&self, rule: &str, claim: &Definition) -> Result<()> {
        let fits = match self {
            Self::Is(_) => claim.claim_type == ClaimType::Flag,
            Self::OneOf(_) => matches!(claim.claim_type, ClaimType::Bytes | ClaimType::Text | ClaimType::Tcb | ClaimType::Number),
            Self::AtLeast(_) | Self::AtMost(_) | Self::BitsClear(_) | Self::BitsSet(_) => claim.claim_type == ClaimType::Number,
            Self::Within(_) | Self::Without(_) => claim.claim_type == ClaimType::List,
        };
        if !fits {
            return Err(wrong(
                "policy.test",
                rule,
                &format!("this test is not for the claim `{}`, which is of type {:?}", claim.name, claim.claim_type),
                &format!("该检验不适用于类型为 {:?} 的声明 `{}`", claim.claim_type, claim.name),
            ));
        }
        // canonical JSON holds numbers as doubles: beyond 2^53 two policies would have one hash
        if let Self::AtLeast(number) | Self::AtMost(number) | Self::BitsClear(number) | Self::BitsSet(number) = self
            && *number > MOST_NUMBER
        {
            return Err(wrong(
                "policy.number",
                rule,
                "a number above 2^53 - 1: use one-of with decimal texts",
                "数值超过 2^53 - 1，请用 one-of 写十进制文本",
            ));
        }
        let (Self::OneOf(values) | Self::Within(values) | Self::Without(values)) = self else { return Ok(()) };
        if values.is_empty() && names_none_is_wrong(self) || values.len() > MOST_VALUES || values.iter().any(|value| value.len() > 512) {
            return Err(wrong("policy.values", rule, "no values, more than 1024, or one above 512 bytes", "未给出值、值过多或过长"));
        }
        for value in values {
            if !readable(claim, value) {
                return Err(wrong(
                    "policy.value",
                    rule,
                    &format!("a value that the claim `{}` cannot have: `{value}`", claim.name),
                    &format!("声明 `{}` 不可能取值 `{value}`", claim.name),
                ));
            }
        }
        Ok(())
    }

    /// Whether the value passes. A value of another type does not.
    pub(crate) fn passes(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Is(expected), Value::Flag(found)) => expected == found,
            (Self::OneOf(values), Value::Bytes(found)) => values.iter().any(|value| hex::decode(value).is_ok_and(|value| value == *found)),
            (Self::OneOf(values), Value::Text(found)) => values.contains(found),
            (Self::OneOf(values), Value::Number(found)) => values.iter().any(|value| value.parse() == Ok(*found)),
            (Self::OneOf(values), Value::Tcb(found)) => values.iter().any(|value| value == found.name()),
            (Self::AtLeast(least), Value::Number(found)) => found >= least,
            (Self::AtMost(most), Value::Number(found)) => found <= most,
            (Self::BitsClear(bits), Value::Number(found)) => found & bits == 0,
            (Self::BitsSet(bits), Value::Number(found)) => found & bits == *bits,
            (Self::Within(values), Value::List(found)) => found.iter().all(|one| values.contains(one)),
            (Self::Without(values), Value::List(found)) => !found.iter().any(|one| values.contains(one)),
            _ => false,
        }
    }

    /// What is expected, for people.
    pub(crate) fn show(&self) -> String {
        let list = |values: &[String]| match values {
            few if few.len() <= 4 => few.join(", "),
            many => format!("{}, ... ({} values)", many.iter().take(3).cloned().collect::<Vec<_>>().join(", "), many.len()),
        };
        match self {
            Self::Is(flag) => flag.to_string(),
            Self::OneOf(values) => format!("one of {}", list(values)),
            Self::AtLeast(number) => format!(">= {number}"),
            Self::AtMost(number) => format!("<= {number}"),
            Self::BitsClear(bits) => format!("bits {bits:#x} clear"),
            Self::BitsSet(bits) => format!("bits {bits:#x} set"),
            Self::Within(values) => format!("nothing but {}", list(values)),
            Self::Without(values) => format!("none of {}", list(values)),
        }
    }
}

/// "Nothing but nothing" is a sensible thing to ask of a list; "one of nothing" is not.
const fn names_none_is_wrong(test: &Test) -> bool {
    !matches!(test, Test::Within(_))
}

fn readable(claim: &Definition, value: &str) -> bool {
    match claim.claim_type {
        ClaimType::Bytes => hex::decode(value).is_ok_and(|bytes| claim.length.is_none_or(|length| bytes.len() == length)),
        ClaimType::Number => value.parse::<u64>().is_ok(),
        ClaimType::Tcb => {
            serde_json::from_value::<TcbStatus>(serde_json::Value::String(value.to_owned())).is_ok_and(|status| status.name() == value)
        }
        ClaimType::Text | ClaimType::List => !value.is_empty(),
        ClaimType::Flag => false,
    }
}
