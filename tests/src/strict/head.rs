//! The head of a response (RFC 9112 sections 4 and 5).

use super::{Asked, Fields, Input, Offence};
use crate::grammar::{is_text, is_token};

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Without heads.
    Http09,
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    Http11,
}

/// Status line and fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The version in the status line.
    pub version: Version,
    /// The code.
    pub status: u16,
    /// The reason phrase.
    pub reason: Vec<u8>,
    /// The fields in order, names as spelled.
    pub fields: Fields,
}

impl Head {
    /// The values of the fields of this name.
    pub fn all(&self, name: &str) -> Vec<&[u8]> {
        self.fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name)).map(|field| &*field.1).collect()
    }

    /// Checks for exactly one `Server`, and one `Date` in the preferred format (RFC 9110 sections 5.6.7, 6.6.1 and 10.2.4).
    ///
    /// # Errors
    /// The violation.
    pub fn check_server_and_date(&self) -> Result<(), String> {
        match (&*self.all("server"), &*self.all("date")) {
            ([server], [date]) if !server.is_empty() && is_date(date) => Ok(()),
            ([_], [_]) => Err("an empty Server, or a Date that is none".to_owned()),
            (servers, dates) => Err(format!("{} fields Server and {} Date", servers.len(), dates.len())),
        }
    }

    /// Whether another response may follow (RFC 9112 section 9.3).
    pub(super) fn persists(&self, asked: Version) -> bool {
        let says = |option: &str| self.options().any(|said| said.eq_ignore_ascii_case(option.as_bytes()));
        let by_version = asked == Version::Http11 && self.version == Version::Http11;
        !says("close") && (says("keep-alive") || by_version)
    }

    /// The options of all `Connection` fields.
    fn options(&self) -> impl Iterator<Item = &[u8]> {
        let values = self.fields.iter().filter(|field| field.0.eq_ignore_ascii_case("connection"));
        values.flat_map(|field| field.1.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
    }

    /// What is wrong with it as the response to this request, apart from its framing.
    pub(super) fn check(&self, asked: &Asked) -> Result<(), String> {
        if self.status < 200 {
            // RFC 9110 section 15.2: HTTP/1.0 does not have them.
            if asked.version != Version::Http11 || self.version != Version::Http11 {
                return Err("a 1xx response in HTTP/1.0".to_owned());
            }
            // RFC 9110 section 8.6 and RFC 9112 section 6.1.
            if !self.all("content-length").is_empty() || !self.all("transfer-encoding").is_empty() {
                return Err("a framed 1xx response".to_owned());
            }
        }
        let count =
            |name: &str| self.options().filter(|said| said.eq_ignore_ascii_case(name.as_bytes())).count();
        let (close, keep_alive) = (count("close"), count("keep-alive"));
        if close + keep_alive > 1 {
            return Err("`close` or `keep-alive` twice, or both".to_owned());
        }
        // RFC 9110 section 5.6.1.1.
        if self.options().any(<[u8]>::is_empty) {
            return Err("an empty element in Connection".to_owned());
        }
        Ok(())
    }
}

/// Reads a head. `None` if it is truncated.
pub(super) fn read(input: &mut Input<'_>) -> Result<Option<Head>, Offence> {
    let start = input.at;
    let Some(line) = input.line()? else { return Ok(None) };
    let mut head =
        status_line(line).ok_or(Offence { at: start, what: "a malformed status line".to_owned() })?;
    head.fields = match fields(input)? {
        Some(fields) => fields,
        None => return Ok(None),
    };
    Ok(Some(head))
}

/// Reads fields up to the empty line after them. `None` if it is truncated.
pub(super) fn fields(input: &mut Input<'_>) -> Result<Option<Fields>, Offence> {
    let mut fields = Vec::new();
    loop {
        let start = input.at;
        match input.line()? {
            None => return Ok(None),
            Some([]) => return Ok(Some(fields)),
            Some(line) => {
                let field = field(line).map_err(|what| Offence { at: start, what: what.to_owned() })?;
                fields.push(field);
            }
        }
    }
}

/// RFC 9112 section 4: `status-line = HTTP-version SP status-code SP [ reason-phrase ]`.
fn status_line(line: &[u8]) -> Option<Head> {
    let (version, rest) = line.split_at_checked(9)?;
    let version = match version {
        b"HTTP/1.0 " => Version::Http10,
        b"HTTP/1.1 " => Version::Http11,
        _ => return None,
    };
    let (code, rest) = rest.split_at_checked(3)?;
    let digits = code.iter().all(u8::is_ascii_digit) && !code.starts_with(b"0");
    let status = code.iter().fold(0, |number, digit| number * 10 + u16::from(digit.wrapping_sub(b'0')));
    let reason = rest.strip_prefix(b" ")?;
    let is_good = digits && reason.iter().all(|byte| is_text(*byte));
    is_good.then(|| Head { version, status, reason: reason.to_vec(), fields: Vec::new() })
}

/// RFC 9112 section 5: `field-line = field-name ":" OWS field-value OWS`, as the server writes it.
fn field(line: &[u8]) -> Result<(String, Vec<u8>), &'static str> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or("a field without a colon")?;
    let (name, value) = line.split_at(colon);
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err("a field name that is no token");
    }
    let value = value.strip_prefix(b": ").ok_or("no blank behind the colon")?;
    if !value.iter().all(|byte| is_text(*byte)) {
        return Err("a control character in a field");
    }
    Ok((String::from_utf8_lossy(name).into_owned(), value.to_vec()))
}

/// RFC 9110 section 5.6.7: `IMF-fixdate`, with a day that exists, and the right name for it.
fn is_date(value: &[u8]) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // As the days of the first week of March of the year 0.
    const DAYS: [&str; 7] = ["Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue"];

    let Ok(text) = std::str::from_utf8(value) else { return false };
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let (Some(day_name), Some(month)) = (text.get(..3), text.get(8..11)) else { return false };
    let Some(month) = MONTHS.iter().position(|name| *name == month) else { return false };
    if shape != format!("{day_name}, 00 {} 0000 00:00:00 GMT", MONTHS[month]) {
        return false;
    }
    let number = |from: usize, to: usize| text.get(from..to).and_then(|text| text.parse::<u64>().ok());
    let (Some(day), Some(year)) = (number(5, 7), number(12, 16)) else { return false };
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let in_month = match month {
        1 => 28 + u64::from(is_leap),
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    };
    // The days since the first of March of the year 0.
    let (years, months) = if month < 2 { (year + 399, month + 10) } else { (year + 400, month - 2) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (months as u64 * 153 + 2) / 5 + day - 1;
    let in_range = |from, to, most| number(from, to).is_some_and(|number| number <= most);
    (1..=in_month).contains(&day)
        && DAYS.get((days % 7) as usize) == Some(&day_name)
        && in_range(17, 19, 23)
        && in_range(20, 22, 59)
        && in_range(23, 25, 60)
}
