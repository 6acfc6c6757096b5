//! Jurisdiction profiles (管辖规则集) by name or from a file.

use crate::fault::{Code, Fault, Result};
use std::path::Path;
use yu_governance::canonical::from_readable;
use yu_governance::profile::{Effective, Profile, Shipped};

/// Names of those that ship.
///
/// # Errors
/// None in practice: they are part of the program.
pub fn names() -> Result<Vec<String>> {
    Shipped::ALL.iter().map(|shipped| Ok(shipped.profile()?.id.to_string())).collect()
}

/// The profile of this name, or of this file, over its parent.
///
/// # Errors
/// `input.bad` with everything that is wrong with it: fields that are missing, values that cannot be meant, each loosening of its parent; `file.missing`.
pub fn named(name: &str) -> Result<Effective> {
    if let Some(effective) = shipped(name)? {
        return Ok(effective);
    }
    let path = Path::new(name);
    if !path.is_file() {
        let all = names()?.join(", ");
        return Err(Fault::new(Code::FileMissing, format!("`{name}`: one of {all}, or the file of a profile")).at("profile"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| Fault::io(&e, path))?;
    let profile: Profile = from_readable("profile", &text).map_err(|e| Fault::from(e).at(name.to_owned()))?;
    let parent = profile.parent.as_ref().map(|parent| shipped(&parent.to_string())).transpose()?.flatten();
    Effective::new(profile, parent.as_ref()).map_err(|found| {
        let all: Vec<String> = found.iter().map(ToString::to_string).collect();
        Fault::new(Code::Input, all.join("\n")).at(name.to_owned())
    })
}

/// The same as stated, with the parent as stated.
///
/// # Errors
/// Those of [`named`].
pub fn with_parent(name: &str) -> Result<(Profile, Option<Profile>)> {
    let profile = named(name)?.profile().clone();
    let parent = profile.parent.as_ref().map(|parent| named(&parent.to_string())).transpose()?;
    Ok((profile, parent.map(|parent| parent.profile().clone())))
}

fn shipped(name: &str) -> Result<Option<Effective>> {
    for shipped in Shipped::ALL {
        if shipped.profile()?.id.to_string() == name {
            return Ok(Some(shipped.effective()?));
        }
    }
    Ok(None)
}
