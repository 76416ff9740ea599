//! Parses the attribute `#[route(GET, "/users/{id}")]`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Error, Expr, Ident, LitStr, Token, token};

use crate::messages;
use crate::pattern::Pattern;
use crate::spelling;

/// A `#[route]` above a function, with its content or what is wrong with it.
#[derive(Clone)]
pub(crate) struct RouteAttribute {
    pub(crate) attr: Attribute,
    pub(crate) route: Result<Route, Error>,
}

/// The content of a `#[route]`.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) methods: Vec<RouteMethod>,
    /// The pattern as written, and with the prefix of its block.
    pub(crate) literal: LitStr,
    pub(crate) pattern: Pattern,
    /// The maximum size of the body in bytes.
    pub(crate) limit: Option<(Ident, Expr)>,
}

#[derive(Clone)]
pub(crate) struct RouteMethod {
    pub(crate) name: String,
    /// Its place in the source.
    tokens: TokenStream,
}

impl RouteAttribute {
    /// Parses an attribute in a block with this prefix.
    pub(crate) fn new(attr: Attribute, prefix: &str) -> Self {
        if let Some(error) = of_another_kind(&attr) {
            return Self { attr, route: Err(error) };
        }
        let route = match attr.meta.require_list() {
            Ok(list) if !list.tokens.is_empty() => {
                attr.parse_args_with(|input: ParseStream<'_>| route(input, prefix))
            }
            // Only the attribute can be underlined.
            _ => Err(Error::new_spanned(&attr, messages::ROUTE_FORM)),
        };
        Self { attr, route }
    }
}

/// Whether the attribute is a `#[route]`, or what stands for one in other frameworks.
pub(crate) fn is_route(attr: &Attribute) -> bool {
    let last = attr.path().segments.last();
    last.is_some_and(|segment| segment.ident == "route") || of_another_kind(attr).is_some()
}

/// The error for `#[get("/x")]`.
fn of_another_kind(attr: &Attribute) -> Option<Error> {
    const METHODS: [&str; 7] = ["get", "head", "post", "put", "delete", "patch", "options"];
    let name = attr.path().get_ident()?.to_string();
    METHODS.contains(&&*name).then_some(())?;
    let list = attr.meta.require_list().ok()?;
    let first = list.tokens.clone().into_iter().next()?;
    syn::parse2::<LitStr>(first.into_token_stream()).ok()?;
    let message = messages::route_of_another_kind(&name, &name.to_uppercase(), &list.tokens.to_string());
    Some(Error::new_spanned(attr, message))
}

impl Route {
    /// Whether it answers GET or HEAD, whose requests have no body.
    pub(crate) fn is_for_get(&self) -> bool {
        self.methods.iter().any(|method| method.name == "GET" || method.name == "HEAD")
    }

    /// The pattern with the method, for messages.
    pub(crate) fn title(&self, method: &str) -> String {
        format!("{method} {}", self.pattern.path())
    }
}

fn route(input: ParseStream<'_>, prefix: &str) -> syn::Result<Route> {
    if input.peek(LitStr) {
        let literal: LitStr = input.fork().parse()?;
        if literal.value().starts_with('/') {
            let ahead = input.fork();
            ahead.parse::<LitStr>()?;
            let swapped = ahead.peek(Token![,]) && ahead.peek2(Ident);
            let message = if swapped {
                messages::ROUTE_SWAPPED.to_owned()
            } else {
                messages::route_without_method(&literal.value())
            };
            return Err(Error::new_spanned(literal, message));
        }
    }
    let mut methods: Vec<RouteMethod> = Vec::new();
    loop {
        let method = method(input)?;
        if methods.iter().any(|other| other.name == method.name) {
            return Err(Error::new_spanned(&method.tokens, messages::route_method_twice(&method.name)));
        }
        methods.push(method);
        if !input.peek(Token![|]) {
            break;
        }
        input.parse::<Token![|]>()?;
    }
    let written = || methods.iter().map(|method| method.tokens.to_string()).collect::<Vec<_>>();
    if !input.is_empty() {
        input.parse::<Token![,]>().map_err(|_| at(input, messages::ROUTE_FORM))?;
    }
    if input.is_empty() {
        return Err(Error::new_spanned(
            last(&methods),
            messages::route_without_pattern(&written().join(" | ")),
        ));
    }
    if input.peek(Ident) && (input.peek2(Token![,]) || input.peek2(Token![|])) {
        let other: Ident = input.call(Ident::parse_any)?;
        let methods = written().into_iter().chain([other.to_string()]).collect::<Vec<_>>().join(" | ");
        return Err(Error::new_spanned(other, messages::route_method_comma(&methods)));
    }
    if !input.peek(LitStr) {
        return Err(at(input, messages::ROUTE_FORM));
    }
    let literal: LitStr = input.parse()?;
    let pattern =
        pattern(&literal.value(), prefix).map_err(|message| Error::new_spanned(&literal, message))?;
    let limit = limit(input)?;
    Ok(Route { methods, literal, pattern, limit })
}

fn pattern(own: &str, prefix: &str) -> Result<Pattern, String> {
    // In a block with a prefix, a route can be for the prefix itself.
    if prefix.is_empty() || !(own.is_empty() || own.starts_with(['/', '?'])) {
        return Pattern::parse(own);
    }
    Pattern::parse(&format!("{prefix}{own}")).map_err(|message| {
        let alone = own.is_empty() || own.starts_with('?') || Pattern::parse(own).is_ok();
        if alone { messages::pattern_after_prefix(prefix, &message) } else { message }
    })
}

fn last(methods: &[RouteMethod]) -> Option<&TokenStream> {
    methods.last().map(|method| &method.tokens)
}

fn method(input: ParseStream<'_>) -> syn::Result<RouteMethod> {
    if input.peek(LitStr) {
        let literal: LitStr = input.parse()?;
        let name = literal.value();
        let message = if name.is_empty() {
            messages::ROUTE_METHOD_EMPTY.to_owned()
        } else if spelling::is_token(&name) {
            match spelling::miscased_method(&name) {
                Some(meant) => messages::route_method_miscased(&name, meant),
                None if name == "CONNECT" => messages::ROUTE_CONNECT.to_owned(),
                None => return Ok(RouteMethod { name, tokens: literal.into_token_stream() }),
            }
        } else {
            messages::not_a_token(&name)
        };
        return Err(Error::new_spanned(literal, message));
    }
    if input.peek(Token![*]) {
        return Err(Error::new(input.span(), messages::route_any_method("*")));
    }
    if input.peek(token::Bracket) {
        let list: proc_macro2::Group = input.parse()?;
        let names: Vec<String> = list.stream().into_iter().map(|token| token.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != ",").collect();
        return Err(Error::new_spanned(list, messages::route_method_comma(&names.join(" | "))));
    }
    let ident = input.call(Ident::parse_any).map_err(|_| at(input, messages::ROUTE_FORM))?;
    if input.peek(Token![-]) || input.peek(Token![::]) {
        return Err(no_identifier(&ident, input));
    }
    let name = ident.unraw().to_string();
    let message = if matches!(name.to_ascii_uppercase().as_str(), "ANY" | "ALL") {
        messages::route_any_method(&name)
    } else if let Some(meant) = spelling::miscased_method(&name) {
        messages::route_method_miscased(&name, meant)
    } else if let Some(meant) = spelling::misspelled_method(&name) {
        messages::route_near_method(&name, meant)
    } else if name == "CONNECT" {
        messages::ROUTE_CONNECT.to_owned()
    } else if !name.is_ascii() {
        messages::not_a_token(&name)
    } else {
        return Ok(RouteMethod { name, tokens: ident.into_token_stream() });
    };
    Err(Error::new_spanned(ident, message))
}

/// `M-SEARCH` and `Method::GET`.
fn no_identifier(first: &Ident, input: ParseStream<'_>) -> Error {
    let mut tokens = first.to_token_stream();
    let mut last = first.to_string();
    let mut text = last.clone();
    while !input.is_empty() && !input.peek(Token![,]) && !input.peek(Token![|]) {
        let Ok(token) = input.parse::<TokenTree>() else { break };
        last = token.to_string();
        text.push_str(&last);
        tokens.extend([token]);
    }
    let meant = if text.contains("::") { last } else { format!("\"{text}\"") };
    Error::new_spanned(tokens, messages::route_method_as_text(&text, &meant))
}

/// An error at the next token. The one of `input` puts text before the message at the end of the input.
fn at(input: ParseStream<'_>, message: &str) -> Error {
    Error::new(input.span(), message)
}

/// The arguments after the pattern.
fn limit(input: ParseStream<'_>) -> syn::Result<Option<(Ident, Expr)>> {
    let mut limit = None;
    while !input.is_empty() {
        input.parse::<Token![,]>().map_err(|_| at(input, messages::COMMA))?;
        if input.is_empty() {
            break;
        }
        if input.peek(LitStr) {
            return Err(at(input, messages::ROUTE_SECOND_PATTERN));
        }
        let name = input.call(Ident::parse_any).map_err(|_| at(input, messages::ROUTE_LIMIT_VALUE))?;
        if name != "limit" {
            return Err(Error::new_spanned(&name, messages::route_unknown_argument(&name.to_string())));
        }
        if limit.is_some() {
            return Err(Error::new_spanned(&name, messages::argument_twice(&name)));
        }
        input.parse::<Token![=]>().map_err(|_| Error::new_spanned(&name, messages::ROUTE_LIMIT_VALUE))?;
        let value = input.parse().map_err(|_| Error::new_spanned(&name, messages::ROUTE_LIMIT_VALUE))?;
        limit = Some((name, value));
    }
    Ok(limit)
}

/// For the position of an error.
impl ToTokens for RouteMethod {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}
