//! Training over shares against training in one place.

mod boost;
mod learners;
mod online;
mod pair;
mod poisson;
mod regression;
mod task;
mod world;
