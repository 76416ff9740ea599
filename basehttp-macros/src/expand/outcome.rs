//! Turns what a method returns into an answer of the runtime.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{PathArguments, ReturnType, Type};

use super::spans::{ends, spanned};
use crate::model::Function;

/// The call of a method as an answer. The compiler reports a wrong return type at that type.
pub(super) fn answer(call: &TokenStream, function: &Function, krate: &TokenStream) -> TokenStream {
    let (first, last) = return_span(function);
    if returns_nothing(&function.sig.output) {
        // Common, and faster to compile than the search for the kind.
        return spanned(quote!(#krate::__private::written(#call)), first, last);
    }
    let answer = spanned(quote!(#krate::__private::answer), first, first);
    // The choice between kinds does not see lifetimes, and would keep an error that borrows.
    let borrowed = error_borrows(function).then(|| quote!(borrowed::));
    taken_by(&answer, call, borrowed.as_ref(), krate, first, last)
}

/// Whether the error type of a `Result` has a lifetime.
fn error_borrows(function: &Function) -> bool {
    let ReturnType::Type(_, ty) = &function.sig.output else { return false };
    let Type::Path(path) = &**ty else { return false };
    let Some(PathArguments::AngleBracketed(arguments)) =
        path.path.segments.last().map(|last| &last.arguments)
    else {
        return false;
    };
    arguments.args.iter().nth(1).is_some_and(|error| has_lifetime(error.to_token_stream()))
}

/// A lifetime that is not `'static`, or a reference without one.
fn has_lifetime(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match (token, tokens.peek()) {
            (TokenTree::Punct(quote), Some(TokenTree::Ident(name))) if quote.as_char() == '\'' => {
                name != "static"
            }
            (TokenTree::Punct(and), Some(TokenTree::Punct(quote))) if and.as_char() == '&' => {
                quote.as_char() != '\''
            }
            (TokenTree::Punct(and), _) if and.as_char() == '&' => true,
            (TokenTree::Group(group), _) => has_lifetime(group.stream()),
            _ => false,
        };
        if found {
            return true;
        }
    }
    false
}

/// Passes the value of a call to `function`, with its error kept if it is a `Result`. The number of references selects its kind, among
/// those of the module `borrowed` if that is given. The values are fields of tuples, because an expression of several tokens can have two
/// spans: the compiler shows it from `first` to `last`.
pub(super) fn taken_by(
    function: &TokenStream,
    call: &TokenStream,
    borrowed: Option<&TokenStream>,
    krate: &TokenStream,
    first: Span,
    last: Span,
) -> TokenStream {
    let (value, kept) = (Ident::new("__value", first), Ident::new("__kept", first));
    let the_value = spanned(quote!(#value.0), first, last);
    let the_kept = spanned(quote!(#kept.0), first, last);
    let keep = spanned(quote!(.keep), first, first);
    quote! {{
        let #value = (#call,);
        let #kept = {
            use #krate::__private::kinds::#borrowed*;
            ((&&&&&&&&&#krate::__private::probe(&#value.0)).__kind() #keep(#the_value),)
        };
        #function(#the_kept)
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
