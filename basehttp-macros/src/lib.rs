//! The `#[http_handler]` attribute of the `basehttp` crate.

use proc_macro::TokenStream;

/// Turns an inherent `impl` block with `do_*` methods into a request handler.
#[proc_macro_attribute]
pub fn http_handler(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}
