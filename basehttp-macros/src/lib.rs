//! The attributes `#[http_handler]`, `#[route]` and `#[http_routes]` of the crate `basehttp`, which re-exports them.
//!
//! `pipeline` has the steps: `args` and `model` read a block, `check` judges it, `bodies` finds wrong calls in function bodies, and
//! `expand` writes the result. If there are mistakes, `fallback` first repairs the model, so that the mistakes are the only errors.
//! `messages` has the text of the diagnostics, `spelling` decides what is close to a known name, and `misplaced` lists Python's names
//! that belong elsewhere.
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

/// Makes a struct a request handler.
///
/// `do_*` methods answer requests by HTTP method, functions with [`#[route]`](macro@route) answer them by path, and functions named like
/// Python's methods are overrides. The rest of the block stays as it is.
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
/// The attribute goes on one inherent `impl` block of a type; further blocks with routes have [`#[http_routes]`](macro@http_routes). It
/// keeps the block, minus what moves into the traits. It implements `Deref` and `DerefMut` to the `BaseHTTPRequestHandler` in the field
/// `base`, and `RequestHandler` with the class variables, the overrides, and tables of the methods and routes.
///
/// # Methods
///
/// `fn do_NAME` answers requests with the method `NAME`: `do_GET`, `do_POST`, and also `do_SPAM`. It takes `&self` or `&mut self` and
/// nothing else. It can be `pub`, and other code can call it. If the handler has routes, it answers the paths that no route matches.
///
/// - `do_GET` also answers HEAD, unless there is a `do_HEAD`. The server leaves out the body.
/// - `#[method("M-SEARCH")]` makes a function of any name answer a method whose name is not a valid identifier.
/// - A `#[cfg(...)]` on a method also applies to its row in the table, and so do `cfg` and `method` inside `#[cfg_attr(...)]`. Two
///   functions can answer one method under opposite `#[cfg]`s.
/// - A name in lower case, such as `do_work`, is a helper. All other functions are helpers too.
/// - A name in upper case gets an `#[allow(non_snake_case)]`. Under `#![forbid(non_snake_case)]`, write
///   `#[method("GET")] fn get(&self)`.
///
/// The table, and with it an `Allow` field, has the order of the source.
///
/// # Results
///
/// A method or a route returns one of these:
///
/// - `()` or `Result<(), E>`, if it has written the response itself with `send_response`, `end_headers` and `wfile`.
/// - A value, which the server sends: text, bytes, `Json<T>`, `Html<T>`, `(201, value)`, `Option<value>`, `HTTPStatus`, `Redirect`,
///   `Response`, or a type of your own with `IntoResponse`.
/// - A `Result` of a value.
///
/// The error `E` is one of these:
///
/// | error | response |
/// |---|---|
/// | `HttpError`, or an error with an `HttpError` among its causes | its error page |
/// | `HTTPStatus`, `u16` | the error page of this status |
/// | `Response`, `Redirect`, `(409, value)`, or a type of your own with `IntoResponse` | that response |
/// | any other type with `Display`, text too | 500; the text goes to the log and not to the client |
///
/// ```
/// use std::error::Error;
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
/// `server_version`, `sys_version`, `protocol_version`, `default_request_version`, `error_message_format`, `error_content_type`,
/// `responses` and `timeout` are constants of `RequestHandler`, which documents them. Set them with a `const` in the block or with an
/// argument of the attribute, `#[http_handler(protocol_version = "HTTP/1.1")]`. The compiler checks their values; those of a generic
/// handler when it is used. `type MessageClass = ...;` in the block sets the type that collects the header fields.
///
/// # Overrides
///
/// A function named like a method of `RequestHandler` (`setup`, `send_error`, `log_message` and so on) overrides it, also for calls from
/// inside the base. To call the overridden method, write `BaseHTTPRequestHandler::log_message(self, message)`, as in Python 2. A function
/// in an `impl` block without the attribute overrides nothing.
///
/// # Handlers that extend others
///
/// `extends = SimpleHTTPRequestHandler` makes a handler that serves files, and `extends = CGIHTTPRequestHandler` one that also runs
/// scripts. The field `base` then has that type, and the block can have the overrides and class variables of the traits
/// `FileRequestHandler` and `CGIRequestHandler`: `translate_path`, `guess_type`, `index_pages`, `is_cgi` and others. To call what they
/// override, write `SimpleHTTPRequestHandler::send_head(self)`.
///
/// The parent answers GET and HEAD, and for scripts POST, unless the block does; its rows come after those of the block. So a path that
/// no route matches is a file. A `do_GET` in the block answers HEAD too, as always; with `head = false` the parent's `do_HEAD` does. Such
/// a block can be empty. `server_version` defaults to `SimpleHTTP/` and the version.
///
/// # Arguments
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `base = conn` | the field that holds the base; an index for a tuple struct | `base` |
/// | `extends = SimpleHTTPRequestHandler` | the handler to extend; or `CGIHTTPRequestHandler` | `BaseHTTPRequestHandler` |
/// | `routes = [ADMIN, PAGES]` | further blocks with routes, by the names that [`#[http_routes]`](macro@http_routes) gives them | none |
/// | `links = pub ShopLinks` | the name and visibility of the struct with the [links](macro@route#links) | `pub(crate)`, the type's name and `Links` |
/// | `head = false` | `do_GET` does not answer HEAD | it does |
/// | `crate = ::other::path` | the path of the crate `basehttp` | `::basehttp` |
/// | a class variable | its value | the trait's |
///
/// # Generic handlers
///
/// The block can have type and const parameters and a `where` clause. A handler lives as long as its connection, so `RequestHandler`
/// requires `'static`; the attribute adds this bound, and you need not write it for each parameter. For the same reason there can be no
/// lifetime parameters.
///
/// # Errors
///
/// What would be a surprise at run time does not compile. The compiler underlines the mistake and says what to write:
///
/// - near misses such as `do_get` or `do_GTE`, and misspelled class variables, overrides and arguments;
/// - methods that the server could not call: `async`, generic, with arguments, without `self`;
/// - two functions for one method, and two routes for the same requests;
/// - overrides with the wrong arguments;
/// - macro calls in the block, whose functions the attribute cannot see, and blocks in which nothing answers requests;
/// - names of Python's that have no effect in the block, such as `handle_error`, unless the block uses them;
/// - calls written as in Python: `super().end_headers()`, `self.base.send_response(200)`, `self.send_error(404, "No")`,
///   `self.log_message("%s", path)`;
/// - attributes and arguments written as in other frameworks: `#[get("/")]`, `Path(id): Path<u32>`.
///
/// All mistakes of a block are reported at once.
#[proc_macro_attribute]
pub fn http_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::run(args.into(), item.into()).into()
}

/// Adds a block of routes to a handler, which lists it: `#[http_handler(routes = [ADMIN])]`.
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
/// The attribute goes on an inherent `impl` block of the handler's type, in any module of the same crate. The block has
/// [routes](macro@route) and helpers. `do_*` methods, overrides and class variables belong in the block with
/// [`#[http_handler]`](macro@http_handler). The closest route of all blocks answers a request. The compiler warns of a block that no
/// handler lists.
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `ADMIN`, first | the name of the block, which becomes a constant of the type | required |
/// | `prefix = "/admin"` | the beginning of all paths of the block; a route `""` is for the prefix itself | none |
/// | `guard = is_admin` | a method that takes only the handler and decides whether a request continues | none |
/// | `links = pub AdminOfShop` | the name and visibility of the struct with the [links](macro@route#links) | `pub(crate)`, `AdminLinks` |
/// | `crate = ::other::path` | the path of the crate `basehttp` | `::basehttp` |
///
/// # Guards
///
/// A guard returns `Result<(), E>`, `bool` or `Result<bool, E>`. An error is answered like that of a
/// [method](macro@http_handler#results). A guard that returns `false` has sent the response itself. The guard runs before the arguments of
/// the route are read.
///
/// **A guard protects only the routes of its block.** A path below the prefix that no route of the block matches is answered without
/// it: by 404, by a route of another block, or by a `do_*` method.
///
/// [The guide](https://docs.rs/basehttp/latest/basehttp/guide/routes/) has more.
#[proc_macro_attribute]
pub fn http_routes(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::run_routes(args.into(), item.into()).into()
}

/// Makes a function answer the requests for a method and a path, with arguments from the path, the query and the body.
///
/// ```
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
/// The attribute goes on a function in a block with [`#[http_handler]`](macro@http_handler) or [`#[http_routes]`](macro@http_routes). The
/// function takes `&self` or `&mut self`, can be `pub`, and can have several routes. It returns what a
/// [`do_*` method](macro@http_handler#results) can return.
///
/// # Patterns
///
/// `#[route(METHODS, "PATTERN", limit = BYTES)]`. Methods are identifiers or strings, separated by `|`: `GET | POST`, `"M-SEARCH"`.
/// CONNECT has no paths and needs a `do_CONNECT`. The pattern is a decoded path with an optional query:
///
/// | in the pattern | matches |
/// |---|---|
/// | `/users` | this segment |
/// | `/{id}` | one segment that is not empty |
/// | `/{path..}` | one segment or more, to the end of the path |
/// | `?{q}&{limit}` | the keys `q` and `limit` of the query |
/// | `?page-size={page_size}` | the key `page-size`, for the argument `page_size` |
///
/// A path is split into segments, and each is decoded. They are matched from the left: text wins over a parameter, and a parameter over
/// a rest, in any order of the source. A trailing slash counts. The path is decided before the method: a path with routes only for
/// other methods is a 405, unless there is a `do_*` method for this one.
///
/// # Arguments
///
/// Arguments are matched by name.
///
/// - From the path: `&str`, `String`, or any type with `FromStr`. A value that does not parse is a 404.
/// - From the query: the same, or an `Option` or a `Vec` of it. A key that is missing or does not parse is a 400 that names it.
/// - From the body: the one argument that the pattern does not name, as `Json<T>`, `Form<T>`, `String` or `Vec<u8>`. GET and HEAD have
///   none. Another `Content-Type` is a 415, a body that does not parse a 400, and one with more than `limit` bytes (by default 2 MiB) a
///   413.
///
/// Types of your own implement `FromPath`, `FromQuery` or `FromBody`.
///
/// # Links
///
/// The block of `Users` also makes a struct `UsersLinks` in its module, with a function for each route that returns its path:
/// `UsersLinks.user(7)`. `links = pub Name` gives it another name and visibility, for example where two handlers of a module have blocks
/// of one name.
///
/// [The guide](https://docs.rs/basehttp/latest/basehttp/guide/routes/) has more, with a table of all answers and notes on security.
#[proc_macro_attribute]
pub fn route(_args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::stray_route(&item.into()).into()
}
