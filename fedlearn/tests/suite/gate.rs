//! The release gate: models that remember are refused, models that generalise pass, what cannot be told does not.

mod boundaries;
mod forests;
mod networks;
