//! Writes corpora made from the tests: the request vectors, and the programs in `tests/ui`.
//!
//! Existing files stay. Afterwards, `cargo fuzz cmin` removes those that reach nothing new.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use basehttp_tests::vector::load;
use quote::ToTokens as _;
use syn::visit::{Visit, visit_item_impl};

/// Longer ones test limits, and are too slow to run often.
const LONGEST: usize = 8192;

fn main() {
    for vector in load("requests") {
        if vector.input.len() > LONGEST {
            continue;
        }
        write("head", &vector.input);
        write("connection", &vector.input);
        let end = vector.input.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end.filter(|_| vector.rule.starts_with("chunk") || vector.rule == "trailer") {
            write("chunked", &vector.input[end + 4..]);
        }
    }
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ui");
    for folder in ["pass", "fail"] {
        for file in fs::read_dir(ui.join(folder)).expect("the ui tests") {
            let path = file.expect("a readable folder").path();
            let is_program = path.extension().is_some_and(|extension| extension == "rs");
            let text = fs::read_to_string(&path).unwrap_or_default();
            if let Some(file) = syn::parse_file(&text).ok().filter(|_| is_program) {
                Blocks.visit_file(&file);
            }
        }
    }
}

/// Finds blocks with the attribute.
struct Blocks;

impl<'a> Visit<'a> for Blocks {
    fn visit_item_impl(&mut self, block: &'a syn::ItemImpl) {
        visit_item_impl(self, block);
        let is_it = |attribute: &syn::Attribute| attribute.path().is_ident("http_handler");
        let Some(attribute) = block.attrs.iter().find(|attribute| is_it(attribute)) else { return };
        let arguments = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            _ => String::new(),
        };
        let mut block = block.clone();
        block.attrs.retain(|attribute| !is_it(attribute));
        // The target reads the arguments from the first line.
        let text = format!("{}\n{}", arguments.replace('\n', " "), block.to_token_stream());
        write("macro_parser", text.as_bytes());
    }
}

fn write(target: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    fs::create_dir_all(&folder).expect("a folder for the corpus");
    fs::write(folder.join(format!("{:016x}", hasher.finish())), bytes).expect("a file in the corpus");
}
