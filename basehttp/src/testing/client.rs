//! A client for handlers without a socket.

use std::fmt::{self, Display};

use super::method::check_method;
use super::{Response, Run, run};
use crate::handler::link::{fit_for_a_target, push_form_text};
use crate::handler::{BaseHTTPRequestHandler, RequestHandler};
use crate::proto::grammar::{is_field_text, is_token_text};
use crate::proto::target::{self, Form};

/// Makes a client for the handlers that `factory` makes, without a socket.
///
/// ```
/// use std::io;
/// use std::sync::{Arc, Mutex};
/// use basehttp::prelude::*;
/// use basehttp::testing::client;
///
/// struct Notes { base: BaseHTTPRequestHandler, notes: Arc<Mutex<Vec<String>>> }
///
/// #[http_handler]
/// impl Notes {
///     fn do_GET(&self) -> io::Result<()> {
///         let text = self.notes.lock().unwrap().join("\n");
///         self.send_response(200);
///         self.end_headers()?;
///         self.wfile.write_all(text.as_bytes())
///     }
///
///     fn do_POST(&self) -> io::Result<()> {
///         let body = self.read_body(1024)?;
///         self.notes.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
///         self.send_response(204);
///         self.end_headers()
///     }
/// }
///
/// let notes = Arc::default();
/// let client = client(|base| Notes { base, notes: Arc::clone(&notes) });
/// assert_eq!(client.post("/notes", "text/plain", "buy eggs").status, 204);
/// assert_eq!(client.get("/notes").text(), "buy eggs");
/// assert_eq!(client.delete("/notes").status, 501);
/// ```
///
/// See [`Client`].
#[doc(alias("mock", "test_client"))]
pub fn client<'a, H, F>(factory: F) -> Client<'a>
where
    H: RequestHandler,
    F: Fn(BaseHTTPRequestHandler<H::MessageClass>) -> H + 'a,
{
    Client { run: Box::new(move |request| run(&factory, [request])), fields: Vec::new() }
}

/// A client of a handler, in memory. [`client()`] makes it.
///
/// Each request has its own connection, as with [`respond`](super::respond): the factory is called for each request, and the
/// handlers share what the factory captures. A request is HTTP/1.1 and has `Host: example.org`, or the host of its target
/// (`http://example.com/x`). The client adds the `Content-Length` of a body, and half-closes the connection after the request.
/// Interim (1xx) responses are in [`Response::interim`].
///
/// The handler's log goes to standard error, which `cargo test` shows for a test that fails.
///
/// To test malformed requests, several requests on a connection or a slow client, use [`run`] and [`run_timed`](super::run_timed).
///
/// # Panics
/// The methods panic if the request is malformed: a target with a space in it, a header value with a line end, a method that is
/// not a token. They also panic if the handler sends no response; the message shows what it sent and what it logged.
pub struct Client<'a> {
    run: Box<dyn Fn(Vec<u8>) -> Run + 'a>,
    /// The fields of every request.
    fields: Vec<Field>,
}

/// A request of a [`Client`] that has not been sent yet. [`Client::request`] makes it.
#[must_use = "a request is sent by send()"]
pub struct ClientRequest<'a> {
    client: &'a Client<'a>,
    method: String,
    target: String,
    fields: Vec<Field>,
    body: Option<Vec<u8>>,
}

#[derive(Clone)]
struct Field {
    name: String,
    value: Vec<u8>,
}

/// The fields that mark the end of a body.
const FRAMING: [&str; 2] = ["Content-Length", "Transfer-Encoding"];

/// Methods whose requests usually have a body. Without one, they send `Content-Length: 0` (RFC 9110 section 8.6).
const WITH_BODY: [&str; 3] = ["POST", "PUT", "PATCH"];

impl Client<'_> {
    /// Adds a header field to every request of this client. A request's own fields with this name replace it.
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// use basehttp::testing::client;
    ///
    /// struct Secret { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Secret {
    ///     fn do_GET(&self) -> std::io::Result<()> {
    ///         if self.headers().get("Authorization") != Some("Bearer 1234") {
    ///             return self.send_error(401);
    ///         }
    ///         self.send_response(204);
    ///         self.end_headers()
    ///     }
    /// }
    ///
    /// let client = client(|base| Secret { base }).with_header("Authorization", "Bearer 1234");
    /// assert_eq!(client.get("/").status, 204);
    /// let other = client.request("GET", "/").header("Authorization", "Bearer 4321");
    /// assert_eq!(other.send().status, 401);
    /// ```
    ///
    /// # Panics
    /// As [`ClientRequest::header`].
    #[track_caller]
    #[must_use = "it returns the client that has the field"]
    pub fn with_header(mut self, name: &str, value: impl Display) -> Self {
        self.fields.push(Field::new(name, &value));
        self
    }

    /// Sends a GET request.
    ///
    /// # Panics
    /// See [above](Self#panics).
    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.request("GET", target).send()
    }

    /// Sends a HEAD request.
    ///
    /// # Panics
    /// See [above](Self#panics).
    #[track_caller]
    pub fn head(&self, target: &str) -> Response {
        self.request("HEAD", target).send()
    }

    /// Sends a DELETE request.
    ///
    /// # Panics
    /// See [above](Self#panics).
    #[track_caller]
    pub fn delete(&self, target: &str) -> Response {
        self.request("DELETE", target).send()
    }

    /// Sends a POST request with a body of this media type, for example `application/x-www-form-urlencoded`.
    ///
    /// # Panics
    /// See [above](Self#panics).
    #[track_caller]
    pub fn post(&self, target: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Response {
        self.request("POST", target).body(media_type, body).send()
    }

    /// Sends a PUT request with a body of this media type.
    ///
    /// # Panics
    /// See [above](Self#panics).
    #[track_caller]
    pub fn put(&self, target: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Response {
        self.request("PUT", target).body(media_type, body).send()
    }

    /// Sends a PATCH request with a body of this media type.
    ///
    /// # Panics
    /// See [above](Self#panics).
    #[track_caller]
    pub fn patch(&self, target: &str, media_type: &str, body: impl Into<Vec<u8>>) -> Response {
        self.request("PATCH", target).body(media_type, body).send()
    }

    /// Sends a value as JSON in a POST request. For other methods, and header fields, see [`ClientRequest::json`].
    ///
    /// # Panics
    /// See [above](Self#panics). Also if the value cannot be serialized as JSON.
    ///
    /// ```
    /// # use std::io;
    /// # use basehttp::prelude::*;
    /// # struct Echo { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Echo {
    /// #     fn do_POST(&self) -> io::Result<()> {
    /// #         let body = self.read_body(1024)?;
    /// #         self.send_response(200);
    /// #         self.end_headers()?;
    /// #         self.wfile.write_all(&body)
    /// #     }
    /// # }
    /// use basehttp::testing::client;
    ///
    /// let client = client(|base| Echo { base });
    /// let numbers: Vec<u32> = client.post_json("/echo", &[1, 2, 3]).json()?;
    /// assert_eq!(numbers, [1, 2, 3]);
    /// # io::Result::Ok(())
    /// ```
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn post_json<T: serde::Serialize + ?Sized>(&self, target: &str, value: &T) -> Response {
        self.request("POST", target).json(value).send()
    }

    /// Sends a PUT with the JSON of a value as its body.
    ///
    /// # Panics
    /// As for [`ClientRequest::send`] and [`ClientRequest::json`].
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn put_json<T: serde::Serialize + ?Sized>(&self, target: &str, value: &T) -> Response {
        self.request("PUT", target).json(value).send()
    }

    /// Sends a PATCH with the JSON of a value as its body.
    ///
    /// # Panics
    /// As for [`ClientRequest::send`] and [`ClientRequest::json`].
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn patch_json<T: serde::Serialize + ?Sized>(&self, target: &str, value: &T) -> Response {
        self.request("PATCH", target).json(value).send()
    }

    /// Sends a POST with these names and values, as a browser sends a form.
    ///
    /// ```
    /// # use std::io;
    /// # use basehttp::prelude::*;
    /// # struct Echo { base: BaseHTTPRequestHandler }
    /// # #[http_handler]
    /// # impl Echo {
    /// #   fn do_POST(&self) -> io::Result<Vec<u8>> { self.read_body(1024) }
    /// # }
    /// let client = basehttp::testing::client(|base| Echo { base });
    /// let response = client.post_form("/", [("name", "Ann Lee"), ("town", "Saint-\u{c9}tienne & co")]);
    /// assert_eq!(response.text(), "name=Ann+Lee&town=Saint-%C3%89tienne+%26+co");
    /// ```
    ///
    /// # Panics
    /// As for [`ClientRequest::send`].
    #[track_caller]
    pub fn post_form<N: AsRef<str>, V: AsRef<str>>(
        &self,
        target: &str,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Response {
        self.request("POST", target).form(fields).send()
    }

    /// Begins a request with any method.
    ///
    /// ```
    /// # use basehttp::prelude::*;
    /// use basehttp::testing::client;
    ///
    /// struct Device { base: BaseHTTPRequestHandler }
    ///
    /// #[http_handler]
    /// impl Device {
    ///     #[method("M-SEARCH")]
    ///     fn search(&self) -> std::io::Result<()> {
    ///         self.send_response(200);
    ///         self.send_header("ST", self.headers().get("ST").unwrap_or_default());
    ///         self.end_headers()
    ///     }
    /// }
    ///
    /// let client = client(|base| Device { base });
    /// let response = client.request("M-SEARCH", "*").header("ST", "ssdp:all").send();
    /// assert_eq!(response.header("ST"), Some("ssdp:all"));
    /// ```
    ///
    /// # Panics
    /// For a method or a target that cannot be sent.
    #[track_caller]
    pub fn request(&self, method: &str, target: &str) -> ClientRequest<'_> {
        check_method(method);
        check_target(method, target);
        ClientRequest {
            client: self,
            method: method.to_owned(),
            target: target.to_owned(),
            fields: Vec::new(),
            body: None,
        }
    }
}

impl ClientRequest<'_> {
    /// Adds a header field. The value is anything that can be displayed; it is sent in latin-1. Several fields with one name are
    /// all sent. They replace the client's fields with that name, and its default `Host`.
    ///
    /// # Panics
    /// For a name that is not a token, for a value with a line end, another control character or a character beyond latin-1, and for
    /// `Content-Length` and `Transfer-Encoding`, which come from the body.
    #[track_caller]
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        self.fields.push(Field::new(name, &value));
        self
    }

    /// Sets the body, and its media type as the only `Content-Type`.
    ///
    /// # Panics
    /// As [`header`](Self::header), for a media type that cannot be the value of a field.
    #[track_caller]
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.fields.retain(|field| !field.name.eq_ignore_ascii_case("Content-Type"));
        self.header("Content-Type", media_type)
    }

    /// Sets the body to these names and values, as a browser sends a form, and `Content-Type: application/x-www-form-urlencoded`.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(self, fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut body = String::new();
        for (name, value) in fields {
            if !body.is_empty() {
                body.push('&');
            }
            push_form_text(&mut body, name.as_ref());
            body.push('=');
            push_form_text(&mut body, value.as_ref());
        }
        self.body("application/x-www-form-urlencoded", body)
    }

    /// Sets the body to the JSON of a value, and `Content-Type: application/json`.
    ///
    /// # Panics
    /// If the value cannot be serialized as JSON, for example a map whose keys are not strings.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn json<T: serde::Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body("application/json", body),
            Err(error) => panic!("the value cannot be serialized as JSON: {error}"),
        }
    }

    /// Sends the request, and returns the response.
    ///
    /// # Panics
    /// If the handler sends no response. The message shows what it sent and what it logged.
    #[track_caller]
    pub fn send(self) -> Response {
        let Run { responses, output, log } = (self.client.run)(self.to_bytes());
        match <[Response; 1]>::try_from(responses) {
            Ok([response]) if response.status != 0 && !response.is_interim() => {
                // The test harness shows this for a test that fails.
                eprint!("{log}");
                response
            }
            _ => {
                let (Self { method, target, .. }, output) = (self, String::from_utf8_lossy(&output));
                let log = if log.is_empty() { "nothing" } else { &log };
                panic!(
                    "{method} {target} got {output:?}, which is not exactly one response; the handler logged: {log}"
                )
            }
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Self { client, method, target, fields, body } = self;
        let has =
            |fields: &[Field], name: &str| fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
        let defaults = client.fields.iter().filter(|field| !has(fields, &field.name));
        let fields: Vec<_> = defaults.chain(fields).cloned().collect();
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        if !has(&fields, "Host") {
            add_field(&mut bytes, "Host", host_of(method, target));
        }
        for Field { name, value } in &fields {
            add_field(&mut bytes, name, value);
        }
        if body.is_some() || WITH_BODY.contains(&&**method) {
            let length = body.as_ref().map_or(0, Vec::len);
            add_field(&mut bytes, "Content-Length", length.to_string().as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend(body.iter().flatten());
        bytes
    }
}

impl Field {
    #[track_caller]
    fn new(name: &str, value: &dyn Display) -> Self {
        assert!(is_token_text(name.as_bytes()), "{name:?} cannot be the name of a header field");
        let is_framing = FRAMING.iter().any(|field| field.eq_ignore_ascii_case(name));
        assert!(!is_framing, "{name} comes from the body; basehttp::testing::run sends any bytes");
        let text = value.to_string();
        let byte = |c| u8::try_from(c).ok().filter(|byte| is_field_text(*byte));
        let Some(value) = text.chars().map(byte).collect() else {
            panic!(
                "{name} cannot have the value {text:?}: no line ends, control characters, or characters beyond latin-1"
            );
        };
        Self { name: name.to_owned(), value }
    }
}

fn add_field(bytes: &mut Vec<u8>, name: &str, value: &[u8]) {
    bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
}

/// Panics for a target that a client must not send, with a suggestion.
#[track_caller]
fn check_target(method: &str, target: &str) {
    if let Some((before, _)) = target.split_once('#') {
        panic!("{target:?}: clients do not send the fragment; did you mean {before:?}?");
    }
    let likely = fit_for_a_target(target);
    assert!(likely == target, "{target:?} must be percent-encoded; did you mean {likely:?}?");
    match target::form_of(method.as_bytes(), target.as_bytes()) {
        Some(Form::Relative) => panic!("a path begins with a slash: did you mean \"/{target}\"?"),
        Some(_) => {}
        None => panic!("{target:?} is not a target for {method} (RFC 9112 section 3.2)"),
    }
}

/// The value of `Host`, unless the test sets it: RFC 9112 section 3.2.
fn host_of<'t>(method: &str, target: &'t str) -> &'t [u8] {
    match target::absolute(target.as_bytes()) {
        Some(absolute) => absolute.host,
        None if method == "CONNECT" => target.as_bytes(),
        None => b"example.org",
    }
}

impl fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("fields", &self.fields)
            .field("body", &self.body.as_deref().map(String::from_utf8_lossy))
            .finish_non_exhaustive()
    }
}

/// `Accept: text/html`
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.value.escape_ascii())
    }
}

#[cfg(test)]
mod tests;
