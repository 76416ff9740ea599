//! Which file of a crate uses items of which other file. A path leads to the file that defines the item, through all
//! re-exports. Re-exports and module declarations are not imports. All features count as enabled, tests as disabled. Method
//! calls are not seen; the name of their type is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, ImplItem, Item, Macro, Meta, Path, Token, TraitItem, UseTree, Visibility};

/// A place where a file names an item of another one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    /// The item, or `*`.
    pub(crate) item: String,
}

/// The imports of a crate: from a file to a file, with every place.
pub(crate) type Imports = BTreeMap<(String, String), BTreeSet<Place>>;

/// The modules of a crate.
pub(crate) struct Crate {
    modules: Vec<Module>,
}

type ModuleId = usize;

#[derive(Default)]
struct Module {
    file: String,
    parent: Option<ModuleId>,
    /// Those without `#[cfg(test)]`.
    children: HashMap<String, ModuleId>,
    items: HashSet<String>,
    /// The names that `use` introduces, with their paths. A `use` in a function counts for the whole module.
    bindings: Vec<(String, Vec<String>)>,
    globs: Vec<Vec<String>>,
    mentions: Vec<Mention>,
    /// The names of local variables, which hide functions.
    locals: HashSet<String>,
}

struct Mention {
    line: usize,
    path: Vec<String>,
}

#[derive(Clone, PartialEq)]
enum Target {
    Module(ModuleId),
    Item { file: String, name: String },
}

impl Crate {
    /// Reads the crate with this root from its files, each the path and the text.
    pub(crate) fn read(files: &BTreeMap<String, String>, root: &str) -> Self {
        let mut modules = vec![Module { file: root.to_owned(), ..Module::default() }];
        read_file(files, &mut modules, 0, folder_of(root));
        Self { modules }
    }

    /// The files that have been read.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        self.modules.iter().map(|module| module.file.as_str()).collect()
    }

    pub(crate) fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (id, module) in self.modules.iter().enumerate() {
            for Mention { line, path } in &module.mentions {
                if path.len() == 1 && module.locals.contains(&path[0]) {
                    continue;
                }
                for target in self.resolve(id, path, &mut Vec::new()) {
                    // The name of a module alone uses nothing; paths through it do.
                    let Target::Item { file, name } = target else { continue };
                    if file != module.file {
                        let places = imports.entry((module.file.clone(), file)).or_default();
                        places.insert(Place { line: *line, item: name });
                    }
                }
            }
        }
        imports
    }

    /// What a path in a module leads to. The result is empty for other crates, and has two entries if a type, or a module,
    /// and a value share the name.
    fn resolve(&self, at: ModuleId, path: &[String], seen: &mut Vec<(ModuleId, String)>) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut targets = match first.as_str() {
            "crate" => vec![Target::Module(0)],
            "self" | "super" => self.step(at, first, seen),
            name => self.look_up(at, name, seen).unwrap_or_default(),
        };
        for name in rest {
            let modules: Vec<_> = targets
                .iter()
                .filter_map(|target| match target {
                    Target::Module(id) => Some(self.step(*id, name, seen)),
                    Target::Item { .. } => None,
                })
                .collect();
            // Variants and functions that follow an item are in its file.
            if !modules.is_empty() {
                targets = modules.concat();
            }
        }
        targets
    }

    /// What a name that follows the path of a module leads to.
    fn step(&self, module: ModuleId, name: &str, seen: &mut Vec<(ModuleId, String)>) -> Vec<Target> {
        match name {
            "self" => vec![Target::Module(module)],
            "super" => vec![Target::Module(self.modules[module].parent.expect("a parent"))],
            // A macro there defines what has no other definition there.
            name => self.look_up(module, name, seen).unwrap_or_else(|| vec![self.item(module, name)]),
        }
    }

    fn item(&self, module: ModuleId, name: &str) -> Target {
        Target::Item { file: self.modules[module].file.clone(), name: name.to_owned() }
    }

    /// What a name in a module is: `None` if there is no such name, empty if it is from another crate.
    fn look_up(
        &self,
        module: ModuleId,
        name: &str,
        seen: &mut Vec<(ModuleId, String)>,
    ) -> Option<Vec<Target>> {
        let key = (module, name.to_owned());
        let here = &self.modules[module];
        let mut found: Vec<_> = here.children.get(name).map(|id| Target::Module(*id)).into_iter().collect();
        if here.items.contains(name) {
            found.push(self.item(module, name));
        }
        let mut known = !found.is_empty();
        // `use log::log` looks for the module of its own name.
        if !seen.contains(&key) {
            seen.push(key);
            for (_, path) in here.bindings.iter().filter(|(binding, _)| binding == name) {
                known = true;
                found.extend(self.resolve(module, path, seen));
            }
            if !known {
                for path in &here.globs {
                    for target in self.resolve(module, path, seen) {
                        let Target::Module(id) = target else { continue };
                        if let Some(targets) = self.look_up(id, name, seen) {
                            known = true;
                            found.extend(targets);
                        }
                    }
                }
            }
            seen.pop();
        }
        known.then_some(found)
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Reads the file of a module, and those of its children, which are in `folder`.
fn read_file(files: &BTreeMap<String, String>, modules: &mut Vec<Module>, id: ModuleId, folder: &str) {
    let path = modules[id].file.clone();
    let text = files.get(&path).unwrap_or_else(|| panic!("no file {path}"));
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    Reader { files, modules, at: id, folder: folder.to_owned() }.visit_file(&file);
}

struct Reader<'a> {
    files: &'a BTreeMap<String, String>,
    modules: &'a mut Vec<Module>,
    at: ModuleId,
    /// Where the files of the children are.
    folder: String,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        &mut self.modules[self.at]
    }

    fn mention(&mut self, path: Vec<String>, line: usize) {
        self.module().mentions.push(Mention { line, path });
    }

    fn child(&mut self, item: &syn::ItemMod) {
        let name = item.ident.to_string();
        let parent = self.at;
        let folder = join(&self.folder, &name);
        let id = self.modules.len();
        let known = self.module().children.insert(name.clone(), id);
        assert!(known.is_none(), "{}: two modules {name}", self.module().file);
        let mut module =
            Module { file: self.module().file.clone(), parent: Some(parent), ..Module::default() };
        if let Some((_, items)) = &item.content {
            self.modules.push(module);
            let outer = std::mem::replace(&mut self.folder, folder);
            self.at = id;
            for item in items {
                self.visit_item(item);
            }
            self.at = parent;
            self.folder = outer;
            return;
        }
        let beside = join(&self.folder, &format!("{name}.rs"));
        let (file, folder) = if let Some(named) = path_attribute(&item.attrs) {
            let file = join(folder_of(&module.file), &named);
            (file.clone(), folder_of(&file).to_owned())
        } else if self.files.contains_key(&beside) {
            (beside, folder)
        } else {
            (join(&folder, "mod.rs"), folder)
        };
        module.file = file;
        self.modules.push(module);
        read_file(self.files, self.modules, id, &folder);
    }

    fn import(&mut self, tree: &UseTree, before: &[String], is_private: bool) {
        let with = |ident: &Ident| [before, &[ident.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), is_private),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, is_private);
                }
            }
            UseTree::Name(name) if name.ident == "self" => {
                let path = before.to_vec();
                self.bind(before.last().cloned(), path, &name.ident, is_private);
            }
            UseTree::Name(name) => {
                self.bind(Some(name.ident.to_string()), with(&name.ident), &name.ident, is_private);
            }
            UseTree::Rename(rename) => {
                let path = if rename.ident == "self" { before.to_vec() } else { with(&rename.ident) };
                self.bind(Some(rename.rename.to_string()), path, &rename.ident, is_private);
            }
            UseTree::Glob(glob) => {
                self.module().globs.push(before.to_vec());
                if is_private {
                    // It is unknown which names the file uses.
                    let path = [before, &["*".to_owned()]].concat();
                    self.mention(path, glob.star_token.spans[0].start().line);
                }
            }
        }
    }

    /// A re-export is not an import. If the file uses the name itself, a path shows it.
    fn bind(&mut self, name: Option<String>, path: Vec<String>, ident: &Ident, is_private: bool) {
        if let Some(name) = name {
            self.module().bindings.push((name, path.clone()));
        }
        if is_private {
            self.mention(path, ident.span().start().line);
        }
    }

    /// The paths among the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let trees: Vec<_> = tokens.into_iter().collect();
        let is_colon = |at: usize| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
        let mut at = 0;
        while at < trees.len() {
            match &trees[at] {
                TokenTree::Group(group) => {
                    // `#[..]` is skipped as other attributes are.
                    let is_attribute = group.delimiter() == Delimiter::Bracket
                        && at > 0
                        && matches!(&trees[at - 1], TokenTree::Punct(p) if p.as_char() == '#');
                    if !is_attribute {
                        self.tokens(group.stream());
                    }
                }
                TokenTree::Ident(ident) => {
                    let before = at.checked_sub(1).and_then(|at| match &trees[at] {
                        TokenTree::Punct(punct) => Some(punct.as_char()),
                        _ => None,
                    });
                    let line = ident.span().start().line;
                    let mut path = vec![ident.to_string()];
                    while is_colon(at + 1) && is_colon(at + 2) {
                        let Some(TokenTree::Ident(next)) = trees.get(at + 3) else { break };
                        path.push(next.to_string());
                        at += 3;
                    }
                    // A field, a lifetime, an argument of the macro.
                    let is_no_path =
                        matches!(before, Some('.' | '\'' | ':')) || before == Some('$') && path[0] != "crate";
                    if !is_no_path && is_a_name(&path) {
                        self.mention(path, line);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }
}

/// Whether a path can be that of an item.
fn is_a_name(path: &[String]) -> bool {
    path[0] != "Self" && (path.len() > 1 || !matches!(path[0].as_str(), "self" | "super" | "crate"))
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_item(&mut self, item: &'a Item) {
        let (attributes, name) = parts(item);
        if is_of_tests(attributes) {
            return;
        }
        match item {
            Item::Mod(item) => return self.child(item),
            Item::Use(item) => {
                if item.leading_colon.is_none() {
                    self.import(&item.tree, &[], matches!(item.vis, Visibility::Inherited));
                }
                return;
            }
            _ => {}
        }
        if let Some(name) = name {
            let name = name.to_string();
            self.module().items.insert(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_of_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'a TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &item.attrs,
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            TraitItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_of_tests(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'a syn::Field) {
        if !is_of_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'a syn::Variant) {
        if !is_of_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_local(&mut self, local: &'a syn::Local) {
        if !is_of_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        let name = pattern.ident.to_string();
        // The others are constants.
        if name.starts_with(|c: char| c.is_lowercase() || c == '_') {
            self.module().locals.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_path(&mut self, path: &'a Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_none() && is_a_name(&names) {
            self.mention(names, path.segments[0].ident.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a Macro) {
        visit::visit_macro(self, call);
        self.tokens(call.tokens.clone());
    }

    // Attributes and `pub(in path)` do not import what they name.
    fn visit_attribute(&mut self, _: &'a Attribute) {}
    fn visit_vis_restricted(&mut self, _: &'a syn::VisRestricted) {}
}

/// The attributes of an item, and the name that it defines.
fn parts(item: &Item) -> (&[Attribute], Option<&Ident>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.ident)),
        Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        Item::Impl(item) => (&item.attrs, None),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        Item::Mod(item) => (&item.attrs, None),
        Item::Static(item) => (&item.attrs, Some(&item.ident)),
        Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        Item::Type(item) => (&item.attrs, Some(&item.ident)),
        Item::Union(item) => (&item.attrs, Some(&item.ident)),
        Item::Use(item) => (&item.attrs, None),
        _ => (&[], None),
    }
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find(|attribute| attribute.path().is_ident("path")).map(|attribute| {
        let Meta::NameValue(meta) = &attribute.meta else { panic!("a path without a value") };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &meta.value else {
            panic!("a path that is no text")
        };
        text.value()
    })
}

/// Whether the item that follows is built only for tests.
fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let condition: Meta = attribute.parse_args().expect("a condition");
        needs_test(&condition)
    })
}

fn needs_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let parts = || {
        let parser = syn::punctuated::Punctuated::<Meta, Token![,]>::parse_terminated;
        list.parse_args_with(parser).expect("conditions")
    };
    if list.path.is_ident("all") {
        parts().iter().any(needs_test)
    } else {
        list.path.is_ident("any") && parts().iter().all(needs_test)
    }
}
