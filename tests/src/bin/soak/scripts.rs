//! The scripts of the server, and the visitors that run them.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::child::CHUNKED_LIMIT;
use crate::content;
use crate::files::file;
use crate::peer::{Framing, Trouble, Wanted};
use crate::visitor::{HOST, Visitor};

const SCRIPTS: &[(&str, &str)] = &[
    ("echo", "printf 'Content-Type: application/octet-stream\\n\\n'; exec cat"),
    (
        "about",
        "printf 'Content-Type: text/plain\\n\\n%s %s %s %s %s %s\\n' \"$REQUEST_METHOD\" \"$QUERY_STRING\" \
         \"${CONTENT_LENGTH:-none}\" \"$SERVER_PROTOCOL\" \"${HTTPS:-off}\" \"$HTTP_X_TAG\"",
    ),
    ("slow", "printf 'Content-Type: text/plain\\n\\n'; for n in 1 2 3 4 5; do echo line $n; sleep 0.1; done"),
    // It ignores what can be ignored, and so does its child.
    (
        "endless",
        "trap '' TERM HUP INT PIPE; sleep 1000 & printf 'Content-Type: text/plain\\n\\n'; \
         while :; do echo line || exit; sleep 0.05; done",
    ),
    ("deaf", "printf 'Content-Type: text/plain\\n\\nnot read\\n'"),
    ("silent", "exec sleep 1000"),
    ("fail", "exit 3"),
    ("bad", "echo no head"),
    ("elsewhere", "printf 'Location: /files/1000\\n\\n'"),
    ("teapot", "printf 'Status: 418 Teapot\\nContent-Type: text/plain\\n\\nshort and stout\\n'"),
];

/// What the slow script says.
pub(crate) const SLOW: &str = "line 1\nline 2\nline 3\nline 4\nline 5\n";

pub(crate) fn write(folder: &Path) -> io::Result<()> {
    for (name, text) in SCRIPTS {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    // It cannot be executed.
    fs::write(folder.join("text"), "text")
}

/// What a script has sent.
pub(crate) fn output(media_type: &str, body: impl Into<Vec<u8>>) -> Wanted {
    let wanted =
        Wanted { framing: Framing::Any, reason: Some("Script output follows"), ..Wanted::page(body) };
    wanted.field("Content-Type", media_type)
}

impl Visitor<'_> {
    pub(crate) fn script(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        for _ in 0..self.dice.between(1, 4) {
            let number = self.dice.between(0, 1_000_000);
            let (kind, request, wanted) = match self.dice.between(1, 10) {
                1..=3 => {
                    let https = if self.way == crate::stage::Way::Http { "off" } else { "on" };
                    let path = format!("/cgi-bin/about?a={number}&b");
                    let request = format!("GET {path} HTTP/1.1\r\n{HOST}X-Tag: {number}\r\n\r\n");
                    let body = format!("GET a={number}&b none HTTP/1.1 {https} {number}\n");
                    ("a script's environment", request, output("text/plain", body))
                }
                4 => {
                    let request = format!("GET /cgi-bin/elsewhere HTTP/1.1\r\n{HOST}\r\n");
                    ("a script's redirect", request, file(200, content::bytes(0, 1000)))
                }
                5 => {
                    let request = format!("GET /cgi-bin/teapot HTTP/1.1\r\n{HOST}\r\n");
                    let wanted = Wanted { status: 418, ..output("text/plain", "short and stout\n") };
                    ("a script's status", request, wanted)
                }
                6 => {
                    let body = "x".repeat(self.dice.index(DEAF));
                    let length = body.len();
                    let head =
                        format!("POST /cgi-bin/deaf HTTP/1.1\r\n{HOST}Content-Length: {length}\r\n\r\n");
                    ("a script that does not read", head + &body, output("text/plain", "not read\n"))
                }
                _ => {
                    if self.script_echo(&mut peer)? && self.is_playing() {
                        continue;
                    }
                    return Ok(());
                }
            };
            peer.send(request.as_bytes());
            let goes_on = peer.response(&wanted)?;
            self.good(kind);
            if !goes_on || !self.is_playing() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A body there and back. The client reads when it has sent all, so it is not too long.
    fn script_echo(&mut self, peer: &mut crate::peer::Peer) -> Result<bool, Trouble> {
        let is_chunked = self.dice.chance(50);
        // A chunked body is complete before the script begins: above a megabyte, in a file.
        let length = self.dice.length(0, if is_chunked { CHUNKED_LIMIT } else { 50_000 });
        let body = content::bytes(0, length);
        let framing = if is_chunked {
            "Transfer-Encoding: chunked\r\n".to_owned()
        } else {
            format!("Content-Length: {length}\r\n")
        };
        peer.send(format!("POST /cgi-bin/echo HTTP/1.1\r\n{HOST}{framing}\r\n").as_bytes());
        self.send_body(peer, &body, is_chunked);
        let goes_on = peer.response(&output("application/octet-stream", body))?;
        self.good("a body through a script");
        Ok(goes_on)
    }

    pub(crate) fn slow_script(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        peer.send(format!("GET /cgi-bin/slow HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        peer.response(&output("text/plain", SLOW))?;
        self.good("a slow script");
        Ok(())
    }

    /// A script whose client leaves is killed, with what it has started.
    pub(crate) fn left_script(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let path = *self.dice.pick(&["endless", "silent", "endless"]);
        peer.send(format!("GET /cgi-bin/{path} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        if path == "endless" {
            let head = peer.begin(&Wanted { framing: Framing::Chunked, ..output("text/plain", "") })?;
            for _ in 0..self.dice.between(1, 10) {
                let lines = peer.chunk(&head)?;
                if lines.is_empty() || lines.chunks(5).any(|line| line != b"line\n") {
                    return Err(Trouble::Wrong(format!(
                        "lines of a script: {}",
                        basehttp_tests::show(&lines)
                    )));
                }
            }
        } else {
            thread::sleep(Duration::from_millis(self.dice.between(0, 300)));
        }
        if self.dice.chance(50) {
            peer.reset();
        }
        self.hostile("leaves a script");
        Ok(())
    }

    pub(crate) fn failed_script(&mut self) -> Result<(), Trouble> {
        let mut peer = self.peer()?;
        let (path, status, kind) = *self.dice.pick(&[
            ("fail", 502, "502 of a script without a response"),
            ("bad", 502, "502 of a script without a head"),
            ("silent", 504, "504 of a silent script"),
        ]);
        peer.send(format!("GET /cgi-bin/{path} HTTP/1.1\r\n{HOST}\r\n").as_bytes());
        while !peer.has_input(Duration::from_millis(100))? {
            if !self.is_playing() {
                self.hostile("leaves a script");
                return Ok(());
            }
        }
        peer.response(&Wanted::failure(status))?;
        self.stage.counts.failed.add(kind);
        Ok(())
    }
}

/// A body that fits into the pipe to a script, so that all of it is taken.
const DEAF: usize = 50_000;
