//! The parts of log lines.

use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use tz::{DateTime, TimeZone, TimeZoneRef};

use super::text::is_unseen;
use crate::sync::LazyLock;

/// The number of characters of a request line that are logged. Escaped, each may become four bytes; a line then still fits into
/// one atomic write to a pipe (4096 bytes on Linux).
pub(super) const SHOWN: usize = 1000;

/// A value, or a dash where there is none.
pub(super) struct OrDash<T>(pub(super) Option<T>);

impl<T: fmt::Display> fmt::Display for OrDash<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// Escapes control characters (`\x1b`) and doubles backslashes, so that a client can neither forge a log line nor control the
/// terminal that shows it.
pub(super) struct Escaped<'a, W>(pub(super) &'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '\\' => self.0.write_str(r"\\")?,
                '\0'..='\x1f' | '\x7f'..='\u{9f}' => write!(self.0, r"\x{:02x}", u32::from(c))?,
                // Joiners and fillers are escaped here too: two names that differ only in them look the same.
                '\u{200c}' | '\u{200d}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' => {
                    write!(self.0, r"\u{:04x}", u32::from(c))?;
                }
                _ if is_unseen(c) => {
                    write!(self.0, r"\u{:04x}", u32::from(c))?;
                }
                _ => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A log line of the server itself.
pub(crate) fn line_of_the_server(text: &str) -> String {
    let mut line = "basehttp: ".to_owned();
    // Writing to a `String` cannot fail.
    let _ = Escaped(&mut line).write_str(text);
    line.push('\n');
    line
}

/// The time zone of this machine, from the variable `TZ` or the system's setting. It is read once, as by C's `localtime`, which
/// Python uses.
static ZONE: LazyLock<TimeZone> = LazyLock::new(|| {
    let zone = match std::env::var("TZ") {
        Ok(zone) => TimeZone::from_posix_tz(&zone),
        Err(_) => TimeZone::local(),
    };
    zone.unwrap_or_else(|_| TimeZone::utc())
});

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The local date and time.
pub(super) fn local(time: SystemTime) -> String {
    in_zone(time, ZONE.as_ref())
}

fn in_zone(time: SystemTime, zone: TimeZoneRef<'_>) -> String {
    // The clock of a machine without a battery may be set before 1970.
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = i64::try_from(seconds).unwrap_or_default();
    let time = DateTime::from_timespec(seconds, 0, zone);
    // The zone's file may end before this time.
    let time = time.or_else(|_| DateTime::from_timespec(seconds, 0, TimeZoneRef::utc()));
    time.map_or_else(
        |_| "-".to_owned(),
        |time| {
            let month = MONTHS.get(usize::from(time.month()) - 1).unwrap_or(&"-");
            format!(
                "{:02}/{month}/{:04} {:02}:{:02}:{:02}",
                time.month_day(),
                time.year(),
                time.hour(),
                time.minute(),
                time.second()
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_as_in_python() {
        let mut line = String::new();
        write!(Escaped(&mut line), "/spam \x1b{}\0 a\\b", "\u{9f}\u{a0}beans".to_owned()).unwrap();
        assert_eq!(line, "/spam \\x1b\\x9f\u{a0}beans\\x00 a\\\\b");
    }

    #[test]
    fn what_turns_a_line_around_or_is_not_seen_is_escaped() {
        let mut line = String::new();
        write!(Escaped(&mut line), "/\u{202e}gpj.exe \u{200b}a\u{ad}b\u{feff}\u{e0041} \u{7f}").unwrap();
        assert_eq!(line, "/\\u202egpj.exe \\u200ba\\u00adb\\ufeff\\ue0041 \\x7f");
        line.clear();
        write!(Escaped(&mut line), "a\u{200d}\u{3164}b\u{2800}").unwrap();
        assert_eq!(line, "a\\u200d\\u3164b\\u2800");
        for c in ['é', 'ß', 'ا', 'न', '中', '👍', '\u{301}'] {
            assert!(!is_unseen(c), "{c} is seen");
        }
    }

    #[test]
    fn the_date_has_the_format_of_python() {
        let time = |seconds| UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let text = local(time(86_400 * 40));
        let (day, hour) = text.split_once(' ').unwrap();
        assert!(["09/Feb/1970", "10/Feb/1970"].contains(&day), "{day}");
        assert_eq!(hour.len(), "00:00:00".len());
        let berlin = TimeZone::from_posix_tz("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        for (seconds, text) in [
            (784_111_777, "06/Nov/1994 09:49:37"),
            (1_774_745_999, "29/Mar/2026 01:59:59"),
            (1_774_746_000, "29/Mar/2026 03:00:00"),
            (253_402_300_800, "01/Jan/10000 01:00:00"),
        ] {
            assert_eq!(in_zone(time(seconds), berlin.as_ref()), text);
        }
        assert_eq!(
            in_zone(UNIX_EPOCH - std::time::Duration::from_secs(1), TimeZoneRef::utc()),
            "01/Jan/1970 00:00:00"
        );
    }
}
