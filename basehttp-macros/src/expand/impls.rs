//! The parts of the user's block in each `impl` of a trait: generics, lints, members, and the access to the base.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, GenericParam, Generics, Member, Type, Visibility, parse_quote};

use super::spans::{ends, spanned};
use crate::args::Args;
use crate::family::{Family, Level};
use crate::model::{Alias, Const, Function, Handler, Item, Role};

/// The user's generics, for the traits. `RequestHandler` and the `Deref` that the methods of the block use require `'static`; this bound
/// saves the user from writing it for each type.
///
/// It comes first, because the compiler suggests writing a missing bound after the last one.
pub(super) fn generics(handler: &Handler) -> Generics {
    let mut generics = handler.generics.clone();
    if has_types(&generics) {
        generics.make_where_clause().predicates.insert(0, parse_quote!(Self: 'static));
    }
    generics
}

/// A function of the user's block, with the bound that calls of the base need. The bound is not on the block: if the user has written no
/// `where`, the compiler would suggest writing a missing bound after ours, inside the attribute.
pub(super) fn own_function(function: &Function, handler: &Handler) -> Function {
    let mut function = function.clone();
    if has_types(&handler.generics) {
        function.sig.generics.make_where_clause().predicates.insert(0, parse_quote!(Self: 'static));
    }
    function
}

fn has_types(generics: &Generics) -> bool {
    generics.params.iter().any(|param| !matches!(param, GenericParam::Const(_)))
}

/// The lint attributes of the block, for the generated items: they contain the user's overrides and name the user's type.
pub(super) fn lints(handler: &Handler) -> impl Iterator<Item = TokenStream> {
    handler.attrs.iter().filter_map(lint)
}

/// An `expect` becomes an `allow`: it is fulfilled in the inherent impl and would be unfulfilled elsewhere.
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

/// The members of the trait of `level`.
pub(super) fn members(level: &Level, handler: &Handler, args: &Args) -> TokenStream {
    let settings = args.variables.iter().filter(|setting| level.has_variable(&setting.name)).map(|setting| {
        let (name, value) = (&setting.name, &setting.value);
        let ty = setting.variable.ty();
        quote!(const #name: #ty = #value;)
    });
    let members = handler.items.iter().map(|item| member(level, item));
    quote!(#(#settings)* #(#members)*)
}

/// The item as a member of the trait. Its visibility goes, as members of a trait are public.
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

/// The field of `self`, with the span of the argument that names it or of the user's type, where the compiler reports a missing field or
/// another type. Unlike `self.base`, a pattern does not search the base for the field. Its binding has the user's span, and a name that
/// no constant of the user's has.
pub(super) fn field(handler: &Handler, args: &Args, mutability: &str) -> TokenStream {
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

/// The `BaseHTTPRequestHandler` that the field is or contains.
pub(super) fn base(handler: &Handler, args: &Args, mutability: &str) -> TokenStream {
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
