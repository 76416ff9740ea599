//! A script's response, on its way to the client.

use std::io;

use super::head::{Collector, Location, ScriptHead};
use super::location;
use crate::files::query_of;
use crate::handler::RequestHandler;
use crate::proto::status::HTTPStatus;

/// Why a script's response does not complete.
#[derive(Debug)]
pub(super) enum ScriptFailure {
    /// A failure of the client's connection.
    Connection(io::Error),
    /// The script's output is not a response.
    Response(String),
    /// The stored body cannot be read.
    Disk(io::Error),
    /// The script makes no progress.
    Late,
}

/// A script's output, processed as it arrives.
#[derive(Debug)]
pub(super) struct ScriptResponse {
    stage: Stage,
    is_nph: bool,
    /// The request path of the script, with the rest.
    path: String,
    /// A head or body bytes were written and may still be buffered.
    has_news: bool,
    is_too_long: bool,
}

#[derive(Debug)]
enum Stage {
    Head(Collector),
    /// The number of bytes still to come, if it was declared.
    Body(Option<u64>),
    /// Further output of the script is dropped.
    Deaf,
    /// The same, and another path of this server has the response.
    Redirect(String),
}

/// The same limits as for request heads ([`Limits`](crate::Limits)).
const MOST_HEAD: usize = 64 * 1024;
const MOST_FIELDS: usize = 100;

impl ScriptResponse {
    pub(super) fn new(path: String, is_nph: bool) -> Self {
        Self { stage: Stage::Head(Collector::default()), is_nph, path, has_news: false, is_too_long: false }
    }

    /// Takes more of the script's output. Returns whether any of it is for the client.
    pub(super) fn take<H: RequestHandler>(
        &mut self,
        handler: &H,
        data: &[u8],
    ) -> Result<bool, ScriptFailure> {
        match &mut self.stage {
            Stage::Head(collector) => {
                let Some((head, rest)) = collector.take(data, MOST_HEAD).map_err(ScriptFailure::Response)?
                else {
                    return Ok(false);
                };
                let head =
                    ScriptHead::parse(&head, self.is_nph, MOST_FIELDS).map_err(ScriptFailure::Response)?;
                self.begin(handler, head)?;
                self.write(handler, &rest)?;
                Ok(true)
            }
            Stage::Body(_) => self.write(handler, data).map(|()| true),
            Stage::Deaf | Stage::Redirect(_) => Ok(false),
        }
    }

    /// Sends buffered output: the script is slow, and the client may need to see what there is so far.
    pub(super) fn flush<H: RequestHandler>(&mut self, handler: &H) -> Result<(), ScriptFailure> {
        if std::mem::take(&mut self.has_news) {
            handler.wfile.flush().map_err(ScriptFailure::Connection)?;
        }
        Ok(())
    }

    /// Why there is no response, if there is none.
    pub(super) fn lack(&self) -> Option<&'static str> {
        match &self.stage {
            Stage::Head(collector) if collector.is_empty() => Some("it wrote nothing"),
            Stage::Head(_) => Some("its head is incomplete"),
            _ => None,
        }
    }

    /// Whether further output of the script cannot be for the client.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Deaf | Stage::Redirect(_) | Stage::Body(Some(0)))
    }

    pub(super) fn into_redirect(self) -> Option<String> {
        match self.stage {
            Stage::Redirect(path) => Some(path),
            _ => None,
        }
    }

    /// Whether the script wrote more than it had declared.
    pub(super) fn is_too_long(&self) -> bool {
        self.is_too_long
    }

    fn begin<H: RequestHandler>(&mut self, handler: &H, head: ScriptHead) -> Result<(), ScriptFailure> {
        let location = match head.location {
            Some(Location::Here(path)) => {
                self.stage = Stage::Redirect(path);
                return Ok(());
            }
            Some(Location::Elsewhere(location)) => Some(location),
            Some(Location::Relative(reference)) => {
                Some(location::resolve(&self.path, query_of(handler.path()), &reference))
            }
            None => None,
        };
        let (code, reason) = match (head.status, &location) {
            (Some(status), _) => status,
            // RFC 3875 section 6.2.3.
            (None, Some(_)) => (302, None),
            (None, None) => (200, Some("Script output follows".to_owned())),
        };
        let status = HTTPStatus::new(code);
        match (self.is_nph, reason) {
            (false, Some(reason)) => handler.send_response((status, reason)),
            (false, None) => handler.send_response(status),
            (true, reason) => {
                handler.log_request(Some(status), None);
                handler.send_response_only((status, reason.unwrap_or_default()));
                // RFC 9110 section 6.6.1: a server with a clock sends a `Date`.
                if !head.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("Date")) {
                    handler.send_header("Date", handler.date_time_string(None));
                }
            }
        }
        if let Some(location) = location {
            handler.send_header("Location", location);
        }
        for (name, value) in head.fields {
            handler.send_header(&name, value);
        }
        // RFC 9110 section 8.6: a 204 has no `Content-Length`.
        if let Some(length) = head.content_length.filter(|_| status != HTTPStatus::NO_CONTENT) {
            handler.send_header("Content-Length", length);
        }
        handler.end_headers().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => ScriptFailure::Response(error.to_string()),
            _ => ScriptFailure::Connection(error),
        })?;
        self.has_news = true;
        let is_bare = handler.command() == "HEAD" || status.has_no_body();
        if is_bare {
            // Nothing more is for the client, however long the script runs.
            self.flush(handler)?;
        }
        self.stage = if is_bare { Stage::Deaf } else { Stage::Body(head.content_length) };
        Ok(())
    }

    fn write<H: RequestHandler>(&mut self, handler: &H, data: &[u8]) -> Result<(), ScriptFailure> {
        let Stage::Body(left) = &mut self.stage else { return Ok(()) };
        let room = left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let (data, surplus) = data.split_at_checked(room).unwrap_or((data, &[]));
        if let Some(left) = left {
            *left -= data.len() as u64;
        }
        if !data.is_empty() {
            handler.wfile.write_all(data).map_err(ScriptFailure::Connection)?;
            self.has_news = true;
        }
        if !surplus.is_empty() {
            self.is_too_long = true;
            self.stage = Stage::Deaf;
        }
        Ok(())
    }
}
