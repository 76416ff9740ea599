//! Python's BaseHTTPServer as a Rust crate.
#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod proto;
