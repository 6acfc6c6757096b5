//! Text with its identifiers replaced by the names of their classes.

use super::class::{Class, Confidence};
use super::{Detector, Hit};
use crate::error::Lang;

/// A text without the identifiers that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// The text; each hit stands as `[mobile number]` or `【手机号码】`.
    pub text: String,
    /// How often each class was replaced, classes that did not occur left out.
    pub counts: Vec<(Class, u64)>,
}

impl Detector {
    /// The text with every hit of at least `from` replaced by the name of its class.
    ///
    /// Only what was found is replaced: the result is not anonymous by that alone (see the module).
    ///
    /// ```
    /// use yu_desensitize::Lang;
    /// use yu_desensitize::detect::{Confidence, Detector};
    /// let clean = Detector::default().redact("请致电13800138000。", Confidence::Likely, Lang::Zh);
    /// assert_eq!(clean.text, "请致电【手机号码】。");
    /// ```
    #[must_use]
    pub fn redact(&self, text: &str, from: Confidence, lang: Lang) -> Redacted {
        let mut counts = [0u64; Class::ALL.len()];
        let mut clean = String::with_capacity(text.len());
        let mut done = 0;
        self.scan_with(text, |hit: Hit| {
            if hit.confidence < from {
                return;
            }
            clean.push_str(text.get(done..hit.start).unwrap_or(""));
            let (open, close) = match lang {
                Lang::En => ('[', ']'),
                Lang::Zh => ('【', '】'),
            };
            clean.push(open);
            clean.push_str(hit.class.title(lang));
            clean.push(close);
            done = hit.end;
            if let Some(count) = counts.get_mut(hit.class as usize) {
                *count += 1;
            }
        });
        clean.push_str(text.get(done..).unwrap_or(""));
        let counts = Class::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
        Redacted { text: clean, counts }
    }
}
