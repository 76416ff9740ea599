//! Collects diagnostics, so that all mistakes of a block are reported at once.

use std::fmt::Display;
use std::thread;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// The mistakes found so far. Dropping it without [`finish`](Self::finish) is a bug of this crate and panics, so that no path through
/// the crate loses a diagnostic.
pub(crate) struct Report {
    errors: Vec<Error>,
    finished: bool,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { errors: Vec::new(), finished: false }
    }

    /// Reports a mistake. The compiler underlines `tokens`.
    pub(crate) fn error(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    pub(crate) fn push(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// The diagnostics as `compile_error!` items, or `None` if there are none.
    pub(crate) fn finish(mut self) -> Option<TokenStream> {
        self.finished = true;
        let errors = std::mem::take(&mut self.errors);
        (!errors.is_empty()).then(|| errors.iter().map(Error::to_compile_error).collect())
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        assert!(
            self.finished || thread::panicking(),
            "a report was dropped, and {} errors with it",
            self.errors.len()
        );
    }
}

#[cfg(test)]
mod tests {
    use quote::format_ident;

    use super::Report;

    #[test]
    fn all_errors_come_out() {
        let mut report = Report::new();
        report.error(format_ident!("a"), "first");
        report.error(format_ident!("b"), "second");
        let text = report.finish().expect("two errors were reported").to_string();
        assert!(text.contains("\"first\"") && text.contains("\"second\""), "{text}");
    }

    #[test]
    fn no_errors_are_none() {
        assert!(Report::new().finish().is_none());
    }

    #[test]
    #[should_panic(expected = "a report was dropped, and 1 errors with it")]
    fn a_dropped_report_is_a_bug() {
        Report::new().error(format_ident!("a"), "lost");
    }
}
