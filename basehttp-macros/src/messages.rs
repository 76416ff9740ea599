//! The words of every diagnostic: what is wrong, then what to write instead.

use std::fmt::{Display, Write as _};

use proc_macro2::{Ident, TokenStream};

use crate::family::{Family, MESSAGE_CLASS, Override};
use crate::spelling;

pub(crate) const NOT_AN_IMPL: &str =
    "`#[http_handler]` goes on an `impl` block: the one with the `do_*` methods of the handler";

pub(crate) const OTHER_TRAIT_IMPL: &str =
    "`#[http_handler]` goes on the inherent `impl` block with the `do_*` methods: remove it here";

pub(crate) const LIFETIME: &str = "a handler cannot borrow: it lives as long as its connection. Leave out the \
    lifetime, and give the handler owned data, an `Arc`, or a `&'static` reference";

pub(crate) const MACRO_CALL: &str = "`#[http_handler]` cannot see the methods in a macro call: write them out here, \
    or, if none of them answers requests, move the call to an `impl` block of its own";

pub(crate) const NO_METHODS: &str = "there is no `do_*` method in this block, so every request would be answered \
    with 501: add one, for example `fn do_GET(&mut self) -> io::Result<()>`";

pub(crate) const METHOD_FORM: &str = "write the name of one HTTP method, `#[method(\"M-SEARCH\")]`";

pub(crate) const METHOD_EMPTY: &str = "an HTTP method has a name: `#[method(\"M-SEARCH\")]`";

pub(crate) const METHOD_ATTRIBUTE_TWICE: &str = "a function answers one HTTP method: remove this `#[method]`, and let \
    a second function call the first";

pub(crate) const BASE_VALUE: &str =
    "`base` is the field that holds the `BaseHTTPRequestHandler`: `base = conn`";

pub(crate) const CRATE_VALUE: &str =
    "`crate` is the path of the crate `basehttp`: `crate = ::other::basehttp`";

pub(crate) const HEAD_VALUE: &str = "`head` says whether `do_GET` answers HEAD as well: `head = false`";

pub(crate) const EXTENDS_VALUE: &str = "`extends` is the handler that this one is based on: \
    `extends = SimpleHTTPRequestHandler`";

pub(crate) const COMMA: &str = "arguments are separated by commas";

/// `meant` is the handler whose trait it is, and `extends` whether the attribute says which one it extends.
pub(crate) fn trait_impl(self_ty: impl Display, meant: Option<Family>, extends: bool) -> String {
    let level = meant.unwrap_or(Family::Base).level();
    let mut text = format!(
        "`#[http_handler]` goes on an inherent `impl` block, and implements `{}` itself: leave out the trait and write \
         `impl {self_ty}`",
        level.handler
    );
    if level.family != Family::Base && !extends {
        let _ = write!(text, ", with `#[http_handler(extends = {})]` above it", level.base);
    }
    text
}

/// The arguments that are no class variables.
pub(crate) const ARGUMENTS: [&str; 5] = ["base", "crate", "extends", "head", "routes"];

pub(crate) fn unknown_extends(name: Option<&Ident>) -> String {
    let known: Vec<String> = Family::names().map(|name| format!("`{name}`")).collect();
    let known = known.join(" or ");
    match name {
        Some(name) if Family::named(name).is_some() => {
            format!("every handler is based on `{name}`: leave `extends` out, or extend {known}")
        }
        Some(name) => format!("there is no handler `{name}` to extend: write {known}"),
        None => format!("write {known}"),
    }
}

pub(crate) fn feature_is_off(name: Option<&Ident>, feature: &str) -> String {
    let name = name.map(ToString::to_string).unwrap_or_default();
    format!(
        "`{name}` is there with the feature `{feature}` of `basehttp`, which is off: \
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
        "unknown argument `{name}`: there are `base`, `crate`, `extends`, `head`, `routes` and the class variables"
    );
    for (index, variable) in variables.enumerate() {
        let _ = write!(text, "{} `{variable}`", if index == 0 { "" } else { "," });
    }
    text
}

pub(crate) fn argument_twice(name: impl Display) -> String {
    format!("the argument `{name}` is there twice: remove one")
}

pub(crate) fn argument_without_value(name: impl Display) -> String {
    format!("the argument `{name}` needs a value: `{name} = ...`")
}

pub(crate) fn variable_twice(name: impl Display) -> String {
    format!("`{name}` is set here and by a `const` in the block: remove one")
}

pub(crate) fn misspelled_variable(name: impl Display, meant: &str) -> String {
    format!("`{name}` is no class variable of a handler: did you mean `{meant}`?")
}

pub(crate) fn misspelled_message_class(name: impl Display) -> String {
    format!("`{name}` is not known to a handler: did you mean `{MESSAGE_CLASS}`?")
}

/// `function` is near the known method `meant`; `spelled` is the method that it would answer as it stands.
pub(crate) fn near_method(function: &str, meant: &str, spelled: Option<&str>) -> String {
    let fix = if meant.contains('-') {
        format!("for {meant} requests, write `#[method(\"{meant}\")]` above it.")
    } else {
        format!("did you mean `do_{meant}`?")
    };
    match spelled {
        Some(spelled) => format!(
            "`{function}` would answer {spelled} requests: {fix} If there is a method {spelled}, write \
             `#[method(\"{spelled}\")]` above it"
        ),
        None => format!("`{function}` answers no requests: {fix} If it is a helper, give it another name"),
    }
}

pub(crate) fn unclear_method(function: &str, rest: &str) -> String {
    format!(
        "`{function}` is spelled neither as a method nor as a helper: write `do_{upper}` for {upper} requests, \
         `#[method(\"{rest}\")]` above it if the method's name is `{rest}`, or `do_{lower}` for a helper",
        upper = rest.to_uppercase(),
        lower = rest.to_lowercase(),
    )
}

pub(crate) fn miscased_method(name: &str, meant: &str) -> String {
    format!("the names of HTTP methods are case-sensitive: write `#[method(\"{meant}\")]`, not `{name}`")
}

pub(crate) fn not_a_token(name: &str) -> String {
    format!(
        "`{name}` cannot be the name of an HTTP method: it is made of ASCII letters, digits and !#$%&'*+-.^_`|~"
    )
}

pub(crate) fn no_receiver(function: impl Display) -> String {
    format!(
        "`{function}` is called on the handler: write `fn {function}(&mut self)` or `fn {function}(&self)`"
    )
}

pub(crate) fn owned_receiver(function: impl Display) -> String {
    format!(
        "the handler goes on to serve the next request, so `{function}` can only borrow it: write `&mut self` or \
         `&self`"
    )
}

pub(crate) fn extra_arguments(function: impl Display) -> String {
    format!(
        "`{function}` takes no arguments besides `self`: the request is in `self.path()`, `self.headers()` and \
         `self.rfile`, the response goes to `self.wfile`"
    )
}

pub(crate) fn async_function(function: impl Display) -> String {
    format!(
        "`{function}` cannot be `async`: write a plain blocking `fn`; the server sees to it that other connections \
         do not wait"
    )
}

pub(crate) fn unsafe_function(function: impl Display) -> String {
    format!("`{function}` cannot be `unsafe`: the server calls it for any request, so it has to be safe")
}

pub(crate) fn foreign_function(function: impl Display) -> String {
    format!("`{function}` is called by Rust code only: remove the `extern`")
}

pub(crate) fn generic_function(function: impl Display) -> String {
    format!(
        "`{function}` cannot be generic: the server calls it, and has no types to give; make the handler generic instead"
    )
}

pub(crate) fn method_twice(method: &str, first: impl Display) -> String {
    format!("{method} is answered by `{first}` already: remove one, or put the two under opposite `#[cfg]`s")
}

pub(crate) fn function_twice(function: impl Display) -> String {
    format!(
        "there are two functions `{function}`: give them different names, each with its own `#[method(\"...\")]`"
    )
}

pub(crate) fn override_as_method(function: impl Display) -> String {
    format!(
        "`{function}` overrides a method of `RequestHandler`: give the function for this HTTP method another name"
    )
}

pub(crate) fn wrong_override(overridden: &Override) -> String {
    format!(
        "this overrides a method of `{}`: write `{}`, or give your function another name",
        Family::trait_with(overridden.name),
        overridden.signature
    )
}

pub(crate) fn misspelled_override(name: &str, meant: &str) -> String {
    format!("`{name}` overrides nothing: did you mean `{meant}`? If it is a helper, give it another name")
}

// Of routes.

pub(crate) fn pattern_fragment(fragment: &str) -> String {
    format!("no client sends a fragment: take out `#{fragment}`")
}

/// What is wrong with a pattern only because of the prefix of its block.
pub(crate) fn pattern_behind_prefix(prefix: &str, message: &str) -> String {
    format!("behind the prefix `{prefix}` of the block, {message}")
}

pub(crate) fn pattern_without_slash(pattern: &str) -> String {
    if let Some((_, behind)) = pattern.split_once("://") {
        let path = behind.find('/').map_or("/", |slash| &behind[slash..]);
        return format!("a pattern is a path, whatever the host: write `{path}`");
    }
    format!("a pattern begins with a slash: write `/{pattern}`")
}

pub(crate) fn pattern_empty_segment(without: &str) -> String {
    format!("there is nothing between two slashes: did you mean `{without}`?")
}

pub(crate) fn pattern_rest_not_last(segment: &str, name: &str) -> String {
    format!("`{segment}` takes all that follows, so it comes last: for one segment write `{{{name}}}`")
}

pub(crate) fn pattern_too_long(most: usize) -> String {
    format!("a pattern has at most {most} segments: take the others as a rest, `{{path..}}`")
}

pub(crate) fn pattern_braces(segment: &str) -> String {
    let (open, close) = (segment.matches('{').count(), segment.matches('}').count());
    if open == close && open > 0 && segment.find('{') < segment.find('}') {
        return format!(
            "a parameter is a whole segment, and `{segment}` has more: write `/{{name}}`, and take its value apart in the function"
        );
    }
    let whole = match segment.split_once('=') {
        Some((key, name)) => format!("{key}={{{}}}", name.trim_matches(['{', '}'])),
        None => format!("{{{}}}", segment.trim_matches(['{', '}'])),
    };
    let fault = if open > close { "closed" } else { "opened" };
    format!("a brace in `{segment}` is not {fault}: a parameter is written `{whole}`")
}

pub(crate) fn pattern_of_another_kind(written: &str, meant: &str) -> String {
    format!("`{written}` would be text: a parameter is written `{meant}`")
}

pub(crate) fn pattern_typed(written: &str, name: &str) -> String {
    format!(
        "`{{{written}}}` says too much: write `{{{name}}}`, and the type of the argument `{name}` decides what it takes"
    )
}

pub(crate) fn pattern_dots(segment: &str, resolved: &str) -> String {
    format!("clients resolve `{segment}` before they send a path: write `{resolved}`")
}

pub(crate) fn pattern_encoded(written: &str, decoded: &str) -> String {
    format!("patterns are compared with decoded paths: write `{decoded}`, not `{written}`")
}

pub(crate) fn pattern_control(c: char) -> String {
    format!("a pattern cannot have the control character {c:?}: take it out")
}

pub(crate) fn pattern_query(part: &str) -> String {
    let name = part.split('=').next().unwrap_or_default();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let name = if is_name { name } else { "name" };
    format!(
        "the query of a pattern names its parameters: write `?{{{name}}}`, with `&` between several, or `?key={{{name}}}` for a key that is \
         no identifier"
    )
}

pub(crate) fn parameter_name(name: &str, identifier: &str) -> String {
    if name.is_empty() {
        return "a parameter has the name of the argument that takes it: `{name}`".to_owned();
    }
    format!(
        "a parameter has the name of the argument that takes it, and `{name}` can be none: write `{{{identifier}}}`"
    )
}

pub(crate) fn parameter_twice(name: &str) -> String {
    format!("the parameter `{{{name}}}` is there twice: give each a name of its own")
}

pub(crate) const ROUTE_FORM: &str = "a route has a method and a pattern: `#[route(GET, \"/users/{id}\")]`";

pub(crate) const ROUTE_SWAPPED: &str = "the method comes first: `#[route(GET, \"/users/{id}\")]`";

pub(crate) fn route_without_method(pattern: &str) -> String {
    format!("a route says its method first: `#[route(GET, \"{pattern}\")]`")
}

pub(crate) fn route_without_pattern(method: &str) -> String {
    format!("a route has a pattern for its paths: `#[route({method}, \"/users/{{id}}\")]`")
}

pub(crate) fn route_any_method(name: &str) -> String {
    format!(
        "`{name}` would be the name of a method: list those that the route has, `GET | POST`; what no route takes, `do_*` methods answer"
    )
}

pub(crate) const ROUTE_METHOD_EMPTY: &str = "an HTTP method has a name: `#[route(GET, \"/users/{id}\")]`";

pub(crate) fn route_method_as_text(written: &str, meant: &str) -> String {
    format!("`{written}` is no identifier: write the name of the method, `{meant}`")
}

pub(crate) const ROUTE_SECOND_PATTERN: &str =
    "a route has one pattern: write another `#[route]` above the function for this one";

pub(crate) fn route_method_comma(methods: &str) -> String {
    format!("several methods have `|` between them: `{methods}`")
}

pub(crate) fn route_near_method(name: &str, meant: &str) -> String {
    let meant = if meant.contains('-') { format!("\"{meant}\"") } else { meant.to_owned() };
    format!(
        "there is no method `{name}` of everyday HTTP: did you mean `{meant}`? If there is one, write `\"{name}\"`"
    )
}

pub(crate) fn route_method_miscased(name: &str, meant: &str) -> String {
    format!("the names of HTTP methods are case-sensitive: write `{meant}`, not `{name}`")
}

pub(crate) fn route_method_twice(name: &str) -> String {
    format!("`{name}` is there twice: remove one")
}

pub(crate) fn route_unknown_argument(name: &str) -> String {
    format!(
        "a route has no `{name}`: behind the pattern there can only be `limit = 1 << 20`, the most bytes that a body may have"
    )
}

pub(crate) const ROUTE_LIMIT_VALUE: &str =
    "`limit` is the most bytes that the body may have: `limit = 1 << 20`";

pub(crate) fn route_limit_without_body(function: impl Display) -> String {
    format!(
        "`limit` bounds a body, and `{function}` has no argument that takes one: remove it, or add an argument such as `body: Vec<u8>`"
    )
}

pub(crate) fn route_as_method(function: &str) -> String {
    format!(
        "`{function}` answers every path that no route takes: give the function of this route another name"
    )
}

pub(crate) fn route_as_override(function: impl Display) -> String {
    format!(
        "`{function}` overrides a method of `RequestHandler`: give the function of this route another name"
    )
}

pub(crate) const ROUTE_AND_METHOD: &str = "a route says its method itself: remove the `#[method]`";

pub(crate) fn route_receiver(function: impl Display) -> String {
    format!(
        "`{function}` is called on the handler: write `fn {function}(&self, ..)` or `fn {function}(&mut self, ..)`"
    )
}

/// A parameter of the pattern for which there is no argument.
pub(crate) fn parameter_without_argument(name: &str, function: impl Display, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("no argument of `{function}` is called `{name}`: did you mean `{{{near}}}`?"),
        None => format!(
            "no argument of `{function}` takes `{{{name}}}`: add `{name}: &str`, or a type with `FromStr`, or take it out of the pattern"
        ),
    }
}

/// An argument without a name where there is one parameter left.
pub(crate) fn argument_without_name(parameter: &str, ty: &str) -> String {
    format!(
        "the argument for `{{{parameter}}}` has its name: write `{parameter}: {ty}`, or `_{parameter}: {ty}` if it is not used"
    )
}

/// A parameter of the prefix for which there is no argument.
pub(crate) fn prefix_without_argument(name: &str, function: impl Display) -> String {
    format!(
        "no argument of `{function}` takes `{{{name}}}` of the prefix of the block: add `{name}: &str`, or a type with `FromStr`"
    )
}

/// A body where there is none.
pub(crate) fn body_of_get(name: Option<&str>) -> String {
    let what = name.map_or_else(|| "this argument".to_owned(), |name| format!("`{name}`"));
    format!(
        "{what} takes a body, and GET and HEAD have none: let the route be for `POST` or another method, or remove it"
    )
}

/// An argument for which there is nothing in the pattern.
pub(crate) fn argument_without_parameter(name: &str, pattern: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("the pattern has no `{{{name}}}`: did you mean `{near}`?"),
        None if name == "_" => {
            format!("nothing in `{pattern}` is for this argument: name it as the parameter that it takes")
        }
        None => format!(
            "nothing in `{pattern}` is for `{name}`: write `/{{{name}}}` for a part of the path or `?{{{name}}}` for one of the query; GET and \
             HEAD have no body"
        ),
    }
}

pub(crate) fn two_bodies(name: Option<&str>, first: Option<&str>, pattern: &str) -> String {
    match (first, name) {
        (Some(first), Some(name)) => format!(
            "`{first}` has the body already, and nothing in `{pattern}` is for `{name}`: write `?{{{first}}}` or `?{{{name}}}`, or a \
             part of the path"
        ),
        _ => "another argument has the body already: let one take all of it".to_owned(),
    }
}

pub(crate) fn option_of_path(name: &str) -> String {
    format!(
        "a path without `{{{name}}}` is another path: write two routes, or put it into the query, `?{{{name}}}`"
    )
}

pub(crate) fn static_argument(name: &str) -> String {
    format!("`{name}` borrows from the request: write `&str`, or `String` to keep it")
}

pub(crate) fn routes_clash(first: &str, second: &str, example: &str, same_query: bool) -> String {
    if first == second && !same_query {
        return format!(
            "two routes for `{first}`, as a query does not tell them apart: remove one, and take what may be missing as an `Option`"
        );
    }
    if first == second {
        return format!("two routes for `{first}`: remove one, or put the two under opposite `#[cfg]`s");
    }
    format!(
        "`{first}` and `{second}` are for the same paths, as `{example}`: remove one, or make their patterns differ in a literal"
    )
}

pub(crate) const NO_ROUTES: &str =
    "there is no `#[route]` in this block: add one, for example `#[route(GET, \"/\")]` above a function";

pub(crate) const ROUTES_NOT_AN_IMPL: &str =
    "`#[http_routes]` goes on an `impl` block of a handler: one with functions that have `#[route]`";

pub(crate) const ROUTES_OF_A_TRAIT: &str =
    "`#[http_routes]` goes on an inherent `impl` block of the handler: leave out the trait";

pub(crate) const ROUTES_MACRO_CALL: &str = "`#[http_routes]` cannot see the functions in a macro call: write them out here, or, \
    if none of them has a route, move the call to an `impl` block of its own";

pub(crate) fn routes_function_twice(function: impl Display) -> String {
    format!("there are two functions `{function}`: give them different names")
}

pub(crate) const ROUTES_NAME: &str = "a block of routes has a name, by which the handler lists it: `#[http_routes(ADMIN)]` here, \
    `#[http_handler(routes = [ADMIN])]` there";

pub(crate) const ROUTES_VALUE: &str =
    "`routes` lists the names of blocks with `#[http_routes]`: `routes = [ADMIN, PAGES]`";

pub(crate) fn routes_listed_twice(name: impl Display) -> String {
    format!("the block `{name}` is listed twice: remove one")
}

pub(crate) const PREFIX_VALUE: &str =
    "`prefix` is what the paths of the block begin with: `prefix = \"/admin\"`";

pub(crate) fn prefix_slash(prefix: &str) -> String {
    let without = prefix.trim_end_matches('/');
    if without.is_empty() {
        return "every path begins with a slash: leave out the `prefix`".to_owned();
    }
    format!(
        "the patterns of the block begin with a slash, so their prefix does not end with one: `prefix = \"{without}\"`"
    )
}

pub(crate) const PREFIX_QUERY: &str = "a prefix is a path: a query belongs to the pattern of a route";

pub(crate) const PREFIX_REST: &str =
    "a prefix cannot take all that follows: the patterns of the block come behind it";

pub(crate) const GUARD_VALUE: &str =
    "`guard` is a method of the handler that says whether a request goes on: `guard = require_login`";

pub(crate) fn guard_form(function: impl Display) -> String {
    format!(
        "`{function}` is the guard of this block, which is called with the handler alone: write `fn {function}(&self) -> bool`, or `&mut self`"
    )
}

pub(crate) fn routes_unknown_argument(name: &str) -> String {
    if let Some(known) = spelling::nearest(name, ["prefix", "guard", "crate"]) {
        return format!("unknown argument `{name}`: did you mean `{known}`?");
    }
    format!("unknown argument `{name}`: behind the name there are `prefix`, `guard` and `crate`")
}

/// What only the main block can have.
pub(crate) fn not_among_routes(what: &str) -> String {
    format!("`{what}` does nothing here: move it into the block with `#[http_handler]`")
}

pub(crate) const ROUTE_ALONE: &str = "`#[route]` is for a method in an `impl` block of a handler: put `#[http_handler]` above the block, or \
    `#[http_routes(NAME)]` above a further one";

pub(crate) const PLACE_OF_MESSAGE_CLASS: &str = "it is set in the block, `type MessageClass = ...;`";

/// `place` says where what `name` does is done.
pub(crate) fn misplaced(name: impl Display, place: &str) -> String {
    format!("`{name}` means nothing in this block; {place}")
}

pub(crate) fn misplaced_or_helper(name: impl Display, place: &str) -> String {
    format!("nothing calls `{name}`; {place}. If it is a helper, give it another name")
}

pub(crate) fn place_in_family(base: &str) -> String {
    format!("it belongs to a handler with `#[http_handler(extends = {base})]`")
}

pub(crate) fn place_in_server(name: impl Display) -> String {
    format!("it is a setting of the server, `HTTPServer::builder().{name}(...)`")
}

pub(crate) fn handled_method(function: &str, method: &str) -> String {
    format!(
        "nothing calls `{function}`: for {method} requests, call it `do_{method}`, or write `#[method(\"{method}\")]` \
         above it. If it is a helper, give it another name"
    )
}

/// `function` is `do_`, a method, and what the paths have in common that it is for; `upper` whether it is spelled as that of a method.
pub(crate) fn method_for_a_path(function: &str, method: &str, path: &str, upper: bool) -> String {
    let (lower, rest) = (path.to_lowercase(), function.strip_prefix("do_").unwrap_or(function));
    let mut text = format!(
        "one `do_{method}` answers the {method} requests for all paths: for a path of its own, write `#[route({method}, \
         \"/{lower}\")]` above `{function}`; for a helper, call it `{}_{lower}`",
        method.to_lowercase()
    );
    if upper {
        let _ = write!(text, ". If there is a method {rest}, write `#[method(\"{rest}\")]` above it");
    }
    text
}

/// An override whose callers give values of several types.
pub(crate) fn override_of_one_type(argument: &str, bound: &str) -> String {
    let callers = if bound == "ResponseCode" {
        "a number, an `HTTPStatus` or a tuple of code and message"
    } else {
        "anything that can be displayed"
    };
    format!("callers give {callers}: write `{argument}: impl {bound}`")
}

/// Tokens as a message has them: in full if they are few.
fn shown(tokens: &TokenStream) -> String {
    let text = tokens.to_string();
    if text.len() <= 40 && !text.contains('\n') { text } else { "...".to_owned() }
}

pub(crate) fn super_call(base: &str, name: &Ident, arguments: &TokenStream) -> String {
    let rest = if arguments.is_empty() { String::new() } else { format!(", {}", shown(arguments)) };
    format!("Rust has no `super()`: write `{base}::{name}(self{rest})`")
}

/// A method of the parent that a handler has none of.
pub(crate) fn parent_on_base(base: &str, name: &Ident) -> String {
    format!("`{name}` needs the whole handler: write `{base}::{name}(self)`")
}

pub(crate) const SUPER_INIT: &str =
    "there is nothing to call here: the closure that makes the handler gives it its base. Leave this out";

pub(crate) fn super_method(base: &str, name: &Ident) -> String {
    format!(
        "`{base}` has no `{name}`: files are served by a handler with `#[http_handler(extends = \
         SimpleHTTPRequestHandler)]`"
    )
}

pub(crate) fn super_variable(name: &Ident, arguments: &TokenStream) -> String {
    format!("Rust has no `super()`: write `self.{name}({})`", shown(arguments))
}

pub(crate) fn call_on_base(name: &Ident, arguments: &TokenStream) -> String {
    format!(
        "`{name}` is called on the handler, whose overrides count: write `self.{name}({})`",
        shown(arguments)
    )
}

pub(crate) fn code_and_message(name: &Ident, arguments: &TokenStream) -> String {
    format!(
        "`{name}` takes the code and what belongs to it as one argument, a tuple: write `({})`",
        shown(arguments)
    )
}

pub(crate) fn parts_of_message(name: &Ident, arguments: &str) -> String {
    format!("`{name}` takes one argument, the message with its parts: write `format_args!({arguments})`")
}

pub(crate) fn formatted(arguments: &TokenStream) -> String {
    format!("a message needs no `String` of its own: write `format_args!({})`", shown(arguments))
}

pub(crate) fn read_of_a_length(length: &TokenStream) -> String {
    let length = if length.is_empty() { "limit".to_owned() } else { shown(length) };
    format!(
        "`rfile.read` fills a buffer that it is given: write `self.read_body({length})`, which returns the whole body and \
         refuses a longer one"
    )
}

pub(crate) const WRITE_OF_A_PART: &str =
    "`write` returns how many bytes it has written, and the function returns `()`: write `write_all`";

pub(crate) fn header_by_index(name: &TokenStream) -> String {
    format!("a request may lack the field: write `.get({})`, which returns an `Option`", shown(name))
}

pub(crate) fn header_or(name: &TokenStream, other: &TokenStream) -> String {
    format!("`get` returns an `Option`: write `.get({}).unwrap_or({})`", shown(name), shown(other))
}

pub(crate) const LINES: &str =
    "`rfile` is no iterator: write `self.rfile.lines()`, each of which is a `Result`";
