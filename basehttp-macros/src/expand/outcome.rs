//! What a method has returned, as the runtime takes it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, ReturnType, Type};

use super::spans::{ends, spanned};
use crate::model::Function;

/// The call of a method as an answer: the body of a function. What cannot be one the compiler refuses at the method's return type.
pub(super) fn answer(call: &TokenStream, function: &Function, krate: &TokenStream) -> TokenStream {
    let (first, last) = return_span(function);
    if returns_nothing(&function.sig.output) {
        // Most methods without a value, and what is not asked costs the compiler no time.
        return spanned(quote!(#krate::__private::written(#call)), first, last);
    }
    let taken = quote!(#krate::__private::answer);
    take(&taken, call, krate, Place { first, last, error: error_span(function).unwrap_or(last) })
}

/// Where the compiler shows what it refuses.
pub(super) struct Place {
    /// The return type.
    pub(super) first: Span,
    pub(super) last: Span,
    /// The type of the error in it.
    pub(super) error: Span,
}

/// Has the function `taken` take the value of a call, with its error kept if it is a `Result`: the kind of it is found by the number of
/// references.
pub(super) fn take(
    taken: &TokenStream,
    call: &TokenStream,
    krate: &TokenStream,
    place: Place,
) -> TokenStream {
    let Place { first, last, error } = place;
    let value = Ident::new("__value", error);
    let bound = spanned(quote!(let), first, first);
    let kind = spanned(quote!((&&&&&&#krate::__private::probe(&#value)).kind().keep), first, last);
    let mut argument = proc_macro2::Group::new(proc_macro2::Delimiter::Parenthesis, value.to_token_stream());
    argument.set_span(last);
    let taken = spanned(taken.clone(), first, first);
    quote! {
        #[allow(unused_imports)]
        use #krate::__private::kinds::*;
        #bound #value = #call;
        #[allow(clippy::needless_borrow)]
        #taken(#kind #argument)
    }
}

pub(super) fn return_span(function: &Function) -> (Span, Span) {
    match &function.sig.output {
        ReturnType::Type(_, ty) => ends(ty),
        ReturnType::Default => (function.sig.ident.span(), function.sig.ident.span()),
    }
}

/// That of the second argument of a `Result`.
fn error_span(function: &Function) -> Option<Span> {
    let ReturnType::Type(_, ty) = &function.sig.output else { return None };
    let Type::Path(path) = &**ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    match arguments.args.iter().nth(1)? {
        GenericArgument::Type(error) => Some(ends(error).0),
        _ => None,
    }
}

fn returns_nothing(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty()),
    }
}
