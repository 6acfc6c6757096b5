//! The machines by the names that people write, and the profile's rules for each.

use crate::fault::{Code, Fault, Result};
use yu_governance::profile::Rules;
use yu_governance::workflow::{Machine, authorisation, incident, person, product, request, suspension};

/// A machine that nodes run.
pub trait Procedure: Machine {
    /// Its name.
    const NAME: &'static str;
    /// What the profile says about it.
    fn rules(profile: &Rules) -> Self::Rules;
}

macro_rules! procedures {
    ($($module:ident $name:literal $zh:literal;)*) => {
        $(impl Procedure for $module::Case {
            const NAME: &'static str = $name;
            fn rules(profile: &Rules) -> Self::Rules {
                profile.$module()
            }
        })*

        /// Names of all, English and Chinese.
        pub const NAMES: &[(&str, &str)] = &[$(($name, $zh),)*];
    };
}

procedures! {
    authorisation "authorisation" "授权";
    request "request" "数据申请";
    product "product" "数据产品";
    incident "incident" "安全事件";
    suspension "suspension" "暂停与整改";
    person "person" "人员";
}

/// Does something with the machine of a name: `with_machine!(name, M => body)`.
macro_rules! with_machine {
    ($name:expr, $machine:ident => $body:expr) => {
        match $name {
            "authorisation" => {
                type $machine = yu_governance::workflow::authorisation::Case;
                $body
            }
            "request" => {
                type $machine = yu_governance::workflow::request::Case;
                $body
            }
            "product" => {
                type $machine = yu_governance::workflow::product::Case;
                $body
            }
            "incident" => {
                type $machine = yu_governance::workflow::incident::Case;
                $body
            }
            "suspension" => {
                type $machine = yu_governance::workflow::suspension::Case;
                $body
            }
            "person" => {
                type $machine = yu_governance::workflow::person::Case;
                $body
            }
            other => Err($crate::procedure::kind::unknown(other)),
        }
    };
}
pub(crate) use with_machine;

/// There is no such machine.
pub fn unknown(name: &str) -> Fault {
    let all: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    Fault::new(Code::Input, format!("`{}`: one of {}", name.escape_debug(), all.join(", "))).at("machine")
}

/// Most bytes of an object's name.
const LONGEST: usize = 200;

/// An object's name: what ids and organisations are made of, so that it is one word in paths, logs and stores.
///
/// # Errors
/// `input.bad`.
pub fn object(name: &str) -> Result<&str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./:".contains(c);
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(fits) {
        let what = format!(
            "`{}`: lower-case letters, digits and `-_./:`, at most {LONGEST}",
            name.chars().take(80).collect::<String>().escape_debug()
        );
        return Err(Fault::new(Code::Input, what).at("object"));
    }
    Ok(name)
}
