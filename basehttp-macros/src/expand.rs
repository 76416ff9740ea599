//! Writes the model as tokens: the user's block, `Deref` to the base, `RequestHandler` with the tables.

mod call;
mod cfg;
mod family;
mod impls;
mod links;
mod outcome;
mod routes;
mod rows;
mod spans;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{AttrStyle, Attribute, Type, parse_quote};

use self::cfg::{cfgs, unless_any};
use self::family::{family_handler, server_version};
use self::impls::{base, generics, lints, members, own_function};
use self::routes::Written;
use self::rows::{clashes, rows};
use self::spans::{ends, spanned};
use crate::args::{Args, LinksName, RoutesArgs};
use crate::family::{Family, Kind};
use crate::model::{Handler, Item, Role};

pub(crate) fn expand(handler: &Handler, args: &Args) -> TokenStream {
    let block = inherent(handler);
    let traits = traits(handler, args);
    let links = own_links(handler, args);
    quote!(#block #traits #links)
}

/// The links of the main block.
fn own_links(handler: &Handler, args: &Args) -> Option<TokenStream> {
    let name = name_of(&handler.self_ty);
    let default = || name.map(|name| links_name(&name.unraw().to_string(), name.span()));
    let links = args.links.clone().or_else(default)?;
    let title = name.map_or_else(|| "the handler".to_owned(), |name| format!("[`{name}`]"));
    Some(links::links(handler, &links, &title, &args.krate))
}

/// The default name for the links of `subject`. The compiler shows a second struct of this name at `span`.
fn links_name(subject: &str, span: Span) -> LinksName {
    let name = format_ident!("{subject}Links", span = span.resolved_at(Span::call_site()));
    LinksName { vis: parse_quote!(pub(crate)), name }
}

fn name_of(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => name_of(&group.elem),
        _ => None,
    }
}

/// Expands a block of further routes: its items, and a constant of the type with its table.
pub(crate) fn expand_routes(block: &Handler, args: &RoutesArgs) -> TokenStream {
    let RoutesArgs { name, krate, guard, .. } = args;
    let inherent = inherent(block);
    let generics = generics(block);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let self_ty = &block.self_ty;
    let lints = lints(block);
    let written = routes::written(block, &name.to_string(), guard.as_ref(), krate);
    // If all its routes are wrong, an empty table keeps the handler's list valid.
    let Written { lint, table, functions } = written.unwrap_or_else(|| Written::none(krate));
    let (marks, clashes) = (routes::marks(block), routes::clashes(block));
    // It has the user's spans so that the compiler warns if no handler lists the block.
    let constant = quote!(pub(crate) const #name: #krate::__private::Routes<Self>);
    let constant = spanned(constant, name.span(), name.span());
    let end = spanned(quote!(;), name.span(), name.span());
    let default = || links_name(&in_camel_case(&name.unraw().to_string()), name.span());
    let named = args.links.clone().unwrap_or_else(default);
    let its_links = links::links(block, &named, &format!("the block `{name}`"), krate);
    quote! {
        #inherent
        #(#lints)*
        impl #impl_generics #self_ty #where_clause {
            #[doc(hidden)]
            #[allow(non_upper_case_globals, clippy::redundant_pub_crate)]
            #lint
            #constant = #table #end
            #functions
            #marks
        }
        #clashes
        #its_links
    }
}

/// `ADMIN_PAGES` as `AdminPages`.
fn in_camel_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect::<String>()
    };
    name.split('_').map(word).collect()
}

/// The block as written, minus our attributes.
pub(crate) fn plain(handler: &Handler) -> TokenStream {
    let trait_ = handler.trait_.as_ref().map(|(path, for_token)| quote!(#path #for_token));
    let items = handler.items.iter().map(|item| match item {
        Item::Function(function) => function.to_token_stream(),
        Item::Const(constant) => constant.to_token_stream(),
        Item::Alias(alias) => alias.to_token_stream(),
        Item::MacroCall(tokens) | Item::Other(tokens) => tokens.clone(),
        Item::Broken(_) => TokenStream::new(),
    });
    block(handler, trait_.as_ref(), &items.collect())
}

/// The items that belong to no trait.
///
/// The required form of a method would cause warnings of the compiler and of clippy, which are allowed here. Under `forbid` an `allow` is
/// an error, so there is none without need.
fn inherent(handler: &Handler) -> TokenStream {
    let items = handler.items.iter().map(|item| match item {
        Item::Function(function) => match function.role {
            Role::Method(_) | Role::Route => {
                let is_method = matches!(function.role, Role::Method(_));
                let function = own_function(function, handler);
                let style = (is_method && has_upper_case(&function.sig.ident))
                    .then(|| quote!(#[allow(non_snake_case)]));
                // A function owns its body.
                let body = (!is_method).then(|| quote!(, clippy::needless_pass_by_value));
                quote! {
                    #style
                    #[allow(
                        clippy::unused_self,
                        clippy::unnecessary_wraps,
                        clippy::missing_errors_doc,
                        clippy::needless_pass_by_ref_mut,
                        clippy::missing_const_for_fn
                        #body
                    )]
                    #function
                }
            }
            Role::Helper => own_function(function, handler).to_token_stream(),
            Role::Override(_) => TokenStream::new(),
        },
        Item::Const(constant) if constant.variable.is_some() => TokenStream::new(),
        Item::Const(constant) => constant.to_token_stream(),
        Item::Alias(alias) if alias.is_message_class() => TokenStream::new(),
        Item::Alias(alias) => alias.to_token_stream(),
        Item::MacroCall(tokens) | Item::Other(tokens) => tokens.clone(),
        Item::Broken(_) => TokenStream::new(),
    });
    block(handler, None, &items.collect())
}

fn has_upper_case(ident: &Ident) -> bool {
    ident.to_string().contains(char::is_uppercase)
}

fn block(handler: &Handler, trait_: Option<&TokenStream>, items: &TokenStream) -> TokenStream {
    let Handler { attrs, impl_token, generics, self_ty, brace, .. } = handler;
    let (outer, inner): (Vec<_>, Vec<_>) =
        attrs.iter().partition(|attr| matches!(attr.style, AttrStyle::Outer));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let mut body = TokenStream::new();
    brace.surround(&mut body, |body| body.extend(quote!(#(#inner)* #items)));
    quote!(#(#outer)* #impl_token #impl_generics #trait_ #self_ty #where_clause #body)
}

/// `Deref`, `DerefMut` and `RequestHandler`.
pub(crate) fn traits(handler: &Handler, args: &Args) -> TokenStream {
    let deref = deref(handler, args);
    let routes = routes::written(handler, "", None, &args.krate);
    let request_handler = request_handler(handler, routes.as_ref(), args);
    let family = args.family.levels().skip(1).map(|level| family_handler(level, handler, args));
    let forced = forced(handler, args);
    let (clashes, route_clashes) = (clashes(handler), routes::clashes(handler));
    let functions = route_functions(handler, routes.as_ref(), args);
    let only = only_block(handler, &args.krate);
    quote!(#only #deref #request_handler #(#family)* #forced #clashes #route_clashes #functions)
}

/// Implements a trait whose name is the compiler's first error about a second block with `#[http_handler]`; those about `Deref` do not
/// help.
fn only_block(handler: &Handler, krate: &TokenStream) -> TokenStream {
    let generics = generics(handler);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (self_ty, lints) = (&handler.self_ty, lints(handler));
    quote! {
        #(#lints)*
        #[automatically_derived]
        impl #impl_generics #krate::__private::OneBlockHasHttpHandlerTheOthersHaveHttpRoutes for #self_ty #where_clause {}
    }
}

/// The functions called for the routes of the main block, and the marks that find conflicts with other blocks.
fn route_functions(handler: &Handler, written: Option<&Written>, args: &Args) -> Option<TokenStream> {
    let functions = &written?.functions;
    let marks = (!args.routes.is_empty()).then(|| routes::marks(handler));
    let generics = generics(handler);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (self_ty, lints) = (&handler.self_ty, lints(handler));
    Some(quote!(#(#lints)* impl #impl_generics #self_ty #where_clause { #functions #marks }))
}

fn deref(handler: &Handler, args: &Args) -> TokenStream {
    let krate = &args.krate;
    let self_ty = &handler.self_ty;
    let generics = generics(handler);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let lints: Vec<_> = lints(handler).collect();
    let (field, field_mut) = (base(handler, args, ""), base(handler, args, "_mut"));
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

        #(#lints)*
        #[automatically_derived]
        impl #impl_generics ::core::ops::DerefMut for #self_ty #where_clause {
            #[inline]
            fn deref_mut(&mut self) -> &mut Self::Target {
                #field_mut
            }
        }
    }
}

/// The methods whose override the runtime needs to know about.
const TOLD: [&str; 6] = [
    "handle",
    "handle_one_request",
    "parse_request",
    "send_response_only",
    "send_header",
    "date_time_string",
];

fn request_handler(handler: &Handler, own_routes: Option<&Written>, args: &Args) -> TokenStream {
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
    let routes = route_blocks(own_routes, args);
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

            #routes

            #[inline]
            fn __base_mut(&mut self) -> &mut #krate::BaseHTTPRequestHandler<Self::MessageClass> {
                self
            }
        }
    }
}

/// The table of the blocks with routes: this one and those that it lists.
fn route_blocks(own: Option<&Written>, args: &Args) -> Option<TokenStream> {
    let krate = &args.krate;
    let lint = own.and_then(|written| written.lint.as_ref());
    let own = own.map(|written| &written.table).into_iter();
    let others = &args.routes;
    (own.len() > 0 || !others.is_empty()).then(|| {
        let others = others.iter().map(|name| spanned(quote!(Self::#name), name.span(), name.span()));
        quote! {
            #lint
            const __ROUTES: &'static [#krate::__private::Routes<Self>] = &[#(#own,)* #(#others),*];
        }
    })
}

/// The default of `MessageClass`, as an associated type has none in the trait.
fn default_class(handler: &Handler, args: &Args) -> Option<TokenStream> {
    let krate = &args.krate;
    let set = handler.items.iter().filter_map(|item| match item {
        Item::Alias(alias) if alias.is_message_class() => Some(&*alias.attrs),
        _ => None,
    });
    let none = unless_any(set)?;
    Some(quote!(#none type MessageClass = #krate::Headers;))
}

/// Calls of the runtime's checks for the strings that the user set, each with the span of the user's value. Those of a generic handler
/// run when it is used.
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

/// The checks in a constant that is evaluated even if nothing uses the handler. For a generic handler, only plain literals can be checked
/// here.
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

#[cfg(test)]
mod tests;
