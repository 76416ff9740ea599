//! Visitors that load and store files.

use std::path::PathBuf;

use crate::content;
use crate::peer::{Framing, Peer, Trouble, Wanted, difference, field};
use crate::visitor::{HOST, Visitor};

/// A whole file, or a part of one.
pub(crate) fn file(status: u16, body: Vec<u8>) -> Wanted {
    let wanted = Wanted { status, ..Wanted::page(body) }.field("Content-Type", "application/octet-stream");
    wanted.field("Accept-Ranges", "bytes").any("Last-Modified").any("ETag")
}

impl Visitor<'_> {
    /// Files of all sizes, whole, in parts, and on conditions.
    pub(crate) fn download(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 6) {
            let length = *self.dice.pick(&content::FILES);
            let path = format!("/files/{length}");
            let whole = content::bytes(0, length);
            let get = |fields: &str| format!("GET {path} HTTP/1.1\r\n{HOST}{fields}\r\n");
            peer.send(get("").as_bytes());
            let (mut goes_on, head) = peer.response_with_head(&file(200, whole.clone()))?;
            self.good("a file");
            if goes_on {
                goes_on = self.part_of(&mut peer, &head, &whole, get)?;
            }
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A second request for a file whose head is known.
    fn part_of(
        &mut self,
        peer: &mut Peer,
        head: &str,
        whole: &[u8],
        get: impl Fn(&str) -> String,
    ) -> Result<bool, Trouble> {
        let length = whole.len();
        let tag = field(head, "ETag").unwrap_or_default();
        let date = field(head, "Last-Modified").unwrap_or_default();
        let not_modified = Wanted::empty(304).field("Last-Modified", date).field("ETag", tag);
        let (kind, fields, wanted) = match self.dice.between(1, 8) {
            1 => ("304 by its tag", format!("If-None-Match: {tag}\r\n"), not_modified),
            2 => ("304 by its date", format!("If-Modified-Since: {date}\r\n"), not_modified),
            3 => ("412: another tag", "If-Match: \"other\"\r\n".to_owned(), Wanted::failure(412)),
            4 => ("416", format!("Range: bytes={length}-\r\n"), Wanted::failure(416)),
            5 => {
                // Its tag is another, so the range does not count.
                let fields = "Range: bytes=0-0\r\nIf-Range: \"other\"\r\n".to_owned();
                ("a file", fields, file(200, whole.to_vec()))
            }
            6 if length >= 70_000 => return self.two_ranges(peer, whole, get),
            _ if length == 0 => ("416", "Range: bytes=0-\r\n".to_owned(), Wanted::failure(416)),
            _ => {
                let from = self.dice.index(length);
                let to = from + self.dice.index(length - from);
                let wanted = Wanted { status: 206, ..Wanted::page(&whole[from..=to]) };
                let wanted = wanted.field("Content-Range", format!("bytes {from}-{to}/{length}"));
                let wanted = wanted.field("Content-Type", "application/octet-stream");
                let wanted = wanted.field("Accept-Ranges", "bytes");
                let wanted = wanted.field("Last-Modified", date).field("ETag", tag);
                ("206 with a range", format!("Range: bytes={from}-{to}\r\nIf-Range: {tag}\r\n"), wanted)
            }
        };
        peer.send(get(&fields).as_bytes());
        let goes_on = peer.response(&wanted)?;
        if wanted.status < 400 {
            self.good(kind);
        } else {
            self.stage.counts.declined.add(kind);
        }
        Ok(goes_on)
    }

    /// `multipart/byteranges`, RFC 9110 section 14.6.
    fn two_ranges(
        &mut self,
        peer: &mut Peer,
        whole: &[u8],
        get: impl Fn(&str) -> String,
    ) -> Result<bool, Trouble> {
        let length = whole.len();
        // The server joins ranges with a small gap between them.
        let first = 0..=self.dice.index(length / 3);
        let second = length / 2 + self.dice.index(length / 2)..=length - 1;
        let fields = format!("Range: bytes=0-{},{}-\r\n", first.end(), second.start());
        peer.send(get(&fields).as_bytes());
        let wanted = Wanted { status: 206, framing: Framing::Length, ..Wanted::failure(206) };
        let wanted = wanted.any("Content-Type").field("Accept-Ranges", "bytes");
        let (goes_on, head, body) = peer.response_with_body(&wanted.any("Last-Modified").any("ETag"))?;
        let media_type = field(&head, "Content-Type").unwrap_or_default();
        let Some(boundary) = media_type.strip_prefix("multipart/byteranges; boundary=") else {
            return Err(Trouble::Wrong(format!("the type of two ranges: {media_type}")));
        };
        let mut expected = Vec::new();
        for range in [first, second] {
            let (from, to) = (range.start(), range.end());
            expected.extend_from_slice(
                format!(
                    "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n\
                     Content-Range: bytes {from}-{to}/{length}\r\n\r\n"
                )
                .as_bytes(),
            );
            expected.extend_from_slice(&whole[range]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        if body != expected {
            return Err(Trouble::Wrong(format!("two ranges: {}", difference(&expected, &body))));
        }
        self.good("206 with two ranges");
        Ok(goes_on)
    }

    /// `send_file`, `send_bytes`, and files in the program.
    pub(crate) fn hand_over(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 6) {
            let length = self.dice.length(0, content::LARGE);
            let table = content::TABLE.to_vec();
            let asset = |body: Vec<u8>, media_type: &str| {
                let wanted = Wanted::page(body).field("Content-Type", media_type);
                wanted.field("Accept-Ranges", "bytes").any("ETag")
            };
            let (kind, path, wanted) = match self.dice.between(1, 4) {
                1 => ("send_file", format!("/large/{length}"), Wanted::page(content::bytes(0, length))),
                2 => ("send_bytes", format!("/shared/{length}"), Wanted::page(content::bytes(0, length))),
                3 => ("assets", "/assets/table.bin".to_owned(), asset(table, "application/octet-stream")),
                _ => {
                    let page = b"<!DOCTYPE html><title>Soak</title>\n".to_vec();
                    ("assets", "/assets/".to_owned(), asset(page, "text/html; charset=utf-8"))
                }
            };
            peer.send(format!("GET {path} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
            let goes_on = peer.response(&wanted)?;
            self.good(kind);
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A body becomes a file, which is loaded again and deleted.
    pub(crate) fn store(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let name = self.dice.between(0, 1 << 40);
        let stored = Stored(self.server.stored().join(name.to_string()));
        let length = self.dice.length(0, 2 << 20);
        let body = content::bytes(0, length);
        let is_chunked = self.dice.chance(50);
        let framing = if is_chunked {
            "Transfer-Encoding: chunked\r\n".to_owned()
        } else {
            format!("Content-Length: {length}\r\n")
        };
        peer.send(format!("PUT /api/stored/{name} HTTP/1.1\r\n{HOST}{framing}\r\n").as_bytes());
        self.send_body(&mut peer, &body, is_chunked);
        let told = content::sum(length, content::checksum(0, &body));
        let mut goes_on = peer.response(&Wanted::page(told))?;
        self.good("a body that becomes a file");
        if goes_on {
            peer.send(format!("GET /stored/{name} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
            goes_on = peer.response(&file(200, body))?;
            self.good("a stored file");
        }
        if goes_on {
            peer.send(format!("DELETE /api/stored/{name} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
            peer.response(&Wanted::empty(204))?;
            self.good("a file deleted");
            if stored.0.exists() {
                return Err(Trouble::Wrong("a deleted file is still there".to_owned()));
            }
        }
        Ok(())
    }
}

/// A file that must go, also if its client fails.
struct Stored(PathBuf);

impl Drop for Stored {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
