//! Conduct of those who decide: what reviewers see is for the review only (A29), operators are selected fairly (A26).
//!
//! | to see | open |
//! |---|---|
//! | the reading room of a review | [`reading`] |
//! | plan, bids, scores, selection, linked to the root grant | [`selection`] |

pub mod reading;
pub mod selection;

pub use reading::{Pass, Read, ReadingRoom};
pub use selection::{Adoption, Bid, Manner, Selection};
