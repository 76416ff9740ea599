//! The links: for each route a function that returns its path.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{GenericArgument, PathArguments, Type, Visibility};

use super::cfg::predicates;
use crate::args::LinksName;
use crate::model::{Function, Handler};
use crate::parameters::{Argument, Source, arguments};
use crate::pattern::Segment;
use crate::route::Route;

/// Writes the struct with the links of a block.
pub(super) fn links(
    handler: &Handler,
    LinksName { vis, name }: &LinksName,
    title: &str,
    krate: &TokenStream,
) -> TokenStream {
    let links: Vec<Link> = handler
        .functions()
        .filter_map(|function| {
            let (_, route) = function.sound_routes().next()?;
            Some(link(function, route, handler, vis, krate))
        })
        .collect();
    if links.is_empty() {
        return TokenStream::new();
    }
    // Under `forbid` an `allow` is an error, so there is none without need.
    let names_types = links.iter().any(|link| link.names_types);
    let functions = links.iter().map(|link| &link.function);
    let private = names_types.then(|| quote!(private_bounds, private_interfaces,));
    let doc = format!(
        "The links to the routes of {title}: a function for each, which takes the parameters and gives the path."
    );
    quote! {
        #[doc = #doc]
        #[allow(dead_code, unreachable_pub, clippy::redundant_pub_crate)]
        #[derive(Clone, Copy, Debug)]
        #vis struct #name;

        #[allow(dead_code, #private unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]
        impl #name {
            #(#functions)*
        }
    }
}

/// The link of a route.
struct Link {
    function: TokenStream,
    /// Whether its signature names a type of the user's.
    names_types: bool,
}

/// The type of a link's parameter.
enum Value {
    Text,
    OptionalText,
    Texts,
    /// A number or another primitive of this type.
    Plain(TokenStream),
    OptionalPlain(TokenStream),
    Plains(TokenStream),
    /// A value of this type, which is unknown here.
    Typed(TokenStream),
    Any,
    OptionalAny,
    Anys,
}

fn link(
    function: &Function,
    route: &Route,
    handler: &Handler,
    vis: &Visibility,
    krate: &TokenStream,
) -> Link {
    let ident = &function.sig.ident;
    let predicates = predicates(&function.attrs);
    let arguments = arguments(&function.sig, route);
    let mut names_types = false;
    let mut values = |source: Source<'_>| {
        let argument = arguments.iter().find(|argument| argument.source == Some(source))?;
        let value = value(argument.ty, source, handler);
        names_types |= matches!(value, Value::Typed(_));
        Some((parameter_name(argument)?, value))
    };
    let mut parameters = Vec::new();
    let mut steps = Vec::new();
    for (index, segment) in route.pattern.segments.iter().enumerate() {
        let step = match segment {
            Segment::Literal(text) => quote!(let __link = __link.literal(#text);),
            Segment::Parameter(_) | Segment::Rest(_) => {
                let is_rest = matches!(segment, Segment::Rest(_));
                let source = if is_rest { Source::Rest(index) } else { Source::Segment(index) };
                let Some((name, value)) = values(source) else { continue };
                parameters.push(value.parameter(&name, krate));
                let text = value.text(&name, krate);
                let step = format_ident!("{}", if is_rest { "rest" } else { "segment" });
                quote!(let __link = __link.#step(#text);)
            }
        };
        steps.push(step);
    }
    for key in &route.pattern.query {
        let Some((name, value)) = values(Source::Query(&key.key)) else { continue };
        parameters.push(value.parameter(&name, krate));
        steps.push(value.query(&name, &key.key, krate));
    }
    let doc = format!(
        "`{}`",
        route.title(&route.methods.first().map(|method| method.name.clone()).unwrap_or_default())
    );
    let function = quote! {
        #(#[cfg(#predicates)])*
        #[doc = #doc]
        #[must_use]
        #vis fn #ident(&self #(, #parameters)*) -> ::std::string::String {
            let __link = #krate::__private::Link::new();
            #(#steps)*
            __link.finish()
        }
    };
    Link { function, names_types }
}

/// The argument's name, without the underscore of an unused argument.
fn parameter_name(argument: &Argument<'_>) -> Option<Ident> {
    let name = argument.name?;
    let text = name.unraw().to_string();
    match text.strip_prefix('_') {
        Some(used) if syn::parse_str::<Ident>(used).is_ok() => Some(Ident::new(used, name.span())),
        _ => Some(name.clone()),
    }
}

fn value(ty: &Type, source: Source<'_>, handler: &Handler) -> Value {
    let in_query = matches!(source, Source::Query(_));
    let (wrapper, inner) = match in_query.then(|| wrapped(ty)).flatten() {
        Some((wrapper, inner)) => (Some(wrapper), inner),
        None => (None, ty),
    };
    let is_text = is_text(inner);
    let plain = plain(inner);
    match (wrapper.as_deref(), plain) {
        (Some("Option"), _) if is_text => Value::OptionalText,
        (Some("Option"), Some(ty)) => Value::OptionalPlain(ty),
        (Some("Option"), None) => Value::OptionalAny,
        (Some(_), _) if is_text => Value::Texts,
        (Some(_), Some(ty)) => Value::Plains(ty),
        (Some(_), None) => Value::Anys,
        (None, _) if is_text => Value::Text,
        (None, Some(ty)) => Value::Plain(ty),
        (None, None) if knows_handler(inner, handler) => Value::Any,
        (None, None) => Value::Typed(quote!(#inner)),
    }
}

/// `Option<T>` or `Vec<T>`, and the `T`.
fn wrapped(ty: &Type) -> Option<(String, &Type)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let name = last.ident.to_string();
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let Some(GenericArgument::Type(inner)) = arguments.args.first() else { return None };
    ["Option", "Vec"].contains(&&*name).then_some((name, inner))
}

fn is_text(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => {
            matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str"))
        }
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "String"),
        _ => false,
    }
}

/// A primitive type, which implements `Display`.
fn plain(ty: &Type) -> Option<TokenStream> {
    const PLAIN: [&str; 16] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64",
        "u128", "usize",
    ];
    let Type::Path(path) = ty else { return None };
    let ident = path.path.get_ident()?;
    PLAIN.iter().any(|plain| ident == plain).then(|| quote!(#ident))
}

/// Whether a type borrows, or names something that is known only in the handler's block.
fn knows_handler(ty: &Type, handler: &Handler) -> bool {
    fn has(tokens: TokenStream, is_it: &dyn Fn(&str) -> bool) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => is_it(&ident.to_string()),
            proc_macro2::TokenTree::Group(group) => has(group.stream(), is_it),
            proc_macro2::TokenTree::Punct(punct) => punct.as_char() == '\'' || punct.as_char() == '&',
            proc_macro2::TokenTree::Literal(_) => false,
        })
    }
    let parameters: Vec<String> = handler
        .generics
        .params
        .iter()
        .map(|parameter| match parameter {
            syn::GenericParam::Type(parameter) => parameter.ident.to_string(),
            syn::GenericParam::Const(parameter) => parameter.ident.to_string(),
            syn::GenericParam::Lifetime(parameter) => parameter.lifetime.ident.to_string(),
        })
        .collect();
    has(quote!(#ty), &|name| name == "Self" || parameters.iter().any(|parameter| parameter == name))
}

impl Value {
    fn parameter(&self, name: &Ident, krate: &TokenStream) -> TokenStream {
        match self {
            Self::Text => quote!(#name: &str),
            Self::OptionalText => quote!(#name: ::core::option::Option<&str>),
            Self::Texts => quote!(#name: &[&str]),
            Self::Plain(ty) => quote!(#name: #ty),
            Self::OptionalPlain(ty) => quote!(#name: ::core::option::Option<#ty>),
            Self::Plains(ty) => quote!(#name: &[#ty]),
            Self::Typed(ty) => quote!(#name: impl #krate::__private::LinkValue<#ty>),
            Self::Any => quote!(#name: impl ::core::fmt::Display),
            Self::OptionalAny => quote!(#name: ::core::option::Option<&dyn ::core::fmt::Display>),
            Self::Anys => quote!(#name: &[&dyn ::core::fmt::Display]),
        }
    }

    /// The text of a value that is not optional.
    fn text(&self, name: &Ident, krate: &TokenStream) -> TokenStream {
        match self {
            Self::Text => quote!(#name),
            Self::Typed(ty) => quote!(&#krate::__private::LinkValue::<#ty>::text(&#name)),
            _ => quote!(&::std::string::ToString::to_string(&#name)),
        }
    }

    fn query(&self, name: &Ident, key: &str, krate: &TokenStream) -> TokenStream {
        let step = |text: TokenStream| quote!(__link = __link.query(#key, #text););
        let each = step(quote!(&::std::string::ToString::to_string(__value)));
        let steps = match self {
            Self::OptionalText | Self::OptionalPlain(_) | Self::OptionalAny => {
                quote!(if let ::core::option::Option::Some(__value) = &#name { #each })
            }
            Self::Texts | Self::Plains(_) | Self::Anys => quote!(for __value in #name { #each }),
            one => step(one.text(name, krate)),
        };
        quote!(let mut __link = __link; #steps let __link = __link;)
    }
}
