//! `rfile` and `wfile`.

use std::io::{self, BufRead, BufWriter, Read, Write};
use std::sync::Arc;

use basehttp::prelude::*;
use basehttp::testing::{Response, respond};

use crate::post;

type Deed = Arc<dyn Fn(&Stream) -> io::Result<()>>;

struct Stream {
    base: BaseHTTPRequestHandler,
    deed: Deed,
}

#[http_handler]
impl Stream {
    const protocol_version: &str = "HTTP/1.1";

    fn do_POST(&self) -> io::Result<()> {
        (self.deed)(self)
    }

    fn begin(&self) -> io::Result<()> {
        self.send_response(200);
        self.end_headers()
    }
}

fn ask(input: impl AsRef<[u8]>, deed: impl Fn(&Stream) -> io::Result<()> + 'static) -> Response {
    let deed: Deed = Arc::new(deed);
    let mut responses = respond(|base| Stream { base, deed: deed.clone() }, input.as_ref());
    assert_eq!(responses.len(), 1);
    responses.remove(0)
}

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                       3\r\none\r\n4\r\n\ntwo\r\n1\r\n\n\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\n";

/// Tests with a body that has a length and with a chunked one, both of which are "one\ntwo\n".
fn both(wanted: &str, deed: impl Fn(&Stream) -> io::Result<String> + Clone + 'static) {
    for input in [&*post("one\ntwo\n"), CHUNKED] {
        let deed = deed.clone();
        let response = ask(input, move |handler| {
            let text = deed(handler)?;
            handler.begin()?;
            handler.wfile.write_all(text.as_bytes())
        });
        assert_eq!((response.status, &*response.text()), (200, wanted), "{input:?}");
    }
}

#[test]
fn read() {
    both("one\ntwo\n", |handler| {
        let mut text = Vec::new();
        let mut buffer = [0; 3];
        loop {
            match handler.rfile.read(&mut buffer)? {
                0 => break,
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
        assert_eq!(handler.rfile.read(&mut buffer)?, 0, "the end stays the end");
        assert_eq!(handler.rfile.read(&mut [])?, 0);
        String::from_utf8(text).map_err(io::Error::other)
    });
}

#[test]
fn read_exact() {
    both("one\nt then UnexpectedEof", |handler| {
        let mut five = [0; 5];
        handler.rfile.read_exact(&mut five)?;
        let more = handler.rfile.read_exact(&mut [0; 5]).unwrap_err();
        Ok(format!("{} then {:?}", String::from_utf8_lossy(&five), more.kind()))
    });
}

#[test]
fn read_to_end() {
    both("begin one\ntwo\n 8 0", |handler| {
        let mut body = b"begin ".to_vec();
        let count = handler.rfile.read_to_end(&mut body)?;
        let again = handler.rfile.read_to_end(&mut body)?;
        Ok(format!("{} {count} {again}", String::from_utf8_lossy(&body)))
    });
}

#[test]
fn read_to_string() {
    both("one\ntwo\n", |handler| {
        let mut text = String::new();
        handler.rfile.read_to_string(&mut text)?;
        Ok(text)
    });
}

#[test]
fn read_to_string_of_other_bytes() {
    let mut input = post("xx").into_bytes();
    let at = input.len() - 2;
    input[at] = 0xff;
    let response = ask(input, |handler| {
        let error = handler.rfile.read_to_string(&mut String::new()).unwrap_err();
        handler.begin()?;
        write!(handler.wfile, "{:?}", error.kind())
    });
    assert_eq!(response.text(), "InvalidData");
}

#[test]
fn read_line() {
    both("[one\n][two\n][] 4 4 0", |handler| {
        let mut lines = [String::new(), String::new(), String::new()];
        let mut counts = [0; 3];
        for (line, count) in lines.iter_mut().zip(&mut counts) {
            *count = handler.rfile.read_line(line)?;
        }
        let [a, b, c] = lines;
        Ok(format!("[{a}][{b}][{c}] {} {} {}", counts[0], counts[1], counts[2]))
    });
}

#[test]
fn lines_and_bytes_mix() {
    both("one\n|tw|o\n", |handler| {
        let mut line = String::new();
        handler.rfile.read_line(&mut line)?;
        let mut two = [0; 2];
        handler.rfile.read_exact(&mut two)?;
        let mut rest = String::new();
        handler.rfile.read_to_string(&mut rest)?;
        Ok(format!("{line}|{}|{rest}", String::from_utf8_lossy(&two)))
    });
}

#[test]
fn lock_gives_buf_read() {
    both("one,two", |handler| {
        let lines: Result<Vec<_>, _> = handler.rfile.lock().lines().collect();
        Ok(lines?.join(","))
    });
    both("true", |handler| {
        let mut guard = handler.rfile.lock();
        let mut total = 0;
        loop {
            let count = guard.fill_buf()?.len();
            if count == 0 {
                break;
            }
            total += count;
            guard.consume(count);
        }
        Ok((total == 8).to_string())
    });
}

#[test]
fn wfile_can_be_used_while_rfile_is_locked() {
    let response = ask(post("one\ntwo\n"), |handler| {
        handler.begin()?;
        for line in handler.rfile.lock().lines() {
            write!(handler.wfile, "<{}>", line?)?;
        }
        Ok(())
    });
    assert_eq!(response.text(), "<one><two>");
}

#[test]
fn rfile_while_it_is_locked() {
    both("WouldBlock", |handler| {
        let guard = handler.rfile.lock();
        let error = handler.rfile.read(&mut [0]).unwrap_err();
        drop(guard);
        handler.rfile.read_exact(&mut [0; 8])?;
        Ok(format!("{:?}", error.kind()))
    });
}

#[test]
fn a_bounded_line() {
    both("one", |handler| {
        let mut line = String::new();
        handler.rfile.lock().take(3).read_line(&mut line)?;
        Ok(line)
    });
}

#[test]
fn read_is_implemented_for_a_reference() {
    both("one\ntwo\n", |handler| {
        let mut text = String::new();
        let mut reader = &handler.rfile;
        Read::by_ref(&mut reader).take(100).read_to_string(&mut text)?;
        Ok(text)
    });
    both("8", |handler| Ok(io::copy(&mut &handler.rfile, &mut io::sink())?.to_string()));
}

#[test]
fn without_a_body_rfile_is_at_its_end() {
    let response = ask("POST / HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE", |handler| {
        let count = handler.rfile.read_to_end(&mut Vec::new())?;
        handler.begin()?;
        handler.set_close_connection(true);
        write!(handler.wfile, "{count}")
    });
    assert_eq!(response.text(), "0");
}

#[test]
fn trailers_come_after_the_body() {
    let response = ask(CHUNKED, |handler| {
        let before = handler.rfile.trailers().len();
        handler.rfile.read_to_end(&mut Vec::new())?;
        let trailers = handler.rfile.trailers();
        let all: Vec<_> = trailers.get_all("x-sum").collect();
        handler.begin()?;
        write!(handler.wfile, "{before} {all:?}")
    });
    assert_eq!(response.text(), r#"0 ["7", "8"]"#);
}

#[test]
fn a_body_with_a_length_has_no_trailers() {
    both_trailers(&post("x"), 0);
    both_trailers(CHUNKED, 2);
}

fn both_trailers(input: &str, wanted: usize) {
    let response = ask(input, |handler| {
        handler.rfile.read_to_end(&mut Vec::new())?;
        handler.begin()?;
        write!(handler.wfile, "{}", handler.rfile.trailers().len())
    });
    assert_eq!(response.text(), wanted.to_string());
}

#[test]
fn read_body_has_a_limit() {
    let put = |input: &str, limit| {
        ask(input, move |handler| {
            let body = handler.read_body(limit)?;
            handler.begin()?;
            handler.wfile.write_all(&body)
        })
    };
    for input in [&*post("one\ntwo\n"), CHUNKED] {
        assert_eq!(put(input, 8).text(), "one\ntwo\n");
        assert_eq!(put(input, usize::MAX).text(), "one\ntwo\n");
        let refused = put(input, 7);
        assert_eq!((refused.status, &*refused.reason), (413, "Content Too Large"));
        assert!(!refused.stays_open);
    }
    assert_eq!(put(&post(""), 0).status, 200);
    assert_eq!(put(&post("x"), 0).status, 413);
}

#[test]
fn read_body_tells_its_limit_by_the_kind() {
    let response = ask(post("12345"), |handler| {
        let error = handler.read_body(4).unwrap_err();
        handler.begin()?;
        write!(handler.wfile, "{:?}", error.kind())
    });
    assert_eq!((response.status, &*response.text()), (200, "FileTooLarge"));
}

#[test]
fn write_write_all_write_fmt_and_flush() {
    let response = ask(post(""), |handler| {
        handler.begin()?;
        assert_eq!(handler.wfile.write(b"one ")?, 4);
        handler.wfile.write_all(b"two ")?;
        write!(handler.wfile, "{} ", 3)?;
        handler.wfile.write_fmt(format_args!("{} ", "four"))?;
        writeln!(handler.wfile, "five")?;
        handler.wfile.flush()
    });
    assert_eq!(response.text(), "one two 3 four five\n");
    assert_eq!(response.header("transfer-encoding"), Some("chunked"), "since it was flushed");
}

#[test]
fn write_is_implemented_for_a_reference() {
    let response = ask(post("body"), |handler| {
        handler.begin()?;
        io::copy(&mut &handler.rfile, &mut &handler.wfile)?;
        let mut writer = BufWriter::new(&handler.wfile);
        writer.write_all(b" and more")?;
        writer.flush()
    });
    assert_eq!(response.text(), "body and more");
}

#[test]
fn writing_before_end_headers_is_invalid_input() {
    let response = ask(post(""), |handler| {
        let first = handler.wfile.write_all(b"x").unwrap_err();
        handler.send_response(200);
        let second = writeln!(&handler.wfile, "x").unwrap_err();
        handler.end_headers()?;
        write!(handler.wfile, "{:?} {:?}", first.kind(), second.kind())
    });
    assert_eq!((response.status, &*response.text()), (200, "InvalidInput InvalidInput"));
}

#[test]
fn flush_before_end_headers_is_no_error_and_sends_nothing() {
    let response = ask(post(""), |handler| {
        handler.wfile.flush()?;
        handler.send_response(200);
        handler.wfile.flush()?;
        handler.flush_headers()?;
        handler.end_headers()?;
        handler.wfile.write_all(b"x")
    });
    assert_eq!(response.header("content-length"), Some("1"));
}

#[test]
fn a_display_may_call_back() {
    struct Path<'a>(&'a Stream);
    impl std::fmt::Display for Path<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let body = self.0.read_body(100).map_err(|_| std::fmt::Error)?;
            self.0.log_message(format_args!("called back"));
            self.0.send_header("X-Inner", "yes");
            write!(f, "{} {} {}", self.0.path(), self.0.close_connection(), body.len())
        }
    }
    let response = ask(post("12345"), |handler| {
        handler.send_response(200);
        handler.send_header("X-Outer", Path(handler));
        handler.end_headers()?;
        write!(handler.wfile, "{}", handler.path())
    });
    assert_eq!(response.header("x-outer"), Some("/ false 5"));
    assert_eq!(response.header("x-inner"), Some("yes"));
}
