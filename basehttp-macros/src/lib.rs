//! The `#[http_handler]` attribute of the crate `basehttp`, which re-exports it.
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

/// Makes a request handler of a struct: the `do_*` methods in the block answer the requests, the other methods that
/// Python's `BaseHTTPRequestHandler` has are overrides, and everything else stays as it is.
///
/// ```text
/// struct Hello {
///     base: BaseHTTPRequestHandler,
/// }
///
/// #[http_handler]
/// impl Hello {
///     const server_version: &str = "Hello/1.0";
///
///     fn do_GET(&mut self) -> io::Result<()> {
///         self.send_response(200);
///         self.end_headers()?;
///         writeln!(self.wfile, "You asked for {}", self.path())
///     }
///
///     fn log_message(&self, message: fmt::Arguments<'_>) {
///         eprintln!("hello: {message}");
///     }
/// }
/// ```
///
/// The attribute goes on an inherent `impl` block, one for a type. It leaves the block there, less what belongs to a
/// trait, and adds `Deref` and `DerefMut` to the `BaseHTTPRequestHandler` in the field `base` and `RequestHandler` with the class
/// variables, the overrides, and a table of the methods.
///
/// # Methods
///
/// `fn do_NAME` answers requests of the method `NAME`: `do_GET`, `do_POST`, and as well `do_SPAM`. It takes `&mut self`
/// or `&self` and nothing else, and returns `()` or `Result<(), E>` where `E` can be displayed. It may be `pub`, and
/// it is a method that other code can call.
///
/// - `do_GET` answers HEAD as well, unless there is a `do_HEAD`; the body is left out by itself.
/// - `#[method("M-SEARCH")]` above a function, whatever its name, makes it answer a method that is no part of an
///   identifier.
/// - `#[cfg(...)]` on a method holds for its row in the table, and so do `cfg` and `method` in a `#[cfg_attr(...)]`. Two functions may answer one method if they are under
///   opposite `#[cfg]`s.
/// - A name in lower case, `do_work`, is that of a helper, and so is every other name.
/// - A name with upper case gets an `#[allow(non_snake_case)]`. Where `#![forbid(non_snake_case)]` rules that out,
///   write `#[method("GET")] fn get(&self)`.
///
/// The rows of the table are in the order of the source, and so is the list in an `Allow` field.
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
/// They answer GET and HEAD, and scripts POST, where the block does not; their rows come after those of the block. A
/// `do_GET` in the block answers HEAD too, as always; with `head = false` the parent's `do_HEAD` does. Such a block may be
/// empty. `server_version` is `SimpleHTTP/` and the version unless it is set.
///
/// # Arguments
///
/// | argument | what it says | without it |
/// |---|---|---|
/// | `base = conn` | the field that holds the base; an index for a tuple struct | `base` |
/// | `extends = SimpleHTTPRequestHandler` | the handler that this one is based on; or `CGIHTTPRequestHandler` | `BaseHTTPRequestHandler` |
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
/// without `self`), a method that is there twice, an override with other arguments, a misspelled class variable or
/// argument, a macro call in the block (its methods could not be seen), a block without any method. So are names of Python's that mean
/// nothing in the block, as `handle_error`, where nothing in it uses them, and calls as Python has them: `super().end_headers()`,
/// `self.base.send_response(200)`, `self.send_error(404, "No")`, `self.log_message("%s", path)`. All mistakes of a block are reported at
/// once.
#[proc_macro_attribute]
pub fn http_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::run(args.into(), item.into()).into()
}

/// TODO
#[proc_macro_attribute]
pub fn http_routes(args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::run_routes(args.into(), item.into()).into()
}

/// TODO
#[proc_macro_attribute]
pub fn route(_args: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::stray_route(&item.into()).into()
}
