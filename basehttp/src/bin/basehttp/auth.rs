//! Who may come in: the Basic scheme of RFC 7617.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

/// A user with a password.
pub(crate) struct Credentials {
    /// `user:password`
    text: String,
}

/// What a client with the wrong ones is told.
pub(crate) const CHALLENGE: &str = "Basic realm=\"basehttp\", charset=\"UTF-8\"";

impl Credentials {
    /// Of the option, else of the variable `BASEHTTP_AUTH`, which is not in the list of processes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn find(option: Option<&str>) -> io::Result<Option<Self>> {
        let variable = std::env::var("BASEHTTP_AUTH").ok();
        let Some(text) = option.map(str::to_owned).or(variable) else { return Ok(None) };
        match text.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => Ok(Some(Self { text })),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "--auth and BASEHTTP_AUTH want USER:PASS, neither of them empty",
            )),
        }
    }

    /// Whether the value of an `Authorization` field is right, which takes the same time for all that are wrong.
    pub(crate) fn admit(&self, field: Option<&str>) -> bool {
        decoded(field).is_some_and(|given| given.as_slice().ct_eq(self.text.as_bytes()).into())
    }
}

/// The name that somebody has tried to come in with.
pub(crate) fn user(field: Option<&str>) -> Option<String> {
    let given = decoded(field)?;
    let user = given.split(|byte| *byte == b':').next()?;
    Some(String::from_utf8_lossy(user).chars().take(100).collect())
}

fn decoded(field: Option<&str>) -> Option<Vec<u8>> {
    let (scheme, token) = field?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    STANDARD.decode(token.trim_start_matches(' ')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_who_comes_in() {
        let credentials = Credentials::find(Some("me:se:cret")).unwrap().unwrap();
        let field = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert!(credentials.admit(Some(&field("me:se:cret"))));
        assert!(credentials.admit(Some(&field("me:se:cret").replace("Basic ", "bASIC   "))));
        for wrong in [
            field("me:secret"),
            field("me:se:cret "),
            field("me"),
            "Basic me:se:cret".to_owned(),
            "Bearer x".to_owned(),
        ] {
            assert!(!credentials.admit(Some(&wrong)), "{wrong}");
        }
        assert!(!credentials.admit(None));
        assert_eq!(user(Some(&field("eve:x"))).as_deref(), Some("eve"));
        assert!(["", "me", ":x", "me:"].iter().all(|text| Credentials::find(Some(text)).is_err()));
    }
}
