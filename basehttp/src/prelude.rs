//! The names that most handlers need: `use basehttp::prelude::*;`
//!
//! It has the attributes, the base of a handler, the server, and the traits whose methods a handler calls. The names that belong to a
//! feature are in it if the feature is enabled. `write!(self.wfile, ..)` needs no import.
//!
//! ```
//! use basehttp::prelude::*;
//!
//! struct Hello { base: BaseHTTPRequestHandler }
//!
//! #[http_handler]
//! impl Hello {
//!     fn do_GET(&self) -> std::io::Result<()> {
//!         self.send_response(200);
//!         self.end_headers()
//!     }
//! }
//! ```

#[cfg(all(feature = "cgi", unix))]
pub use crate::CGIRequestHandler;
#[cfg(feature = "files")]
pub use crate::FileRequestHandler;
#[cfg(feature = "form")]
pub use crate::Form;
#[cfg(feature = "json")]
pub use crate::Json;
#[cfg(feature = "websocket")]
pub use crate::websocket::AcceptWebSocket;
pub use crate::{
    BaseHTTPRequestHandler, Detach, HTTPServer, HTTPStatus, Headers, Html, HttpError, IntoResponse, Redirect,
    RequestHandler, Response, ResponseCode, http_handler, http_routes, route,
};
