//! What is called for a route: it reads the arguments and calls the method.
//!
//! It is a function of the handler's type, and no closure in the table: the compiler checks closures together with what is around
//! them, and that takes longer.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ReceiverKind;
use syn::Type;

use super::outcome::{answer, return_span, taken_by};
use super::spans::{ends, spanned};
use crate::model::Function;
use crate::parameters::{Argument, Source, arguments};
use crate::route::Route;

/// A function from the handler to an answer.
pub(super) fn call(
    name: &Ident,
    function: &Function,
    route: &Route,
    guard: Option<&Ident>,
    krate: &TokenStream,
) -> TokenStream {
    let ident = &function.sig.ident;
    let arguments = arguments(&function.sig, route);
    let (first, last) = return_span(function);
    let handler = Ident::new("__handler", last);
    let guard = guard.map(|guard| self::guard(guard, &handler, krate));
    let base = quote!(<Self as ::core::ops::Deref>::deref(#handler));
    let of_target = |argument: &Argument<'_>| !matches!(argument.source, Some(Source::Body) | None);
    let target = arguments.iter().any(of_target).then(|| {
        // A method that changes the handler cannot hold anything of it.
        let owned = changes_handler(function).then(|| quote!(.into_owned()));
        quote!(let __target = #base.__route_target()#owned;)
    });
    let numbered = || arguments.iter().enumerate();
    let of_body = |(_, argument): &(usize, &Argument<'_>)| argument.source == Some(Source::Body);
    // The body comes last: what the target alone condemns need not be sent.
    let reads = numbered().filter(|argument| !of_body(argument)).chain(numbered().filter(of_body));
    let argument_name = |number: usize| format_ident!("__argument{number}", span = last);
    let reads = reads.map(|(number, argument)| read(&argument_name(number), argument, route, &base, krate));
    let names = numbered().map(|(number, _)| argument_name(number));
    let call = spanned(quote!(Self::#ident), first, last);
    let answer = answer(&quote!(#call(#handler #(, #names)*)), function, krate);
    quote! {
        #[doc(hidden)]
        fn #name(#handler: &mut Self) -> #krate::__private::Answer {
            #guard
            #target
            #(#reads)*
            #answer
        }
    }
}

fn changes_handler(function: &Function) -> bool {
    match function.sig.receiver().map(|receiver| &receiver.kind) {
        Some(ReceiverKind::Reference(_, _, mutability)) => mutability.is_some(),
        Some(ReceiverKind::Typed(_, ty)) => {
            matches!(&**ty, Type::Reference(reference) if reference.mutability.is_some())
        }
        _ => false,
    }
}

/// What stands between a request and all routes of a block.
fn guard(guard: &Ident, handler: &Ident, krate: &TokenStream) -> TokenStream {
    let span = guard.span();
    let refusal = spanned(quote!(#krate::__private::refusal), span, span);
    // Else the compiler would propose to change arguments that nobody has written.
    let here = span.resolved_at(Span::call_site());
    let function = Ident::new("__guard", here);
    let named = spanned(quote!(Self::#guard), span, span);
    let mut arguments = Group::new(Delimiter::Parenthesis, quote!(&mut *#handler));
    arguments.set_span(here);
    let refused = taken_by(&refusal, &quote!(#function #arguments), krate, span, span);
    quote! {
        let #function = #named;
        if let ::core::option::Option::Some(__refused) = #refused {
            return __refused;
        }
    }
}

/// Reads an argument.
fn read(
    name: &Ident,
    argument: &Argument<'_>,
    route: &Route,
    base: &TokenStream,
    krate: &TokenStream,
) -> TokenStream {
    let ty = without_names(argument.ty.to_token_stream());
    let (first, last) = ends(argument.ty);
    let text = Ident::new("__text", last);
    let at_type = |tokens: TokenStream| spanned(tokens, first, last);
    match argument.source {
        Some(Source::Segment(index)) => {
            let made = or_return(&at_type(quote!(#krate::__private::path_argument(&#text))));
            let segment = or_return(&quote!(#krate::__private::segment(&__target, #index)));
            quote! {
                let #text = #segment;
                let #name: #ty = #made;
            }
        }
        Some(Source::Rest(index)) => {
            let made = or_return(&at_type(quote!(#krate::__private::path_argument(&#text))));
            let rest = or_return(&quote!(#krate::__private::rest(&__target, #index)));
            quote! {
                let #text = #rest;
                let #name: #ty = #made;
            }
        }
        Some(Source::Query(key)) => {
            let made = or_return(&at_type(quote!(#krate::__private::query_argument(#key, &#text))));
            let values = or_return(&quote!(#krate::__private::values(&__target, #key)));
            quote! {
                let #text = #values;
                let #name: #ty = #made;
            }
        }
        Some(Source::Body) | None => {
            let limit = route.limit.as_ref().map(|(_, limit)| limit.to_token_stream());
            let limit = limit.unwrap_or_else(|| quote!(#krate::__private::BODY_LIMIT));
            let body = Ident::new("__body", last);
            let made = or_return(&at_type(quote!(#krate::__private::body_argument(#body))));
            quote! {
                let #body: (_, usize) = (#base, #limit);
                let #name: #ty = #made;
            }
        }
    }
}

/// As `?`, which would cost the compiler the look for a conversion each time.
fn or_return(result: &TokenStream) -> TokenStream {
    quote! {
        match #result {
            ::core::result::Result::Ok(__value) => __value,
            ::core::result::Result::Err(__error) => return ::core::result::Result::Err(__error),
        }
    }
}

/// A type whose lifetimes are those of where it stands.
fn without_names(tokens: TokenStream) -> TokenStream {
    let mut after_quote = false;
    let anonymous = tokens.into_iter().map(|token| {
        let in_lifetime = std::mem::replace(&mut after_quote, false);
        match token {
            TokenTree::Ident(name) if in_lifetime && name != "static" => Ident::new("_", name.span()).into(),
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_names(group.stream()));
                inside.set_span(group.span());
                inside.into()
            }
            token => {
                after_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
                token
            }
        }
    });
    anonymous.collect()
}
