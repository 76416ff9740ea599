//! What a method has returned, as the runtime takes it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{ReturnType, Type};

use super::spans::{ends, spanned};
use crate::model::Function;

/// The call of a method as an answer. What cannot be one the compiler refuses at the method's return type.
pub(super) fn answer(call: &TokenStream, function: &Function, krate: &TokenStream) -> TokenStream {
    let (first, last) = return_span(function);
    if returns_nothing(&function.sig.output) {
        // Most methods without a value, and what is not asked costs the compiler no time.
        return spanned(quote!(#krate::__private::written(#call)), first, last);
    }
    let kept = kept(call, krate, first, last);
    let answer = spanned(quote!(#krate::__private::answer), first, first);
    quote!(#answer(#kept))
}

/// The value of a call, with its error kept if it is a `Result`: the kind of it is found by the number of references.
pub(super) fn kept(call: &TokenStream, krate: &TokenStream, first: Span, last: Span) -> TokenStream {
    let value = Ident::new("__value", last);
    let bound = spanned(quote!(let #value = #call;), first, last);
    let keep = spanned(quote!((&&&&&&#krate::__private::probe(&#value)).kind().keep(#value)), first, last);
    quote! {{
        #bound
        #[allow(unused_imports)]
        use #krate::__private::kinds::*;
        #[allow(clippy::needless_borrow)]
        #keep
    }}
}

pub(super) fn return_span(function: &Function) -> (Span, Span) {
    match &function.sig.output {
        ReturnType::Type(_, ty) => ends(ty),
        ReturnType::Default => (function.sig.ident.span(), function.sig.ident.span()),
    }
}

fn returns_nothing(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty()),
    }
}
