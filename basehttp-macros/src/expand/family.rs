//! The items that a handler gets from the handlers that it extends.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::cfg::unless_any;
use super::impls::{field, generics, lints, members};
use crate::args::Args;
use crate::family::Level;
use crate::model::{Function, Handler};

/// The implementation of the trait for a handler that extends the base: its overrides, its class variables, and the access to the base
/// that the trait's defaults need.
pub(super) fn family_handler(level: &Level, handler: &Handler, args: &Args) -> TokenStream {
    let krate = &args.krate;
    let self_ty = &handler.self_ty;
    let generics = generics(handler);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let lints = lints(handler);
    let members = members(level, handler, args);
    let (name, accessor) = (format_ident!("{}", level.handler), format_ident!("{}", level.accessor));
    let ty = level.base_type(krate);
    let field = field(handler, args, "");
    let field = if level.family == args.family {
        field
    } else {
        let whole = args.family.level().base_type(krate);
        quote!(<#whole>::#accessor(#field))
    };
    let own = args.family.levels().flat_map(|later| later.own.iter().map(move |name| (later, *name)));
    let own = own.filter_map(|(later, name)| own_override(later, level, name, handler, args));
    quote! {
        #(#lints)*
        impl #impl_generics #krate::#name for #self_ty #where_clause {
            #members
            #(#own)*

            #[inline]
            fn #accessor(&self) -> &#ty {
                #field
            }
        }
    }
}

/// The methods that a handler of the family overrides, unless the block does. None takes arguments so far.
fn own_override(
    later: &Level,
    level: &Level,
    name: &str,
    handler: &Handler,
    args: &Args,
) -> Option<TokenStream> {
    let overridden = level.overrides.iter().find(|overridden| overridden.name == name)?;
    let others = handler.functions().filter(|function| function.is_override(name));
    let no_other = unless_any(others.map(|function| &*function.attrs))?;
    let krate = &args.krate;
    let (base, name) = (format_ident!("{}", later.base), format_ident!("{name}"));
    let signature: syn::Signature = syn::parse_str(overridden.signature).ok()?;
    let receiver = signature.receiver()?;
    Some(quote! {
        #no_other
        fn #name(#receiver) -> ::std::io::Result<::core::option::Option<#krate::Content>> {
            #krate::#base::#name(self)
        }
    })
}

/// Each family has its own `server_version`.
pub(super) fn server_version(handler: &Handler, args: &Args) -> Option<TokenStream> {
    let name = "server_version";
    let level = args.family.levels().filter(|level| level.own.contains(&name)).last()?;
    if args.variables.iter().any(|setting| setting.name == name) {
        return None;
    }
    let others = handler.variables().filter(|(constant, _)| constant.ident == name);
    let no_other = unless_any(others.map(|(constant, _)| &*constant.attrs))?;
    let krate = &args.krate;
    let base = format_ident!("{}", level.base);
    Some(quote!(#no_other const server_version: &'static str = #krate::#base::server_version;))
}

/// The row for a method that the parent answers, unless the block does.
pub(super) fn family_row(level: &Level, method: &str, handler: &Handler, args: &Args) -> Option<TokenStream> {
    let answers = |function: &&Function| match function.method() {
        Some("GET") if method == "HEAD" && args.head => true,
        answered => answered == Some(method),
    };
    let others = handler.functions().filter(answers);
    let no_other = unless_any(others.map(|function| &*function.attrs))?;
    let krate = &args.krate;
    let name = format!("do_{method}");
    let (base, function) = (format_ident!("{}", level.base), format_ident!("{name}"));
    Some(quote! {
        #no_other
        #krate::__private::Method::new(
            #method,
            #name,
            |__handler: &mut Self| #krate::__private::of_family(#krate::#base::#function(__handler)),
        )
    })
}
