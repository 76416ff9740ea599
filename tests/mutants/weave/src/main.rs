//! Weaves mutants into the sources of a crate: all of them are compiled at once, and the environment variable `MUTANT` selects
//! the one that is active. So a mutant costs a run of the tests, and not a build.
//!
//! ```text
//! weave LIST TREE LEFT [ID..]
//! ```
//!
//! `LIST` is the output of `cargo mutants --list --json`; a mutant's number is its place in it. `TREE` is a copy of the
//! repository, whose sources are changed in place. The numbers of the mutants that cannot be woven go to the file `LEFT`: those
//! in constants and `const fn`, and those that a compiler has refused, which are named by the arguments. In the woven sources,
//! a mutant is between `/*<ID*/` and `/*ID>*/`, so that a compiler's message can be assigned to it.
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A change of the text. An insertion has an empty range.
struct Edit {
    at: Range<usize>,
    /// Among edits of one range, the lower one is outside.
    order: usize,
    kind: Kind,
}

enum Kind {
    /// An expression with its variants.
    Expression(Vec<(usize, String)>),
    /// A guard of a match, with its variants and the mutants that delete its arm.
    Guard(Vec<(usize, String)>, Vec<usize>),
    /// A match arm without a guard, which mutants delete.
    Arm(Vec<usize>),
    /// The beginning of a function that returns one of these values.
    Function(Vec<(usize, String)>),
}

/// What the syntax tree has to say about the places in a file.
#[derive(Default)]
struct Places {
    /// Operators with their expressions, and whether that contains a `let`.
    operators: BTreeMap<(usize, usize), (Range<usize>, bool)>,
    /// Match arms by their beginnings: the pattern's end and the guard.
    arms: BTreeMap<usize, (usize, Option<Range<usize>>)>,
    /// What is no expression, or evaluated by the compiler.
    fixed: Vec<Range<usize>>,
}

impl Places {
    fn fix(&mut self, place: &impl Spanned) {
        self.fixed.push(place.span().byte_range());
    }

    fn function(&mut self, signature: &syn::Signature, whole: Range<usize>) {
        if signature.constness.is_some() {
            self.fixed.push(whole);
        }
    }
}

struct HasLet(bool);

impl<'ast> Visit<'ast> for HasLet {
    fn visit_expr_let(&mut self, _: &'ast syn::ExprLet) {
        self.0 = true;
    }

    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}

    fn visit_expr_block(&mut self, _: &'ast syn::ExprBlock) {}

    fn visit_expr_if(&mut self, _: &'ast syn::ExprIf) {}

    fn visit_expr_match(&mut self, _: &'ast syn::ExprMatch) {}
}

impl<'ast> Visit<'ast> for Places {
    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let op = binary.op.span().byte_range();
        let mut has_let = HasLet(false);
        has_let.visit_expr_binary(binary);
        self.operators.insert((op.start, op.end), (binary.span().byte_range(), has_let.0));
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let op = unary.op.span().byte_range();
        self.operators.insert((op.start, op.end), (unary.span().byte_range(), false));
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, r#match: &'ast syn::ExprMatch) {
        // Without an arm for all the rest, the compiler would miss what a guard refuses.
        let is_rest = |arm: &syn::Arm| matches!(arm.pat, syn::Pat::Wild(_) | syn::Pat::Ident(_));
        if r#match.arms.iter().any(is_rest) {
            for arm in &r#match.arms {
                let guard = match &arm.pat {
                    syn::Pat::Guard(pattern) => Some(pattern.guard.span().byte_range()),
                    _ => None,
                };
                let place = (arm.pat.span().byte_range().end, guard);
                self.arms.insert(arm.span().byte_range().start, place);
            }
        }
        visit::visit_expr_match(self, r#match);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, item.span().byte_range());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, item.span().byte_range());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.fix(item);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.fix(item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.fix(item);
    }

    fn visit_expr_const(&mut self, block: &'ast syn::ExprConst) {
        self.fix(block);
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.fix(&repeat.len);
        visit::visit_expr_repeat(self, repeat);
    }

    fn visit_type(&mut self, r#type: &'ast syn::Type) {
        self.fix(r#type);
    }

    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        match pattern {
            syn::Pat::Guard(pattern) => self.visit_expr(&pattern.guard),
            _ => self.fix(pattern),
        }
    }
}

/// The place in the text of a line and a column, which count characters from 1.
fn offset(text: &str, place: &Value) -> usize {
    let number = |name: &str| usize::try_from(place[name].as_u64().expect("a number")).expect("it fits");
    let start: usize = text.split_inclusive('\n').take(number("line") - 1).map(str::len).sum();
    start + text[start..].chars().take(number("column") - 1).map(char::len_utf8).sum::<usize>()
}

/// The edits of a file. Mutants that cannot be woven go to `left`.
fn edits(text: &str, mutants: &[(usize, &Value)], left: &mut Vec<usize>) -> Vec<Edit> {
    let mut places = Places::default();
    places.visit_file(&syn::parse_file(text).expect("the file is Rust"));
    let mut found: BTreeMap<(usize, usize, usize), Kind> = BTreeMap::new();
    let mut deleted: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (id, mutant) in mutants {
        let at = offset(text, &mutant["span"]["start"])..offset(text, &mutant["span"]["end"]);
        let replacement = mutant["replacement"].as_str().expect("a text");
        let is_impl = mutant["function"]["return_type"].as_str().is_some_and(|text| text.contains("impl "));
        if places.fixed.iter().any(|fixed| fixed.start <= at.start && at.end <= fixed.end) {
            left.push(*id);
            continue;
        }
        match mutant["genre"].as_str() {
            Some("FnValue") if !is_impl => {
                let kind = found.entry((at.start, at.start, 0)).or_insert(Kind::Function(Vec::new()));
                if let Kind::Function(values) = kind {
                    values.push((*id, replacement.to_owned()));
                }
            }
            Some("BinaryOperator" | "UnaryOperator") => match places.operators.get(&(at.start, at.end)) {
                Some((whole, false)) => {
                    let variant =
                        format!("{}{replacement}{}", &text[whole.start..at.start], &text[at.end..whole.end]);
                    let kind = found
                        .entry((whole.start, whole.end, 2 + at.start))
                        .or_insert(Kind::Expression(Vec::new()));
                    if let Kind::Expression(variants) = kind {
                        variants.push((*id, variant));
                    }
                }
                _ => left.push(*id),
            },
            Some("MatchArmGuard") => {
                let kind = found
                    .entry((at.start, at.end, 1))
                    .or_insert(Kind::Guard(Vec::new(), Vec::new()));
                if let Kind::Guard(variants, _) = kind {
                    variants.push((*id, replacement.to_owned()));
                }
            }
            Some("MatchArm") if places.arms.contains_key(&at.start) => {
                deleted.entry(at.start).or_default().push(*id);
            }
            _ => left.push(*id),
        }
    }
    for (arm, ids) in deleted {
        let (end, guard) = &places.arms[&arm];
        match guard {
            Some(guard) => {
                let key = (guard.start, guard.end, 1);
                let kind = found.entry(key).or_insert(Kind::Guard(Vec::new(), Vec::new()));
                if let Kind::Guard(_, all) = kind {
                    all.extend(ids);
                }
            }
            None => {
                found.insert((*end, *end, 0), Kind::Arm(ids));
            }
        }
    }
    let edits = found.into_iter().map(|((start, end, order), kind)| Edit { at: start..end, order, kind });
    let mut edits: Vec<_> = edits.collect();
    edits.sort_by_key(|edit| (edit.at.start, std::cmp::Reverse(edit.at.end), edit.order));
    edits
}

/// `if mutant(1) { .. } else if mutant(2) { .. } else { original }`.
fn choice(variants: &[(usize, String)], original: &str) -> String {
    let mut text = String::from("(");
    for (id, variant) in variants {
        text += &format!("if crate::woven::mutant({id}) {{ /*<{id}*/{variant}/*{id}>*/ }} else ");
    }
    text + "{ " + original + " })"
}

/// The text of `range` with its edits, of which the outermost come first.
fn render(text: &str, range: Range<usize>, edits: &[Edit]) -> String {
    let (mut woven, mut at, mut next) = (String::new(), range.start, 0);
    while let Some(edit) = edits.get(next) {
        woven += &text[at..edit.at.start];
        let inner = edits[next + 1..]
            .iter()
            .take_while(|other| !edit.at.is_empty() && other.at.start < edit.at.end)
            .count();
        let original = || render(text, edit.at.clone(), &edits[next + 1..next + 1 + inner]);
        woven += &match &edit.kind {
            Kind::Expression(variants) => choice(variants, &original()),
            Kind::Guard(variants, deleted) => {
                let alive: String = deleted.iter().map(|id| gone(*id)).collect();
                format!("{}{alive}", choice(variants, &original()))
            }
            Kind::Arm(deleted) => {
                let alive: String = deleted.iter().map(|id| gone(*id)).collect();
                format!(" if true{alive}")
            }
            Kind::Function(values) => {
                let each = |(id, value): &(usize, String)| {
                    format!("if crate::woven::mutant({id}) {{ /*<{id}*/return {value};/*{id}>*/ }} ")
                };
                values.iter().map(each).collect()
            }
        };
        at = edit.at.end;
        next += 1 + inner;
    }
    woven + &text[at..range.end]
}

fn gone(id: usize) -> String {
    format!(" && /*<{id}*/!crate::woven::mutant({id})/*{id}>*/")
}

/// The switch, at the end of the crate's root.
const SWITCH: &str = r#"
/// Which mutant is active.
pub mod woven {
    /// Whether it is this one.
    pub fn mutant(id: u32) -> bool {
        static ACTIVE: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        let active = || std::env::var("MUTANT").ok().and_then(|id| id.parse().ok()).unwrap_or(u32::MAX);
        *ACTIVE.get_or_init(active) == id
    }
}
"#;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [list, tree, left_file, refused @ ..] = &*arguments else {
        eprintln!("weave LIST TREE LEFT [ID..]");
        std::process::exit(2);
    };
    let refused: HashSet<usize> = refused.iter().filter_map(|id| id.parse().ok()).collect();
    let list: Value = serde_json::from_str(&fs::read_to_string(list).expect("the list")).expect("JSON");
    let all = list.as_array().expect("a list");
    let mut left: Vec<usize> = refused.iter().copied().collect();
    let mut by_file: BTreeMap<&str, Vec<(usize, &Value)>> = BTreeMap::new();
    for (id, mutant) in all.iter().enumerate().filter(|(id, _)| !refused.contains(id)) {
        by_file.entry(mutant["file"].as_str().expect("a path")).or_default().push((id, mutant));
    }
    for (file, mutants) in by_file {
        let path = Path::new(tree).join(file);
        let text = fs::read_to_string(&path).expect("the file of a mutant");
        let edits = edits(&text, &mutants, &mut left);
        fs::write(&path, render(&text, 0..text.len(), &edits)).expect("the tree is writable");
    }
    let root = Path::new(tree).join("basehttp/src/lib.rs");
    let text = fs::read_to_string(&root).expect("the crate's root");
    fs::write(&root, format!("#![allow(warnings, arithmetic_overflow, unconditional_panic)]\n{text}{SWITCH}")).expect("the tree is writable");
    left.sort_unstable();
    let left: Vec<String> = left.iter().map(usize::to_string).collect();
    fs::write(left_file, left.join("\n") + "\n").expect("the file is writable");
}
