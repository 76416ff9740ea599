//! The steps from the tokens of a block to its expansion. They are apart from the attributes, which only a compiler can call.

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::{Args, RoutesArgs};
use crate::family::Family;
use crate::report::Report;
use crate::{bodies, check, expand, fallback, messages, model};

/// Expands a block with `#[http_handler]`.
pub(crate) fn run(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut report = Report::new();
    let args = Args::parse(args, &mut report);
    let mut handler = match model::parse(item.clone(), args.family, messages::NOT_AN_IMPL) {
        Ok(handler) => handler,
        Err(error) => {
            report.push(error);
            return report.finish().into_iter().chain([item]).collect();
        }
    };
    let flaws = check::check(&handler, &args, &mut report);
    bodies::mend(&mut handler, &args, &mut report);
    match report.finish() {
        None => expand::expand(&handler, &args),
        Some(errors) => [errors, fallback::expand(handler, args, &flaws)].into_iter().collect(),
    }
}

/// Expands a block with `#[http_routes]`.
pub(crate) fn run_routes(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut report = Report::new();
    let args = RoutesArgs::parse(args, &mut report);
    let mut block = match model::parse(item.clone(), Family::Base, messages::ROUTES_NOT_AN_IMPL) {
        Ok(block) => block,
        Err(error) => {
            report.push(error);
            return report.finish().into_iter().chain([item]).collect();
        }
    };
    block.prefix_routes(&args.prefix);
    let flaws = check::check_routes(&block, &args, &mut report);
    // The handler's own arguments are elsewhere: its field may have another name than `base`.
    bodies::mend(&mut block, &Args::none(args.krate.clone()), &mut report);
    match report.finish() {
        None => expand::expand_routes(&block, &args),
        Some(errors) => [errors, fallback::expand_routes(block, args, &flaws)].into_iter().collect(),
    }
}

/// The error for a `#[route]` outside of a block with one of our attributes.
pub(crate) fn stray_route(item: &TokenStream) -> TokenStream {
    let error = syn::Error::new(proc_macro2::Span::call_site(), messages::ROUTE_ALONE).to_compile_error();
    quote!(#error #item)
}
