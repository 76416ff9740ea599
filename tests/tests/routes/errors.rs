//! What the error of a method becomes.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use basehttp::prelude::*;
use basehttp::testing::{TestServer, run};
use basehttp::{HTTPServer, HttpError};

#[derive(Debug)]
struct Lost(&'static str);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {}", self.0)
    }
}

impl Error for Lost {}

/// An error that cannot be kept.
#[derive(Debug)]
struct Borrowing<'a>(&'a str);

impl fmt::Display for Borrowing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Borrowing<'_> {}

#[derive(Debug)]
struct Context(Box<dyn Error + Send + Sync>);

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("while looking")
    }
}

impl Error for Context {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Like `anyhow::Error`: it can be displayed and contains an error, but is not one.
struct Anyhow(Box<dyn Error + Send + Sync>);

impl fmt::Display for Anyhow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "anyhow: {}", self.0)
    }
}

impl AsRef<dyn Error + Send + Sync> for Anyhow {
    fn as_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl AsRef<dyn Error> for Anyhow {
    fn as_ref(&self) -> &(dyn Error + 'static) {
        &*self.0
    }
}

struct Failing {
    base: BaseHTTPRequestHandler,
    text: String,
}

fn conflict() -> HttpError {
    HttpError::new(409, "It is there")
}

#[http_handler]
impl Failing {
    const protocol_version: &str = "HTTP/1.1";

    #[route(GET, "/http")]
    fn http(&self) -> Result<(), HttpError> {
        Err(conflict())
    }

    #[route(GET, "/io")]
    fn io(&self) -> io::Result<()> {
        Err(io::Error::other(Context(conflict().into())))
    }

    #[route(GET, "/io-question")]
    fn io_question(&self) -> io::Result<String> {
        Err(conflict())?
    }

    #[route(GET, "/boxed")]
    fn boxed(&self) -> Result<String, Box<dyn Error>> {
        Err(conflict())?
    }

    #[route(GET, "/shared")]
    fn shared(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        Err(Context(conflict().into()))?
    }

    #[route(GET, "/anyhow")]
    fn anyhow(&self) -> Result<&str, Anyhow> {
        Err(Anyhow(Context(conflict().into()).into()))
    }

    fn do_GET(&self) -> Result<(), Context> {
        Err(Context(conflict().into()))
    }

    #[route(GET, "/late")]
    fn late(&self) -> Result<(), HttpError> {
        self.send_response(200);
        let _ = self.end_headers();
        let _ = self.wfile.flush();
        Err(conflict())
    }

    #[route(GET, "/begun")]
    fn begun(&self) -> Result<(), HttpError> {
        self.send_response(200);
        let _ = self.end_headers();
        let _ = self.wfile.write_all(b"not sent yet");
        Err(conflict())
    }

    #[route(GET, "/bad-field")]
    fn bad_field(&self) -> HttpError {
        HttpError::new(401, "Log in").with_header("X-Bad", "a\nb")
    }

    #[route(POST, "/body")]
    fn body(&self) -> io::Result<()> {
        self.read_body(3).map_err(|_| HttpError::new(422, "Too long for me"))?;
        Ok(())
    }

    #[route(GET, "/moves")]
    fn moves(&mut self) -> Result<(), String> {
        self.set_path("/lost");
        Err("on the way".to_owned())
    }

    #[route(GET, "/lost")]
    fn lost(&self) -> Result<String, Lost> {
        Err(Lost("it"))
    }

    #[route(GET, "/lost-in")]
    fn lost_in(&self) -> Result<String, Box<dyn Error>> {
        Err(Context(Lost("that").into()))?
    }

    #[route(GET, "/text")]
    fn text(&self) -> Result<(), String> {
        Err("text alone".to_owned())
    }

    fn do_PUT(&self) -> Result<&str, Borrowing<'_>> {
        Err(Borrowing(&self.text))
    }

    #[route(GET, "/borrowing")]
    fn borrowing(&self) -> Result<(), Borrowing<'_>> {
        Err(Borrowing(&self.text))
    }

    #[route(GET, "/borrowed")]
    fn borrowed(&self) -> Result<(), &str> {
        Err(&self.text)
    }

    #[route(GET, "/later")]
    fn later_error(&self) -> io::Result<()> {
        self.later()?.resume(|_| Err::<&str, _>(conflict()));
        Ok(())
    }

    #[route(GET, "/later-value")]
    fn later_value(&self) -> io::Result<()> {
        self.later()?.resume(|handler| (201, format!("later {}", handler.path())));
        Ok(())
    }

    #[route(GET, "/later-io")]
    fn later_io(&self) -> io::Result<()> {
        self.later()?.resume(|_| Err::<(), _>(io::Error::other(conflict())));
        Ok(())
    }

    #[route(GET, "/later-boxed")]
    fn later_boxed(&self) -> io::Result<()> {
        self.later()?.resume(|_| -> Result<(), Box<dyn Error>> { Err(conflict())? });
        Ok(())
    }
}

fn asked(target: &str) -> basehttp::testing::Run {
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    run(|base| Failing { base, text: "borrowed text".to_owned() }, [request])
}

#[test]
fn an_http_error_is_found_wherever_it_is() {
    for target in [
        "/http",
        "/io",
        "/io-question",
        "/boxed",
        "/shared",
        "/anyhow",
        "/",
        "/begun",
        "/later",
        "/later-io",
        "/later-boxed",
    ] {
        let run = asked(target);
        let response = &run.responses[0];
        assert_eq!((response.status, &*response.reason), (409, "It is there"), "{target}: {}", run.log);
        assert!(response.text().contains("It is there") && !response.text().contains("looking"));
        assert!(run.log.contains("code 409, message It is there"), "{}", run.log);
    }
    assert_eq!(
        (asked("/later-value").responses[0].status, &*asked("/later-value").responses[0].text()),
        (201, "later /later-value")
    );
}

#[test]
fn an_http_error_that_cannot_be_sent_is_a_failure() {
    let run = asked("/bad-field");
    let response = &run.responses[0];
    assert_eq!((response.status, response.header("content-type").is_some()), (500, true), "{}", run.log);
    assert!(run.log.contains("bad_field: ") && run.log.contains("X-Bad"), "{}", run.log);
}

#[test]
fn a_handler_has_its_own_words_for_a_body_that_is_too_long() {
    let request = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd";
    let run = run(|base| Failing { base, text: String::new() }, [request]);
    assert_eq!((run.responses[0].status, &*run.responses[0].reason), (422, "Too long for me"), "{}", run.log);
}

/// The outer errors are for the log.
#[test]
fn the_words_around_an_http_error_are_logged() {
    for (target, log) in [
        ("/", "do_GET: while looking\n"),
        ("/anyhow", "anyhow: anyhow: while looking\n"),
        ("/io", "io: while looking\n"),
    ] {
        let run = asked(target);
        assert!(run.log.contains(log), "{target}: {}", run.log);
    }
    assert_eq!(asked("/http").log.lines().count(), 2, "{}", asked("/http").log);
}

#[test]
fn an_http_error_that_comes_too_late_is_a_failure() {
    let run = asked("/late");
    assert!(run.responses[0].truncated && run.log.contains("late: It is there (409)"), "{}", run.log);
}

#[test]
fn any_other_error_is_500_and_its_text_is_for_the_log() {
    for (target, text) in [
        ("/lost", "lost: lost it"),
        ("/lost-in", "lost_in: while looking"),
        ("/text", "text: text alone"),
        ("/moves", "moves: on the way"),
        ("/borrowed", "borrowed: borrowed text"),
        ("/borrowing", "borrowing: borrowed text"),
    ] {
        let run = asked(target);
        assert_eq!(run.responses[0].status, 500, "{target}");
        assert!(run.log.contains(text), "{target}: {}", run.log);
        let (_, secret) = text.split_once(": ").unwrap();
        let page = run.responses[0].text();
        assert!(page.contains("<p>Error code: 500</p>") && !page.contains(secret), "{target}: {page}");
    }
}

#[test]
fn the_hook_gets_the_error_itself() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tells = told.clone();
    let builder = HTTPServer::builder().handle_error(move |failure| {
        let mut lost = None;
        let mut next = failure.error();
        while let Some(error) = next {
            lost = lost.or(error.downcast_ref::<Lost>().map(|lost| lost.0));
            next = error.source();
        }
        tells.lock().unwrap().push((failure.message().to_owned(), failure.error().is_some(), lost));
    });
    let server = TestServer::with(builder, |base| Failing { base, text: "borrowed".to_owned() });
    for target in ["/lost", "/lost-in", "/text", "/borrowed", "/http", "/boxed"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert!(server.exchange(request.as_bytes()).expect("it is answered").starts_with(b"HTTP/1.1 "));
    }
    drop(server);
    let expected = [
        ("lost it".to_owned(), true, Some("it")),
        ("while looking".to_owned(), true, Some("that")),
        ("text alone".to_owned(), false, None),
        ("borrowed".to_owned(), false, None),
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}
