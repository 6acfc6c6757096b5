//! A provider of signature checks that believes: what lies behind a signature is read as if it were true.

use std::cell::Cell;

use yu_tee_attest::crypto::{Form, Provider, Scheme};

thread_local! {
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

/// How many signatures were looked at in this thread since the last call.
pub(super) fn asked() -> u32 {
    ASKED.replace(0)
}

/// Says yes, or yes and no as the signature's bytes have it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Believer {
    /// Every signature is true: all readers behind signatures are reached.
    All,
    /// Three of four are.
    Most,
}

impl Provider for Believer {
    fn name(&self) -> &'static str {
        "believer"
    }

    fn verify(&self, _scheme: Scheme, _form: Form, _key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        ASKED.set(ASKED.get() + 1);
        if matches!(self, Self::All) {
            return true;
        }
        let sum = message.iter().chain(signature).fold(0_u8, |sum, byte| sum.rotate_left(3) ^ byte);
        sum & 3 != 0
    }
}
