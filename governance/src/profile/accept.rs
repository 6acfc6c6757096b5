//! When a version of a profile takes effect (D16): both signatures, and an unbroken line of versions.

use super::Profile;
use crate::error::{Error, Result};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed};

/// The profile, if the authority signed it and the regulator countersigned it, and it follows on `current`.
///
/// A profile decides on terms, clocks and gates, so no single key may change it: the authority decides, and the regulator,
/// whose node is apart from the platform's, witnesses. The hash of the replaced version shuts out a return to an older one and
/// two versions side by side.
///
/// # Errors
/// `Signature` if one of the two is missing or does not verify; `Refused` if one party stands for both, for another profile,
/// a version that does not follow, or a document that does not check.
pub fn accept<'a>(
    signed: &'a Signed<Profile>,
    ring: &KeyRing,
    authority: &PartyName,
    regulator: &PartyName,
    current: Option<&Profile>,
) -> Result<&'a Profile> {
    if authority.organisation() == regulator.organisation() {
        return Err(refused("profile.one-signer", format!("`{}` cannot be authority and regulator at once", authority.organisation())));
    }
    let profile = signed.verify(ring, &[authority.as_str(), regulator.as_str()])?;
    if let Some(finding) = profile.check().first() {
        return Err(refused("profile.refused", finding.to_string()));
    }
    let (version, replaces) = match current {
        None => (1, None),
        Some(current) if current.id != profile.id => {
            return Err(refused("profile.other", format!("`{}` cannot replace `{}`", profile.id, current.id)));
        }
        Some(current) => (current.version.saturating_add(1), Some(document_hash(current)?)),
    };
    if (profile.version, profile.replaces) != (version, replaces) {
        return Err(refused(
            "profile.version",
            format!(
                "`{}` version {} does not follow: expected version {version} that replaces {}; sign the change on top of the version in force",
                profile.id,
                profile.version,
                replaces.map_or_else(|| "nothing".to_owned(), |hash| hash.to_string())
            ),
        ));
    }
    Ok(profile)
}

const fn refused(code: &'static str, what: String) -> Error {
    Error::Refused { code, what }
}
