//! What is kept of a trained model (模型制品): versioned, kept under the authorisation, not destroyed with the job.
//!
//! | to see | open |
//! |---|---|
//! | a model as plain numbers, and what it predicts | [`model`] |
//! | the artefact: model, lineage, privacy statement, metrics; its JSON and hash | [`document`] |
//! | the same model as ONNX | [`onnx`] |
//! | versions, the one in use, rollback | [`versions`] |
//! | whether what the model sees has moved since training | [`drift`] |
//!
//! An artefact leaves through the release gate of its job like every result; nothing here decides about that.

pub mod document;
pub mod drift;
pub mod model;
pub mod onnx;
pub mod versions;

pub use document::{Artefact, DataVersion, Lineage, Privacy};
pub use model::{Activation, Layer, Model, Network, Tree, Trees};
pub use versions::{ArtefactVersion, Versions};
