//! HTTP/1.x on bytes: no I/O, no clock, no threads; bytes in, values out.
//!
//! Three rules hold in every file below. "Need more" is a value. A [`fault::Fault`] is final. No parser reads again a byte
//! that it has already judged, so a client that sends one byte at a time costs no more per byte than one that sends
//! everything at once.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]
// Input from the wire must never cause a panic.
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub mod chunked;
pub(crate) mod connection;
pub(crate) mod date;
pub mod fault;
pub mod framing;
pub(crate) mod grammar;
pub mod head;
pub mod headers;
pub(crate) mod host;
pub mod limits;
pub(crate) mod misuse;
pub(crate) mod parameters;
pub mod request_line;
pub(crate) mod response;
pub(crate) mod status;
pub(crate) mod target;
