//! TCG event logs.

use crate::claims::Definition;

pub(crate) const SCHEMA: &[Definition] = &[];
