//! The function that is called for a route: it reads the arguments and calls the method.
//!
//! It is a function of the handler's type and not a closure in the table, because closures are checked together with the code around
//! them, which takes longer.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{ReceiverKind, Type};

use super::outcome::{answer, return_span, taken_by};
use super::spans::{ends, spanned};
use crate::lifetimes;
use crate::model::Function;
use crate::parameters::{Argument, Source, arguments};
use crate::route::Route;

/// Writes the function from the handler to an answer.
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
        // A method with `&mut self` cannot borrow its arguments from the handler.
        let owned = changes_handler(function).then(|| quote!(.into_owned()));
        quote!(let __target = #base.__route_target()#owned;)
    });
    let numbered = || arguments.iter().enumerate();
    let of_body = |(_, argument): &(usize, &Argument<'_>)| argument.source == Some(Source::Body);
    // The body comes last, so that a bad target is refused before the client sends it.
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

/// Writes the call of the guard.
fn guard(guard: &Ident, handler: &Ident, krate: &TokenStream) -> TokenStream {
    let span = guard.span();
    let refusal = spanned(quote!(#krate::__private::refusal), span, span);
    // With other spans, the compiler would suggest changing arguments that the user did not write.
    let here = span.resolved_at(Span::call_site());
    let function = Ident::new("__guard", here);
    let named = spanned(quote!(Self::#guard), span, span);
    let mut arguments = Group::new(Delimiter::Parenthesis, quote!(&mut *#handler));
    arguments.set_span(here);
    let refused = taken_by(&refusal, &quote!(#function #arguments), None, krate, span, span);
    quote! {
        let #function = #named;
        if let ::core::option::Option::Some(__refused) = #refused {
            return __refused;
        }
    }
}

/// Writes the code that reads an argument.
fn read(
    name: &Ident,
    argument: &Argument<'_>,
    route: &Route,
    base: &TokenStream,
    krate: &TokenStream,
) -> TokenStream {
    // The user's lifetimes have no meaning here.
    let ty = lifetimes::rename(argument.ty.to_token_stream(), &|name| (name != "static").then_some("_"));
    let (first, last) = ends(argument.ty);
    let from = Ident::new("__from", last);
    let at_type = |tokens: TokenStream| spanned(tokens, first, last);
    let (text, made) = match argument.source {
        Some(Source::Segment(index)) => (
            or_return(&quote!(#krate::__private::segment(&__target, #index))),
            quote!(#krate::__private::path_argument(&#from)),
        ),
        Some(Source::Rest(index)) => (
            or_return(&quote!(#krate::__private::rest(&__target, #index))),
            quote!(#krate::__private::path_argument(&#from)),
        ),
        Some(Source::Query(key)) => (
            or_return(&quote!(#krate::__private::values(&__target, #key))),
            quote!(#krate::__private::query_argument(#key, &#from)),
        ),
        Some(Source::Body) | None => {
            let limit = route.limit.as_ref().map(|(_, limit)| limit.to_token_stream());
            let limit = limit.unwrap_or_else(|| quote!(#krate::__private::BODY_LIMIT));
            let made = or_return(&at_type(quote!(#krate::__private::body_argument(#from))));
            return quote! {
                let #from: (_, usize) = (#base, #limit);
                let #name: #ty = #made;
            };
        }
    };
    let made = or_return(&at_type(made));
    quote! {
        let #from = #text;
        let #name: #ty = #made;
    }
}

/// Like `?`, without the search for a conversion, which costs compile time.
fn or_return(result: &TokenStream) -> TokenStream {
    quote! {
        match #result {
            ::core::result::Result::Ok(__value) => __value,
            ::core::result::Result::Err(__error) => return ::core::result::Result::Err(__error),
        }
    }
}
