//! Secure aggregation: sums, dropouts, cheats, bytes, and what the server sees.

mod agreement;
mod cheating;
mod dropouts;
mod survivors;
mod transcript;
mod view;
mod world;
