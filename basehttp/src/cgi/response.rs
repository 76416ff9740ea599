//! The response that a script makes, on its way to the client.

use std::io;

use super::head::{Collector, Location, ScriptHead};
use super::location;
use crate::files::query_of;
use crate::handler::RequestHandler;
use crate::proto::status::HTTPStatus;

/// Why a script's response does not come to its end.
#[derive(Debug)]
pub(super) enum ScriptFailure {
    /// The client's connection.
    Connection(io::Error),
    /// The script's words are no response.
    Response(String),
    /// What was kept for it cannot be read.
    Disk(io::Error),
    /// It does not go on.
    Late,
}

/// What the script says, taken in as it comes.
#[derive(Debug)]
pub(super) struct ScriptResponse {
    stage: Stage,
    is_nph: bool,
    /// The path of a request for the script, with what follows.
    path: String,
    /// A head, or body bytes, were written that may be held back.
    has_news: bool,
    is_too_long: bool,
}

#[derive(Debug)]
enum Stage {
    Head(Collector),
    /// With so many bytes to come, if that was declared.
    Body(Option<u64>),
    /// What the script still says is for nobody.
    Deaf,
    /// So is this, and another path of this server's has the response.
    Redirect(String),
}

/// As for the heads of requests ([`Limits`](crate::Limits)).
const MOST_HEAD: usize = 64 * 1024;
const MOST_FIELDS: usize = 100;

impl ScriptResponse {
    pub(super) fn new(path: String, is_nph: bool) -> Self {
        Self { stage: Stage::Head(Collector::default()), is_nph, path, has_news: false, is_too_long: false }
    }

    /// Takes more of the script's output. Says whether there is somebody for it.
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

    /// Sends what is held back: the script takes its time, and the client may be meant to see what it has said so far.
    pub(super) fn flush<H: RequestHandler>(&mut self, handler: &H) -> Result<(), ScriptFailure> {
        if std::mem::take(&mut self.has_news) {
            handler.wfile.flush().map_err(ScriptFailure::Connection)?;
        }
        Ok(())
    }

    /// Why there is no response, if there is none.
    pub(super) fn lack(&self) -> Option<&'static str> {
        match &self.stage {
            Stage::Head(collector) if collector.is_empty() => Some("it says nothing"),
            Stage::Head(_) => Some("its head is not complete"),
            _ => None,
        }
    }

    /// Whether nothing that the script may still say is for the client.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Deaf | Stage::Redirect(_) | Stage::Body(Some(0)))
    }

    pub(super) fn into_redirect(self) -> Option<String> {
        match self.stage {
            Stage::Redirect(path) => Some(path),
            _ => None,
        }
    }

    /// Whether it was more than the script had declared.
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
                // RFC 9110 section 6.6.1: a server with a clock says the time.
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
        // Section 8.6 of RFC 9110: there is none for 204.
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
            // That is all for the client, however long the script goes on.
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
