//! Working days: the shipped years, counting, and files that are imported.

use std::collections::BTreeSet;

use proptest::prelude::*;
use yu_governance::calendar::{Calendar, Date, Limit, YearCalendar};
use yu_governance::canonical::{from_readable, to_canonical};
use yu_governance::clock::Time;
use yu_governance::sign::Signed;

use crate::world::{AUTHORITY, STRANGER, Spoil, at, party, ring, sign};

const SHIPPED: [(i32, &str); 2] = [(2025, include_str!("../../calendars/2025.json")), (2026, include_str!("../../calendars/2026.json"))];

fn calendar() -> Calendar {
    Calendar::shipped().unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Noon in China.
fn noon(text: &str) -> Time {
    date(text).first_second().plus_seconds(12 * 3_600)
}

fn file(year: i32) -> YearCalendar {
    from_readable("calendar", SHIPPED.iter().find(|(y, _)| *y == year).unwrap().1).unwrap()
}

#[test]
fn c1_shipped_years_are_complete() {
    for (year, _) in SHIPPED {
        let file = file(year);
        assert_eq!(file.year, year);
        assert!(file.check().is_empty(), "{:?}", file.check());
        assert!(file.source.en.contains("chinesecalendar") && file.licence.starts_with("MIT"));
        // 13 statutory days a year since 2025: a weekday off beyond them is worked for on a weekend day
        let weekdays_off = file.holidays.iter().filter(|d| !d.date.is_weekend()).count();
        assert!(weekdays_off - file.workdays.len() <= 13, "{year}: {weekdays_off} {}", file.workdays.len());
    }
    assert_eq!(calendar().years().collect::<Vec<_>>(), [2025, 2026]);
}

#[test]
fn c1_days_around_national_day_and_spring_festival() {
    let calendar = calendar();
    for (day, works) in [
        ("2026-09-19", false), // Saturday
        ("2026-09-20", true),  // Sunday, worked for National Day
        ("2026-09-25", false), // Friday, Mid-autumn
        ("2026-09-28", true),
        ("2026-10-01", false),
        ("2026-10-07", false), // Wednesday
        ("2026-10-08", true),
        ("2026-10-10", true), // Saturday, worked for National Day
        ("2026-10-11", false),
        ("2026-02-14", true), // Saturday, worked for Spring Festival
        ("2026-02-15", false),
        ("2026-02-23", false), // Monday
        ("2026-02-24", true),
        ("2026-02-28", true), // Saturday
        ("2025-01-26", true), // Sunday
        ("2025-10-11", true), // Saturday
        ("2025-10-08", false),
    ] {
        assert_eq!(calendar.is_working_day(date(day)).unwrap(), works, "{day}");
    }
    for (start, days, ends) in [
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-09-30", 5, "2026-10-13"),  // 8, 9, 10 (make-up), 12, 13
        ("2026-09-18", 10, "2026-10-09"), // 20 (make-up), 21 to 24, 28 to 30, 8, 9
        ("2026-02-13", 5, "2026-02-27"),  // 14 (make-up), 24 to 27
        ("2026-02-13", 10, "2026-03-05"), // and 28 (make-up), 2 to 5
        ("2025-12-31", 1, "2026-01-04"),  // Sunday (make-up)
        ("2025-09-27", 9, "2025-10-15"),  // 28 (make-up), 29, 30, 9, 10, 11 (make-up), 13 to 15
    ] {
        assert_eq!(calendar.add_working_days(noon(start), days).unwrap(), date(ends).last_second(), "{start} + {days}");
        assert_eq!(naive_end(&calendar, date(start), days), date(ends), "{start} + {days}");
    }
}

#[test]
fn c1_the_limit_ends_with_the_day_in_china() {
    let end = calendar().add_working_days(at("2026-09-30T15:59:59Z"), 1).unwrap();
    assert_eq!(end, at("2026-10-08T15:59:59Z"));
    // one second later it is 1 October in China: the start moves, the end does not (the days between are holidays)
    assert_eq!(calendar().add_working_days(at("2026-09-30T16:00:00Z"), 1).unwrap(), end);
    assert_eq!(calendar().add_working_days(at("2026-10-08T00:00:00Z"), 0).unwrap(), at("2026-10-08T15:59:59Z"));
}

#[test]
fn d9_a_year_that_is_not_loaded_is_named() {
    let error = calendar().add_working_days(noon("2026-12-30"), 3).unwrap_err().to_string();
    assert!(error.contains("calendar.year-missing") && error.contains("2027") && error.contains("import"), "{error}");
    assert_eq!(calendar().add_working_days(noon("2026-12-30"), 1).unwrap(), date("2026-12-31").last_second());
    assert!(Calendar::empty().is_working_day(date("2026-01-05")).is_err());
    assert!(calendar().add_working_days(noon("2026-01-05"), u32::MAX).unwrap_err().to_string().contains("calendar.limit-too-long"));
    // calendar time needs no year
    assert_eq!(Calendar::months_after(noon("2026-08-31"), 6), date("2027-02-28").last_second());
    assert_eq!(Calendar::years_after(noon("2026-11-01"), 3), date("2029-11-01").last_second());
    let months = calendar().deadline(noon("2026-08-31"), Limit::Months(6), |_| false).unwrap().unwrap();
    assert_eq!(months, Calendar::months_after(noon("2026-08-31"), 6));
    assert_eq!(calendar().deadline(noon("2026-08-31"), Limit::Unset, |_| false).unwrap(), None);
    let days = calendar().deadline(noon("2026-09-30"), Limit::Days(2), |_| false).unwrap().unwrap();
    assert_eq!(days, date("2026-10-02").last_second());
}

#[test]
fn d9_a_year_is_imported_by_a_signed_file() {
    let mut next = file(2026);
    next.year = 2027;
    let moved = |days: &mut Vec<yu_governance::calendar::NamedDay>| {
        for day in days {
            day.date = day.date.to_string().replace("2026", "2027").parse().unwrap();
        }
    };
    moved(&mut next.holidays);
    next.workdays.clear();
    let (ring, authority) = (ring(), party(AUTHORITY));
    let mut calendar = calendar();
    assert!(calendar.import(&Signed::unsigned(next.clone()), &ring, &authority).is_err(), "nobody signed");
    assert!(calendar.import(&sign(next.clone(), STRANGER), &ring, &authority).is_err(), "not the authority");
    calendar.import(&sign(next.clone(), AUTHORITY), &ring, &authority).unwrap();
    assert!(!calendar.is_working_day(date("2027-01-01")).unwrap());
    calendar.import(&sign(next.clone(), AUTHORITY), &ring, &authority).unwrap();
    let mut changed = next.clone();
    changed.holidays.push(yu_governance::calendar::NamedDay { date: date("2027-12-31"), name: next.holidays[0].name.clone() });
    let refused = calendar.import(&sign(changed.clone(), AUTHORITY), &ring, &authority).unwrap_err().to_string();
    assert!(refused.contains("calendar.version-old"), "{refused}");
    changed.version = 2;
    calendar.import(&sign(changed, AUTHORITY), &ring, &authority).unwrap();
    assert!(!calendar.is_working_day(date("2027-12-31")).unwrap());
    assert!(calendar.import(&sign(next, AUTHORITY), &ring, &authority).is_err(), "no way back to version 1");
}

#[test]
fn d9_half_a_calendar_is_refused() {
    let spoil: [Spoil<YearCalendar>; 9] = [
        ("calendar.version-unknown", |c| c.v = 2),
        ("calendar.version-unknown", |c| c.version = 0),
        ("calendar.source-missing", |c| c.licence.clear()),
        ("calendar.days-malformed", |c| c.holidays.swap(0, 1)),
        ("calendar.days-malformed", |c| c.holidays[1] = c.holidays[0].clone()),
        ("calendar.days-malformed", |c| c.year = 2027),
        ("calendar.makeup-day", |c| c.workdays[0].date = "2026-01-06".parse().unwrap()),
        ("calendar.makeup-day", |c| c.workdays[0].date = "2026-01-03".parse().unwrap()),
        ("calendar.incomplete", |c| c.holidays.clear()),
    ];
    for (code, spoil) in spoil {
        let mut file = file(2026);
        spoil(&mut file);
        assert!(file.check().iter().any(|f| f.code == code), "{code}: {:?}", file.check());
        assert!(Calendar::empty().import(&sign(file, AUTHORITY), &ring(), &party(AUTHORITY)).is_err(), "{code}");
    }
}

#[test]
fn files_for_people_are_strict_about_content() {
    let text = SHIPPED[1].1;
    let canonical = String::from_utf8(to_canonical(&file(2026)).unwrap()).unwrap();
    from_readable::<YearCalendar>("calendar", &canonical).unwrap();
    for bad in [
        text.replace("\"v\": 1", "\"v\": 1, \"x\": 1"),
        text.replace("\"v\": 1", "\"v\": 1, \"v\": 1"),
        text.replace("\"v\": 1", "\"v\": 1.0"),
        text.replace("2026-10-07", "2026-10-7"),
        format!("{text}x"),
    ] {
        assert!(from_readable::<YearCalendar>("calendar", &bad).is_err());
    }
}

/// One day after the other, with nothing but the weekday and the two lists.
fn naive_end(calendar: &Calendar, start: Date, days: u32) -> Date {
    let files = [file(2025), file(2026)];
    let off: BTreeSet<Date> = files.iter().flat_map(|f| &f.holidays).map(|d| d.date).collect();
    let on: BTreeSet<Date> = files.iter().flat_map(|f| &f.workdays).map(|d| d.date).collect();
    let (mut day, mut left) = (start, days);
    while left > 0 {
        day = day.plus_days(1);
        let works = if day.is_weekend() { on.contains(&day) } else { !off.contains(&day) };
        assert_eq!(calendar.is_working_day(day).unwrap(), works, "{day}");
        left -= u32::from(works);
    }
    day
}

/// A moment of 2025 or the first nine months of 2026, so that 40 working days stay within what is loaded.
fn moment() -> impl Strategy<Value = Time> {
    (0_i64..365 + 270, 0_i64..86_400).prop_map(|(day, second)| date("2025-01-01").plus_days(day).first_second().plus_seconds(second))
}

proptest! {
    #[test]
    fn working_days_agree_with_a_count_by_hand(start in moment(), n in 0_u32..40) {
        let calendar = calendar();
        let end = calendar.add_working_days(start, n).unwrap();
        prop_assert_eq!(end, naive_end(&calendar, Date::of(start), n).last_second());
        prop_assert!(n == 0 || calendar.is_working_day(Date::of(end)).unwrap(), "no deadline on a holiday");
        prop_assert_eq!(calendar.working_days_between(start, end).unwrap(), n);
        prop_assert!(end > start || n == 0);
    }

    #[test]
    fn deadlines_are_monotone(a in moment(), b in moment(), n in 1_u32..30, m in 1_u32..30) {
        let calendar = calendar();
        prop_assert!(a > b || calendar.add_working_days(a, n).unwrap() <= calendar.add_working_days(b, n).unwrap());
        prop_assert!(n >= m || calendar.add_working_days(a, n).unwrap() < calendar.add_working_days(a, m).unwrap());
    }

    #[test]
    fn stopped_days_only_move_a_deadline_back(start in moment(), n in 1_u32..20, from in 0_i64..30, long in 0_i64..10) {
        let calendar = calendar();
        let first = Date::of(start).plus_days(from);
        let stopped = |day: Date| day >= first && day < first.plus_days(long);
        let plain = calendar.add_working_days(start, n).unwrap();
        let moved = calendar.deadline(start, Limit::WorkingDays(n), stopped).unwrap().unwrap();
        prop_assert!(moved >= plain);
        prop_assert!(!stopped(Date::of(moved)));
        let lost = (1..=Date::of(moved).days_since(Date::of(start)))
            .map(|d| Date::of(start).plus_days(d))
            .filter(|d| stopped(*d) && calendar.is_working_day(*d).unwrap())
            .count();
        prop_assert_eq!(calendar.working_days_between(start, moved).unwrap(), n + u32::try_from(lost).unwrap());
    }
}
