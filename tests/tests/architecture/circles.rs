//! Circles among the files of a crate. Each file of a circle needs all the others, so none can be understood alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::Imports;

type Files = BTreeSet<String>;

/// The circles, each with the imports that form it.
pub(crate) fn described(imports: &Imports, texts: &BTreeMap<String, String>) -> Vec<String> {
    circles(imports).iter().map(|circle| describe(circle, imports, texts)).collect()
}

fn list(files: &Files) -> String {
    files.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The files of a circle, and for each import among them its first place and the imported item.
fn describe(circle: &Files, imports: &Imports, texts: &BTreeMap<String, String>) -> String {
    let mut lines = vec![format!("a circle of {} files: {}", circle.len(), list(circle))];
    for ((from, to), places) in imports {
        if circle.contains(from) && circle.contains(to) {
            let line = places.first().expect("a place").line;
            let text = texts[from].lines().nth(line - 1).unwrap_or_default().trim();
            let names: Files = places.iter().map(|place| place.item.clone()).collect();
            lines.push(format!("    {from} -> {to}: {}\n        {from}:{line}: {text}", list(&names)));
        }
    }
    lines.join("\n")
}

/// The sets of more than one file that lead to each other, by Tarjan's algorithm.
pub(crate) fn circles(imports: &Imports) -> Vec<Files> {
    let mut search = Search::new(imports);
    let files: BTreeSet<&str> = imports.keys().map(|(from, _)| from.as_str()).collect();
    for file in files {
        if !search.numbers.contains_key(file) {
            search.visit(file);
        }
    }
    search.found.sort();
    search.found
}

struct Search<'a> {
    imports: &'a Imports,
    /// In the order of the visits.
    numbers: BTreeMap<&'a str, usize>,
    /// The files whose circle is not known yet.
    open: Vec<&'a str>,
    found: Vec<Files>,
}

impl<'a> Search<'a> {
    fn new(imports: &'a Imports) -> Self {
        Self { imports, numbers: BTreeMap::new(), open: Vec::new(), found: Vec::new() }
    }

    /// The lowest number among the open files that this one leads to.
    fn visit(&mut self, file: &'a str) -> usize {
        let number = self.numbers.len();
        let depth = self.open.len();
        self.numbers.insert(file, number);
        self.open.push(file);
        let mut lowest = number;
        for (_, to) in self.imports.keys().filter(|(from, _)| from == file) {
            let reached = match self.numbers.get(to.as_str()) {
                None => self.visit(to),
                Some(number) if self.open.contains(&to.as_str()) => *number,
                Some(_) => continue,
            };
            lowest = lowest.min(reached);
        }
        if lowest == number {
            let circle = self.open.split_off(depth);
            if circle.len() > 1 {
                self.found.push(circle.into_iter().map(str::to_owned).collect());
            }
        }
        lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::{Crate, Place};

    fn texts(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    fn imports(files: &[(&str, &str)]) -> Imports {
        Crate::read(&texts(files), "lib.rs").imports()
    }

    /// Each import with the lines and the items.
    fn shown(files: &[(&str, &str)]) -> Vec<String> {
        let show = |((from, to), places): (&(String, String), &BTreeSet<Place>)| {
            let items: Vec<_> = places.iter().map(|place| format!("{} {}", place.line, place.item)).collect();
            format!("{from} -> {to}: {}", items.join(", "))
        };
        imports(files).iter().map(show).collect()
    }

    fn sets(files: &[(&str, &str)]) -> Vec<String> {
        circles(&imports(files)).iter().map(list).collect()
    }

    #[test]
    fn a_circle_leads_through_the_parent_of_the_parent() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a/mod.rs", "mod deep; pub use deep::Deep;"),
            ("a/deep.rs", "pub struct Deep;\nfn f() { super::super::b::g() }"),
            ("b.rs", "use crate::a::Deep;\npub fn g() {}"),
            ("c.rs", "use crate::{a::{Deep}, b::g};"),
        ];
        assert_eq!(sets(&files), ["a/deep.rs, b.rs"]);
        let found = described(&imports(&files), &texts(&files));
        assert_eq!(
            found,
            ["a circle of 2 files: a/deep.rs, b.rs\n    \
             a/deep.rs -> b.rs: g\n        a/deep.rs:2: fn f() { super::super::b::g() }\n    \
             b.rs -> a/deep.rs: Deep\n        b.rs:1: use crate::a::Deep;"]
        );
    }

    #[test]
    fn a_facade_makes_no_circle() {
        let files = [
            ("lib.rs", "mod house; pub use house::{Base, Address as Place};"),
            (
                "house/mod.rs",
                "mod address; mod base; mod user;\npub use address::Address; pub use base::Base;",
            ),
            ("house/address.rs", "pub struct Address;"),
            ("house/base.rs", "use super::Address;\npub struct Base;"),
            (
                "house/user.rs",
                "use crate::Place;\nuse crate::house::{self, Base};\nfn f() { house::Address }",
            ),
        ];
        assert_eq!(
            shown(&files),
            [
                "house/base.rs -> house/address.rs: 1 Address",
                "house/user.rs -> house/address.rs: 1 Address, 3 Address",
                "house/user.rs -> house/base.rs: 2 Base"
            ]
        );
        assert!(sets(&files).is_empty());
    }

    #[test]
    fn a_parent_that_uses_what_it_exports_is_in_the_circle() {
        let files = [
            ("lib.rs", "mod a;\npub use a::A;\npub struct Root(A);"),
            ("a.rs", "use super::Root;\npub struct A;"),
        ];
        assert_eq!(shown(&files), ["a.rs -> lib.rs: 1 Root", "lib.rs -> a.rs: 3 A"]);
        assert_eq!(sets(&files), ["a.rs, lib.rs"]);
    }

    #[test]
    fn parent_and_child_make_a_circle() {
        let child = ("a/child.rs", "use super::Item;\npub fn of(_: Item) {}");
        let parent = "mod child;\npub struct Item;\nfn f() { child::of(Item) }";
        assert_eq!(sets(&[("lib.rs", "mod a;"), ("a/mod.rs", parent), child]), ["a/child.rs, a/mod.rs"]);
        assert_eq!(sets(&[("lib.rs", "mod a;"), ("a.rs", parent), child]), ["a.rs, a/child.rs"]);
        let parent = "mod child;\npub struct Item;";
        assert_eq!(
            shown(&[("lib.rs", "mod a;"), ("a.rs", parent), child]),
            ["a/child.rs -> a.rs: 1 Item, 2 Item"]
        );
    }

    #[test]
    fn circles_that_touch_are_one() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; mod d; mod e; mod f;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::{a::A, c::C}; pub struct B;"),
            ("c.rs", "use crate::b::B; use crate::d::D; pub struct C;"),
            ("d.rs", "use crate::e::E; pub struct D;"),
            ("e.rs", "use crate::f::F; pub struct E;"),
            ("f.rs", "use crate::d::D; pub struct F;"),
        ];
        assert_eq!(sets(&files), ["a.rs, b.rs, c.rs", "d.rs, e.rs, f.rs"]);
    }

    #[test]
    fn macros_have_paths_in_them() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::c;\nfn f() { println!(\"{}\", [c::ONE, self.b::ONE]) }"),
            ("b.rs", "macro_rules! make {\n($c:ident) => { $crate::c::two($c) } }\npub(crate) use make;"),
            ("c.rs", "pub const ONE: u8 = 1;\ncrate::b::make!(three);\nmake_them!(two);"),
        ];
        assert_eq!(shown(&files), ["a.rs -> c.rs: 2 ONE", "b.rs -> c.rs: 2 two", "c.rs -> b.rs: 2 make"]);
    }

    #[test]
    fn names_are_found_where_they_stand() {
        let files = [
            ("lib.rs", "#[path = \"hidden.rs\"] mod __b; mod a; mod log; mod inner { pub mod c; }"),
            (
                "a.rs",
                "use log::{Log as Lines, log};\nuse crate::inner::c::*;\nfn f() { use super::__b as b;\nb::B::new() }",
            ),
            ("hidden.rs", "pub struct B;\nfn f() { <u8 as crate::log::Log>::g::<super::inner::c::C>() }"),
            ("log.rs", "pub trait Log {} pub fn log() {}"),
            ("inner/c.rs", "use std::fmt; pub struct C; impl fmt::Debug for C {}"),
        ];
        assert_eq!(
            shown(&files),
            [
                "a.rs -> hidden.rs: 4 B",
                "a.rs -> inner/c.rs: 2 *",
                "hidden.rs -> inner/c.rs: 2 C",
                "hidden.rs -> log.rs: 2 Log"
            ]
        );
    }

    #[test]
    fn tests_comments_and_visibility_import_nothing() {
        let files = [
            ("lib.rs", "mod a; pub mod b; #[cfg(test)] mod tests; pub use b::name;"),
            (
                "a.rs",
                "//! See [`crate::b::B`].
                 #[cfg(test)] use crate::b::B;
                 #[cfg(all(test, loom))] mod models;
                 #[cfg(test)] mod tests { use crate::b::B; }
                 pub(in crate::a) struct A { #[cfg(test)] b: crate::b::B }
                 impl A { #[cfg(any(test, all(test, unix)))] fn b() -> crate::b::B {} }
                 fn f() { let name = 1; g(name); #[cfg(test)] let b = crate::b::B; }
                 /// Of [`crate::b::B`].
                 #[doc = crate::b::B] fn std(name: ::b::B) {}",
            ),
            ("b.rs", "pub struct B;\npub fn name() {}\n#[cfg(not(test))] use crate::a::A;"),
        ];
        assert_eq!(shown(&files), ["b.rs -> a.rs: 3 A"]);
    }
}
