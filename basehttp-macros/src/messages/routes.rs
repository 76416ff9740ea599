//! The text of the diagnostics about routes and their blocks.

use std::fmt::Display;

pub(crate) fn pattern_fragment(fragment: &str) -> String {
    format!("clients do not send fragments: remove `#{fragment}`")
}

/// A pattern that is wrong only because of the prefix of its block.
pub(crate) fn pattern_after_prefix(prefix: &str, message: &str) -> String {
    format!("with the prefix `{prefix}` of the block, {message}")
}

pub(crate) fn pattern_without_slash(pattern: &str) -> String {
    if let Some((_, after)) = pattern.split_once("://") {
        let path = after.find('/').map_or("/", |slash| &after[slash..]);
        return format!("a pattern is a path without a host: write `{path}`");
    }
    format!("a pattern starts with a slash: write `/{pattern}`")
}

pub(crate) fn pattern_empty_segment(without: &str) -> String {
    format!("a pattern cannot have an empty segment: did you mean `{without}`?")
}

pub(crate) fn pattern_rest_not_last(segment: &str, name: &str) -> String {
    format!(
        "`{segment}` matches the rest of the path and must come last: for one segment, write `{{{name}}}`"
    )
}

pub(crate) fn pattern_too_long(most: usize) -> String {
    format!("a pattern can have at most {most} segments: match the rest with `{{path..}}`")
}

pub(crate) fn pattern_braces(segment: &str) -> String {
    let (open, close) = (segment.matches('{').count(), segment.matches('}').count());
    if open == close && open > 0 && segment.find('{') < segment.find('}') {
        return format!(
            "a parameter must be a whole segment, which `{segment}` is not: write `/{{name}}`, and split its value in the function"
        );
    }
    let whole = match segment.split_once('=') {
        Some((key, name)) => format!("{key}={{{}}}", name.trim_matches(['{', '}'])),
        None => format!("{{{}}}", segment.trim_matches(['{', '}'])),
    };
    let fault = if open > close { "unclosed" } else { "unopened" };
    format!("{fault} brace in `{segment}`: write `{whole}` for a parameter")
}

pub(crate) fn pattern_of_another_kind(written: &str, meant: &str) -> String {
    format!("`{written}` is matched literally; write `{meant}` for a parameter")
}

pub(crate) fn pattern_typed(written: &str, name: &str) -> String {
    format!(
        "a parameter has no type in the pattern: write `{{{name}}}`, not `{{{written}}}`; the type of the argument `{name}` decides what it \
         matches"
    )
}

pub(crate) fn pattern_dots(segment: &str, resolved: &str) -> String {
    format!("clients resolve `{segment}` before they send the path: write `{resolved}`")
}

pub(crate) fn pattern_encoded(written: &str, decoded: &str) -> String {
    format!("patterns match decoded paths: write `{decoded}`, not `{written}`")
}

pub(crate) fn pattern_control(c: char) -> String {
    format!("a pattern cannot contain the control character {c:?}: remove it")
}

pub(crate) fn pattern_query(part: &str) -> String {
    let name = part.split('=').next().unwrap_or_default();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let name = if is_name { name } else { "name" };
    format!(
        "the query of a pattern lists parameters: write `?{{{name}}}`, with `&` between several, or `?key={{{name}}}` if the key is not \
         an identifier"
    )
}

pub(crate) fn parameter_name(name: &str, identifier: &str) -> String {
    if name.is_empty() {
        return "a parameter needs the name of an argument: `{name}`".to_owned();
    }
    format!("a parameter needs the name of an argument, which `{name}` cannot be: write `{{{identifier}}}`")
}

pub(crate) fn parameter_twice(name: &str) -> String {
    format!("the parameter `{{{name}}}` appears twice: give each its own name")
}

pub(crate) const ROUTE_FORM: &str = "expected a method and a pattern: `#[route(GET, \"/users/{id}\")]`";

pub(crate) const ROUTE_SWAPPED: &str = "the method comes first: write `#[route(GET, \"/users/{id}\")]`";

pub(crate) fn route_without_method(pattern: &str) -> String {
    format!("a route needs a method: write `#[route(GET, \"{pattern}\")]`")
}

pub(crate) fn route_without_pattern(method: &str) -> String {
    format!("a route needs a pattern: write `#[route({method}, \"/users/{{id}}\")]`")
}

pub(crate) fn route_any_method(name: &str) -> String {
    format!(
        "a route lists its methods: write `GET | POST` instead of `{name}`; what no route matches goes to the `do_*` methods"
    )
}

pub(crate) const ROUTE_METHOD_EMPTY: &str =
    "the name of an HTTP method cannot be empty: write `#[route(GET, \"/users/{id}\")]`";

pub(crate) fn route_method_as_text(written: &str, meant: &str) -> String {
    format!("`{written}` is not an identifier: write `{meant}`")
}

pub(crate) const ROUTE_CONNECT: &str = "CONNECT requests have no path: write `fn do_CONNECT(&self) -> io::Result<()>`, which gets the target from `self.path()`";

/// `#[get("/x")]`, as other frameworks have it.
pub(crate) fn route_of_another_kind(name: &str, method: &str, rest: &str) -> String {
    format!("there is no attribute `{name}`: write `#[route({method}, {rest})]`")
}

pub(crate) const ROUTE_SECOND_PATTERN: &str =
    "a route has one pattern: add another `#[route]` above the function for this one";

pub(crate) fn route_method_comma(methods: &str) -> String {
    format!("methods are separated by `|`: write `{methods}`")
}

pub(crate) fn route_near_method(name: &str, meant: &str) -> String {
    let meant = if meant.contains('-') { format!("\"{meant}\"") } else { meant.to_owned() };
    format!(
        "unknown HTTP method `{name}`: did you mean `{meant}`? If {name} is the method you mean, write `\"{name}\"`"
    )
}

pub(crate) fn route_method_miscased(name: &str, meant: &str) -> String {
    format!("HTTP methods are case-sensitive: write `{meant}`, not `{name}`")
}

pub(crate) fn route_method_twice(name: &str) -> String {
    format!("the method `{name}` is listed twice: remove one")
}

pub(crate) fn route_unknown_argument(name: &str) -> String {
    format!(
        "unknown argument `{name}`: only `limit = 1 << 20`, the maximum size of the body in bytes, can follow the pattern"
    )
}

pub(crate) const ROUTE_LIMIT_VALUE: &str =
    "expected the maximum size of the body in bytes: `limit = 1 << 20`";

pub(crate) fn route_limit_without_body(function: impl Display) -> String {
    format!(
        "`limit` bounds the body, and `{function}` takes none: remove it, or add an argument such as `body: Vec<u8>`"
    )
}

pub(crate) fn route_as_method(function: &str) -> String {
    format!("`{function}` answers every path that no route matches: rename the function of this route")
}

pub(crate) fn route_as_override(function: impl Display) -> String {
    format!("`{function}` overrides a method of `RequestHandler`: rename the function of this route")
}

pub(crate) const ROUTE_AND_METHOD: &str = "`#[route]` already names the method: remove `#[method]`";

pub(crate) fn route_receiver(function: impl Display) -> String {
    format!(
        "`{function}` must take `self`: write `fn {function}(&self, ..)` or `fn {function}(&mut self, ..)`"
    )
}

/// A parameter of the pattern without an argument.
pub(crate) fn parameter_without_argument(name: &str, function: impl Display, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("`{function}` has no argument `{name}`: did you mean `{{{near}}}`?"),
        None => format!(
            "`{function}` has no argument for `{{{name}}}`: add `{name}: &str` or another type with `FromStr`, or remove it from the pattern"
        ),
    }
}

/// An argument without a name where one parameter is left.
pub(crate) fn argument_without_name(parameter: &str, ty: &str) -> String {
    format!(
        "the argument for `{{{parameter}}}` must have its name: write `{parameter}: {ty}`, or `_{parameter}: {ty}` if it is unused"
    )
}

/// A parameter of the prefix without an argument.
pub(crate) fn prefix_without_argument(name: &str, function: impl Display) -> String {
    format!(
        "`{function}` has no argument for `{{{name}}}` in the prefix of the block: add `{name}: &str` or another type with `FromStr`"
    )
}

/// An argument that another framework would fill from the path, `Path<u32>`; `arguments` are those to write.
pub(crate) fn extractor_of_path(arguments: &str) -> String {
    format!("arguments from the path are taken by name: write `{arguments}`")
}

/// `Query<T>`. `pattern` has no query.
pub(crate) fn extractor_of_query(pattern: &str, name: &str) -> String {
    format!(
        "arguments from the query are taken by name: write `{pattern}?{{{name}}}` and `{name}: Option<String>`, one for each key"
    )
}

/// `State<T>`.
pub(crate) fn extractor_of_state(name: &str) -> String {
    format!(
        "a handler keeps its state in its fields: read `self.{name}`, which the closure that makes the handler sets"
    )
}

pub(crate) const EXTRACTOR_OF_HEADERS: &str = "the handler has the request: read `self.headers()`";

pub(crate) fn argument_under_cfg(function: impl Display) -> String {
    format!(
        "an argument of a route cannot have a `#[cfg]`: write `{function}` twice under opposite `#[cfg]`s"
    )
}

/// An argument from the body where requests have none.
pub(crate) fn body_of_get(name: Option<&str>) -> String {
    let what = name.map_or_else(|| "this argument".to_owned(), |name| format!("`{name}`"));
    format!(
        "{what} takes the body, and GET and HEAD requests have none: use `POST` or another method, or remove the argument"
    )
}

/// An argument without a parameter in the pattern.
pub(crate) fn argument_without_parameter(name: &str, pattern: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("the pattern has no `{{{name}}}`: did you mean `{near}`?"),
        None if name == "_" => {
            format!("the pattern `{pattern}` has no parameter for this argument: name it after a parameter")
        }
        None => format!(
            "the pattern `{pattern}` has no parameter `{name}`: write `/{{{name}}}` for a segment of the path or `?{{{name}}}` for a key of the \
             query; GET and HEAD requests have no body"
        ),
    }
}

pub(crate) fn two_bodies(name: Option<&str>, first: Option<&str>, pattern: &str) -> String {
    match (first, name) {
        (Some(first), Some(name)) => format!(
            "`{first}` already takes the body, and the pattern `{pattern}` has no parameter `{name}`: write `?{{{first}}}` or `?{{{name}}}`, or \
             a segment of the path"
        ),
        _ => "another argument already takes the body: take all of it in one argument".to_owned(),
    }
}

pub(crate) fn option_of_path(name: &str) -> String {
    format!(
        "a segment of the path cannot be optional: write two routes, or move it to the query, `?{{{name}}}`"
    )
}

pub(crate) fn static_argument(name: &str) -> String {
    format!("`{name}` borrows from the request and cannot be `'static`: write `&str`, or `String` to keep it")
}

pub(crate) fn routes_clash(first: &str, second: &str, example: &str, same_query: bool) -> String {
    if first == second && !same_query {
        return format!(
            "two routes for `{first}`, and a query does not distinguish them: remove one, and take optional keys as `Option`"
        );
    }
    if first == second {
        return format!("two routes for `{first}`: remove one, or put the two under opposite `#[cfg]`s");
    }
    format!(
        "`{first}` and `{second}` match the same paths, for example `{example}`: remove one, or give them different literal segments"
    )
}

pub(crate) const NO_ROUTES: &str =
    "this block has no `#[route]`: add one above a function, for example `#[route(GET, \"/\")]`";

pub(crate) const ROUTES_NOT_AN_IMPL: &str =
    "expected an `impl` block: `#[http_routes]` goes above one whose functions have `#[route]`";

pub(crate) const ROUTES_OF_A_TRAIT: &str =
    "`#[http_routes]` goes on an inherent `impl` block of the handler: remove the trait";

pub(crate) const ROUTES_MACRO_CALL: &str = "`#[http_routes]` cannot see the functions in a macro call: write them out here, or \
    move the call to another `impl` block if none of them has a route";

pub(crate) fn routes_function_twice(function: impl Display) -> String {
    format!("the function `{function}` is defined twice: give each its own name")
}

pub(crate) const ROUTES_NAME: &str = "a block of routes needs a name: write `#[http_routes(ADMIN)]` here and \
    `#[http_handler(routes = [ADMIN])]` above the handler's main block";

pub(crate) const ROUTES_VALUE: &str =
    "expected the names of blocks with `#[http_routes]`: `routes = [ADMIN, PAGES]`";

pub(crate) const LINKS_VALUE: &str =
    "expected a name for the struct with the links: `links = AdminLinks` or `links = pub AdminLinks`";

pub(crate) const LINKS_WITHOUT_ROUTES: &str =
    "`links` names the links of routes, and this block has none: remove it";

pub(crate) fn routes_listed_twice(name: impl Display) -> String {
    format!("the block `{name}` is listed twice: remove one")
}

pub(crate) const PREFIX_VALUE: &str =
    "expected the path that every route of the block starts with: `prefix = \"/admin\"`";

pub(crate) fn prefix_slash(prefix: &str) -> String {
    let without = prefix.trim_end_matches('/');
    if without.is_empty() {
        return "every path starts with a slash: remove `prefix`".to_owned();
    }
    format!(
        "a prefix cannot end with a slash, because the patterns start with one: write `prefix = \"{without}\"`"
    )
}

pub(crate) const PREFIX_QUERY: &str = "a prefix cannot have a query: move it to the patterns of the routes";

pub(crate) const PREFIX_REST: &str = "a prefix cannot match the rest of the path, because the patterns follow it: write `{path}` for one segment";

pub(crate) const GUARD_VALUE: &str = "expected the name of a method of the handler that decides whether a request continues: `guard = require_login`";

pub(crate) fn guard_form(function: impl Display) -> String {
    format!(
        "`{function}` is the guard of this block and can take only the handler: write `fn {function}(&self) -> bool` or `fn {function}(&mut self) -> bool`"
    )
}

/// An item that only the main block can have.
pub(crate) fn not_among_routes(what: &str) -> String {
    format!("`{what}` has no effect in a block of routes: move it to the block with `#[http_handler]`")
}

pub(crate) const ROUTE_ALONE: &str = "`#[route]` works only in an `impl` block of a handler: put `#[http_handler]` above the block, or \
    `#[http_routes(NAME)]` if the handler already has one";
