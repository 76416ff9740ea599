//! User names and passwords: the Basic scheme of RFC 7617.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq as _};

use crate::failure::CommandError;

/// The users that are let in, with their passwords.
pub(crate) struct Auth {
    /// Each is `user:password`, as on the wire.
    pairs: Vec<Vec<u8>>,
}

/// The result of checking a client's credentials.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The password is right; the name of the user.
    Known(String),
    /// The credentials are wrong or malformed; the name, if there is one.
    Wrong(String),
    /// There are none. Browsers send none until they are challenged.
    Silent,
}

/// The environment variable for a pair, which keeps it out of the process list and out of files.
const VARIABLE: &str = "BASEHTTP_AUTH";

/// The value of `WWW-Authenticate`. RFC 7617 section 2.1: names and passwords are UTF-8.
pub(crate) const CHALLENGE: &str = "Basic realm=\"basehttp\", charset=\"UTF-8\"";

/// The maximum size of a file of passwords.
const LONGEST_FILE: u64 = 1 << 20;

impl Auth {
    /// Takes the pairs from the option, from a file, or else from the environment. `None` if no password is required.
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
            // A password that cannot be read must not disable authentication. The text of the error would reveal it.
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(CommandError::usage(format!("{VARIABLE} is not valid UTF-8")))
            }
        }
    }

    fn of_file(path: &Path) -> Result<Self, CommandError> {
        let shown = path.display();
        let unreadable = |error: std::io::Error| CommandError::other(format!("cannot read {shown}: {error}"));
        if std::fs::metadata(path).map_err(unreadable)?.len() > LONGEST_FILE {
            return Err(CommandError::other(format!(
                "{shown} is larger than 1 MiB, so it is not a file of passwords"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        // Some editors begin a UTF-8 file with a byte order mark, which would become part of the first name.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines =
            text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let pairs: Result<Vec<_>, _> =
            lines.map(|(number, line)| checked(line, &format!("{shown}, line {}", number + 1))).collect();
        let pairs = pairs?;
        if pairs.is_empty() {
            return Err(CommandError::other(format!(
                "{shown} has no line USER:PASS, so no user could log in"
            )));
        }
        Ok(Self { pairs })
    }

    /// Judges the `Authorization` field of a request. The time it takes depends on the credentials sent and on the number of
    /// pairs, not on how much of a pair is right.
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
        // Without a colon it is not a pair (RFC 7617 section 2), and may be a bare password.
        let colon = given.iter().position(|byte| *byte == b':');
        let user = colon.and_then(|colon| given.get(..colon)).unwrap_or_default();
        let user = String::from_utf8_lossy(user);
        if bool::from(found) {
            // Not shortened: scripts receive it, and two long names must not become the same.
            Verdict::Known(user.into_owned())
        } else {
            Verdict::Wrong(user.chars().take(LONGEST_NAME).collect())
        }
    }
}

/// The number of characters of a wrong name that are logged.
const LONGEST_NAME: usize = 100;

/// Compares without stopping early. All of `given` is compared, with the pair repeated if that is shorter, so that the time
/// does not reveal the length of the pair.
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
        // Does not show the pair: it may be a password.
        _ => Err(CommandError::usage(format!(
            "{source}: write it as USER:PASS, neither part empty, without control characters"
        ))),
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
