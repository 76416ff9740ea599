//! The model as tokens: the user's block, `Deref` to the base, `RequestHandler` with the table.

mod family;
mod rows;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{AttrStyle, Attribute, GenericParam, Generics, Member, Type, Visibility, parse_quote};

use self::family::{family_handler, server_version};
use self::rows::{cfgs, clashes, rows, unless_any};
use crate::args::Args;
use crate::family::{Family, Kind, Level};
use crate::model::{Alias, Const, Function, Handler, Item, Role};

pub(crate) fn expand(handler: &Handler, args: &Args) -> TokenStream {
    let block = inherent(handler);
    let traits = traits(handler, args);
    quote!(#block #traits)
}

/// The block as it was written, less our own attributes.
pub(crate) fn plain(handler: &Handler) -> TokenStream {
    let trait_ = handler.trait_.as_ref().map(|(path, for_token)| quote!(#path #for_token));
    let items = handler.items.iter().map(|item| match item {
        Item::Function(function) => function.to_token_stream(),
        Item::Const(constant) => constant.to_token_stream(),
        Item::Alias(alias) => alias.to_token_stream(),
        Item::MacroCall(tokens) | Item::Other(tokens) => tokens.clone(),
    });
    block(handler, &handler.generics, trait_.as_ref(), &items.collect())
}

/// What no trait has a place for.
///
/// The compiler and clippy would find fault with what a method has to look like. Where a lint is forbidden, an `allow`
/// of it is an error: there is none without need.
fn inherent(handler: &Handler) -> TokenStream {
    let items = handler.items.iter().map(|item| match item {
        Item::Function(function) => match function.role {
            Role::Method(_) => {
                let style = has_upper_case(&function.sig.ident).then(|| quote!(#[allow(non_snake_case)]));
                quote! {
                    #style
                    #[allow(clippy::unused_self, clippy::unnecessary_wraps, clippy::missing_errors_doc)]
                    #function
                }
            }
            Role::Helper => function.to_token_stream(),
            Role::Override(_) => TokenStream::new(),
        },
        Item::Const(constant) if constant.variable.is_some() => TokenStream::new(),
        Item::Const(constant) => constant.to_token_stream(),
        Item::Alias(alias) if alias.is_message_class() => TokenStream::new(),
        Item::Alias(alias) => alias.to_token_stream(),
        Item::MacroCall(tokens) | Item::Other(tokens) => tokens.clone(),
    });
    block(handler, &generics(handler), None, &items.collect())
}

fn has_upper_case(ident: &Ident) -> bool {
    ident.to_string().contains(char::is_uppercase)
}

fn block(
    handler: &Handler,
    generics: &Generics,
    trait_: Option<&TokenStream>,
    items: &TokenStream,
) -> TokenStream {
    let Handler { attrs, impl_token, self_ty, brace, .. } = handler;
    let (outer, inner): (Vec<_>, Vec<_>) =
        attrs.iter().partition(|attr| matches!(attr.style, AttrStyle::Outer));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let mut body = TokenStream::new();
    brace.surround(&mut body, |body| body.extend(quote!(#(#inner)* #items)));
    quote!(#(#outer)* #impl_token #impl_generics #trait_ #self_ty #where_clause #body)
}

/// The user's generics. `RequestHandler` asks for `'static`, and so does the `Deref` that every method of the block
/// relies on; the bound saves the user from writing it for each type.
fn generics(handler: &Handler) -> Generics {
    let mut generics = handler.generics.clone();
    if generics.params.iter().any(|param| !matches!(param, GenericParam::Const(_))) {
        generics.make_where_clause().predicates.push(parse_quote!(Self: 'static));
    }
    generics
}

/// `Deref` and `RequestHandler`.
pub(crate) fn traits(handler: &Handler, args: &Args) -> TokenStream {
    let deref = deref(handler, args);
    let request_handler = request_handler(handler, args);
    let family = args.family.levels().skip(1).map(|level| family_handler(level, handler, args));
    let forced = forced(handler, args);
    let clashes = clashes(handler);
    quote!(#deref #request_handler #(#family)* #forced #clashes)
}

fn deref(handler: &Handler, args: &Args) -> TokenStream {
    let krate = &args.krate;
    let self_ty = &handler.self_ty;
    let generics = generics(handler);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let lints = lints(handler);
    let field = base(handler, args, "");
    quote! {
        #(#lints)*
        #[automatically_derived]
        impl #impl_generics ::core::ops::Deref for #self_ty #where_clause {
            type Target = #krate::BaseHTTPRequestHandler<<Self as #krate::RequestHandler>::MessageClass>;

            #[inline]
            fn deref(&self) -> &Self::Target {
                #field
            }
        }
    }
}

/// The field of `self`, on the argument that names it or on the user's type: there the compiler says that it is not
/// there or of another type. A pattern does not look for the field in the base, as `self.base` would. What it binds
/// has the user's span, and a name that no constant of the user's has.
fn field(handler: &Handler, args: &Args, mutability: &str) -> TokenStream {
    let (span, field) = match &args.base {
        Some(Member::Named(name)) => (name.span(), name.to_token_stream()),
        Some(Member::Unnamed(index)) => (index.span, index.to_token_stream()),
        None => (name_span(&handler.self_ty), quote!(base)),
    };
    let pattern = spanned(quote!(Self { #field: __base, .. }), span, span);
    let krate = &args.krate;
    let getter = format_ident!("base{mutability}");
    let ty = args.family.level().base_type(krate);
    let getter = spanned(quote!(<_ as #krate::__private::Base<#ty>>::#getter(__base)), span, span);
    quote!({ let #pattern = self; #getter })
}

/// The `BaseHTTPRequestHandler` that is the field, or that is in it.
fn base(handler: &Handler, args: &Args, mutability: &str) -> TokenStream {
    let field = field(handler, args, mutability);
    if args.family == Family::Base {
        return field;
    }
    let krate = &args.krate;
    let ty = args.family.level().base_type(krate);
    let getter = format_ident!("__base{mutability}");
    quote!(<#ty>::#getter(#field))
}

fn name_span(ty: &Type) -> Span {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span())
        }
        Type::Group(group) => name_span(&group.elem),
        _ => ends(ty).0,
    }
}

/// The methods of which the runtime wants to know whether they are overridden.
const TOLD: [&str; 6] = [
    "handle",
    "handle_one_request",
    "parse_request",
    "send_response_only",
    "send_header",
    "date_time_string",
];

fn request_handler(handler: &Handler, args: &Args) -> TokenStream {
    let krate = &args.krate;
    let self_ty = &handler.self_ty;
    let generics = generics(handler);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let lints = lints(handler);
    let level = Family::Base.level();
    let members = members(level, handler, args);
    let default_class = default_class(handler, args);
    let server_version = server_version(handler, args);
    let overridden =
        handler.functions().filter(|function| TOLD.iter().any(|name| function.is_override(name)));
    let overridden = overridden.map(|function| {
        let cfgs = cfgs(&function.attrs);
        let name = format_ident!("__{}_OVERRIDDEN", function.sig.ident.to_string().to_uppercase());
        quote!(#(#cfgs)* const #name: bool = true;)
    });
    let checks = checks(handler, args);
    let rows = rows(handler, args);
    let field = base(handler, args, "_mut");
    quote! {
        #(#lints)*
        impl #impl_generics #krate::RequestHandler for #self_ty #where_clause {
            #default_class
            #server_version
            #members
            #(#overridden)*

            const __METHODS: &'static [#krate::__private::Method<Self>] = {
                #checks
                &[#(#rows),*]
            };

            #[inline]
            fn __base_mut(&mut self) -> &mut #krate::BaseHTTPRequestHandler<Self::MessageClass> {
                #field
            }
        }
    }
}

/// What belongs to the trait of `level`.
fn members(level: &Level, handler: &Handler, args: &Args) -> TokenStream {
    let settings = args.variables.iter().filter(|setting| level.has_variable(&setting.name)).map(|setting| {
        let (name, value) = (&setting.name, &setting.value);
        let ty = setting.variable.ty();
        quote!(const #name: #ty = #value;)
    });
    let members = handler.items.iter().map(|item| member(level, item));
    quote!(#(#settings)* #(#members)*)
}

/// The lint attributes of the block for what is made of it: the overrides were written in it, and all of it names the
/// user's type.
fn lints(handler: &Handler) -> impl Iterator<Item = TokenStream> {
    handler.attrs.iter().filter_map(lint)
}

/// An expectation is left to the inherent impl: fulfilled there, it would be unfulfilled elsewhere.
fn lint(attr: &Attribute) -> Option<TokenStream> {
    let list = attr.meta.require_list().ok()?;
    let name = list.path.get_ident()?.to_string();
    let tokens = &list.tokens;
    match name.as_str() {
        "allow" | "expect" => Some(quote!(#[allow(#tokens)])),
        "warn" | "deny" | "forbid" => {
            let path = &list.path;
            Some(quote!(#[#path(#tokens)]))
        }
        _ => None,
    }
}

/// The part of an item that belongs to the trait. Visibilities go, as the trait's members are public.
fn member(level: &Level, item: &Item) -> TokenStream {
    match item.clone() {
        Item::Function(function @ Function { role: Role::Override(_), .. })
            if level.has_override(&function.sig.ident) =>
        {
            Function { vis: Visibility::Inherited, ..function }.into_token_stream()
        }
        Item::Const(constant) if constant.variable.is_some() && level.has_variable(&constant.ident) => {
            Const { vis: Visibility::Inherited, ..constant }.into_token_stream()
        }
        Item::Alias(alias) if alias.is_message_class() && level.family == Family::Base => {
            Alias { vis: Visibility::Inherited, ..alias }.into_token_stream()
        }
        _ => TokenStream::new(),
    }
}

/// An associated type has no default in the trait: it is written here, for when the block sets none.
fn default_class(handler: &Handler, args: &Args) -> Option<TokenStream> {
    let krate = &args.krate;
    let set = handler.items.iter().filter_map(|item| match item {
        Item::Alias(alias) if alias.is_message_class() => Some(&*alias.attrs),
        _ => None,
    });
    let none = unless_any(set)?;
    Some(quote!(#none type MessageClass = #krate::Headers;))
}

/// Calls of the runtime's checks for the texts that the user set, each on the user's value. In the table of a generic
/// handler they are done when it is used.
fn checks(handler: &Handler, args: &Args) -> TokenStream {
    if handler.generics.params.is_empty() {
        return TokenStream::new();
    }
    let krate = &args.krate;
    texts(handler, args)
        .map(|(cfgs, name, value)| {
            let check = check_call(krate, name, &quote!(<Self as #krate::RequestHandler>::#name), &value);
            quote!(#(#cfgs)* #check)
        })
        .collect()
}

/// The class variables with a check: `#[cfg]`s, name, value.
fn texts<'a>(
    handler: &'a Handler,
    args: &'a Args,
) -> impl Iterator<Item = (Vec<&'a Attribute>, &'a Ident, TokenStream)> {
    let constants = handler.variables().map(|(constant, variable)| {
        (cfgs(&constant.attrs), &constant.ident, constant.value.clone(), variable)
    });
    let settings = args
        .variables
        .iter()
        .map(|setting| (Vec::new(), &setting.name, setting.value.to_token_stream(), setting.variable));
    constants
        .chain(settings)
        .filter(|(.., variable)| matches!(variable.kind, Kind::Text))
        .map(|(cfgs, name, value, _)| (cfgs, name, value))
}

fn check_call(krate: &TokenStream, name: &Ident, argument: &TokenStream, value: &TokenStream) -> TokenStream {
    let check = format_ident!("check_{name}", span = Span::call_site());
    let (first, last) = ends(value);
    let call = spanned(quote!(#krate::__private::#check(#argument)), first, last);
    quote!(#call;)
}

/// The checks in a constant that is evaluated when nothing uses the handler. A generic handler is not there yet; of its
/// texts, those that are plain literals can be checked.
fn forced(handler: &Handler, args: &Args) -> Option<TokenStream> {
    let krate = &args.krate;
    let self_ty = &handler.self_ty;
    let generic = !handler.generics.params.is_empty();
    let checks: Vec<_> = texts(handler, args)
        .filter(|(.., value)| !generic || is_literal(value))
        .map(|(cfgs, name, value)| {
            let argument = quote!(<#self_ty as #krate::RequestHandler>::#name);
            let check = check_call(krate, name, if generic { &value } else { &argument }, &value);
            quote!(#(#cfgs)* #check)
        })
        .collect();
    let lints = lints(handler);
    (!checks.is_empty()).then(|| quote!(#(#lints)* const _: () = { #(#checks)* };))
}

/// A string literal, or `concat!` of some.
fn is_literal(value: &TokenStream) -> bool {
    let mut tokens = value.clone().into_iter();
    match tokens.next() {
        Some(TokenTree::Literal(literal)) => literal.to_string().contains('"') && tokens.next().is_none(),
        Some(TokenTree::Ident(name)) => name == "concat",
        _ => false,
    }
}

/// The spans of the first and the last token.
fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let Some(first) = tokens.next() else { return (Span::call_site(), Span::call_site()) };
    (first.span(), tokens.last().unwrap_or(first).span())
}

/// Generated tokens that the compiler shows at the user's: from `first` to `last`.
fn spanned(tokens: TokenStream, first: Span, last: Span) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let count = tokens.len();
    for (index, token) in tokens.iter_mut().enumerate() {
        let span = if index + 1 == count { last } else { first };
        if let TokenTree::Group(group) = token {
            let mut inside = Group::new(group.delimiter(), spanned(group.stream(), span, span));
            inside.set_span(span);
            *group = inside;
        } else {
            token.set_span(span);
        }
    }
    tokens.into_iter().collect()
}

#[cfg(test)]
mod tests;
