//! Training over shares against training in one place.

mod boost;
mod pair;
mod regression;
mod task;
mod world;
