//! How much of a request is read before it is refused.

/// Limits on the parts of a request.
///
/// Each one limits how much a client can make the server keep in memory. The type may grow: start from `Limits::default()`
/// and change what you need.
///
/// # Examples
///
/// ```
/// use basehttp::Limits;
/// use basehttp::prelude::*;
/// use basehttp::testing::TestServer;
///
/// struct Hello { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Hello {
///     fn do_GET(&self) -> &str {
///         "hello"
///     }
/// }
///
/// let mut limits = Limits::default();
/// limits.request_line = 100;
/// let server = TestServer::with(HTTPServer::builder().limits(limits), |base| Hello { base });
/// let status = |path: &str| {
///     let response = server.exchange(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
///     String::from_utf8_lossy(&response[9..12]).into_owned()
/// };
/// assert_eq!(status("/"), "200");
/// assert_eq!(status(&"/long".repeat(20)), "414");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest request line, without its line end; a longer one gets 414.
    ///
    /// 65536 by default, as in Python's `http.server`. RFC 9112 section 3 asks for at least 8000.
    pub request_line: usize,
    /// Size of all field lines together, including line ends and the final empty line; a larger head gets 431.
    ///
    /// 65536 by default. Python allows that for each line, which would be 6.5 MB for a head of 100 lines.
    pub head: usize,
    /// Number of field lines; more get 431.
    ///
    /// 100 by default, as in Python's `http.client`. A browser sends about 20.
    pub fields: usize,
    /// Longest chunk-size line of a chunked body, including extensions, without its line end.
    ///
    /// It also limits the total size of all chunk-size lines, minus 16 bytes for each chunk and two for each byte of its
    /// data. 4096 by default: hardly any client sends extensions, and no handler sees them.
    pub chunk_line: usize,
    /// Size of the trailer section of a chunked body, including line ends.
    ///
    /// 16 KiB by default. [`fields`](Self::fields) limits the number of trailer fields.
    pub trailers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request_line: 65536, head: 65536, fields: 100, chunk_line: 4096, trailers: 16 * 1024 }
    }
}
