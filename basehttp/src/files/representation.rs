//! How a file is sent: which bytes of it, and the head of the response.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::Range;

use super::Content;
use super::coding::Coding;
use super::conditional::{Validators, Verdict, is_same, judge};
use super::content::{Part, Source};
use super::ranges::{Wanted, wanted};
use crate::handler::RequestHandler;
use crate::proto::status::HTTPStatus;

/// The representation of a file that is sent.
pub(super) struct Representation<'a> {
    pub(super) media_type: Cow<'static, str>,
    pub(super) coding: Option<Coding>,
    /// Whether another client could get a different one.
    pub(super) varies: bool,
    pub(super) validators: Validators,
    /// How many ranges one request may ask for.
    pub(super) max_ranges: usize,
    pub(super) cache_control: Option<&'a str>,
}

impl Representation<'_> {
    /// Sends the head of the response, as the request's conditions and ranges determine it. The bytes of the file, `len` of
    /// them, are in `source`.
    pub(super) fn send_head<H: RequestHandler>(
        &self,
        handler: &H,
        source: &Source,
        len: u64,
    ) -> io::Result<Option<Content>> {
        match judge(handler.request(), &self.validators, H::protocol_version == "HTTP/1.1") {
            Verdict::Go => {}
            Verdict::NotModified => {
                handler.send_response(HTTPStatus::NOT_MODIFIED);
                self.send_validators(handler);
                return handler.end_headers().map(|()| None);
            }
            Verdict::PreconditionFailed => return handler.send_error(412).map(|()| None),
        }
        match self.range_of(handler, len) {
            Wanted::All => {
                handler.send_response(HTTPStatus::OK);
                self.send_fields(handler, &self.media_type, len)?;
                Ok(Some(Content { parts: vec![source.part(0..len)] }))
            }
            Wanted::Nothing => {
                handler.send_response(HTTPStatus::RANGE_NOT_SATISFIABLE);
                handler.send_header("Content-Range", format_args!("bytes */{len}"));
                handler.send_header("Content-Length", 0);
                handler.end_headers().map(|()| None)
            }
            Wanted::Ranges(ranges) => {
                handler.send_response(HTTPStatus::PARTIAL_CONTENT);
                if let [range] = ranges.as_slice() {
                    handler.send_header("Content-Range", content_range(range, len));
                    self.send_fields(handler, &self.media_type, range.end - range.start)?;
                    return Ok(Some(Content { parts: vec![source.part(range.clone())] }));
                }
                let boundary = boundary();
                let content = several(source, &ranges, len, &self.media_type, &boundary);
                let media_type = format!("multipart/byteranges; boundary={boundary}");
                self.send_fields(handler, &media_type, content.len())?;
                Ok(Some(content))
            }
        }
    }

    /// The ranges of a GET: section 14.2 defines none for other methods.
    fn range_of<H: RequestHandler>(&self, handler: &H, len: u64) -> Wanted {
        let request = handler.request();
        let mut fields = request.values("Range");
        match (fields.next(), fields.next()) {
            (Some(field), None) if handler.command() == "GET" && is_same(request, &self.validators) => {
                wanted(field, len, self.max_ranges)
            }
            _ => Wanted::All,
        }
    }

    fn send_fields<H: RequestHandler>(&self, handler: &H, media_type: &str, len: u64) -> io::Result<()> {
        handler.send_header("Content-Type", media_type);
        handler.send_header("Content-Length", len);
        if let Some(coding) = self.coding {
            handler.send_header("Content-Encoding", coding.name);
        }
        if self.max_ranges > 0 {
            handler.send_header("Accept-Ranges", "bytes");
        }
        self.send_validators(handler);
        handler.end_headers()
    }

    /// The fields that RFC 9110 section 15.4.5 also requires in a 304.
    fn send_validators<H: RequestHandler>(&self, handler: &H) {
        if let Some(modified) = self.validators.last_modified() {
            handler.send_header("Last-Modified", handler.date_time_string(Some(modified)));
        }
        if let Some(etag) = &self.validators.etag {
            handler.send_header("ETag", etag);
        }
        if self.varies {
            handler.send_header("Vary", "Accept-Encoding");
        }
        if let Some(value) = self.cache_control {
            handler.send_header("Cache-Control", value);
        }
    }
}

fn content_range(range: &Range<u64>, len: u64) -> String {
    format!("bytes {}-{}/{len}", range.start, range.end.saturating_sub(1))
}

/// RFC 9110 section 14.6. An empty line comes first, as other servers send it; zsync 0.6 requires it.
fn several(source: &Source, ranges: &[Range<u64>], len: u64, media_type: &str, boundary: &str) -> Content {
    let mut parts = Vec::new();
    for range in ranges {
        let content_range = content_range(range, len);
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {content_range}\r\n\r\n"
        );
        parts.push(Part::Bytes(head.into_bytes()));
        parts.push(source.part(range.clone()));
    }
    parts.push(Part::Bytes(format!("\r\n--{boundary}--\r\n").into_bytes()));
    Content { parts }
}

/// A line that occurs in no file, unless its author can guess 128 bits.
fn boundary() -> String {
    let half = || RandomState::new().hash_one(0);
    format!("{:016x}{:016x}", half(), half())
}
