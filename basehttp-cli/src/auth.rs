//! Names and passwords: the Basic scheme of RFC 7617.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq as _};

use crate::failure::CommandError;

/// Who may read what is served.
pub(crate) struct Auth {
    /// `user:password` each, as it comes over the wire.
    pairs: Vec<Vec<u8>>,
}

/// What a client says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This one may come in.
    Known(String),
    /// It has tried a name, or what is none.
    Wrong(String),
    /// It has not said anything, as browsers do before they ask.
    Silent,
}

/// Where the pair is looked for that is in no process list and in no file.
const VARIABLE: &str = "BASEHTTP_AUTH";

/// The field that has a client ask for a password. RFC 7617 section 2.1: names and passwords are UTF-8.
pub(crate) const CHALLENGE: &str = "Basic realm=\"basehttp\", charset=\"UTF-8\"";

/// A longer file is no list of passwords.
const LONGEST_FILE: u64 = 1 << 20;

impl Auth {
    /// From the option, from a file, or else from the environment. None where nobody is asked.
    pub(crate) fn new(option: Option<&str>, file: Option<&Path>) -> Result<Option<Self>, CommandError> {
        if let Some(pair) = option {
            return Ok(Some(Self { pairs: vec![checked(pair, "--auth")?] }));
        }
        if let Some(path) = file {
            return Self::of_file(path).map(Some);
        }
        match std::env::var(VARIABLE) {
            Ok(pair) => Ok(Some(Self { pairs: vec![checked(&pair, VARIABLE)?] })),
            Err(std::env::VarError::NotPresent) => Ok(None),
            // A password that is not understood must not become none.
            Err(error) => Err(CommandError::usage(format!("{VARIABLE}: {error}"))),
        }
    }

    fn of_file(path: &Path) -> Result<Self, CommandError> {
        let shown = path.display();
        let unreadable = |error: std::io::Error| CommandError::other(format!("cannot read {shown}: {error}"));
        if std::fs::metadata(path).map_err(unreadable)?.len() > LONGEST_FILE {
            return Err(CommandError::other(format!(
                "{shown} is too long for a list of names and passwords"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        // Some editors begin a file of UTF-8 with a byte order mark, which would be part of the first name.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines =
            text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let pairs: Result<Vec<_>, _> =
            lines.map(|(number, line)| checked(line, &format!("{shown}, line {}", number + 1))).collect();
        let pairs = pairs?;
        if pairs.is_empty() {
            return Err(CommandError::other(format!(
                "{shown} has no line USER:PASS, so that nobody could come in"
            )));
        }
        Ok(Self { pairs })
    }

    /// Judges the `Authorization` field of a request. How long it takes depends on what was sent and on how many pairs there
    /// are, not on how much of one is right.
    pub(crate) fn judge(&self, field: Option<&str>) -> Verdict {
        let Some(field) = field else { return Verdict::Silent };
        let given = match field.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => {
                STANDARD.decode(rest.trim_matches(' '))
            }
            _ => return Verdict::Wrong(String::new()),
        };
        let Ok(given) = given else { return Verdict::Wrong(String::new()) };
        let found = self.pairs.iter().fold(Choice::from(0), |found, pair| found | same(&given, pair));
        // What has no colon is no pair (RFC 7617 section 2), and may be a password alone.
        let colon = given.iter().position(|byte| *byte == b':');
        let user = colon.and_then(|colon| given.get(..colon)).unwrap_or_default();
        let user = String::from_utf8_lossy(user);
        if bool::from(found) {
            // As a whole: scripts are told it, and two long names must not become one.
            Verdict::Known(user.into_owned())
        } else {
            Verdict::Wrong(user.chars().take(LONGEST_NAME).collect())
        }
    }
}

/// Characters of a wrong name that are logged.
const LONGEST_NAME: usize = 100;

/// Compares without an end before the end. All that was given is compared, with the pair over and over where that is
/// shorter, so that the time tells nothing of its length.
fn same(given: &[u8], pair: &[u8]) -> Choice {
    let equal = given.len().ct_eq(&pair.len());
    given.iter().zip(pair.iter().cycle()).fold(equal, |equal, (one, other)| equal & one.ct_eq(other))
}

fn checked(pair: &str, source: &str) -> Result<Vec<u8>, CommandError> {
    match pair.split_once(':') {
        Some((user, password))
            if !user.is_empty() && !password.is_empty() && !pair.contains(char::is_control) =>
        {
            Ok(pair.as_bytes().to_vec())
        }
        // Not shown: it may be a password.
        _ => {
            Err(CommandError::usage(format!("{source}: write it as USER:PASS, with something on both sides")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(pairs: &[&str]) -> Auth {
        Auth { pairs: pairs.iter().map(|pair| pair.as_bytes().to_vec()).collect() }
    }

    fn field(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn who_is_known() {
        let auth = auth(&["ann:secret", "bob:a:b", "zo\u{eb}:\u{1f511}"]);
        let known = |pair: &str| matches!(auth.judge(Some(&field(pair))), Verdict::Known(_));
        assert!(known("ann:secret") && known("bob:a:b") && known("zo\u{eb}:\u{1f511}"));
        for pair in
            ["ann:secre", "ann:secrett", "ann:secretann:secret", "ann:", "ann", "", "bob:a", "Ann:secret"]
        {
            assert!(!known(pair), "{pair}");
        }
        assert_eq!(auth.judge(None), Verdict::Silent);
        assert_eq!(auth.judge(Some("bAsIc  YW5uOnNlY3JldA==")), Verdict::Known("ann".into()));
        for wrong in ["Basic", "Basic %%%", "Bearer YW5uOnNlY3JldA==", "", "BasicYW5uOnNlY3JldA=="] {
            assert_eq!(auth.judge(Some(wrong)), Verdict::Wrong(String::new()), "{wrong}");
        }
        assert_eq!(auth.judge(Some(&field("eve:x"))), Verdict::Wrong("eve".into()));
        assert_eq!(auth.judge(Some(&field("secret"))), Verdict::Wrong(String::new()), "it may be a password");
    }

    #[test]
    fn a_file_may_begin_with_a_byte_order_mark() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "\u{feff}ann:secret\r\n# others\nbob:b\n").unwrap();
        let auth =
            Auth::new(None, Some(file.path())).unwrap_or_else(|_| unreachable!("it is a list")).unwrap();
        assert_eq!(auth.judge(Some(&field("ann:secret"))), Verdict::Known("ann".into()));
        assert_eq!(auth.judge(Some(&field("bob:b"))), Verdict::Known("bob".into()));
    }

    #[test]
    fn what_is_no_pair() {
        for pair in ["", "ann", ":secret", "ann:", "ann:sec\nret"] {
            assert!(checked(pair, "here").is_err(), "{pair:?}");
        }
        assert_eq!(checked("a:b:c", "here").unwrap(), b"a:b:c");
    }
}
