use proc_macro2::TokenStream;
use quote::quote;

use crate::pipeline;

const METHODS: [&str; 5] = ["do_GET", "do_POST", "end_headers", "log_message", "page"];

/// Puts `broken` before, among and after five methods: all sound ones are kept, and this number of mistakes is reported.
#[track_caller]
fn mistakes(broken: &TokenStream, count: usize) {
    for place in 0..=METHODS.len() {
        let methods = METHODS.iter().map(|name| -> TokenStream {
            let arguments = if *name == "log_message" { ", message: fmt::Arguments<'_>" } else { "" };
            format!("#[inline] fn {name}(&self{arguments}) -> io::Result<()> {{ Ok(()) }}")
                .parse()
                .expect("tokens")
        });
        let mut items: Vec<TokenStream> = methods.collect();
        items.insert(place, broken.clone());
        let expansion = pipeline::run(quote!(), quote!(impl Hello { #(#items)* })).to_string();
        assert_eq!(expansion.matches("compile_error").count(), count, "{place}: {expansion}");
        assert!(expansion.contains("RequestHandler for Hello"), "{place}: {expansion}");
        for name in METHODS {
            assert!(expansion.contains(&format!("fn {name} ")), "{place}, {name}: {expansion}");
        }
    }
}

#[test]
fn what_the_compiler_has_refused_is_skipped() {
    for broken in [
        quote!(fn),
        quote!(fn he),
        quote!(fn he fn she),
        quote!(fn end_headers(&self)),
        quote!(fn he(&self) ->),
        quote!(fn do_PUT(&self) -> io::Result<()>),
        quote!(async fn do_PUT),
        quote!(pub(crate) fn he<T>()),
        quote!(#[method("X")] fn he),
        quote!(xyz),
        quote!(x.y;),
        quote!(self.page("x")?; if x { self.page("y") } else { self.page("z") };),
        quote!(let limit = 5;),
        quote!(const X: u8 = 5 +),
        quote!(type X =),
        quote!(const),
        quote!(do_PUT(&self) {}),
        quote!(def do_PUT(self): self.page("x")),
        quote!(println!),
        quote!(+),
        quote!(pub xyz),
    ] {
        mistakes(&broken, 0);
    }
}

/// Tokens that the compiler may have accepted as an item are not dropped silently.
#[test]
fn what_may_be_of_a_newer_rust_is_a_mistake() {
    mistakes(&quote!(fn he(&self) -> {}), 1);
    mistakes(
        &quote!(
            async gen fn he(&self) {}
        ),
        1,
    );
    mistakes(&quote!(unsafe he(&self) {}), 1);
    let expansion = pipeline::run(quote!(), quote!(impl Hello { default fn do_GET(&self) {} })).to_string();
    assert_eq!(expansion.matches("compile_error").count(), 1, "{expansion}");
}

#[test]
fn what_stands_before_an_item_that_is_missing_is_skipped() {
    for broken in [quote!(pub), quote!(#[inline]), quote!(#[method("X")] pub(crate))] {
        let expansion =
            pipeline::run(quote!(), quote!(impl Hello { fn do_GET(&self) {} #broken })).to_string();
        assert!(expansion.contains("fn do_GET") && !expansion.contains("compile_error"), "{expansion}");
    }
    let expansion =
        pipeline::run(quote!(), quote!(impl Hello { pub #[inline] fn do_GET(&self) {} })).to_string();
    assert!(expansion.contains("fn do_GET") && !expansion.contains("compile_error"), "{expansion}");
}

#[test]
fn what_the_compiler_refuses_better_is_left_to_it() {
    for item in [
        quote!(
            fn he(&self) -> u8;
        ),
        quote!(
            const X: u8;
        ),
        quote!(
            pub static X: u8 = 5;
        ),
        quote!(
            struct Inner {
                x: u8,
            }
        ),
        quote!(
            use std::io;
        ),
    ] {
        let expansion = pipeline::run(quote!(), quote!(impl Hello { fn do_GET(&self) {} #item }));
        let text = expansion.to_string();
        assert!(text.contains(&item.to_string()) && !text.contains("compile_error"), "{text}");
    }
}

#[test]
fn attributes_under_conditions_are_seen() {
    let expansion = pipeline::run(
        quote!(),
        quote! {
            impl Hello {
                fn do_GET(&self) {}
                #[cfg_attr(x, method("PURGE"))]
                fn purge(&self) {}
                #[cfg_attr(x, cfg(y))]
                fn do_POST(&self) {}
                #[cfg(all(x, not(y)))]
                #[method("POST")]
                fn post(&self) {}
            }
        },
    )
    .to_string();
    let rows = [
        quote!(
            #[cfg(x)]
            ::basehttp::__private::Method::new("PURGE", "purge",)
        ),
        quote!(
            #[cfg(any(not(x), y))]
            ::basehttp::__private::Method::new("POST", "do_POST",)
        ),
    ];
    for row in rows.map(|row| row.to_string()) {
        assert!(expansion.contains(row.trim_end_matches([' ', ')'])), "{row} in {expansion}");
    }
}

#[test]
fn a_mistake_in_two_branches_is_told_once() {
    let block = quote! {
        impl Hello {
            #[cfg_attr(x, method("PURGE"))]
            fn do_GET(&self, path: &str) {
                self.send_error(404, "no")
            }
        }
    };
    let expansion = pipeline::run(quote!(), block).to_string();
    assert_eq!(expansion.matches("compile_error").count(), 2, "{expansion}");
}
