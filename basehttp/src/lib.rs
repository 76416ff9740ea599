//! Python's `BaseHTTPServer` (today's `http.server`) as a Rust crate.
#![forbid(unsafe_code)]

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod handler;
pub mod prelude;
#[doc(hidden)]
pub mod proto;
mod server;
pub mod testing;

pub use basehttp_macros::http_handler;
pub use handler::{
    Address, BaseHTTPRequestHandler, DEFAULT_ERROR_CONTENT_TYPE, DEFAULT_ERROR_MESSAGE, HandlerError,
    Headers, Message, RFile, RFileLock, RequestHandler, ResponseCode, ServerHandle, ServerInfo, WFile,
};
pub use proto::date::HTTPDate;
pub use proto::fault::Fault;
pub use proto::limits::Limits;
pub use proto::status::HTTPStatus;
pub use server::{HTTPServer, IntoListener, ServerAddress, ServerBuilder};
