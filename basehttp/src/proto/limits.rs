//! How much of a request is read before it is refused.

/// Bounds on the parts of a request.
///
/// Each is a bound on what a client can make the server keep in memory. The type may grow: start from
/// `Limits::default()` and change what you need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest request line, without its line end; a longer one is answered 414.
    ///
    /// 65536, as in Python's `http.server`. RFC 9112 section 3 asks for at least 8000.
    pub request_line: usize,
    /// Size of all field lines together, line ends and the closing empty line included; more is answered 431.
    ///
    /// 65536: Python allows that for each line, which would be 6.5 MB for a head of 100 lines.
    pub head: usize,
    /// Number of field lines; more is answered 431.
    ///
    /// 100, as in Python's `http.client`. A browser sends about 20.
    pub fields: usize,
    /// Longest chunk-size line of a chunked body, extensions included, without its line end.
    ///
    /// It also bounds what the extensions of all chunks come to, less 16 bytes for each chunk and two for each byte of
    /// its data. 4096: hardly anything sends extensions, and no handler sees them.
    pub chunk_line: usize,
    /// Size of the trailer section of a chunked body, line ends included.
    ///
    /// 16 KiB. The number of trailer fields is bounded by [`fields`](Self::fields).
    pub trailers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { request_line: 65536, head: 65536, fields: 100, chunk_line: 4096, trailers: 16 * 1024 }
    }
}
