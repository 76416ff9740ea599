//! Shared by the fuzz targets: cuts, readers of requests and responses that know nothing of the crate, and a handler that
//! does everything that handlers do.

pub mod check;
pub mod frames;
pub mod panics;
pub mod pieces;
pub mod player;
pub mod requests;
pub mod responses;

/// Bytes as text, for a message.
pub fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
