//! The way of a block from its tokens to what is written for it. Apart from the attribute, which only a compiler can
//! call.

use proc_macro2::TokenStream;

use crate::args::Args;
use crate::report::Report;
use crate::{check, expand, fallback, model};

/// Makes what is written in place of the block.
pub(crate) fn run(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut report = Report::new();
    let args = Args::parse(args, &mut report);
    let handler = match model::parse(item.clone(), args.family) {
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
