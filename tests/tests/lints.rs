//! The expansion of `#[http_handler]` causes no lint messages, whatever lints its user turns on.
#![deny(warnings, missing_docs, clippy::pedantic, clippy::nursery)]
#![deny(
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    missing_debug_implementations,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]

use std::{fmt, io};

use basehttp::prelude::*;

/// The program on the front page, unchanged.
mod program {
    include!("../ui/hello.rs");

    #[test]
    fn is_a_program() {
        let _: fn() -> io::Result<()> = main;
    }
}

/// `allow(missing_docs)` in an expansion would be an error here.
#[forbid(missing_docs)]
pub mod forbidden {
    use super::*;

    /// A handler.
    pub struct Hello {
        pub(crate) base: BaseHTTPRequestHandler,
    }

    impl fmt::Debug for Hello {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Hello")
        }
    }

    /// What it does.
    #[http_handler(sys_version = "")]
    impl Hello {
        const server_version: &str = "Hello/1.0";
        const timeout: Option<std::time::Duration> = None;

        /// A page.
        pub fn do_GET(&mut self) -> io::Result<()> {
            self.end_headers()
        }

        /// Nothing, of no type.
        pub fn do_POST(&self) {}

        /// Nothing, of a `Result`.
        pub fn do_PUT(&self) -> io::Result<()> {
            Ok(())
        }

        /// A search.
        #[method("M-SEARCH")]
        pub fn do_search(&mut self) {}

        fn do_work(&self) -> usize {
            self.path().len()
        }

        fn log_message(&self, message: fmt::Arguments<'_>) {
            eprintln!("{}: {message}", self.do_work());
        }

        fn setup(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

/// A generic handler.
pub mod generic {
    use super::*;

    /// A handler.
    pub struct Hello<T, const N: usize> {
        pub(crate) conn: BaseHTTPRequestHandler,
        pub(crate) greetings: [T; N],
    }

    impl<T, const N: usize> fmt::Debug for Hello<T, N> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Hello")
        }
    }

    #[http_handler(base = conn, protocol_version = "HTTP/1.1", head = false)]
    #[allow(clippy::type_repetition_in_bounds, reason = "there are two bounds, here and below")]
    impl<T: fmt::Display, const N: usize> Hello<T, N>
    where
        T: Send,
    {
        const server_version: &str = "Hello/1.0";

        /// The greetings.
        pub fn do_GET(&mut self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()?;
            self.greetings.iter().try_for_each(|greeting| write!(self.wfile, "{greeting}"))
        }
    }
}

/// Routes, and what is generated for them.
pub mod routes {
    use super::*;

    /// A handler, whose type has no `Debug`.
    #[allow(missing_debug_implementations)]
    pub struct Api {
        pub(crate) base: BaseHTTPRequestHandler,
    }

    /// The main block.
    #[http_handler(routes = [ADMIN])]
    impl Api {
        /// A user.
        #[route(GET, "/users/{id}?{sort}&{tags}")]
        pub fn user(&self, id: u32, sort: Option<&str>, tags: Vec<u8>) -> String {
            format!("{id} {sort:?} {}", tags.len())
        }

        #[route(POST, "/users", limit = 1000)]
        fn add(&mut self, body: String) -> Result<(u16, String), io::Error> {
            Ok((201, body))
        }

        #[route(GET, "/nothing/{name}")]
        fn nothing(&self, _name: String) -> io::Result<()> {
            Ok(())
        }

        #[deprecated]
        #[route(GET, "/lifetimes?{q}")]
        fn lifetimes<'a>(&'a self, q: &'a str) -> &'a str {
            if q.is_empty() { self.path() } else { q }
        }
    }

    /// More.
    #[http_routes(ADMIN, prefix = "/admin/{tenant}", guard = check)]
    impl Api {
        /// Of an administrator.
        #[route(GET, "/{rest..}")]
        pub fn admin(&self, tenant: &str, rest: &str) -> Option<String> {
            Some(format!("{tenant} {rest}"))
        }

        fn check(&self) -> bool {
            !self.path().is_empty()
        }
    }

    #[test]
    fn are_answered() {
        let client = basehttp::testing::client(|base| Api { base });
        assert_eq!(client.get(&ApiLinks.user(7, None, &[1])).text(), "7 None 1");
        assert_eq!(client.get(&AdminLinks.admin("a", "b/c")).text(), "a b/c");
    }
}

/// Routes of a generic handler.
mod generic_routes {
    use super::*;

    struct Api<T> {
        base: BaseHTTPRequestHandler,
        value: T,
    }

    #[http_handler]
    impl<T: fmt::Display + std::str::FromStr<Err: fmt::Display>> Api<T> {
        #[route(GET, "/{value}?{more}")]
        fn value(&self, value: T, more: Option<T>) -> String {
            format!("{value} {} {}", self.value, more.is_some())
        }
    }

    #[test]
    fn are_answered() {
        let client = basehttp::testing::client(|base| Api { base, value: 7_u8 });
        assert_eq!(client.get("/8").text(), "8 7 false");
        assert_eq!(ApiLinks.value(8, None), "/8");
    }
}

/// A lint attribute on the block applies to the overrides in it, and an expectation is fulfilled once.
mod attributes {
    use super::*;

    struct Hello {
        base: BaseHTTPRequestHandler,
    }

    #[http_handler]
    #[allow(clippy::unnecessary_wraps, clippy::cast_possible_truncation)]
    #[expect(clippy::unused_self, reason = "met by `helper`")]
    impl Hello {
        #[expect(clippy::unused_self, reason = "what is expected of a method stays expected")]
        fn do_GET(&self) {}

        #[allow(clippy::missing_const_for_fn, reason = "a helper is clippy's as any function is")]
        fn helper(&self) {}

        fn finish(&mut self) -> io::Result<()> {
            self.helper();
            let _: u8 = self.path().len() as u8;
            Ok(())
        }
    }

    #[test]
    fn is_a_handler() {
        let _ = |base| Hello { base };
    }
}

/// Methods that are not visible elsewhere, for which clippy has more lints.
mod private {
    use super::*;

    struct Hello {
        base: BaseHTTPRequestHandler,
    }

    #[http_handler]
    impl Hello {
        fn do_GET(&mut self) {}

        fn do_POST(&mut self) -> io::Result<()> {
            Ok(())
        }

        #[method("M-SEARCH")]
        fn do_search(&self) -> Result<(), String> {
            Ok(())
        }
    }

    #[test]
    fn is_a_handler() {
        let _ = |base| Hello { base };
    }
}

/// A deprecated method is deprecated for its callers, not for the table.
mod deprecated {
    use super::*;

    struct Hello {
        base: BaseHTTPRequestHandler,
    }

    #[http_handler]
    impl Hello {
        #[deprecated]
        fn do_GET(&self) {}

        #[cfg_attr(all(), deprecated = "it is no use")]
        #[method("M-SEARCH")]
        fn search(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[deprecated]
    struct Whole {
        base: BaseHTTPRequestHandler,
    }

    #[allow(deprecated)]
    #[http_handler(sys_version = "")]
    impl Whole {
        fn do_GET(&self) {}
    }

    #[test]
    #[allow(deprecated)]
    fn are_handlers() {
        let _ = |base| Hello { base };
        let _ = |base| Whole { base };
    }
}
