//! Conversions from and to the types of the crate `http`.

use std::io;

use http::header::{DATE, SERVER};

use super::RequestHandler;
use super::request::latin1;
use crate::proto::request_line::Version;

/// Requests and responses as types of the crate `http`, for code that uses these types. Every handler has these methods if the
/// trait is in scope.
///
/// ```
/// use std::io;
/// use basehttp::HttpTypes;
/// use basehttp::prelude::*;
///
/// /// Does not depend on this crate.
/// fn answer(request: &http::Request<()>) -> http::Response<String> {
///     http::Response::builder()
///         .header("X-Method", request.method().as_str())
///         .body(format!("{:?}", request.uri().query()))
///         .unwrap()
/// }
///
/// struct Bridge { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Bridge {
///     fn do_GET(&self) -> io::Result<()> {
///         match self.http_request() {
///             Ok(request) => self.send_http_response(&answer(&request)),
///             Err(error) => self.send_error((400, "Bad request", error.to_string())),
///         }
///     }
/// }
///
/// let responses = basehttp::testing::respond(|base| Bridge { base }, b"GET /a?b=c HTTP/1.0\r\n\r\n");
/// assert_eq!(responses[0].header("x-method"), Some("GET"));
/// assert_eq!(responses[0].text(), "Some(\"b=c\")");
/// ```
pub trait HttpTypes: RequestHandler {
    /// The request without its body, which is read from [`rfile`](super::BaseHTTPRequestHandler::rfile). Each call makes a new
    /// value.
    ///
    /// # Errors
    /// If `http` cannot represent a request that this crate accepts, for example a target with `<` in it.
    fn http_request(&self) -> http::Result<http::Request<()>> {
        let version = match self.request().version() {
            Version::Http09 => http::Version::HTTP_09,
            Version::Http10 => http::Version::HTTP_10,
            Version::Http11 => http::Version::HTTP_11,
        };
        let request = http::Request::builder().method(self.command()).uri(self.path()).version(version);
        let mut request = request.body(())?;
        *request.headers_mut() = self.request().collect();
        Ok(request)
    }

    /// Sends a complete response with [`send_response`](RequestHandler::send_response), `send_header` and `end_headers`, so your
    /// overrides of them apply. The fields `Date` and `Server` of `response` are ignored; the server sends its own.
    ///
    /// # Errors
    /// The errors of [`end_headers`](RequestHandler::end_headers) and of [`WFile`](super::WFile).
    fn send_http_response<B: AsRef<[u8]>>(&self, response: &http::Response<B>) -> io::Result<()> {
        self.send_response(response.status());
        for (name, value) in response.headers() {
            if name != DATE && name != SERVER {
                self.send_header(name.as_str(), latin1(value.as_bytes()));
            }
        }
        self.end_headers()?;
        match response.body().as_ref() {
            [] => Ok(()),
            body => self.wfile.write_all(body),
        }
    }
}

impl<H: RequestHandler> HttpTypes for H {}
