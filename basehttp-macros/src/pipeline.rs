//! The way of a block from its tokens to what is written for it. Apart from the attribute, which only a compiler can
//! call.

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::{Args, RoutesArgs};
use crate::family::Family;
use crate::report::Report;
use crate::{bodies, check, expand, fallback, messages, model};

/// Makes what is written in place of the block.
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

/// The same for a block of further routes.
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

/// What `#[route]` says where no attribute of a block has taken it.
pub(crate) fn stray_route(item: &TokenStream) -> TokenStream {
    let error = syn::Error::new(proc_macro2::Span::call_site(), messages::ROUTE_ALONE).to_compile_error();
    quote!(#error #item)
}
