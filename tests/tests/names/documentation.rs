//! The sentences of Python's documentation of BaseHTTPServer, one test each, with the sentence above it.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::TcpStream;
use std::time::{Duration, UNIX_EPOCH};

use basehttp::prelude::*;
use basehttp::testing::{TestServer, respond, run};
use basehttp::{HTTPStatus, Headers};
use basehttp_tests::client::Client;
use basehttp_tests::log::Log;

use crate::{GET, post};

struct Spam {
    base: BaseHTTPRequestHandler,
    calls: Cell<u32>,
}

#[http_handler]
impl Spam {
    fn do_SPAM(&self) -> io::Result<()> {
        self.calls.set(self.calls.get() + 1);
        self.send_response((200, "Lovely Spam"));
        self.end_headers()?;
        write!(self.wfile, "{}", self.calls.get())
    }
}

fn spam(base: BaseHTTPRequestHandler) -> Spam {
    Spam { base, calls: Cell::default() }
}

const SPAM: &str = "SPAM / HTTP/1.1\r\nHost: a\r\n\r\n";

// "It creates and listens at the HTTP socket, dispatching the requests to a handler."
#[test]
fn it_creates_and_listens_at_the_socket_and_dispatches_to_a_handler() {
    let mut httpd = HTTPServer::bind("127.0.0.1:0", spam).unwrap();
    let mut client = Client::over(TcpStream::connect(("127.0.0.1", httpd.server_port())).unwrap());
    client.send(SPAM);
    httpd.handle_request().unwrap();
    assert_eq!(client.response().status_line, "HTTP/1.0 200 Lovely Spam");
}

// "This class builds on the TCPServer class by storing the server address as instance variables named server_name and
// server_port."
#[test]
fn server_name_and_server_port() {
    let httpd = HTTPServer::bind(("127.0.0.1", 0), spam).unwrap();
    assert_eq!(httpd.server_name(), "127.0.0.1");
    assert_eq!(httpd.server_address().to_string(), format!("127.0.0.1:{}", httpd.server_port()));
}

// "The server is accessible by the handler, typically through the handler's server instance variable."
#[test]
fn the_server_is_accessible_by_the_handler() {
    struct Ask {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Ask {
        fn do_GET(&self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()?;
            write!(self.wfile, "{}", self.server().server_port())
        }
        fn log_message(&self, _message: fmt::Arguments<'_>) {}
    }
    let server = TestServer::new(|base| Ask { base });
    assert_eq!(Client::new(&server).ask(GET).text(), server.address().port().to_string());
}

// "By itself, it cannot respond to any actual HTTP requests; it must be subclassed to handle each request method."
#[test]
fn a_method_without_its_do_method_is_not_answered() {
    for method in ["GET", "POST", "HEAD", "PUT"] {
        let responses = respond(spam, format!("{method} / HTTP/1.0\r\n\r\n").as_bytes());
        assert_eq!(responses[0].status, 501);
        assert_eq!(responses[0].header("allow"), Some("SPAM"));
    }
}

// "For example, for the request method SPAM, the do_SPAM() method will be called with no arguments."
#[test]
fn for_the_request_method_spam_do_spam_is_called() {
    let responses = respond(spam, SPAM.as_bytes());
    assert_eq!((&*responses[0].reason, &*responses[0].text()), ("Lovely Spam", "1"));
}

struct Variables {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Variables {
    fn do_POST(&self) -> io::Result<()> {
        let mut input = String::new();
        self.rfile.read_to_string(&mut input)?;
        self.send_response(200);
        self.end_headers()?;
        let headers: &Headers = self.headers();
        let (address, server) = (self.client_address(), self.server().server_name());
        let (command, path, version) = (self.command(), self.path(), self.request_version());
        write!(self.wfile, "{address}|{server}|{command}|{path}|{version}|{:?}|{input}", headers.get("host"))
    }
}

// "Contains a tuple of the form (host, port) referring to the client's address." "Contains the server instance."
// "Contains the command (request type)." "Contains the request path." "Contains the version string from the request."
// "Holds an instance of the class specified by the MessageClass class variable." "Contains an input stream, positioned at the
// start of the optional input data." "Contains the output stream for writing a response back to the client."
#[test]
fn the_instance_variables() {
    let responses =
        respond(|base| Variables { base }, post("data").replace("POST /", "POST /p?q").as_bytes());
    let wanted = r#"127.0.0.1:54321|localhost|POST|/p?q|HTTP/1.1|Some("a")|data"#;
    assert_eq!(responses[0].text(), wanted);
}

struct Class {
    base: BaseHTTPRequestHandler,
}

#[http_handler]
impl Class {
    const server_version: &str = "BaseHTTP/0.2 More Than/1";
    const sys_version: &str = "Python/1.4";
    const error_message_format: &str = "code %(code)d message %(message)s explain %(explain)s";

    fn do_GET(&self) -> io::Result<()> {
        self.send_error(404)
    }

    fn do_TEXT(&self) -> io::Result<()> {
        self.send_error((404, "specific text"))
    }

    fn log_message(&self, _message: fmt::Arguments<'_>) {}
}

// "Specifies the server software version. The format is multiple whitespace-separated strings, where each string is of the
// form name[/version]." "Contains the Python system version, in a form usable by the version_string method."
#[test]
fn server_version_and_sys_version_make_the_server_field() {
    let responses = respond(|base| Class { base }, GET.as_bytes());
    assert_eq!(responses[0].header("server"), Some("BaseHTTP/0.2 More Than/1 Python/1.4"));
}

// "Specifies a format string for building an error response to the client. The code key should be an integer [...] Default
// message and explain values can found in the responses class variable."
#[test]
fn error_message_format() {
    let responses = respond(|base| Class { base }, GET.as_bytes());
    assert_eq!(responses[0].text(), "code 404 message Not Found explain Nothing matches the given URI");
}

// "Specifies the Content-Type HTTP header of error responses sent to the client. The default value is 'text/html'."
#[test]
fn error_content_type() {
    let responses = respond(|base| Class { base }, GET.as_bytes());
    assert!(responses[0].header("content-type").unwrap().starts_with("text/html"));
}

// "If set to 'HTTP/1.1', the server will permit HTTP persistent connections." "For backwards compatibility, the setting
// defaults to 'HTTP/1.0'."
#[test]
fn protocol_version() {
    struct Persistent {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Persistent {
        const protocol_version: &str = "HTTP/1.1";
        fn do_SPAM(&self) -> io::Result<()> {
            self.send_response(200);
            self.send_header("Content-Length", 2);
            self.end_headers()?;
            self.wfile.write_all(b"ok")
        }
    }
    assert_eq!(respond(|base| Persistent { base }, SPAM.repeat(3).as_bytes()).len(), 3);
    assert_eq!(respond(spam, SPAM.repeat(3).as_bytes()).len(), 1);
    assert_eq!(Spam::protocol_version, "HTTP/1.0");
}

// "This variable contains a mapping of error code integers to two-element tuples containing a short and long message."
#[test]
fn responses() {
    let row = Class::responses.iter().find(|row| row.0 == 404);
    assert_eq!(row, Some(&(404, "Not Found", "Nothing matches the given URI")));
}

// "Calls handle_one_request() once (or, if persistent connections are enabled, multiple times) to handle incoming HTTP
// requests."
#[test]
fn handle() {
    struct Count<const PERSISTENT: bool> {
        base: BaseHTTPRequestHandler,
        log: Log,
    }
    #[http_handler]
    impl<const PERSISTENT: bool> Count<PERSISTENT> {
        const protocol_version: &str = if PERSISTENT { "HTTP/1.1" } else { "HTTP/1.0" };
        fn do_SPAM(&self) -> io::Result<()> {
            self.send_response(200);
            self.end_headers()
        }
        fn handle_one_request(&mut self) -> io::Result<()> {
            self.log.push("one");
            BaseHTTPRequestHandler::handle_one_request(self)
        }
    }
    let (once, often) = (Log::default(), Log::default());
    run(|base| Count::<false> { base, log: once.clone() }, [SPAM.repeat(3)]);
    run(|base| Count::<true> { base, log: often.clone() }, [SPAM.repeat(3)]);
    assert_eq!((once.lines().len(), often.lines().len()), (1, 3));
}

// "This method will parse and dispatch the request to the appropriate do_*() method."
#[test]
fn handle_one_request() {
    let responses = respond(|base| Class { base }, b"TEXT / HTTP/1.0\r\n\r\n");
    assert_eq!(responses[0].reason, "specific text");
}

// "Sends and logs a complete error response to the client. The numeric code specifies the HTTP error code, with message as
// optional, more specific text. A complete set of headers is sent, followed by text composed using the error_message_format
// class variable."
#[test]
fn send_error() {
    let responses = respond(|base| Class { base }, b"TEXT / HTTP/1.0\r\n\r\n");
    let response = &responses[0];
    assert_eq!((response.status, &*response.reason), (404, "specific text"));
    for name in ["server", "date", "connection", "content-type", "content-length"] {
        assert!(response.header(name).is_some(), "{name}");
    }
    assert_eq!(response.text(), "code 404 message specific text explain Nothing matches the given URI");
}

// "Sends a response header and logs the accepted request. The HTTP response line is sent, followed by Server and Date headers.
// The values for these two headers are picked up from the version_string() and date_time_string() methods."
#[test]
fn send_response() {
    let run = run(spam, [SPAM]);
    let wanted = format!(
        "HTTP/1.0 200 Lovely Spam\r\nServer: {} {}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        Spam::server_version,
        Spam::sys_version
    );
    assert!(run.output.starts_with(wanted.as_bytes()));
    assert!(run.log.ends_with("\"SPAM / HTTP/1.1\" 200 -\n"));
}

// "Writes a specific HTTP header to the output stream." "Sends a blank line, indicating the end of the HTTP headers in the
// response."
#[test]
fn send_header_and_end_headers() {
    struct Header {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Header {
        fn do_GET(&self) -> io::Result<()> {
            self.send_response_only(200);
            self.send_header("keyword", "value");
            self.send_header("Content-Length", 4);
            self.end_headers()?;
            self.wfile.write_all(b"body")
        }
    }
    let run = run(|base| Header { base }, [GET]);
    let text = String::from_utf8(run.output).unwrap();
    assert!(text.starts_with("HTTP/1.0 200 OK\r\nkeyword: value\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\nbody"), "{text}");
}

struct Logging {
    base: BaseHTTPRequestHandler,
    log: Option<Log>,
}

#[http_handler]
impl Logging {
    fn do_GET(&self) -> io::Result<()> {
        self.log_request(Some(HTTPStatus::OK), Some(17));
        self.log_error(format_args!("{} and {}", 1, "two"));
        self.log_message(format_args!("{:02}", 3));
        self.send_response_only(200);
        self.end_headers()
    }

    fn log_message(&self, message: fmt::Arguments<'_>) {
        match &self.log {
            Some(log) => log.push(message),
            None => BaseHTTPRequestHandler::log_message(self, message),
        }
    }
}

// "Logs an accepted (successful) request. If a size of the response is available, then it should be passed as the size
// parameter." "Logs an error when a request cannot be fulfilled. By default, it passes the message to log_message()."
// "This is typically overridden to create custom error logging mechanisms."
#[test]
fn log_request_log_error_and_log_message() {
    let log = Log::default();
    run(|base| Logging { base, log: Some(log.clone()) }, [GET]);
    assert_eq!(log.lines(), ["\"GET / HTTP/1.1\" 200 17", "1 and two", "03"]);
}

// "The client ip address and current date and time are prefixed to every message logged."
#[test]
fn the_client_and_the_time_are_prefixed_to_every_message() {
    let run = run(|base| Logging { base, log: None }, [GET]);
    assert_eq!(run.log.lines().count(), 3);
    for line in run.log.lines() {
        assert!(line.starts_with("127.0.0.1 - - [") && line.contains("/Nov/1994 "), "{line}");
    }
}

// "Returns the date and time given by timestamp, formatted for a message header. The result looks like 'Sun, 06 Nov 1994
// 08:49:37 GMT'." "If timestamp is omitted, it uses the current date and time."
#[test]
fn date_time_string() {
    struct Date {
        base: BaseHTTPRequestHandler,
    }
    #[http_handler]
    impl Date {
        fn do_GET(&self) -> io::Result<()> {
            let time = UNIX_EPOCH + Duration::from_secs(784_111_777);
            assert_eq!(self.date_time_string(Some(time)), "Sun, 06 Nov 1994 08:49:37 GMT");
            self.send_response(200);
            self.send_header("Last-Modified", self.date_time_string(Some(UNIX_EPOCH)));
            self.send_header("X-Now", self.date_time_string(None));
            self.end_headers()
        }
    }
    let responses = respond(|base| Date { base }, GET.as_bytes());
    assert_eq!(responses[0].header("last-modified"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    assert_eq!(responses[0].header("x-now"), responses[0].header("date"));
}

// "To create a server that doesn't run forever, but until some condition is fulfilled."
#[test]
fn run_while_true() {
    fn run_while_true(httpd: &mut HTTPServer, mut keep_running: impl FnMut() -> bool) -> io::Result<()> {
        while keep_running() {
            httpd.handle_request()?;
        }
        Ok(())
    }
    let mut httpd = HTTPServer::bind("127.0.0.1:0", spam).unwrap();
    let port = httpd.server_port();
    let ask = || {
        let mut client = Client::over(TcpStream::connect(("127.0.0.1", port)).unwrap());
        client.send(SPAM);
        client
    };
    let mut clients = [ask(), ask()];
    let mut left = 3;
    run_while_true(&mut httpd, || {
        left -= 1;
        left > 0
    })
    .unwrap();
    for client in &mut clients {
        assert_eq!(client.response().status, 200);
    }
}
