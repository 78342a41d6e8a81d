//! Tests that `include/annoy.h` says what `annoy_rs::ffi` is; `build.rs` writes most of them. Run
//! by `cargo test -p annoy_rs_abi`; needs libclang (Debian: libclang-dev).

#![cfg(test)]

/// The header as bindgen reads it.
#[allow(dead_code, non_camel_case_types)]
mod header {
    include!(concat!(env!("OUT_DIR"), "/header.rs"));
}

/// Its functions over the library's own structs, one of which C sees only by pointer and has no C
/// layout.
#[allow(dead_code, non_camel_case_types, improper_ctypes)]
mod functions {
    include!(concat!(env!("OUT_DIR"), "/functions.rs"));
}

/// One test for each name that both sides have, and the lists of names.
#[allow(non_snake_case)]
mod each {
    use super::{functions, header};
    use std::mem::offset_of;

    /// Compiles only when both are of one type.
    fn same_type<A, B>(_: fn(A) -> B)
    where
        fn(A) -> B: Same<A, B>,
    {
    }

    trait Same<A, B> {}
    impl<A> Same<A, A> for fn(A) -> A {}

    /// Compiles only when the fields are of one type.
    fn same_field<A, B, T>(_: fn(&A) -> T, _: fn(&B) -> T) {}

    include!(concat!(env!("OUT_DIR"), "/tests.rs"));
}

fn names_agree(header: &[&str], rust: &[&str], at_least: usize) {
    let lacks = |a: &[&str], b: &[&str]| -> Vec<String> {
        let missing = b.iter().filter(|name| !a.contains(name));
        missing.map(ToString::to_string).collect()
    };
    let none: [String; 0] = [];
    assert_eq!(lacks(header, rust), none, "in src/ffi, not in annoy.h");
    assert_eq!(lacks(rust, header), none, "in annoy.h, not in src/ffi");
    // Empty lists would agree, too.
    assert!(header.len() >= at_least, "only {header:?}");
}

#[test]
fn names_of_functions() {
    names_agree(each::FUNCTIONS_IN_HEADER, each::FUNCTIONS_IN_RUST, 39);
}

#[test]
fn names_of_constants() {
    names_agree(each::CONSTANTS_IN_HEADER, each::CONSTANTS_IN_RUST, 29);
}

#[test]
fn names_of_structs() {
    names_agree(each::STRUCTS_IN_HEADER, each::STRUCTS_IN_RUST, 3);
}

#[test]
fn names_of_types() {
    names_agree(each::TYPES_IN_HEADER, each::TYPES_IN_RUST, 4);
}

extern "C" {
    static c_layout: [usize; 122];
    static c_layout_len: usize;
    fn c_calls(error: *mut annoy_rs::ffi::status::annoy_error) -> i32;
}

#[test]
fn layout_as_the_c_compiler_has_it() {
    use annoy_rs::ffi::graph::annoy_graph_options;
    use annoy_rs::ffi::handle::{annoy_options, annoy_scalar};
    use annoy_rs::ffi::labels::annoy_labels;
    use annoy_rs::ffi::library::annoy_metric;
    use annoy_rs::ffi::log::annoy_log_fn;
    use annoy_rs::ffi::options::{annoy_method, annoy_search_options};
    use annoy_rs::ffi::search::annoy_results;
    use annoy_rs::ffi::shards::annoy_shard;
    use annoy_rs::ffi::status::{annoy_error, annoy_status};
    use annoy_rs::ffi::vectors::{annoy_element, annoy_vectors};
    use annoy_rs::ffi::verify::{annoy_fault, annoy_info, annoy_kind};
    use annoy_rs::ffi::work::{annoy_progress_fn, annoy_stage, annoy_work};
    use std::mem::offset_of;
    // In the order of c/calls.c.
    let rust = [
        size_of::<annoy_error>(),
        offset_of!(annoy_error, code),
        offset_of!(annoy_error, os_errno),
        offset_of!(annoy_error, message),
        size_of::<annoy_options>(),
        offset_of!(annoy_options, struct_size),
        offset_of!(annoy_options, metric),
        offset_of!(annoy_options, scalar),
        offset_of!(annoy_options, id_bits),
        offset_of!(annoy_options, flags),
        offset_of!(annoy_options, f),
        size_of::<annoy_fault>(),
        offset_of!(annoy_fault, node),
        offset_of!(annoy_fault, text),
        size_of::<annoy_info>(),
        offset_of!(annoy_info, struct_size),
        offset_of!(annoy_info, n_items),
        offset_of!(annoy_info, n_present),
        offset_of!(annoy_info, n_trees),
        offset_of!(annoy_info, n_nodes),
        offset_of!(annoy_info, n_splits),
        offset_of!(annoy_info, n_coin_splits),
        offset_of!(annoy_info, n_leaves),
        offset_of!(annoy_info, depth),
        offset_of!(annoy_info, bytes),
        offset_of!(annoy_info, seed),
        offset_of!(annoy_info, node_size),
        offset_of!(annoy_info, max_leaf),
        offset_of!(annoy_info, leaf_fill),
        offset_of!(annoy_info, imbalance),
        offset_of!(annoy_info, is_loaded),
        offset_of!(annoy_info, is_described),
        offset_of!(annoy_info, has_seed),
        offset_of!(annoy_info, reserved),
        offset_of!(annoy_info, n_removed),
        offset_of!(annoy_info, graph_degree),
        offset_of!(annoy_info, graph_code_bytes),
        offset_of!(annoy_info, graph_recall),
        offset_of!(annoy_info, scan_lists),
        offset_of!(annoy_info, scan_search_k),
        offset_of!(annoy_info, scan_recall),
        offset_of!(annoy_info, n_tuned),
        size_of::<annoy_kind>(),
        offset_of!(annoy_kind, metric),
        offset_of!(annoy_kind, scalar),
        offset_of!(annoy_kind, id_bits),
        offset_of!(annoy_kind, reserved),
        offset_of!(annoy_kind, f),
        offset_of!(annoy_kind, n_items),
        offset_of!(annoy_kind, n_trees),
        offset_of!(annoy_kind, layout),
        size_of::<annoy_search_options>(),
        offset_of!(annoy_search_options, struct_size),
        offset_of!(annoy_search_options, flags),
        offset_of!(annoy_search_options, search_k),
        offset_of!(annoy_search_options, max_distance),
        offset_of!(annoy_search_options, bitmap),
        offset_of!(annoy_search_options, bitmap_bits),
        offset_of!(annoy_search_options, exclude),
        offset_of!(annoy_search_options, n_exclude),
        offset_of!(annoy_search_options, filter),
        offset_of!(annoy_search_options, filter_user),
        offset_of!(annoy_search_options, method),
        offset_of!(annoy_search_options, reserved),
        offset_of!(annoy_search_options, recall),
        offset_of!(annoy_search_options, shards),
        offset_of!(annoy_search_options, n_shards),
        size_of::<annoy_vectors>(),
        offset_of!(annoy_vectors, struct_size),
        offset_of!(annoy_vectors, data),
        offset_of!(annoy_vectors, element),
        offset_of!(annoy_vectors, reserved),
        offset_of!(annoy_vectors, n),
        offset_of!(annoy_vectors, len),
        offset_of!(annoy_vectors, stride),
        size_of::<annoy_labels>(),
        offset_of!(annoy_labels, struct_size),
        offset_of!(annoy_labels, kind),
        offset_of!(annoy_labels, reserved),
        offset_of!(annoy_labels, n),
        offset_of!(annoy_labels, numbers),
        offset_of!(annoy_labels, bytes),
        offset_of!(annoy_labels, offsets),
        size_of::<annoy_results>(),
        offset_of!(annoy_results, struct_size),
        offset_of!(annoy_results, ids),
        offset_of!(annoy_results, distances),
        offset_of!(annoy_results, distance_element),
        offset_of!(annoy_results, reserved),
        offset_of!(annoy_results, counts),
        offset_of!(annoy_results, n),
        offset_of!(annoy_results, n_missing),
        offset_of!(annoy_results, generation),
        size_of::<annoy_shard>(),
        offset_of!(annoy_shard, file),
        offset_of!(annoy_shard, partition),
        offset_of!(annoy_shard, removed),
        offset_of!(annoy_shard, n_removed),
        size_of::<annoy_graph_options>(),
        offset_of!(annoy_graph_options, struct_size),
        offset_of!(annoy_graph_options, degree),
        offset_of!(annoy_graph_options, candidates),
        offset_of!(annoy_graph_options, alpha),
        offset_of!(annoy_graph_options, rounds),
        offset_of!(annoy_graph_options, sample),
        offset_of!(annoy_graph_options, n_trees),
        offset_of!(annoy_graph_options, reserved),
        size_of::<annoy_work>(),
        offset_of!(annoy_work, struct_size),
        offset_of!(annoy_work, n_threads),
        offset_of!(annoy_work, reserved),
        offset_of!(annoy_work, cancel),
        offset_of!(annoy_work, progress),
        offset_of!(annoy_work, progress_user),
        size_of::<annoy_status>(),
        size_of::<annoy_metric>(),
        size_of::<annoy_scalar>(),
        size_of::<annoy_log_fn>(),
        size_of::<annoy_stage>(),
        size_of::<annoy_element>(),
        size_of::<annoy_method>(),
        size_of::<annoy_progress_fn>(),
    ];
    // SAFETY: constants of c/calls.c, of that type; the array is only read once its length is known
    // to be right.
    let c = unsafe {
        assert_eq!(c_layout_len, rust.len());
        c_layout
    };
    assert_eq!(c, rust);
}

#[test]
fn calls_from_c() {
    let mut error = annoy_rs::ffi::status::annoy_error {
        code: 0,
        os_errno: 0,
        message: [0; 504],
    };
    // SAFETY: room for an error.
    let step = unsafe { c_calls(&mut error) };
    // SAFETY: the library ends every message with NUL.
    let message = unsafe { std::ffi::CStr::from_ptr(error.message.as_ptr()) };
    assert_eq!(step, 0, "step of c_calls in c/calls.c, {message:?}");
}
