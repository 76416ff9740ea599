//! The words of every diagnostic: what is wrong, then what to write instead.

use std::fmt::{Display, Write as _};

use proc_macro2::Ident;

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
pub(crate) const ARGUMENTS: [&str; 4] = ["base", "crate", "extends", "head"];

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
    if name == MESSAGE_CLASS {
        return format!("`{name}` is set in the block: `type {name} = ...;`");
    }
    let variables = family.variables().map(|variable| variable.name);
    if let Some(known) =
        spelling::nearest(&name, ARGUMENTS.into_iter().chain(family.variables().map(|v| v.name)))
    {
        return format!("unknown argument `{name}`: did you mean `{known}`?");
    }
    let mut text = format!(
        "unknown argument `{name}`: there are `base`, `crate`, `extends`, `head` and the class variables"
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
