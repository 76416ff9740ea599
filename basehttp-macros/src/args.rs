//! The arguments of `#[http_handler(...)]` and of `#[http_routes(...)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, Ident, LitBool, LitStr, Member, Path, Token, Visibility, token};

use crate::family::{Family, Variable};
use crate::messages;
use crate::misplaced;
use crate::pattern::{Pattern, Segment};
use crate::report::Report;

pub(crate) struct Args {
    /// The field that holds the base, if it is not `base`.
    pub(crate) base: Option<Member>,
    /// The path of the runtime crate.
    pub(crate) krate: TokenStream,
    /// Whether `do_GET` answers HEAD as well.
    pub(crate) head: bool,
    /// The handler of the runtime crate that this one extends.
    pub(crate) family: Family,
    /// Whether there is an `extends`, valid or not.
    pub(crate) extends: bool,
    pub(crate) variables: Vec<Setting>,
    /// The blocks with further routes.
    pub(crate) routes: Vec<Ident>,
    pub(crate) links: Option<LinksName>,
}

/// The struct with the links of a block: `links = pub Name`.
#[derive(Clone)]
pub(crate) struct LinksName {
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
}

impl Parse for LinksName {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        // Without one, the whole crate sees it, as without the argument.
        let vis = match input.parse()? {
            Visibility::Inherited => syn::parse_quote!(pub(crate)),
            vis => vis,
        };
        Ok(Self { vis, name: input.parse()? })
    }
}

/// A class variable set by an argument.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    pub(crate) variable: &'static Variable,
    pub(crate) value: Expr,
}

impl Args {
    /// The defaults, for this path of the runtime crate.
    pub(crate) fn none(krate: TokenStream) -> Self {
        Self {
            base: None,
            krate,
            head: true,
            family: Family::Base,
            extends: false,
            variables: Vec::new(),
            routes: Vec::new(),
            links: None,
        }
    }

    /// Reads what can be read and reports the rest.
    pub(crate) fn parse(tokens: TokenStream, report: &mut Report) -> Self {
        let mut args = Self::none(quote!(::basehttp));
        let mut seen: Vec<Ident> = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = args.argument(input, &mut seen, report) {
                    report.push(error);
                    skip_argument(input)?;
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            report.push(error);
        }
        // `extends` can come last.
        args.variables.retain(|setting| {
            let known = args.family.variable(&setting.name).is_some();
            if !known {
                report.error(&setting.name, unknown_argument(&setting.name, args.family));
            }
            known
        });
        args
    }

    fn argument(
        &mut self,
        input: ParseStream<'_>,
        seen: &mut Vec<Ident>,
        report: &mut Report,
    ) -> syn::Result<()> {
        let name = new_name(input, seen)?;
        let known = Family::Cgi.variable(&name);
        if known.is_none() && !messages::ARGUMENTS.iter().any(|known| name == known) {
            return Err(syn::Error::new(name.span(), unknown_argument(&name, self.family)));
        }
        equals(input, &name)?;
        if let Some(variable) = known {
            let value = input.parse()?;
            self.variables.push(Setting { name, variable, value });
        } else if name == "base" {
            self.base = Some(value(input, messages::BASE_VALUE)?);
        } else if name == "crate" {
            self.krate = crate_path(input)?;
        } else if name == "routes" {
            self.routes = names(input, report)?;
        } else if name == "links" {
            self.links = Some(value(input, messages::LINKS_VALUE)?);
        } else if name == "extends" {
            self.extends = true;
            let path = value::<Path>(input, messages::EXTENDS_VALUE)?;
            let last = path.segments.last().map(|segment| &segment.ident);
            let named = last.and_then(Family::named);
            // The user meant one of them.
            self.family = named.unwrap_or(Family::Files);
            if named.is_none_or(|family| family == Family::Base) {
                return Err(syn::Error::new_spanned(&path, messages::unknown_extends(last)));
            }
            if let Some(feature) = self.family.missing_feature() {
                // Only the base exists without the feature.
                self.family = Family::Base;
                return Err(syn::Error::new_spanned(&path, messages::feature_is_off(last, feature)));
            }
        } else {
            self.head = value::<LitBool>(input, messages::HEAD_VALUE)?.value;
        }
        let end = input.is_empty() || input.peek(Token![,]);
        if !end {
            report.push(input.error(messages::COMMA));
            skip_argument(input)?;
        }
        Ok(())
    }
}

/// `[ADMIN, PAGES]`
fn names(input: ParseStream<'_>, report: &mut Report) -> syn::Result<Vec<Ident>> {
    let list = |input: ParseStream<'_>| {
        let inside;
        syn::bracketed!(inside in input);
        inside.parse_terminated(Ident::parse, Token![,])
    };
    let span = input.span();
    list(&input.fork()).map_err(|_| syn::Error::new(span, messages::ROUTES_VALUE))?;
    let mut names: Vec<Ident> = Vec::new();
    for name in list(input)? {
        if names.contains(&name) {
            report.error(&name, messages::routes_listed_twice(&name));
        } else {
            names.push(name);
        }
    }
    Ok(names)
}

/// The arguments of `#[http_routes(NAME, ...)]`.
pub(crate) struct RoutesArgs {
    pub(crate) name: Ident,
    pub(crate) krate: TokenStream,
    pub(crate) prefix: String,
    pub(crate) guard: Option<Ident>,
    pub(crate) links: Option<LinksName>,
}

impl RoutesArgs {
    /// Reads what can be read and reports the rest.
    pub(crate) fn parse(tokens: TokenStream, report: &mut Report) -> Self {
        let mut args = Self {
            name: format_ident!("__ROUTES"),
            krate: quote!(::basehttp),
            prefix: String::new(),
            guard: None,
            links: None,
        };
        let parser = |input: ParseStream<'_>| {
            let is_name = |input: ParseStream<'_>| input.peek(Ident) && !input.peek2(Token![=]);
            let mut is_named = is_name(input);
            if is_named {
                args.name = input.parse()?;
            } else {
                report.push(syn::Error::new(input.span(), messages::ROUTES_NAME));
                if input.peek(LitStr) {
                    args.name = input.parse::<LitStr>()?.parse().unwrap_or_else(|_| args.name.clone());
                    is_named = true;
                }
            }
            if is_named && !input.is_empty() {
                if !input.peek(Token![,]) {
                    report.push(input.error(messages::COMMA));
                    skip_argument(input)?;
                }
                input.parse::<Option<Token![,]>>()?;
            }
            let mut seen: Vec<Ident> = Vec::new();
            while !input.is_empty() {
                // The name in another place, which has been reported.
                if !is_named && is_name(input) {
                    args.name = input.parse()?;
                    is_named = true;
                } else if let Err(error) = args.argument(input, &mut seen) {
                    report.push(error);
                    skip_argument(input)?;
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            report.push(error);
        }
        args
    }

    fn argument(&mut self, input: ParseStream<'_>, seen: &mut Vec<Ident>) -> syn::Result<()> {
        if input.peek(LitStr) {
            return Err(input.error(messages::PREFIX_VALUE));
        }
        let name = new_name(input, seen)?;
        let is_known = ["prefix", "guard", "links", "crate"].iter().any(|known| name == known);
        if !is_known {
            return Err(syn::Error::new(name.span(), messages::routes_unknown_argument(&name.to_string())));
        }
        equals(input, &name)?;
        if name == "guard" {
            let (span, is_call) = (input.span(), input.peek2(token::Paren));
            self.guard = Some(value(input, messages::GUARD_VALUE)?);
            if is_call {
                return Err(syn::Error::new(span, messages::GUARD_VALUE));
            }
        } else if name == "crate" {
            self.krate = crate_path(input)?;
        } else if name == "links" {
            self.links = Some(value(input, messages::LINKS_VALUE)?);
        } else {
            let prefix: LitStr = value(input, messages::PREFIX_VALUE)?;
            check_prefix(&prefix.value()).map_err(|message| syn::Error::new_spanned(&prefix, message))?;
            self.prefix = prefix.value();
        }
        if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(input.error(messages::COMMA)) }
    }
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    if prefix.is_empty() {
        return Err(messages::PREFIX_VALUE.to_owned());
    }
    if prefix.ends_with('/') {
        return Err(messages::prefix_slash(prefix));
    }
    let pattern = Pattern::parse(prefix)?;
    if !pattern.query.is_empty() {
        return Err(messages::PREFIX_QUERY.to_owned());
    }
    let takes_all = pattern.segments.iter().any(|segment| matches!(segment, Segment::Rest(_)));
    if takes_all { Err(messages::PREFIX_REST.to_owned()) } else { Ok(()) }
}

fn unknown_argument(name: &Ident, family: Family) -> String {
    if name == "prefix" {
        return messages::argument_of_routes(name, "\"/admin\"");
    }
    if name == "guard" {
        return messages::argument_of_routes(name, "require_login");
    }
    match misplaced::setting(name, family) {
        Some(place) => messages::misplaced(name, &place),
        None => messages::unknown_argument(name, family),
    }
}

/// The name of an argument, which can appear once.
fn new_name(input: ParseStream<'_>, seen: &mut Vec<Ident>) -> syn::Result<Ident> {
    let name = input.call(Ident::parse_any)?;
    if seen.contains(&name) {
        return Err(syn::Error::new(name.span(), messages::argument_twice(&name)));
    }
    seen.push(name.clone());
    Ok(name)
}

/// The `=` after the name of an argument.
fn equals(input: ParseStream<'_>, name: &Ident) -> syn::Result<()> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), messages::argument_without_value(name)));
    }
    input.parse::<Token![=]>().map(|_| ())
}

fn crate_path(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let parse = |input: ParseStream<'_>| input.call(Path::parse_mod_style);
    let path = parse(&input.fork()).map_err(|_| input.error(messages::CRATE_VALUE))?;
    parse(input)?;
    Ok(quote!(#path))
}

fn value<T: Parse>(input: ParseStream<'_>, expected: &str) -> syn::Result<T> {
    input.fork().parse::<T>().map_err(|_| syn::Error::new(input.span(), expected))?;
    input.parse()
}

/// Skips to the next comma, so that one mistake does not hide another.
fn skip_argument(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn mistakes(tokens: TokenStream) -> usize {
        let mut report = Report::new();
        Args::parse(tokens, &mut report);
        report.finish().map_or(0, |errors| errors.to_string().matches("compile_error").count())
    }

    #[test]
    fn each_mistake_is_reported() {
        assert_eq!(mistakes(quote!()), 0);
        assert_eq!(
            mistakes(quote!(base = conn, head = true, crate = a::b, server_version = f::<A, B>(),)),
            0
        );
        assert_eq!(mistakes(quote!(base = 0, timeout = Some(T), responses = &[])), 0);
        assert_eq!(mistakes(quote!(bas = conn, head, crate = 5, server_version = , base = a, base = b)), 5);
        assert_eq!(mistakes(quote!(, head = true head = false, "x")), 3);
        assert_eq!(mistakes(quote!(= = =)), 1);
    }

    #[test]
    fn what_follows_a_mistake_is_read() {
        let mut report = Report::new();
        let args = Args::parse(quote!(port = 8000, head = false, base = conn), &mut report);
        assert!(report.finish().is_some());
        assert!(!args.head && args.base.is_some());
    }
}
