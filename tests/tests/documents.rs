//! What the documents say about the code: the defaults of settings, and the names of tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use basehttp::prelude::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("a document")
}

/// The doc page of `ServerBuilder`.
fn page_of_the_builder() -> String {
    let source = read("basehttp/src/server/config.rs");
    let (before, _) = source.split_once("pub struct ServerBuilder").expect("the builder");
    let lines = before.lines().filter_map(|line| line.strip_prefix("///"));
    lines.map(|line| line.trim_start().to_owned() + "\n").collect()
}

/// The cells of a document's tables, row by row.
fn rows(document: &str) -> Vec<Vec<&str>> {
    let lines = document.lines().filter(|line| line.starts_with("| "));
    lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// The words of a text in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The settings of a builder by the names of its methods, in bytes, milliseconds or units.
fn defaults() -> BTreeMap<String, u64> {
    /// Settings that the server stores under another name.
    const NAMES: [(&str, &str); 4] = [
        ("hold", "response_buffer"),
        ("high_water", "write_high_water"),
        ("drain", "drain_limit"),
        ("gather", "gather_limit"),
    ];
    let debug = format!("{:?}", HTTPServer::builder());
    let pairs = debug.split([',', '{', '}']).filter_map(|pair| pair.trim().split_once(": "));
    let mut settings = BTreeMap::new();
    let mut add = |name: &str, value: &str| {
        let value = value
            .strip_suffix('s')
            .map_or_else(|| value.parse().ok(), |time| Some(time.parse::<u64>().ok()? * 1000));
        settings.extend(value.map(|value| (name.to_owned(), value)));
    };
    for (name, value) in pairs {
        match name {
            "request_line" | "head" | "fields" | "chunk_line" | "trailers" => {
                add(&format!("limits.{name}"), value);
            }
            _ => add(NAMES.iter().find(|(kept, _)| *kept == name).map_or(name, |(_, name)| name), value),
        }
    }
    settings
}

/// A default as the documents write it: `10 s`, `64 KiB`, `64 MiB`, `65,536 bytes`, `100`.
fn amount(text: &str) -> Option<u64> {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: u64 = number.replace(',', "").parse().ok()?;
    match unit {
        "s" => Some(number * 1000),
        "KiB" => Some(number << 10),
        "MiB" => Some(number << 20),
        "" | "bytes" | "connections" => Some(number),
        _ => None,
    }
}

#[test]
fn the_documents_have_the_defaults_of_the_settings() {
    let defaults = defaults();
    assert!(defaults.len() > 18, "{defaults:?}");
    for (name, document, least) in [
        ("guide::limits", read("basehttp/src/guide/limits.md"), 22),
        ("SECURITY.md", read("SECURITY.md"), 21),
        ("ServerBuilder", page_of_the_builder(), 17),
    ] {
        let mut compared = 0;
        for row in rows(&document) {
            let [setting, told, ..] = row[..] else { continue };
            let Some(setting) = quoted(setting).next() else { continue };
            let of_limits = format!("limits.{setting}");
            let default = defaults.get(setting).or_else(|| defaults.get(&of_limits));
            if let (Some(default), Some(told)) = (default, amount(told)) {
                assert_eq!(told, *default, "{name}: {setting}");
                compared += 1;
            }
        }
        assert!(compared >= least, "{name}: only {compared} defaults");
    }
}

#[test]
fn the_program_of_the_readme_is_the_example() {
    let example = read("examples/examples/hello.rs");
    let (_, program) = example.split_once("\n\n").expect("what the example says of itself");
    let readme = read("README.md");
    let (_, rest) = readme.split_once("```rust,no_run\n").expect("a program");
    let (shown, _) = rest.split_once("```").expect("its end");
    assert_eq!(shown, program);
}

#[test]
fn the_message_of_the_readme_is_what_the_compiler_says() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("## What the compiler says\n").expect("the section");
    let shown = section.lines().find(|line| line.starts_with("error: ")).expect("a message");
    let recorded = read("tests/ui/fail/lower_case_method.stderr");
    assert!(recorded.lines().any(|line| line == shown), "{shown}\nis not in\n{recorded}");
}

#[test]
fn the_figures_of_the_documents_are_those_of_the_benchmark() {
    let all = read("bench/README.md");
    let all = rows(&all);
    // Where the document's columns stand in the table of all figures, and how many servers it has.
    for (name, columns, servers) in
        [("README.md", [1, 2, 3, 9, 13], 5), ("basehttp/src/guide/comparison.md", [1, 3, 9, 10, 13], 7)]
    {
        let document = read(name);
        let mut compared = 0;
        for row in rows(&document) {
            let &[server, ref figures @ ..] = &row[..] else { continue };
            if figures.len() != columns.len() || server == "server" {
                continue;
            }
            // "`tiny_http`" and "Python 3.11" are "tiny_http" and "python" there.
            let of_bench = server.trim_matches('`').split(' ').next().unwrap_or_default().to_lowercase();
            let measured = all.iter().find(|row| row.len() == 14 && row[0] == of_bench);
            let measured = measured.unwrap_or_else(|| panic!("{name}: {server} is not measured"));
            // How many of the idle connections a server took is left out here.
            let measured = columns.map(|column| measured[column].split(" (").next().unwrap_or_default());
            assert_eq!(*figures, measured, "{name}: {server}");
            compared += 1;
        }
        assert_eq!(compared, servers, "servers of {name}");
    }
}

#[test]
fn the_crate_lists_its_features() {
    let source = read("basehttp/src/lib.rs");
    let (_, list) = source.split_once("//! # Features\n").expect("the list");
    let (list, _) = list.split_once("\n#").expect("its end");
    let items = list.lines().filter_map(|line| line.strip_prefix("//! - "));
    let mut listed: Vec<_> = items.map(|item| quoted(item).next().expect("a name")).collect();
    let manifest = read("basehttp/Cargo.toml");
    let (_, features) = manifest.split_once("\n[features]\n").expect("the features");
    let (features, _) = features.split_once("\n[").expect("their end");
    let names = features.lines().filter_map(|line| Some(line.split_once(" = [")?.0));
    let mut features: Vec<_> = names.filter(|name| *name != "default").collect();
    assert!(features.len() > 10, "{features:?}");
    listed.sort_unstable();
    features.sort_unstable();
    assert_eq!(listed, features);
}

/// Links from the documents and the guide to files of the repository.
#[test]
fn the_files_that_are_linked_exist() {
    let mut documents: Vec<_> =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "ENGINE.md", "SECURITY.md"]
            .map(Into::into)
            .into();
    documents.extend(["basehttp-cli/README.md", "bench/README.md", "fuzz/README.md"].map(PathBuf::from));
    let guide = fs::read_dir(root().join("basehttp/src/guide")).expect("the guide");
    documents
        .extend(guide.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension().is_some()));
    let mut checked = 0;
    for document in documents {
        let text = fs::read_to_string(root().join(&document)).expect("a document");
        let folder = document.parent().unwrap_or(Path::new(""));
        let of_repository = text.split("github.com/basehttp/basehttp/").skip(1).filter_map(|rest| {
            let (_, path) = rest.split_once("/main/")?;
            Some(root().join(path.split([')', '\n', ' ', '#']).next()?))
        });
        let relative = text.split("](").skip(1).filter_map(|rest| {
            let (target, _) = rest.split_once(')')?;
            let path = target.split('#').next()?;
            let is_of_rustdoc = document.starts_with(root()) || path.is_empty() || path.contains("://");
            (!is_of_rustdoc).then(|| root().join(folder).join(path))
        });
        if document.ends_with("README.md") && !document.starts_with("bench") && !document.starts_with("fuzz")
        {
            // crates.io shows it without the repository around it.
            assert_eq!(relative.clone().count(), 0, "{}: relative links", document.display());
        }
        for path in of_repository.chain(relative) {
            assert!(path.exists(), "{}: {}", document.display(), path.display());
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} links");
}

#[test]
fn every_limit_stands_in_the_security_document() {
    /// Settings that limit nothing that a client can do.
    const OTHERS: [&str; 1] = ["requests"];
    let security = read("SECURITY.md");
    let named: Vec<_> = rows(&security).into_iter().filter_map(|row| quoted(row[0]).next()).collect();
    let missing: Vec<_> = defaults()
        .into_keys()
        .filter(|name| !named.contains(&&**name) && !OTHERS.contains(&&**name))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_setting_stands_on_the_page_of_the_builder() {
    let files = ["basehttp/src/server/config.rs", "basehttp/src/server/http_server.rs"].map(read);
    let returns_itself = |method: &&str| {
        let (signature, _) = method.split_once('{').unwrap_or_default();
        signature.contains("(mut self") && signature.contains("-> Self")
    };
    let methods = files.iter().flat_map(|file| file.split("    pub fn ").skip(1).filter(returns_itself));
    let mut settings: Vec<_> = methods.filter_map(|method| method.split(['(', '<']).next()).collect();
    assert!(settings.len() > 35, "{settings:?}");
    let page = page_of_the_builder();
    let rows = rows(&page);
    let mut listed: Vec<_> = rows.iter().filter_map(|row| quoted(row[0]).next()).collect();
    settings.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, settings);
}

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn the_tests_that_the_security_document_names_exist() {
    let mut code = String::new();
    for folder in ["basehttp/src", "basehttp-cli/src", "tests/tests"] {
        sources(&root().join(folder), &mut code);
    }
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let vectors = root().join("tests/vectors/requests");
    let security = read("SECURITY.md");
    let (_, table) = security.split_once("## Known weaknesses").expect("the table");
    let (table, _) = table.split_once("\n## ").expect("its end");
    let rows = rows(table);
    assert!(rows.len() > 25, "{} rows", rows.len());
    let mut missing = Vec::new();
    for row in &rows[1..] {
        let &[weakness, _, _, shown] = &row[..] else { panic!("not four cells: {row:?}") };
        let tests: Vec<_> = quoted(shown).collect();
        if tests.is_empty() {
            missing.push(format!("{weakness}: no test"));
        }
        for test in tests {
            let is_vector = vectors.join(format!("{test}.txt")).exists();
            // A property has arguments.
            let is_function = code.contains(&format!("#[test] fn {test}("));
            if !is_vector && !is_function {
                missing.push(format!("{weakness}: {test}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// A cell names functions, and paths from the root.
#[test]
fn what_holds_the_invariants_exists() {
    let mut code = String::new();
    for folder in ["tests/tests", "basehttp/src"] {
        sources(&root().join(folder), &mut code);
    }
    let document = read("ARCHITECTURE.md");
    let (_, table) = document.split_once("## Invariants").expect("the table");
    let rows = rows(table);
    assert!(rows.len() > 15, "{} rows", rows.len());
    let mut missing = Vec::new();
    for row in &rows[1..] {
        let &[invariant, held] = &row[..] else { panic!("not two cells: {row:?}") };
        let named: Vec<_> = quoted(held).collect();
        if named.is_empty() {
            missing.push(format!("{invariant}: nothing holds it"));
        }
        for name in named {
            let is_path = root().join(name).exists() || root().join("basehttp/src").join(name).exists();
            let is_code = code.contains(&format!("fn {name}(")) || name == "forbid(unsafe_code)";
            if !is_path && !is_code {
                missing.push(format!("{invariant}: {name}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

/// Files that the documents name by a path: from the root, from `basehttp/src` or from a layer of it.
#[test]
fn the_files_that_the_architecture_names_exist() {
    let places = [
        "",
        "basehttp/src",
        "basehttp/src/server",
        "basehttp/src/handler",
        "basehttp/src/cgi",
        "basehttp-macros/src",
    ];
    let mut checked = 0;
    for document in ["ARCHITECTURE.md", "ENGINE.md"] {
        let text = read(document);
        for name in text.lines().flat_map(quoted).filter(|name| {
            Path::new(name).extension().is_some_and(|extension| extension == "rs")
                && !name.contains([' ', '*'])
        }) {
            let is_there = places.iter().any(|place| root().join(place).join(name).exists());
            let is_model = root().join("basehttp/src/server/models").join(name).exists();
            assert!(is_there || is_model, "{document}: {name}");
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} files");
}
