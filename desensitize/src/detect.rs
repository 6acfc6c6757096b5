//! Finds identifiers in text and in the columns of tables (个人信息识别), in Chinese and in English.
//!
//! | to see | open |
//! |---|---|
//! | classes, confidence, reasons, suggested grades | `detect/class.rs` |
//! | the pass over a text, overlaps | `detect/scan.rs` |
//! | check digits: GB 11643, GB 32100, GB 16735, ISO/IEC 7812, 3GPP TS 23.003 | `detect/check.rs` |
//! | digits, groups, full-width digits | `detect/number.rs` |
//! | telephones | `detect/phone.rs` |
//! | codes with letters, documents, plates (GA 36) | `detect/code.rs` |
//! | e-mail, IP, MAC, WeChat | `detect/net.rs` |
//! | names of persons | `detect/name.rs` |
//! | postal addresses | `detect/address.rs` |
//! | words that name a class | `detect/context.rs` |
//! | divisions and their codes (GB/T 2260) | `detect/regions.rs` |
//! | classes of columns, labels | `detect/columns.rs`, `detect/headers.rs` |
//! | the same for files larger than memory | `detect/stream.rs` |
//!
//! How it works: one table look-up per character decides whether anything can begin there; only then an automaton of the
//! class reads on, and a verifier has the last word. Boundaries are changes of the character class (a number ends where
//! digits end, whatever follows), never "word boundaries", which do not exist between Chinese and Latin characters.
//!
//! What a hit promises: [`Confidence::Certain`] means that a check digit was computed and is right. One in ten random
//! digits is right as well for a bank card or a device, one in eleven for a resident number, whose date and county
//! must also exist. [`Confidence::Likely`] and [`Confidence::Possible`] are rules of thumb. A number whose check digit
//! is **wrong** is at most possible: it may be a mistyped identifier and still lead to a person.
//!
//! What is **not** found: names and addresses without any sign that they are ones (no trained model is used), English
//! postal addresses, foreign identity numbers and telephones, identifiers in pictures, in words (一三八…), split over
//! lines, or encoded. Finding nothing proves nothing: a text that passed is not thereby anonymous.
//!
//! Text must be valid UTF-8, which `&str` guarantees; decoding is the caller's ([`crate::read`] does it for files).
//! The pass is linear in the length of the text, allocates nothing, and never panics.
//!
//! ```
//! use yu_desensitize::detect::{Class, Confidence, Detector, Options};
//! let detector = Detector::new(Options::default());
//! let text = "身份证号11010519491231002X，电话138 0013 8000";
//! let hits = detector.scan(text);
//! assert_eq!((hits[0].class, hits[0].confidence), (Class::ResidentId, Confidence::Certain));
//! assert_eq!(&text[hits[1].span()], "138 0013 8000");
//! ```

mod address;
mod chars;
mod check;
mod class;
mod code;
mod columns;
mod context;
mod headers;
mod name;
mod net;
mod number;
mod phone;
mod redact;
mod regions;
mod scan;
mod stream;

use std::ops::Range;

pub use class::{Class, ClassSet, Confidence, Reason};
pub use columns::ColumnClass;
pub(crate) use headers::class_of as class_of_header;
pub use redact::Redacted;
pub(crate) use regions::{DIVISIONS, Known};
pub use stream::Classified;

/// What to look for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Classes to report. A number that reads as a class left out here is not offered as another one instead.
    pub classes: ClassSet,
    /// Hits below this are not reported.
    pub least: Confidence,
    /// Cells that [`Detector::classify`] reads per column.
    ///
    /// If none of 4096 cells taken evenly holds an identifier, at most 0.1 % of the column does, at 98 % confidence.
    pub sample: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { classes: ClassSet::ALL, least: Confidence::Possible, sample: 4096 }
    }
}

/// An identifier in a text. It holds no value: the text stays with the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hit {
    /// What it is.
    pub class: Class,
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// How sure that is.
    pub confidence: Confidence,
    /// Why.
    pub reason: Reason,
}

impl Hit {
    /// The bytes of the text, separators inside a number included.
    #[must_use]
    pub const fn span(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Finds identifiers. Cheap to clone; use one from as many threads as you like.
#[derive(Clone, Debug)]
pub struct Detector {
    options: Options,
}

impl Detector {
    /// A detector. The first one of a process reads the tables, which takes about a millisecond.
    #[must_use]
    pub fn new(options: Options) -> Self {
        std::sync::LazyLock::force(&chars::HAN_TABLE);
        Self { options }
    }

    /// The options it was made with.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// All hits of a text, in order, without overlaps.
    #[must_use]
    pub fn scan(&self, text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.scan_with(text, |hit| hits.push(hit));
        hits
    }

    /// Calls `each` with every hit of a text, in order. Allocates nothing.
    pub fn scan_with(&self, text: &str, mut each: impl FnMut(Hit)) {
        scan::Scan::new(text, self.options.classes, self.options.least).run(&mut each);
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self::new(Options::default())
    }
}
