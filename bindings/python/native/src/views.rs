//! Calls that take views, with the fields one by one.

use annoy_rs::ffi::handle::annoy_index;
use annoy_rs::ffi::insert::annoy_insert;
use annoy_rs::ffi::labels::annoy_labels;
use annoy_rs::ffi::options::annoy_search_options;
use annoy_rs::ffi::recall::annoy_tune;
use annoy_rs::ffi::search::{annoy_results, annoy_search, annoy_search_items};
use annoy_rs::ffi::status::{annoy_error, annoy_status};
use annoy_rs::ffi::vectors::{annoy_add, annoy_element, annoy_get_vectors, annoy_vectors};
use annoy_rs::ffi::work::annoy_work;
use std::ffi::c_void;
use std::mem::size_of;
use std::ptr::null;

fn vectors(
    data: *mut c_void,
    element: annoy_element,
    n: usize,
    len: usize,
    stride: usize,
) -> annoy_vectors {
    annoy_vectors {
        struct_size: size_of::<annoy_vectors>(),
        data,
        element,
        reserved: 0,
        n,
        len,
        stride,
    }
}

#[no_mangle]
unsafe extern "C" fn views_add(
    index: *mut annoy_index,
    ids: *const i64,
    data: *mut c_void,
    element: annoy_element,
    n: usize,
    len: usize,
    stride: usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    let vectors = vectors(data, element, n, len, stride);
    // SAFETY: handed on.
    unsafe { annoy_add(index, ids, &vectors, work, error) }
}

#[no_mangle]
unsafe extern "C" fn views_insert(
    index: *mut annoy_index,
    ids: *const i64,
    data: *mut c_void,
    element: annoy_element,
    n: usize,
    len: usize,
    stride: usize,
    labels: *const annoy_labels,
    flags: u64,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    let vectors = vectors(data, element, n, len, stride);
    // SAFETY: handed on.
    unsafe { annoy_insert(index, ids, &vectors, labels, flags, work, error) }
}

#[no_mangle]
unsafe extern "C" fn views_tune(
    index: *mut annoy_index,
    data: *mut c_void,
    element: annoy_element,
    n: usize,
    len: usize,
    stride: usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    let queries = vectors(data, element, n, len, stride);
    // SAFETY: handed on.
    unsafe { annoy_tune(index, &queries, work, error) }
}

#[no_mangle]
unsafe extern "C" fn views_get(
    index: *const annoy_index,
    ids: *const i64,
    data: *mut c_void,
    element: annoy_element,
    n: usize,
    len: usize,
    error: *mut annoy_error,
) -> annoy_status {
    let to = vectors(data, element, n, len, 0);
    // SAFETY: handed on.
    unsafe { annoy_get_vectors(index, ids, &to, error) }
}

#[no_mangle]
unsafe extern "C" fn views_search(
    index: *const annoy_index,
    items: *const i64,
    data: *mut c_void,
    element: annoy_element,
    n_queries: usize,
    len: usize,
    stride: usize,
    search_k: i64,
    options: *const annoy_search_options,
    ids: *mut i64,
    distances: *mut c_void,
    distance_element: annoy_element,
    counts: *mut usize,
    n: usize,
    work: *const annoy_work,
    error: *mut annoy_error,
) -> annoy_status {
    let results = annoy_results {
        struct_size: size_of::<annoy_results>(),
        ids,
        distances,
        distance_element,
        reserved: 0,
        counts,
        n,
        n_missing: std::ptr::null_mut(),
        generation: std::ptr::null_mut(),
    };
    let plain = annoy_search_options {
        struct_size: size_of::<annoy_search_options>(),
        flags: 0,
        search_k,
        max_distance: 0.0,
        bitmap: null(),
        bitmap_bits: 0,
        exclude: null(),
        n_exclude: 0,
        filter: None,
        filter_user: std::ptr::null_mut(),
        method: 0,
        reserved: 0,
        recall: 0.0,
        shards: null(),
        n_shards: 0,
    };
    let options = if options.is_null() { &plain } else { options };
    if items.is_null() {
        let queries = vectors(data, element, n_queries, len, stride);
        // SAFETY: handed on.
        unsafe { annoy_search(index, &queries, options, &results, work, error) }
    } else {
        // SAFETY: handed on.
        unsafe { annoy_search_items(index, items, n_queries, options, &results, work, error) }
    }
}
