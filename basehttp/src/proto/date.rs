//! Dates in HTTP header fields (RFC 9110 section 5.6.7).

use std::fmt;
use std::fmt::Write as _;
use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A date in HTTP's preferred format, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7). A string of 29 bytes that
/// needs no allocation.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use basehttp::HttpDate;
///
/// let date = HttpDate::from(UNIX_EPOCH + Duration::from_secs(784_111_777));
/// assert_eq!(&*date, "Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HttpDate([u8; LENGTH]);

const LENGTH: usize = 29;

impl HttpDate {
    /// The beginning of 1970.
    pub(crate) const EPOCH: Self = Self(*b"Thu, 01 Jan 1970 00:00:00 GMT");

    pub(crate) const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A time before 1970 becomes the beginning of 1970, and one after 9999 becomes its end: the format has no room for others.
impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> Self {
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        let mut text = Text { bytes: [b' '; LENGTH], len: 0 };
        // Cannot fail: the format always has 29 bytes.
        let _ = write!(text, "{}", httpdate::HttpDate::from(time.clamp(UNIX_EPOCH, last)));
        Self(text.bytes)
    }
}

impl Deref for HttpDate {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for HttpDate {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for HttpDate {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for HttpDate {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

struct Text {
    bytes: [u8; LENGTH],
    len: usize,
}

impl fmt::Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let end = self.len + s.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_python_and_of_the_rfc() {
        let date = HttpDate::from(UNIX_EPOCH + Duration::from_secs(784_111_777));
        assert_eq!(date, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            format!("{date} {date:?}"),
            r#"Sun, 06 Nov 1994 08:49:37 GMT "Sun, 06 Nov 1994 08:49:37 GMT""#
        );
    }

    #[test]
    fn a_date_is_a_text() {
        let date = HttpDate::from(UNIX_EPOCH + Duration::from_secs(784_111_777));
        let text = "Sun, 06 Nov 1994 08:49:37 GMT";
        let (from, borrowed): (&str, &str) = (&date, date.as_ref());
        assert_eq!(
            (from, borrowed, date.as_str(), date.as_bytes()),
            (text, text, text, b"Sun, 06 Nov 1994 08:49:37 GMT")
        );
        assert!(date == *text && date == text);
        let later = "Sun, 06 Nov 1994 08:49:38 GMT";
        assert!(date != *later && date != later);
        assert_eq!(format!("{date:>31}|{date:.3}"), "  Sun, 06 Nov 1994 08:49:37 GMT|Sun");
    }

    #[test]
    fn times_outside_of_the_format() {
        assert_eq!(HttpDate::from(UNIX_EPOCH - Duration::from_secs(1)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(HttpDate::from(UNIX_EPOCH), HttpDate::EPOCH);
        // The year 19391: Windows knows times up to 30828.
        let far = UNIX_EPOCH + Duration::from_secs(1 << 39);
        assert_eq!(HttpDate::from(far), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
