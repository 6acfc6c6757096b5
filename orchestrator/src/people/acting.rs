//! Whose act it is. A verb runs on one thread from its check to its answer: whatever it writes into the log on this thread names the person.

use std::cell::RefCell;
use yu_governance::audit::{Event, Field};
use yu_governance::id::PersonId;

thread_local! {
    static ACTING: RefCell<Option<PersonId>> = const { RefCell::new(None) };
}

/// Threads serve one verb after another: nobody's act is left to the next, also when a verb panics.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        ACTING.with(|acting| acting.replace(None));
    }
}

/// Does something as a person.
pub fn as_person<T>(person: &PersonId, what: impl FnOnce() -> T) -> T {
    ACTING.with(|acting| acting.replace(Some(person.clone())));
    let _end = End;
    what()
}

/// An event with the person whose act it is, if it is one's.
#[must_use]
pub fn bound(event: Event) -> Event {
    match ACTING.with(|acting| acting.borrow().clone()) {
        Some(person) => event.with("person", Field::Person(person)),
        None => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yu_governance::audit::Verb;

    #[test]
    fn h2_what_is_logged_during_an_act_names_the_person_and_nothing_after_it() {
        let person = PersonId::new("dev/bank/p-1").unwrap();
        let plain = Event::new(Verb::JobSigned);
        let named = plain.clone().with("person", Field::Person(person.clone()));
        assert_eq!(as_person(&person, || bound(plain.clone())), named);
        assert_eq!(bound(plain.clone()), plain);
        let fell = std::panic::catch_unwind(|| as_person(&person, || panic!("a verb fell")));
        assert!(fell.is_err());
        assert_eq!(bound(plain.clone()), plain, "the next verb on this thread is not this person's");
        // another thread is another verb
        as_person(&person, || assert_eq!(std::thread::scope(|s| s.spawn(|| bound(plain.clone())).join().unwrap()), plain));
    }
}
