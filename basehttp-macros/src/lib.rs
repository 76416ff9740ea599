//! The `#[http_handler]` attribute of the `basehttp` crate.
#![forbid(unsafe_code)]

mod args;
mod check;
mod expand;
mod fallback;
mod messages;
mod model;
mod report;
mod spelling;

use proc_macro::TokenStream;

use crate::args::Args;
use crate::report::Report;

/// Turns an inherent `impl` block with `do_*` methods into a request handler.
#[proc_macro_attribute]
pub fn http_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    http_handler2(args.into(), item.into()).into()
}

fn http_handler2(args: proc_macro2::TokenStream, item: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut report = Report::new();
    let args = Args::parse(args, &mut report);
    let handler = match model::parse(item.clone()) {
        Ok(handler) => handler,
        Err(error) => {
            report.push(error);
            return report.finish().into_iter().chain([item]).collect();
        }
    };
    let flaws = check::check(&handler, &args, &mut report);
    match report.finish() {
        None => expand::expand(&handler, &args),
        Some(errors) => [errors, fallback::expand(handler, args, &flaws)].into_iter().collect(),
    }
}
