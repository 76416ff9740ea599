use proc_macro2::TokenStream;
use quote::quote;

use crate::pipeline;

fn has(expansion: &TokenStream, part: &TokenStream) -> bool {
    expansion.to_string().contains(&part.to_string())
}

#[test]
fn every_path_begins_at_the_crate() {
    let block = quote! {
        impl Hello<T> {
            const sys_version: &str = "";
            fn do_GET(&self) {}
            fn handle(&mut self) -> io::Result<()> { Ok(()) }
        }
    };
    let expansion = pipeline::run(quote!(crate = crate::other, server_version = "Hello/1.0"), block);
    assert!(!expansion.to_string().contains("basehttp"), "{expansion}");
    assert!(has(&expansion, &quote!(impl crate::other::RequestHandler for Hello<T>)), "{expansion}");
}

#[test]
fn the_row_for_head_is_there_if_get_is_and_head_is_not() {
    let expansion = pipeline::run(
        TokenStream::new(),
        quote! {
            impl Hello {
                #[cfg(get)]
                #[cfg(pages)]
                fn do_GET(&self) {}
                #[cfg(head)]
                fn do_HEAD(&self) {}
                #[cfg(a)]
                #[cfg(b)]
                #[method("HEAD")]
                fn head(&self) {}
            }
        },
    );
    let row = quote! {
        #[cfg(get)]
        #[cfg(pages)]
        #[cfg(not(any(all(head), all(a, b))))]
        ::basehttp::__private::Method::new
    };
    assert!(has(&expansion, &row), "{expansion}");
}

#[test]
fn no_row_for_head_beside_do_head_or_when_unwanted() {
    let both = quote!(impl Hello { fn do_GET(&self) {} fn do_HEAD(&self) {} });
    let expansion = pipeline::run(TokenStream::new(), both).to_string();
    assert_eq!(expansion.matches("\"HEAD\"").count(), 1, "{expansion}");
    let one = quote!(impl Hello { fn do_GET(&self) {} });
    assert!(pipeline::run(TokenStream::new(), one.clone()).to_string().contains("\"HEAD\""));
    assert!(!pipeline::run(quote!(head = false), one).to_string().contains("\"HEAD\""));
}

#[test]
fn rows_are_in_the_order_of_the_source() {
    let block = quote!(impl Hello { fn do_POST(&self) {} fn do_GET(&self) {} fn do_work(&self) {} fn do_SPAM(&self) {} });
    let expansion = pipeline::run(TokenStream::new(), block).to_string();
    let found: Vec<&str> =
        expansion.split("Method :: new (\"").skip(1).filter_map(|row| row.split('"').next()).collect();
    assert_eq!(found, ["POST", "GET", "HEAD", "SPAM"]);
}

#[test]
fn a_header_that_is_not_rust_comes_out_as_it_went_in() {
    let broken = quote!(impl Hello Hello { fn do_GET(&self) {} });
    let expansion = pipeline::run(TokenStream::new(), broken.clone());
    assert!(has(&expansion, &broken) && expansion.to_string().contains("compile_error"), "{expansion}");
}

#[test]
fn bodies_need_not_be_rust() {
    let half_written = quote!(impl Hello { fn do_GET(&self) { self. } const server_version: &str = 1 +; });
    let expansion = pipeline::run(TokenStream::new(), half_written);
    assert!(
        has(&expansion, &quote!({ self. })) && !expansion.to_string().contains("compile_error"),
        "{expansion}"
    );
}

/// Only the CI step without features runs it.
#[cfg(not(feature = "files"))]
#[test]
fn what_is_extended_without_its_feature_is_one_mistake_that_names_the_feature() {
    let block = quote! {
        impl Site {
            fn end_headers(&self) -> io::Result<()> { Ok(()) }
        }
    };
    let expansion = pipeline::run(quote!(extends = SimpleHTTPRequestHandler), block);
    let text = expansion.to_string();
    assert_eq!(text.matches("compile_error").count(), 1, "{text}");
    assert!(text.contains("cargo add basehttp --features files"), "{text}");
}

#[test]
fn a_type_without_a_name_has_links_if_they_are_named() {
    let block = quote!(impl (Hello) { #[route(GET, "/")] fn index(&self) -> &str { "" } });
    let expansion = pipeline::run(quote!(links = HelloLinks), block.clone());
    assert!(
        has(
            &expansion,
            &quote!(
                struct HelloLinks;
            )
        ),
        "{expansion}"
    );
    let expansion = pipeline::run(TokenStream::new(), block);
    assert!(!has(&expansion, &quote!(fn index(&self) -> ::std::string::String)), "{expansion}");
}
