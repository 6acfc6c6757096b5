//! The scanner: one pass over the bytes, left to right. It stops at runs of letters and digits and at Chinese
//! characters that can begin something; each stop goes to the automaton of its classes, which reads on from there.
//!
//! INVARIANT: hits do not overlap and come in order; the one that begins first wins. Of several readings that begin at
//! one place a fixed order decides: an e-mail address around it, then the longest sequence of groups, then a verified
//! check digit, then the other shapes. Work per stop is bounded, or remembered in a field, so that the whole pass is
//! linear in the length of the text.

use super::chars::{
    ACCOUNT, ALNUM, COMPOUND, DIGIT, DIVISION, HAN, HAN_TABLE, Han, KIND, MAIL, MULTI, NO_HAN, PERSON_END, PLATE, SURNAME, TITLE, WIDE,
    begins,
};
use super::class::{Class, ClassSet, Confidence, Reason};
use super::regions::{DIVISIONS, Divisions};
use super::{Hit, address, code, name, net, number};

/// What a verifier says of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) class: Class,
    pub(super) confidence: Confidence,
    pub(super) reason: Reason,
}

impl Found {
    pub(super) const fn new(class: Class, confidence: Confidence, reason: Reason) -> Self {
        Self { class, confidence, reason }
    }

    /// Likely if a word names the class, otherwise possible.
    pub(super) const fn by_context(class: Class, has_context: bool) -> Self {
        if has_context {
            Self::new(class, Confidence::Likely, Reason::ShapeAndContext)
        } else {
            Self::new(class, Confidence::Possible, Reason::Shape)
        }
    }
}

/// A candidate with its place in the text.
pub(super) type Spanned = (usize, usize, Found);

/// A run of ASCII letters and digits.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Classes of its characters, joined.
    pub(super) kinds: u8,
    /// Classes that all of its characters have.
    pub(super) common: u8,
}

pub(super) struct Scan<'a> {
    pub(super) text: &'a [u8],
    pub(super) han: &'static Han,
    pub(super) divisions: &'static Divisions,
    classes: ClassSet,
    least: Confidence,
    /// End of the last hit; nothing begins before it.
    pub(super) floor: usize,
    /// No `@` follows a run that ends before this.
    pub(super) no_mail_before: usize,
    /// No road or number follows a division before this.
    pub(super) no_address_before: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str, classes: ClassSet, least: Confidence) -> Self {
        Self {
            text: text.as_bytes(),
            han: &HAN_TABLE,
            divisions: &DIVISIONS,
            classes,
            least,
            floor: 0,
            no_mail_before: 0,
            no_address_before: 0,
        }
    }

    /// The whole text.
    pub(super) fn run(&mut self, emit: &mut dyn FnMut(Hit)) {
        let text = self.text;
        let mut at = 0;
        // flags of the character before `at`
        let mut before = NO_HAN;
        while let Some(&byte) = text.get(at) {
            let kind = KIND[usize::from(byte)];
            if kind & ALNUM != 0 {
                at = self.ascii(at, emit);
                before = NO_HAN;
            } else if kind & HAN != 0 {
                (at, before) = self.chinese(at, before, emit);
            } else {
                at = at.saturating_add(self.other(at, kind, emit));
                before = NO_HAN;
            }
        }
    }

    /// Punctuation, blanks, characters of other scripts: how far to go.
    #[inline]
    fn other(&mut self, at: usize, kind: u8, emit: &mut dyn FnMut(Hit)) -> usize {
        if kind & (WIDE | MULTI) == 0 {
            return 1;
        }
        if kind & WIDE != 0 {
            if super::chars::alnum_at(self.text, at).is_some() {
                return self.wide(at, emit);
            }
            return 3;
        }
        match self.text.get(at) {
            Some(0xf0..) => 4,
            Some(0xe0..) => 3,
            _ => 2,
        }
    }

    /// Hands a hit over, if it is wanted, and returns its end.
    pub(super) fn emit(&mut self, (start, end, found): Spanned, emit: &mut dyn FnMut(Hit)) -> usize {
        self.floor = end;
        if self.classes.has(found.class) && found.confidence >= self.least {
            emit(Hit { class: found.class, start, end, confidence: found.confidence, reason: found.reason });
        }
        end
    }

    fn ascii(&mut self, start: usize, emit: &mut dyn FnMut(Hit)) -> usize {
        let run = self.ascii_run(start);
        let next = self.text.get(run.end).map_or(0, |byte| KIND[usize::from(*byte)]);
        if (next & MAIL != 0 || self.text.get(run.end) == Some(&b'@'))
            && let Some(hit) = net::mail(self, run)
        {
            return self.emit(hit, emit);
        }
        if next & WIDE != 0 && super::chars::alnum_at(self.text, run.end).is_some() {
            return start + self.wide(start, emit);
        }
        let hit = if run.kinds & ALNUM == DIGIT { number::digits(self, run) } else { code::letters(self, run) };
        match hit {
            Some(hit) => self.emit(hit, emit).max(run.start + 1),
            None => run.end,
        }
    }

    #[inline]
    fn ascii_run(&self, start: usize) -> Run {
        let (mut kinds, mut common) = (0, u8::MAX);
        let tail = self.text.get(start..).unwrap_or(&[]);
        let mut length = 0;
        for byte in tail {
            let kind = KIND[usize::from(*byte)];
            if kind & ALNUM == 0 {
                break;
            }
            kinds |= kind;
            common &= kind;
            length += 1;
        }
        Run { start, end: start + length, kinds, common }
    }

    /// A run with full-width letters or digits, or digits that stand in groups: how far to go.
    fn wide(&mut self, start: usize, emit: &mut dyn FnMut(Hit)) -> usize {
        let (hit, length) = number::wide(self, start);
        match hit {
            Some(hit) => self.emit(hit, emit).saturating_sub(start).max(1),
            None => length.max(1),
        }
    }

    /// Chinese characters up to the first one that begins something, and it: where to go on, and the flags before that.
    fn chinese(&mut self, start: usize, before: u16, emit: &mut dyn FnMut(Hit)) -> (usize, u16) {
        let (text, han) = (self.text, self.han);
        let (mut at, mut before) = (start, before);
        let Some((mut character, mut flags)) = han.at(text, at) else {
            return (at.saturating_add(3), NO_HAN);
        };
        loop {
            let next = han.at(text, at + 3);
            let behind = next.map_or(NO_HAN, |(_, flags)| flags);
            let begins = begins(before, flags, behind);
            if begins != 0 {
                let end = self.at_character(at, character, begins, before, emit);
                if end != at + 3 {
                    return (end, 0);
                }
            }
            at += 3;
            before = flags;
            match next {
                Some(next) => (character, flags) = next,
                None => return (at, before),
            }
        }
    }

    /// A character that can begin what `flags` says.
    fn at_character(&mut self, at: usize, character: u32, flags: u16, before: u16, emit: &mut dyn FnMut(Hit)) -> usize {
        let ascii_follows = self.text.get(at + 3).is_some_and(u8::is_ascii_uppercase);
        if flags & PLATE != 0
            && ascii_follows
            && let Some(hit) = code::plate(self, at)
        {
            return self.emit(hit, emit);
        }
        if flags & DIVISION != 0
            && at >= self.no_address_before
            && let Some(hit) = address::from_division(self, at, character)
        {
            return self.emit(hit, emit);
        }
        if flags & (SURNAME | COMPOUND) != 0
            && before & (NO_HAN | PERSON_END) != 0
            && let Some(hit) = name::forward(self, at, flags, before & NO_HAN != 0)
        {
            return self.emit(hit, emit);
        }
        if flags & TITLE != 0
            && let Some(hit) = name::before_title(self, at)
        {
            return self.emit(hit, emit);
        }
        if flags & ACCOUNT != 0
            && let Some(hit) = net::wechat_after(self, at)
        {
            return self.emit(hit, emit);
        }
        at + 3
    }
}
