//! The errors that methods return, of any type.

use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::io;

use super::http_error::HttpError;

/// The error of a method: kept as an error if it is one, else as its text.
pub struct ReturnedError(Box<dyn Kept>);

/// The kept form of an error.
trait Kept {
    fn error(&self) -> Option<&(dyn Error + 'static)>;
    fn text(&self) -> String;
}

/// A type that implements `Error`.
struct Plain<E>(E);

/// A type that contains an error and does not implement `Error`: `Box<dyn Error>`, `anyhow::Error`.
struct Around<E>(E);

/// The same with an error that is `Send + Sync`.
struct AroundShared<E>(E);

/// The alternate form includes the whole chain of causes, if the type supports that.
pub(super) fn text_of(error: &impl Display) -> String {
    format!("{error:#}")
}

impl<E: Error + 'static> Kept for Plain<E> {
    fn error(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }

    fn text(&self) -> String {
        text_of(&self.0)
    }
}

impl<E: AsRef<dyn Error + 'static> + Display> Kept for Around<E> {
    fn error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }

    fn text(&self) -> String {
        text_of(&self.0)
    }
}

impl<E: AsRef<dyn Error + Send + Sync + 'static> + Display> Kept for AroundShared<E> {
    fn error(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }

    fn text(&self) -> String {
        text_of(&self.0)
    }
}

impl Kept for String {
    fn error(&self) -> Option<&(dyn Error + 'static)> {
        None
    }

    fn text(&self) -> String {
        self.clone()
    }
}

impl ReturnedError {
    /// Keeps a type that implements `Error`.
    pub fn plain(error: impl Error + 'static) -> Self {
        Self(Box::new(Plain(error)))
    }

    /// Keeps a type that contains an error.
    pub fn around(error: impl AsRef<dyn Error + 'static> + Display + 'static) -> Self {
        Self(Box::new(Around(error)))
    }

    /// Keeps a type that contains an error that is `Send + Sync`.
    pub fn around_shared(error: impl AsRef<dyn Error + Send + Sync + 'static> + Display + 'static) -> Self {
        Self(Box::new(AroundShared(error)))
    }

    /// Keeps only the text, for a type that is not an error or that borrows.
    pub fn text_alone(error: impl Display) -> Self {
        Self(Box::new(text_of(&error)))
    }

    /// The error, if it is one.
    pub(crate) fn error(&self) -> Option<&(dyn Error + 'static)> {
        self.0.error()
    }

    /// Its text, with its causes.
    pub(crate) fn text(&self) -> String {
        self.0.text()
    }

    /// The `HttpError` that decides the response: the error itself, or the first one among its causes.
    pub(crate) fn http(&self) -> Option<&HttpError> {
        let mut next = self.error();
        // Bounded: a chain of causes that is a cycle is a user's mistake, and must not hang the server.
        for _ in 0..MOST_CAUSES {
            let error = next?;
            let boxed = || error.downcast_ref::<Box<HttpError>>().map(|boxed| &**boxed);
            if let Some(http) = error.downcast_ref::<HttpError>().or_else(boxed) {
                return Some(http);
            }
            // The source of an `io::Error` is the source of the error that it wraps, so the wrapped error would be skipped.
            let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = match wrapped {
                Some(wrapped) => Some(wrapped),
                None => error.source(),
            };
        }
        None
    }
}

const MOST_CAUSES: usize = 64;

impl From<HttpError> for ReturnedError {
    fn from(error: HttpError) -> Self {
        Self::plain(error)
    }
}

impl From<io::Error> for ReturnedError {
    fn from(error: io::Error) -> Self {
        Self::plain(error)
    }
}

impl Debug for ReturnedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Context(Box<dyn Error + Send + Sync>);

    impl Display for Context {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("while trying")
        }
    }

    impl Error for Context {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    #[test]
    fn what_asks_for_a_response_is_found_wherever_it_is() {
        let conflict = || HttpError::new(409, "Conflict");
        let found = [
            ReturnedError::from(conflict()),
            ReturnedError::plain(Box::new(conflict())),
            ReturnedError::from(io::Error::other(conflict())),
            ReturnedError::plain(Context(Box::new(conflict()))),
            ReturnedError::plain(Context(Box::new(io::Error::other(Context(Box::new(conflict())))))),
            ReturnedError::around(Box::<dyn Error>::from(Context(Box::new(conflict())))),
            ReturnedError::around_shared(Box::<dyn Error + Send + Sync>::from(conflict())),
        ];
        for error in found {
            assert_eq!(error.http().map(|http| http.status().code()), Some(409), "{error:?}");
        }
        for error in [
            ReturnedError::text_alone(conflict()),
            ReturnedError::from(io::Error::other("x")),
            ReturnedError::from(io::Error::from(io::ErrorKind::NotFound)),
        ] {
            assert!(error.http().is_none(), "{error:?}");
        }
    }
}
