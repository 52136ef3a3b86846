//! Natural days and years at the ledger's fixed offset, UTC+8.
//!
//! Integer civil-calendar arithmetic on the proleptic Gregorian calendar; no time zone data, no
//! daylight saving (China has none), so the answer for a given time never changes.

use crate::Nanos;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const SECONDS_PER_DAY: u64 = 86_400;
/// UTC+8.
const OFFSET_SECONDS: u64 = 8 * 3_600;

/// Days since 1970-01-01 at UTC+8.
#[must_use]
pub const fn day(at: Nanos) -> u32 {
    // Seconds first: adding the offset to nanoseconds could leave 64 bits.
    ((at / NANOS_PER_SECOND + OFFSET_SECONDS) / SECONDS_PER_DAY) as u32
}

/// The calendar year at UTC+8.
#[must_use]
pub const fn year(at: Nanos) -> u16 {
    year_of_day(day(at))
}

/// The calendar year of a day counted from 1970-01-01.
///
/// Years are taken to start in March, so that the leap day is the last day of a year and a
/// 400-year era has a fixed pattern (Hinnant, "chrono-compatible low-level date algorithms").
#[must_use]
pub const fn year_of_day(day: u32) -> u16 {
    const DAYS_FROM_0000_03_01: u64 = 719_468;
    const DAYS_PER_ERA: u64 = 146_097;
    let shifted = day as u64 + DAYS_FROM_0000_03_01;
    let era = shifted / DAYS_PER_ERA;
    let day_of_era = shifted % DAYS_PER_ERA;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From 1 January on (day 306 counted from 1 March) the civil year is the next one.
    let after_new_year = (day_of_year >= 306) as u64;
    (era * 400 + year_of_era + after_new_year) as u16
}
