//! The attributes `#[http_handler]`, `#[route]` and `#[http_routes]` of the crate `basehttp`, which re-exports them.
//!
//! The way of a block through this crate is in `pipeline`: `args` and `model` read it, `check` judges it, and `bodies` looks for
//! wrong calls in the functions' bodies; `expand` writes it. Where mistakes were found, `fallback` first repairs the model, so that the
//! mistakes are the only errors. The words of the diagnostics are in `messages`, what counts as a near miss of a known name is in
//! `spelling`, and which of Python's names belong elsewhere in `misplaced`.
#![forbid(unsafe_code)]

mod args;
mod bodies;
mod cfg_attr;
mod check;
mod expand;
mod fallback;
mod family;
mod items;
mod lifetimes;
mod messages;
mod misplaced;
mod model;
mod override_types;
mod parameters;
mod pattern;
mod pipeline;
mod report;
mod route;
mod spelling;

use proc_macro::TokenStream;

/// Makes a request handler of a struct: `do_*` methods answer requests by their method, functions with [`#[route]`](macro@route)
/// answer them by path, and functions with the names of Python's methods are overrides. Everything else in the block stays as it is.
///
/// ```
/// use std::{fmt, io};
/// use basehttp::prelude::*;
///
/// struct Hello {
///     base: BaseHTTPRequestHandler,
/// }
///
/// #[http_handler]
/// impl Hello {
///     // a class variable
///     const server_version: &str = "Hello/1.0";
///
///     // a route: an argument from the path, a value as the response
///     #[route(GET, "/hello/{name}")]
///     fn hello(&self, name: &str) -> String {
///         format!("Hello, {name}!")
///     }
///
///     // Python's way, for all other paths: the method writes
///     fn do_GET(&self) -> io::Result<()> {
///         self.send_response(200);
///         self.end_headers()?;
///         write!(self.wfile, "You asked for {}", self.path())
///     }
///
///     // an override
///     fn log_message(&self, message: fmt::Arguments<'_>) {
///         eprintln!("hello: {message}");
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Hello { base });
/// assert_eq!(client.get("/hello/Ann").text(), "Hello, Ann!");
/// assert_eq!(client.get("/eggs").text(), "You asked for /eggs");
/// assert!(client.get("/").header("server").unwrap().starts_with("Hello/1.0"));
/// ```
///
/// The attribute goes on an inherent `impl` block, one for a type. It keeps the block, minus what moves into the traits. It adds `Deref`
/// and `DerefMut` to the `BaseHTTPRequestHandler` in the field `base`, and `RequestHandler` with the class variables, the overrides, and
/// tables of the methods and the routes.
///
/// # Methods
///
/// `fn do_NAME` answers requests of the method `NAME`: `do_GET`, `do_POST`, and as well `do_SPAM`. It takes `&self` or `&mut self`
/// and nothing else. It may be `pub`, and other code can call it. Where the handler has routes, it answers the paths that no route
/// matches.
///
/// - `do_GET` answers HEAD as well, unless there is a `do_HEAD`; the body is left out by itself.
/// - `#[method("M-SEARCH")]` above a function, whatever its name, makes it answer a method whose name is not a valid identifier.
/// - `#[cfg(...)]` on a method holds for its row in the table, and so do `cfg` and `method` in a `#[cfg_attr(...)]`. Two functions may answer one method if they are under
///   opposite `#[cfg]`s.
/// - A name in lower case, `do_work`, is a helper. All other functions are helpers too.
/// - A name with upper case gets an `#[allow(non_snake_case)]`. Where `#![forbid(non_snake_case)]` rules that out,
///   write `#[method("GET")] fn get(&self)`.
///
/// The rows of the table are in the order of the source, and so is the list in an `Allow` field.
///
/// # Results
///
/// A method or a route returns one of these:
///
/// - `()` or `Result<(), E>`: it has written the response itself, with `send_response`, `end_headers` and `wfile`.
/// - A value, which the server sends: text, bytes, `Json<T>`, `Html<T>`, `(201, value)`, `Option<value>`, `HTTPStatus`, `Redirect`,
///   `Response`, or a type of your own with `IntoResponse`.
/// - A `Result` of a value.
///
/// The error `E` is anything that can be displayed. It is a 500, or the status of the `HttpError` that it is or has among its causes.
///
/// ```
/// use std::error::Error;
/// use basehttp::HttpError;
/// use basehttp::prelude::*;
///
/// struct Twice { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Twice {
///     fn do_POST(&self) -> Result<String, Box<dyn Error>> {
///         let body = self.read_body(100)?; // a longer one is answered 413
///         let number: Result<u32, _> = String::from_utf8_lossy(&body).parse();
///         let number = number.map_err(|_| HttpError::new(400, "Send a number"))?;
///         Ok((u64::from(number) * 2).to_string())
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Twice { base });
/// assert_eq!(client.post("/", "text/plain", "21").text(), "42");
/// assert_eq!(client.post("/", "text/plain", "many").reason, "Send a number");
/// ```
///
/// # Class variables
///
/// `server_version`, `sys_version`, `protocol_version`, `default_request_version`, `error_message_format`,
/// `error_content_type`, `responses` and `timeout` are constants of `RequestHandler`, where they are explained. They are
/// set by a `const` in the block or by an argument of the attribute, `#[http_handler(protocol_version = "HTTP/1.1")]`.
/// Their values are checked when the handler is compiled, those of a generic handler when it is used.
/// `type MessageClass = ...;` in the block says what the header fields are collected in.
///
/// # Overrides
///
/// A function with the name of a method of `RequestHandler` (`setup`, `send_error`, `log_message` and so on) overrides
/// it, for the callers inside of the base as well. What it overrides is called as it was in Python 2:
/// `BaseHTTPRequestHandler::log_message(self, message)`. A function in another `impl` block, without the attribute,
/// overrides nothing.
///
/// # Handlers that extend others
///
/// `extends = SimpleHTTPRequestHandler` makes a handler of files, and `extends = CGIHTTPRequestHandler` one that runs scripts
/// too. The field `base` is of that type then, and the overrides and class variables of their traits, `FileRequestHandler` and
/// `CGIRequestHandler`, may be in the block as well: `translate_path`, `guess_type`, `index_pages`, `is_cgi` and the others.
/// What they override is called as `SimpleHTTPRequestHandler::send_head(self)`.
///
/// They answer GET and HEAD, and scripts POST, where the block does not; their rows come after those of the block. So what no route
/// matches is a file. A `do_GET` in the block answers HEAD too, as always; with `head = false` the parent's `do_HEAD` does. Such a
/// block may be empty. `server_version` is `SimpleHTTP/` and the version unless it is set.
///
/// # Arguments
///
/// | argument | what it says | without it |
/// |---|---|---|
/// | `base = conn` | the field that holds the base; an index for a tuple struct | `base` |
/// | `extends = SimpleHTTPRequestHandler` | the handler that this one is based on; or `CGIHTTPRequestHandler` | `BaseHTTPRequestHandler` |
/// | `routes = [ADMIN, PAGES]` | further blocks with routes, by the names that [`#[http_routes]`](macro@http_routes) gives them | the routes of this block |
/// | `head = false` | `do_GET` does not answer HEAD | it does |
/// | `crate = ::other::path` | where the crate `basehttp` is, if not under this name | `::basehttp` |
/// | a class variable | its value | the default |
///
/// # Generic handlers
///
/// The block may have type and const parameters and a `where` clause. A handler lives as long as its connection, so
/// `RequestHandler` asks for `'static`; the attribute adds that bound, and it need not be written for each parameter.
/// For the same reason there can be no lifetime parameters.
///
/// # Errors
///
/// What would be a surprise at run time does not compile, with the mistake underlined and the fix in the message: a
/// near miss such as `do_get` or `do_GTE`, a method that the server could not call (`async`, generic, with arguments,
/// without `self`), a method that is there twice, two routes for the same requests, an override with other arguments, a misspelled
/// class variable or argument, a macro call in the block (its methods could not be seen), a block without any method. So are names of
/// Python's that mean nothing in the block, as `handle_error`, where nothing in it uses them, and calls as Python has them:
/// `super().end_headers()`, `self.base.send_response(200)`, `self.send_error(404, "No")`, `self.log_message("%s", path)`. All mistakes of
/// a block are reported at once.
#[proc_macro_attribute]
pub fn http_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::run(args.into(), item.into()).into()
}

/// A further block of routes of a handler, which the handler lists: `#[http_handler(routes = [ADMIN])]`.
///
/// ```
/// use basehttp::prelude::*;
///
/// struct Shop { base: BaseHTTPRequestHandler }
///
/// #[http_handler(routes = [ADMIN])]
/// impl Shop {
///     #[route(GET, "/")]
///     fn index(&self) -> &str {
///         "Welcome"
///     }
/// }
///
/// #[http_routes(ADMIN, prefix = "/admin", guard = is_admin)]
/// impl Shop {
///     #[route(GET, "")]
///     fn dashboard(&self) -> &str {
///         "All is well"
///     }
///
///     #[route(GET, "/users/{id}")]
///     fn user(&self, id: u32) -> String {
///         format!("user {id}")
///     }
///
///     fn is_admin(&self) -> std::io::Result<bool> {
///         let is_admin = self.headers().get("X-Token") == Some("1234");
///         if !is_admin {
///             self.send_error(403)?;
///         }
///         Ok(is_admin)
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Shop { base });
/// assert_eq!((client.get("/").status, client.get("/admin").status), (200, 403));
/// let client = client.with_header("X-Token", "1234");
/// assert_eq!((&*client.get("/admin").text(), &*client.get("/admin/users/7").text()), ("All is well", "user 7"));
/// assert_eq!(AdminLinks.user(7), "/admin/users/7");
/// ```
///
/// It goes on an inherent `impl` block of the handler's type, in any module of the same crate. The block has [routes](macro@route) and
/// helpers. `do_*` methods, overrides and class variables belong into the block with [`#[http_handler]`](macro@http_handler), which
/// takes the best route of all blocks.
///
/// | argument | what it says | without it |
/// |---|---|---|
/// | `ADMIN`, first | the name of the block, for the handler's list. It makes a constant of the type, and the links `AdminLinks` | an error |
/// | `prefix = "/admin"` | what all paths of the block begin with; a route `""` is for the prefix itself | the patterns as they are |
/// | `guard = is_admin` | a method without arguments that says whether a request goes on | all do |
/// | `crate = ::other::path` | where the crate `basehttp` is, if not under this name | `::basehttp` |
///
/// # Guards
///
/// A guard returns `Result<(), E>`, for example with an `HttpError`, or `bool` or `Result<bool, E>`. Where it says `false`, it has sent
/// the response itself. It runs before the arguments of the route are read.
///
/// **A guard protects the routes of its block alone.** A path below the prefix that no route of the block matches is answered without
/// it: by 404, by a route of another block, or by a `do_*` method.
///
/// More is in [the guide](https://docs.rs/basehttp/latest/basehttp/guide/routes/).
#[proc_macro_attribute]
pub fn http_routes(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::run_routes(args.into(), item.into()).into()
}

/// A route: the function below it answers the requests of a method and a path, with arguments from the path, the query and the body.
///
/// ```
/// use basehttp::HttpError;
/// use basehttp::prelude::*;
///
/// struct Users { base: BaseHTTPRequestHandler }
///
/// #[http_handler]
/// impl Users {
///     #[route(GET, "/users/{id}")]
///     fn user(&self, id: u32) -> Result<&str, HttpError> {
///         if id == 7 { Ok("Ann") } else { Err(HttpError::new(404, "No such user")) }
///     }
///
///     #[route(GET, "/users?{q}&page-size={page_size}")]
///     fn users(&self, q: Option<&str>, page_size: Option<usize>) -> String {
///         format!("{} users with {}", page_size.unwrap_or(10), q.unwrap_or("any name"))
///     }
///
///     #[route(POST | PUT, "/users/{id}/notes/{path..}", limit = 64 * 1024)]
///     fn add_note(&mut self, id: u32, path: &str, text: String) -> (u16, String) {
///         (201, format!("{path} of {id}: {text}"))
///     }
/// }
///
/// let client = basehttp::testing::client(|base| Users { base });
/// assert_eq!(client.get("/users/7").text(), "Ann");
/// assert_eq!((client.get("/users/8").reason, client.get("/users/x").status), ("No such user".into(), 404));
/// assert_eq!(client.get("/users?q=An&page-size=5").text(), "5 users with An");
/// assert_eq!(client.post("/users/7/notes/a/b", "text/plain", "buy eggs").text(), "a/b of 7: buy eggs");
/// assert_eq!(client.delete("/users/7").header("allow"), Some("GET, HEAD, OPTIONS"));
/// assert_eq!(UsersLinks.user(7), "/users/7");
/// ```
///
/// It goes on a function in a block with [`#[http_handler]`](macro@http_handler) or [`#[http_routes]`](macro@http_routes). The function
/// takes `&self` or `&mut self`, may be `pub`, and may have several routes. What it may return is told at
/// [`#[http_handler]`](macro@http_handler#results).
///
/// # Patterns
///
/// `#[route(METHODS, "PATTERN", limit = BYTES)]`. Methods are identifiers or strings with `|` between them: `GET | POST`, `"M-SEARCH"`.
/// The pattern is a path, decoded, and maybe a query:
///
/// | in the pattern | matches |
/// |---|---|
/// | `/users` | this segment |
/// | `/{id}` | one segment that is not empty |
/// | `/{path..}` | one segment or more, to the end of the path |
/// | `?{q}&{limit}` | the keys `q` and `limit` of the query |
/// | `?page-size={page_size}` | the key `page-size`, for the argument `page_size` |
///
/// A path is split into segments, each is decoded, and they are compared from the left: text comes before a parameter, and a parameter
/// before a rest, whatever the order in the source. A trailing slash counts. The path is decided before the method: a path that has
/// routes for other methods alone is a 405, if there is no `do_*` method for this one.
///
/// # Arguments
///
/// Arguments are matched by name.
///
/// - From the path: `&str`, `String`, any type with `FromStr`. A value that does not parse is a 404.
/// - From the query: the same, `Option` of it, `Vec` of it. A key that is missing or does not parse is a 400 that names it.
/// - From the body: the one argument that the pattern does not name, not for GET and HEAD. `Json<T>`, `Form<T>`, `String`, `Vec<u8>`. Another
///   `Content-Type` is a 415, a body that does not parse a 400, one with more than `limit` bytes (2 MiB without it) a 413.
///
/// `FromPath`, `FromQuery` and `FromBody` are the traits behind them, for types of your own.
///
/// # Links
///
/// Beside the block of `Users` stands `UsersLinks`, with a function for each route that makes its path: `UsersLinks.user(7)`.
///
/// More, with the answers in a table and what to watch for security, is in
/// [the guide](https://docs.rs/basehttp/latest/basehttp/guide/routes/).
#[proc_macro_attribute]
pub fn route(_args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::stray_route(&item.into()).into()
}
