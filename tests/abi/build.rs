//! Reads the ABI twice, from `include/annoy.h` by bindgen and from `src/ffi` by syn, and writes the
//! tests that compare them: one for each function, constant and field that both have, and the lists
//! of all names.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::{Fields, ForeignItem, Item, Visibility};

/// What one side declares.
#[derive(Default)]
struct Side {
    /// Name and number of parameters.
    functions: BTreeMap<String, usize>,
    constants: BTreeMap<String, ()>,
    /// Name and field names, in order.
    structs: BTreeMap<String, Vec<String>>,
    types: BTreeMap<String, ()>,
    /// In which module of `annoy_rs::ffi` a name is; empty for bindgen's side.
    module: BTreeMap<String, String>,
}

impl Side {
    fn read(&mut self, items: &[Item], module: &str) {
        for item in items {
            let name = match item {
                Item::Fn(function)
                    if function
                        .attrs
                        .iter()
                        .any(|a| a.path().is_ident("no_mangle")) =>
                {
                    let name = function.sig.ident.to_string();
                    self.functions
                        .insert(name.clone(), function.sig.inputs.len());
                    name
                }
                Item::ForeignMod(block) => {
                    for item in &block.items {
                        if let ForeignItem::Fn(function) = item {
                            let name = function.sig.ident.to_string();
                            self.functions.insert(name, function.sig.inputs.len());
                        }
                    }
                    continue;
                }
                Item::Const(constant)
                    if is_public(&constant.vis)
                        && constant.ident.to_string().starts_with("ANNOY_") =>
                {
                    self.constants.insert(constant.ident.to_string(), ());
                    constant.ident.to_string()
                }
                Item::Struct(found) if is_public(&found.vis) => {
                    let fields = match &found.fields {
                        // Opaque: bindgen gives such a struct one private field, the library has
                        // what it likes.
                        Fields::Named(fields) if fields.named.iter().all(|f| is_public(&f.vis)) => {
                            let name = |f: &syn::Field| f.ident.as_ref().map(ToString::to_string);
                            fields.named.iter().filter_map(name).collect()
                        }
                        _ => Vec::new(),
                    };
                    self.structs.insert(found.ident.to_string(), fields);
                    found.ident.to_string()
                }
                Item::Type(alias) if is_public(&alias.vis) => {
                    self.types.insert(alias.ident.to_string(), ());
                    alias.ident.to_string()
                }
                _ => continue,
            };
            self.module.insert(name, module.to_string());
        }
    }

    /// The name with its path.
    fn path(&self, name: &str) -> String {
        match self.module.get(name).map(String::as_str) {
            Some("") | None => format!("header::{name}"),
            Some(module) => format!("annoy_rs::ffi::{module}::{name}"),
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn bindings(header: &Path) -> bindgen::Builder {
    bindgen::Builder::default()
        .header(header.to_str().expect("a path in UTF-8"))
        .allowlist_item("(annoy|ANNOY)_.*")
        .blocklist_item("ANNOY_RS_ANNOY_H") // the include guard
        .merge_extern_blocks(true)
        .formatter(bindgen::Formatter::Prettyplease)
}

fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let header = root.join("include/annoy.h");
    let ffi = root.join("src/ffi");
    println!("cargo:rerun-if-changed={}", header.display());
    println!("cargo:rerun-if-changed={}", ffi.display());
    println!("cargo:rerun-if-changed=c/calls.c");
    println!("cargo:rerun-if-env-changed=ANNOY_RS_BLESS");
    if env::var_os("ANNOY_RS_BLESS").is_some() {
        // The header is about to be written anew: what is made of the old one may not compile.
        return;
    }

    // The header by itself: structs, constants, types. bindgen adds assertions of each size and
    // offset as C has them.
    let whole = bindings(&header)
        .ignore_functions()
        .layout_tests(true)
        .generate()
        .expect("bindgen")
        .to_string()
        // Pointed to by fields: the two sides' are the same to C.
        .replace(
            "*const annoy_cancel",
            "*const annoy_rs::ffi::work::annoy_cancel",
        )
        .replace(
            "*const annoy_work",
            "*const annoy_rs::ffi::work::annoy_work",
        );
    fs::write(out.join("header.rs"), &whole).expect("write header.rs");

    // Its functions over the library's structs, so that a function of one side can be assigned to
    // the other's type.
    let functions = bindings(&header)
        .with_codegen_config(bindgen::CodegenConfig::FUNCTIONS | bindgen::CodegenConfig::TYPES)
        .blocklist_type("annoy_index|annoy_error|annoy_options|annoy_fault|annoy_info|annoy_kind|annoy_cancel|annoy_work|annoy_search_options|annoy_graph_options|annoy_vectors|annoy_results|annoy_labels|annoy_shard")
        .raw_line("use annoy_rs::ffi::{handle::{annoy_index, annoy_options}, status::annoy_error};")
        .raw_line("use annoy_rs::ffi::{options::annoy_search_options, work::{annoy_cancel, annoy_work}};")
        .raw_line("use annoy_rs::ffi::{search::annoy_results, shards::annoy_shard, vectors::annoy_vectors};")
        .raw_line("use annoy_rs::ffi::labels::annoy_labels;")
        .raw_line("use annoy_rs::ffi::graph::annoy_graph_options;")
        .raw_line("use annoy_rs::ffi::verify::{annoy_fault, annoy_info, annoy_kind};")
        .generate()
        .expect("bindgen")
        .to_string();
    fs::write(out.join("functions.rs"), &functions).expect("write functions.rs");

    let mut c = Side::default();
    for text in [&whole, &functions] {
        let file = syn::parse_file(text).expect("bindgen's text parses");
        c.read(&file.items, "");
    }
    let mut rust = Side::default();
    for entry in fs::read_dir(&ffi).expect("src/ffi") {
        let path = entry.expect("an entry").path();
        let module = path
            .file_stem()
            .and_then(|s| s.to_str())
            .expect("a name")
            .to_string();
        if !["mod", "guard"].contains(&module.as_str()) {
            let text = fs::read_to_string(&path).expect("a source file");
            rust.read(
                &syn::parse_file(&text).expect("src/ffi parses").items,
                &module,
            );
        }
    }
    fs::write(out.join("tests.rs"), tests(&c, &rust)).expect("write tests.rs");

    cc::Build::new()
        .file("c/calls.c")
        .include(root.join("include"))
        .std("c99")
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        .compile("calls");
}

fn tests(c: &Side, rust: &Side) -> String {
    let mut text = String::new();
    let mut lists = |kind: &str, of_c: Vec<&String>, of_rust: Vec<&String>| {
        let _ = writeln!(text, "pub const {kind}_IN_HEADER: &[&str] = &{of_c:?};");
        let _ = writeln!(text, "pub const {kind}_IN_RUST: &[&str] = &{of_rust:?};");
    };
    lists(
        "FUNCTIONS",
        c.functions.keys().collect(),
        rust.functions.keys().collect(),
    );
    lists(
        "CONSTANTS",
        c.constants.keys().collect(),
        rust.constants.keys().collect(),
    );
    lists(
        "STRUCTS",
        c.structs.keys().collect(),
        rust.structs.keys().collect(),
    );
    lists(
        "TYPES",
        c.types.keys().collect(),
        rust.types.keys().collect(),
    );

    for (name, arity) in c
        .functions
        .iter()
        .filter(|(name, _)| rust.functions.contains_key(*name))
    {
        let blanks = vec!["_"; *arity].join(", ");
        let path = rust.path(name);
        // The two functions take turns in one variable: a parameter or result of another type does
        // not compile.
        let _ = writeln!(
            text,
            "#[test]\nfn function_{name}() {{\n    \
             let mut function: unsafe extern \"C\" fn({blanks}) -> _ = functions::{name};\n    \
             let by_header = function as usize;\n    function = {path};\n    \
             assert_eq!(by_header, function as usize, \"the symbol is the library's function\");\n}}"
        );
    }
    for name in c
        .constants
        .keys()
        .filter(|name| rust.constants.contains_key(*name))
    {
        let path = rust.path(name);
        let _ = writeln!(
            text,
            "#[test]\nfn constant_{name}() {{\n    assert_eq!(header::{name} as i128, {path} as i128);\n}}"
        );
    }
    for (name, fields) in c
        .structs
        .iter()
        .filter(|(name, _)| rust.structs.contains_key(*name))
    {
        let path = rust.path(name);
        let ours = &rust.structs[name];
        let _ = writeln!(text, "#[test]\nfn struct_{name}() {{");
        if ours.is_empty() {
            // Opaque on the library's side: C must not know a size for it.
            let _ = writeln!(
                text,
                "    assert_eq!(size_of::<header::{name}>(), 0, \"opaque in C\");"
            );
        } else {
            let _ = writeln!(text, "    assert_eq!({fields:?}, {ours:?});");
            let _ = writeln!(
                text,
                "    assert_eq!(size_of::<header::{name}>(), size_of::<{path}>());"
            );
            let _ = writeln!(
                text,
                "    assert_eq!(align_of::<header::{name}>(), align_of::<{path}>());"
            );
            for field in fields.iter().filter(|field| ours.contains(field)) {
                let _ = writeln!(
                    text,
                    "    assert_eq!(offset_of!(header::{name}, {field}), offset_of!({path}, {field}));\n    \
                     same_field(|s: &header::{name}| s.{field}, |s: &{path}| s.{field});"
                );
            }
        }
        let _ = writeln!(text, "}}");
    }
    for name in c.types.keys().filter(|name| rust.types.contains_key(*name)) {
        let path = rust.path(name);
        let _ = writeln!(
            text,
            "#[test]\nfn type_{name}() {{\n    same_type::<header::{name}, {path}>(|x| x);\n}}"
        );
    }
    text
}
