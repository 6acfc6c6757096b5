//! Closed lists of words: each with its stable name, its Chinese name, and a reader that refuses everything else.

/// A word of a closed list.
pub trait Word: Copy + Eq + Ord + std::fmt::Debug + std::fmt::Display + 'static {
    /// Every word of the list.
    fn all() -> &'static [Self];
    /// Stable name, as in documents.
    fn as_str(self) -> &'static str;
    /// Chinese name.
    fn zh(self) -> &'static str;

    /// The word of this name.
    #[must_use]
    fn parse(text: &str) -> Option<Self> {
        Self::all().iter().copied().find(|word| word.as_str() == text)
    }
}

/// Declares a list: `Variant = "name", "中文", "doc";`.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal, $zh:literal, $doc:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $(#[doc = $doc] #[serde(rename = $text)] $variant,)* }

        impl $crate::workflow::word::Word for $name {
            fn all() -> &'static [Self] { &[$(Self::$variant,)*] }
            fn as_str(self) -> &'static str { match self { $(Self::$variant => $text,)* } }
            fn zh(self) -> &'static str { match self { $(Self::$variant => $zh,)* } }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::workflow::word::Word::as_str(*self))
            }
        }
    };
}
pub(crate) use words;
