//! The text of all diagnostics: what is wrong, then what to write instead.

mod routes;

use std::fmt::{Display, Write as _};

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::Type;

pub(crate) use self::routes::*;
use crate::family::{Family, MESSAGE_CLASS, Override};
use crate::spelling;

pub(crate) const NOT_AN_IMPL: &str = "expected an `impl` block: `#[http_handler]` goes above the one with the handler's `do_*` methods and routes";

pub(crate) const OTHER_TRAIT_IMPL: &str =
    "`#[http_handler]` goes on the inherent `impl` block with the `do_*` methods: remove it here";

pub(crate) const LIFETIME: &str = "a handler cannot borrow, because it lives as long as its connection: remove \
    the lifetime, and store owned data, an `Arc` or a `&'static` reference";

pub(crate) const MACRO_CALL: &str = "`#[http_handler]` cannot see the functions in a macro call: write them out \
    here, or move the call to another `impl` block if none of them answers requests";

pub(crate) const NO_METHODS: &str = "nothing in this block answers a request: add `fn do_GET(&self) -> io::Result<()>` or a \
    `#[route(GET, \"/\")]`";

pub(crate) const METHOD_FORM: &str = "expected the name of one HTTP method: `#[method(\"M-SEARCH\")]`";

pub(crate) const METHOD_EMPTY: &str =
    "the name of an HTTP method cannot be empty: write `#[method(\"M-SEARCH\")]`";

pub(crate) const METHOD_ATTRIBUTE_TWICE: &str = "a function answers only one HTTP method: remove this `#[method]`, \
    and call this function from a second one";

pub(crate) const BASE_VALUE: &str =
    "expected the field that holds the `BaseHTTPRequestHandler`, for example `base = conn`";

pub(crate) const CRATE_VALUE: &str =
    "expected the path of the crate `basehttp`, for example `crate = ::other::basehttp`";

pub(crate) const HEAD_VALUE: &str =
    "expected `true` or `false`: with `head = false`, `do_GET` does not answer HEAD";

pub(crate) const EXTENDS_VALUE: &str = "expected the handler to extend, for example \
    `extends = SimpleHTTPRequestHandler`";

pub(crate) const COMMA: &str = "expected a comma between arguments";

/// `meant` is the handler that the trait belongs to; `extends` is true if the attribute has an `extends`.
pub(crate) fn trait_impl(self_ty: impl Display, meant: Option<Family>, extends: bool) -> String {
    let level = meant.unwrap_or(Family::Base).level();
    let mut text = format!(
        "`#[http_handler]` implements `{}` itself and goes on an inherent `impl` block: write `impl {self_ty}`",
        level.handler
    );
    if level.family != Family::Base && !extends {
        let _ = write!(text, ", with `#[http_handler(extends = {})]` above it", level.base);
    }
    text
}

/// The arguments that are not class variables.
pub(crate) const ARGUMENTS: [&str; 6] = ["base", "crate", "extends", "head", "links", "routes"];

pub(crate) fn unknown_extends(name: Option<&Ident>) -> String {
    let known: Vec<String> = Family::names().map(|name| format!("`{name}`")).collect();
    let known = known.join(" or ");
    match name {
        Some(name) if Family::named(name).is_some() => {
            format!("every handler extends `{name}` already: remove `extends`, or extend {known}")
        }
        Some(name) => format!("cannot find a handler `{name}` to extend: write {known}"),
        None => format!("expected {known}"),
    }
}

pub(crate) fn feature_is_off(name: Option<&Ident>, feature: &str) -> String {
    let name = name.map(ToString::to_string).unwrap_or_default();
    format!(
        "`{name}` needs the feature `{feature}` of `basehttp`, which is not enabled: run \
         `cargo add basehttp --features {feature}`"
    )
}

pub(crate) fn unknown_argument(name: impl Display, family: Family) -> String {
    let name = name.to_string();
    let variables = family.variables().map(|variable| variable.name);
    if let Some(known) =
        spelling::nearest(&name, ARGUMENTS.into_iter().chain(family.variables().map(|v| v.name)))
    {
        return format!("unknown argument `{name}`: did you mean `{known}`?");
    }
    let mut text = format!(
        "unknown argument `{name}`: expected `base`, `crate`, `extends`, `head`, `links`, `routes` or one of the class variables"
    );
    for (index, variable) in variables.enumerate() {
        let _ = write!(text, "{} `{variable}`", if index == 0 { "" } else { "," });
    }
    text
}

/// An argument of `#[http_routes]` on the main block.
pub(crate) fn argument_of_routes(name: impl Display, value: &str) -> String {
    format!(
        "`{name}` is an argument of `#[http_routes]`: write `#[http_routes(ADMIN, {name} = {value})]` above a block of routes and \
         `routes = [ADMIN]` here"
    )
}

pub(crate) fn argument_twice(name: impl Display) -> String {
    format!("the argument `{name}` is given twice: remove one")
}

pub(crate) fn argument_without_value(name: impl Display) -> String {
    format!("the argument `{name}` needs a value: `{name} = ...`")
}

pub(crate) fn variable_twice(name: impl Display) -> String {
    format!("`{name}` is set both here and by a `const` in the block: remove one")
}

pub(crate) fn misspelled_variable(name: impl Display, meant: &str) -> String {
    format!("`{name}` is not a class variable of a handler: did you mean `{meant}`?")
}

pub(crate) fn misspelled_message_class(name: impl Display) -> String {
    format!("a handler has no type `{name}`: did you mean `{MESSAGE_CLASS}`?")
}

/// `function` is close to the known method `meant`; `spelled` is the method that it would answer as written.
pub(crate) fn near_method(function: &str, meant: &str, spelled: Option<&str>) -> String {
    let fix = if meant.contains('-') {
        format!("to answer {meant}, write `#[method(\"{meant}\")]` above it.")
    } else {
        format!("did you mean `do_{meant}`?")
    };
    match spelled {
        Some(spelled) => format!(
            "`{function}` would answer {spelled} requests: {fix} If {spelled} is the method you mean, write \
             `#[method(\"{spelled}\")]` above it"
        ),
        None => format!("`{function}` answers no requests: {fix} If it is a helper, rename it"),
    }
}

pub(crate) fn unclear_method(function: &str, rest: &str) -> String {
    format!(
        "`{function}` looks like neither a method nor a helper: write `do_{upper}` to answer {upper} requests, \
         `#[method(\"{rest}\")]` above it if the method is called `{rest}`, or `do_{lower}` for a helper",
        upper = rest.to_uppercase(),
        lower = rest.to_lowercase(),
    )
}

pub(crate) fn miscased_method(name: &str, meant: &str) -> String {
    format!("HTTP methods are case-sensitive: write `#[method(\"{meant}\")]`, not `{name}`")
}

pub(crate) fn not_a_token(name: &str) -> String {
    format!(
        "`{name}` is not a valid HTTP method: the name can contain ASCII letters, digits and !#$%&'*+-.^_`|~"
    )
}

pub(crate) fn no_receiver(function: impl Display) -> String {
    format!("`{function}` must take `self`: write `fn {function}(&mut self)` or `fn {function}(&self)`")
}

pub(crate) fn owned_receiver(function: impl Display) -> String {
    format!(
        "`{function}` cannot take the handler by value, because the next request needs it: write `&mut self` or `&self`"
    )
}

pub(crate) fn extra_arguments(function: impl Display) -> String {
    format!(
        "`{function}` can take only `self`: read the request with `self.path()`, `self.headers()` and `self.rfile`, or \
         use `#[route]`, whose functions take arguments"
    )
}

pub(crate) fn async_function(function: impl Display) -> String {
    format!("`{function}` cannot be `async`: write a blocking `fn`; other connections do not wait for it")
}

pub(crate) fn unsafe_function(function: impl Display) -> String {
    format!("`{function}` cannot be `unsafe`, because the server calls it for every request: remove `unsafe`")
}

pub(crate) fn foreign_function(function: impl Display) -> String {
    format!("`{function}` is called only by Rust code: remove `extern`")
}

pub(crate) fn generic_function(function: impl Display) -> String {
    format!(
        "`{function}` cannot be generic, because the server could not choose its types: make the handler generic instead"
    )
}

pub(crate) fn method_twice(method: &str, first: impl Display) -> String {
    format!("`{first}` already answers {method}: remove one, or put the two under opposite `#[cfg]`s")
}

pub(crate) fn function_twice(function: impl Display) -> String {
    format!("the function `{function}` is defined twice: give each its own name and `#[method(\"...\")]`")
}

pub(crate) fn override_as_method(function: impl Display) -> String {
    format!(
        "`{function}` overrides a method of `RequestHandler`: rename the function that answers this HTTP method"
    )
}

pub(crate) fn wrong_override(overridden: &Override) -> String {
    format!(
        "`{}` overrides a method of `{}`: write `{}`, or rename your function",
        overridden.name,
        Family::trait_with(overridden.name),
        overridden.signature
    )
}

pub(crate) fn misspelled_override(name: &str, meant: &str) -> String {
    format!("`{name}` overrides nothing: did you mean `{meant}`? If it is a helper, rename it")
}

pub(crate) fn routes_unknown_argument(name: &str) -> String {
    if ARGUMENTS.contains(&name) || Family::Cgi.variables().any(|variable| variable.name == name) {
        return format!("`{name}` is an argument of `#[http_handler]`: write it there");
    }
    if let Some(known) = spelling::nearest(name, ["prefix", "guard", "links", "crate"]) {
        return format!("unknown argument `{name}`: did you mean `{known}`?");
    }
    format!("unknown argument `{name}`: expected `prefix`, `guard`, `links` or `crate`")
}

pub(crate) const PLACE_OF_MESSAGE_CLASS: &str = "set it in the block with `type MessageClass = ...;`";

/// `place` says what to write instead.
pub(crate) fn misplaced(name: impl Display, place: &str) -> String {
    format!("`{name}` has no effect in this block: {place}")
}

pub(crate) fn misplaced_or_helper(name: impl Display, place: &str) -> String {
    format!("nothing calls `{name}`: {place}. If it is a helper, rename it")
}

pub(crate) fn place_in_family(base: &str) -> String {
    format!("it belongs in a handler with `#[http_handler(extends = {base})]`")
}

pub(crate) fn place_in_server(name: impl Display) -> String {
    format!("set it on the server with `HTTPServer::builder().{name}(...)`")
}

pub(crate) fn handled_method(function: &str, method: &str) -> String {
    format!(
        "nothing calls `{function}`: to answer {method} requests, name it `do_{method}` or write `#[method(\"{method}\")]` \
         above it. If it is a helper, rename it"
    )
}

/// `function` is `do_`, a method, and the path that it seems to be for; `upper` is true if the path is spelled in upper case.
pub(crate) fn method_for_a_path(function: &str, method: &str, path: &str, upper: bool) -> String {
    let (lower, rest) = (path.to_lowercase(), function.strip_prefix("do_").unwrap_or(function));
    let mut text = format!(
        "one `do_{method}` answers {method} requests for all paths: for one path, write `#[route({method}, \"/{lower}\")]` \
         above `{function}`; for a helper, name it `{}_{lower}`",
        method.to_lowercase()
    );
    if upper {
        let _ = write!(text, ". If {rest} is the method you mean, write `#[method(\"{rest}\")]` above it");
    }
    text
}

/// An override whose callers pass values of several types.
pub(crate) fn override_of_one_type(argument: &str, bound: &str) -> String {
    let callers = if bound == "ResponseCode" {
        "a number, an `HTTPStatus` or a tuple of code and message"
    } else {
        "any value that implements `Display`"
    };
    format!("callers pass {callers}: write `{argument}: impl {bound}`")
}

/// A type as it is written, or nearly.
pub(crate) fn type_as_written(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    [(" :: ", "::"), (" < ", "<"), (" >", ">"), (" ,", ","), ("& ", "&")]
        .iter()
        .fold(text, |text, (spaced, close)| text.replace(spaced, close))
}

/// Tokens for a message: in full if they are short.
fn shown(tokens: &TokenStream) -> String {
    let text = tokens.to_string();
    if text.len() <= 40 && !text.contains('\n') { text } else { "...".to_owned() }
}

pub(crate) fn super_call(base: &str, name: &Ident, arguments: &TokenStream) -> String {
    let rest = if arguments.is_empty() { String::new() } else { format!(", {}", shown(arguments)) };
    format!("Rust has no `super()`: write `{base}::{name}(self{rest})`")
}

/// A `do_*` method of the parent, called on the base.
pub(crate) fn parent_on_base(base: &str, name: &Ident) -> String {
    format!("`{name}` needs the whole handler: write `{base}::{name}(self)`")
}

pub(crate) const SUPER_INIT: &str =
    "there is nothing to call, because the closure that makes the handler sets its base: remove this";

pub(crate) fn super_method(base: &str, name: &Ident) -> String {
    format!(
        "`{base}` has no `{name}`: to serve files, write `#[http_handler(extends = SimpleHTTPRequestHandler)]`"
    )
}

pub(crate) fn super_variable(name: &Ident, arguments: &TokenStream) -> String {
    format!("Rust has no `super()`: write `self.{name}({})`", shown(arguments))
}

pub(crate) fn call_on_base(name: &Ident, arguments: &TokenStream) -> String {
    format!("calling `{name}` on the base skips your overrides: write `self.{name}({})`", shown(arguments))
}

pub(crate) fn code_and_message(name: &Ident, arguments: &TokenStream) -> String {
    format!("`{name}` takes the code and its message as one tuple: write `({})`", shown(arguments))
}

pub(crate) fn parts_of_message(name: &Ident, arguments: &str) -> String {
    format!("`{name}` takes one argument, the formatted message: write `format_args!({arguments})`")
}

pub(crate) fn formatted(arguments: &TokenStream) -> String {
    format!("a log message needs no `String`: write `format_args!({})`", shown(arguments))
}

pub(crate) fn read_of_a_length(length: &TokenStream) -> String {
    let length = if length.is_empty() { "limit".to_owned() } else { shown(length) };
    format!(
        "`rfile.read` takes a buffer: write `self.read_body({length})`, which returns the whole body and refuses a longer one"
    )
}

pub(crate) const WRITE_OF_A_PART: &str =
    "`write` returns the number of bytes written, and the function returns `()`: use `write_all`";

pub(crate) fn header_by_index(name: &TokenStream) -> String {
    format!("the field may be missing: write `.get({})`, which returns an `Option`", shown(name))
}

pub(crate) fn header_or(name: &TokenStream, other: &TokenStream) -> String {
    format!("`get` returns an `Option`: write `.get({}).unwrap_or({})`", shown(name), shown(other))
}

pub(crate) const LINES: &str =
    "`rfile` is not an iterator: write `self.rfile.lines()`, which yields `Result`s";
