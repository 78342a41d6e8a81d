//! `annoy_vectors` and `annoy_results`, the views of the C ABI, and the calls that take them.

mod refused;

use annoy_rs::ffi::build::annoy_build;
use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::nearest::annoy_get_nns_by_vector;
use annoy_rs::ffi::options::*;
use annoy_rs::ffi::search::*;
use annoy_rs::ffi::status::*;
use annoy_rs::ffi::vectors::*;
use annoy_rs::ffi::work::*;
use std::ffi::{c_void, CStr};
use std::ptr::{from_ref, null, null_mut};

const F: usize = 3;

/// Its index, freed in the end.
struct Handle(*mut annoy_index);

/// What a call returned, and its message.
type Said = (annoy_status, String);

// The views that tests make are of memory that is there, or are refused before it is looked at.
impl Handle {
    fn add(&self, ids: &[i64], vectors: &annoy_vectors) -> Said {
        let ids = match ids {
            [] => null(),
            ids => ids.as_ptr(),
        };
        // SAFETY: as above.
        call(|error| unsafe { annoy_add(self.0, ids, vectors, null(), error) })
    }

    fn get(&self, ids: &[i64], to: &annoy_vectors) -> Said {
        let ids = match ids {
            [] => null(),
            ids => ids.as_ptr(),
        };
        // SAFETY: as above.
        call(|error| unsafe { annoy_get_vectors(self.0, ids, to, error) })
    }

    fn search(&self, queries: &annoy_vectors, results: &annoy_results) -> Said {
        self.search_with(queries, None, results, None)
    }

    fn search_with(
        &self,
        queries: &annoy_vectors,
        options: Option<&annoy_search_options>,
        results: &annoy_results,
        work: Option<&annoy_work>,
    ) -> Said {
        let options = options.map_or(null(), from_ref);
        let work = work.map_or(null(), from_ref);
        // SAFETY: as above.
        call(|error| unsafe { annoy_search(self.0, queries, options, results, work, error) })
    }

    fn search_items(
        &self,
        items: &[i64],
        options: Option<&annoy_search_options>,
        results: &annoy_results,
    ) -> Said {
        let (at, n) = (items.as_ptr(), items.len());
        let options = options.map_or(null(), from_ref);
        // SAFETY: as above.
        call(|error| unsafe { annoy_search_items(self.0, at, n, options, results, null(), error) })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `new`.
        unsafe { annoy_free(self.0) };
    }
}

/// An empty index over `F` numbers, or over 70 bits.
fn new(metric: i32, scalar: annoy_scalar) -> Handle {
    let options = annoy_options {
        struct_size: size_of::<annoy_options>(),
        metric,
        scalar,
        id_bits: 0,
        flags: 0,
        f: if metric == HAMMING { 70 } else { F },
    };
    let mut index = null_mut();
    // SAFETY: a struct, and room for a handle.
    ok(call(|error| unsafe {
        annoy_new_with(&options, &mut index, error)
    }));
    Handle(index)
}

const EUCLIDEAN: i32 = 2;
const HAMMING: i32 = 4;

fn call(body: impl FnOnce(*mut annoy_error) -> annoy_status) -> Said {
    let mut error = annoy_error {
        code: 0,
        os_errno: 0,
        message: [0; 504],
    };
    let status = body(&mut error);
    // SAFETY: the library ends every message with NUL.
    let message = unsafe { CStr::from_ptr(error.message.as_ptr()) };
    (status, message.to_str().unwrap().to_string())
}

#[track_caller]
fn ok(said: Said) {
    assert_eq!(said, (ANNOY_OK, String::new()));
}

#[track_caller]
fn fails(status: annoy_status, text: &str, (found, message): Said) {
    assert_eq!(found, status, "{message}");
    assert!(message.contains(text), "{message}, expected {text}");
}

/// Rows of `len` elements, one behind the other.
fn view<T>(data: &mut [T], element: annoy_element, len: usize) -> annoy_vectors {
    annoy_vectors {
        struct_size: size_of::<annoy_vectors>(),
        data: data.as_mut_ptr().cast(),
        element,
        reserved: 0,
        n: data.len() / len,
        len,
        stride: 0,
    }
}

/// Room for the results of some queries, for each of what they may be.
struct Found {
    ids: Vec<i64>,
    f32s: Vec<f32>,
    f64s: Vec<f64>,
    counts: Vec<usize>,
    n: usize,
}

impl Found {
    fn new(n_queries: usize, n: usize) -> Self {
        Found {
            ids: vec![-7; n_queries * n],
            f32s: vec![-7.0; n_queries * n],
            f64s: vec![-7.0; n_queries * n],
            counts: vec![77; n_queries],
            n,
        }
    }

    fn view(&mut self, distance_element: annoy_element) -> annoy_results {
        annoy_results {
            struct_size: size_of::<annoy_results>(),
            ids: self.ids.as_mut_ptr(),
            distances: match distance_element {
                ANNOY_ELEMENT_F64 => self.f64s.as_mut_ptr().cast(),
                _ => self.f32s.as_mut_ptr().cast(),
            },
            distance_element,
            reserved: 0,
            counts: self.counts.as_mut_ptr(),
            n: self.n,
            n_missing: null_mut(),
            generation: null_mut(),
        }
    }

    fn is_untouched(&self) -> bool {
        self.ids.iter().all(|&id| id == -7)
            && self.f32s.iter().all(|&d| d == -7.0)
            && self.counts.iter().all(|&n| n == 77)
    }
}

fn build(index: &Handle) {
    // SAFETY: a handle.
    ok(call(|error| unsafe { annoy_build(index.0, 4, 1, error) }));
}

/// 0 to 29 on a line, in an index of f32.
fn line() -> Handle {
    let index = new(EUCLIDEAN, ANNOY_F32);
    let mut rows: Vec<f32> = (0..30).flat_map(|i| [i as f32, 0.0, 0.0]).collect();
    ok(index.add(&[], &view(&mut rows, 0, F)));
    build(&index);
    index
}

/// Options that say nothing.
fn plain() -> annoy_search_options {
    annoy_search_options {
        struct_size: size_of::<annoy_search_options>(),
        // SAFETY: zeros are the defaults.
        ..unsafe { std::mem::zeroed() }
    }
}

#[test]
fn every_element_goes_in_as_the_numbers_it_stands_for() {
    let numbers = [1.0f64, -2.5, 0.0, 3.0, 100.0, -128.0];
    let mut f32s = numbers.map(|x| x as f32);
    let mut f64s = numbers;
    let mut f16s = numbers.map(|x| half::f16::from_f64(x).to_bits());
    let mut bf16s = numbers.map(|x| half::bf16::from_f64(x).to_bits());
    let mut i8s = numbers.map(|x| x as i8);
    for (vectors, only) in [
        (view(&mut f32s, 0, F), ANNOY_F32),
        (view(&mut f32s, ANNOY_ELEMENT_F32, F), ANNOY_F32),
        (view(&mut f64s, ANNOY_ELEMENT_F64, F), ANNOY_F64),
        (view(&mut f16s, ANNOY_ELEMENT_F16, F), 0),
        (view(&mut bf16s, ANNOY_ELEMENT_BF16, F), 0),
        (view(&mut i8s, ANNOY_ELEMENT_I8, F), 0),
    ] {
        for scalar in [ANNOY_F32, ANNOY_F64] {
            let index = new(EUCLIDEAN, scalar);
            if only != 0 && only != scalar {
                fails(ANNOY_ERR_UNSUPPORTED, "made of f", index.add(&[], &vectors));
                continue;
            }
            ok(index.add(&[], &vectors));
            let (mut to32, mut to64) = ([7.0f32; 6], [7.0f64; 6]);
            if scalar == ANNOY_F32 {
                ok(index.get(&[], &view(&mut to32, ANNOY_ELEMENT_F32, F)));
                to64 = to32.map(f64::from);
            } else {
                ok(index.get(&[], &view(&mut to64, ANNOY_ELEMENT_F64, F)));
            }
            let mut expected = numbers;
            if vectors.element == ANNOY_ELEMENT_I8 {
                expected[1] = -2.0;
            }
            assert_eq!(to64, expected, "element {}", vectors.element);
            // And as queries.
            build(&index);
            let mut found = Found::new(2, 1);
            ok(index.search(&vectors, &found.view(ANNOY_ELEMENT_F64)));
            assert_eq!((&*found.ids, &*found.f64s), (&[0, 1][..], &[0.0; 2][..]));
        }
    }
}

#[test]
fn bits_go_in_by_words_and_by_numbers() {
    let index = new(HAMMING, ANNOY_DEFAULT);
    ok(index.add(&[], &view(&mut [5u64, 1, 0, 0], ANNOY_ELEMENT_BITS, 2)));
    let mut numbers = [0f32; 70];
    numbers[0] = 1.0;
    ok(index.add(&[], &view(&mut numbers, 0, 70)));
    let mut to = [7u64; 6];
    ok(index.get(&[], &view(&mut to, ANNOY_ELEMENT_BITS, 2)));
    assert_eq!(to, [5, 1, 0, 0, 1, 0]);
    for element in [ANNOY_ELEMENT_F16, ANNOY_ELEMENT_BF16] {
        let short = &mut [0u16; 70];
        let said = index.add(&[], &view(short, element, 70));
        fails(ANNOY_ERR_UNSUPPORTED, "f16", said);
    }
    let said = index.add(&[], &view(&mut [0i8; 70], ANNOY_ELEMENT_I8, 70));
    fails(ANNOY_ERR_UNSUPPORTED, "made of i8", said);
    build(&index);
    let mut found = Found::new(3, 3);
    ok(index.search(&view(&mut to, ANNOY_ELEMENT_BITS, 2), &found.view(0)));
    assert_eq!(found.ids, [0, 2, 1, 1, 2, 0, 2, 1, 0]);
    assert_eq!(found.f32s, [0.0, 2.0, 3.0, 0.0, 1.0, 3.0, 0.0, 1.0, 2.0]);
}

#[test]
fn rows_may_be_apart_and_have_ids() {
    let index = new(EUCLIDEAN, ANNOY_F32);
    // Rows of 3 numbers, 20 bytes apart; the last ends where its numbers end.
    let apart = |data: &mut [f32; 13]| annoy_vectors {
        n: 3,
        stride: 20,
        ..view(data, 0, F)
    };
    let ids = [4i64, 0, 2];
    ok(index.add(&ids, &apart(&mut std::array::from_fn(|i| i as f32))));
    let mut to = [7.0f32; 13];
    ok(index.get(&ids, &apart(&mut to)));
    let expected = [0., 1., 2., 7., 7., 5., 6., 7., 7., 7., 10., 11., 12.];
    assert_eq!(to, expected);
    // A hole reads as zeros.
    let mut hole = [7.0f32; 3];
    ok(index.get(&[1], &view(&mut hole, 0, F)));
    assert_eq!(hole, [0.0; 3]);
    // None at all when one is not there.
    let (mut two, mut six) = ([7.0f32; 6], [7.0f32; 18]);
    let said = index.get(&[0, 5], &view(&mut two, 0, F));
    fails(ANNOY_ERR_ITEM, "item id is 5", said);
    let said = index.get(&[], &view(&mut six, 0, F));
    fails(ANNOY_ERR_ITEM, "item id is 5", said);
    let said = index.get(&[], &view(&mut two, 0, 2));
    fails(ANNOY_ERR_DIMENSION, "2 values", said);
    let said = index.get(&[], &view(&mut [7.0f64; 3], ANNOY_ELEMENT_F64, F));
    fails(ANNOY_ERR_UNSUPPORTED, "f64", said);
    for element in [ANNOY_ELEMENT_F16, ANNOY_ELEMENT_BF16, ANNOY_ELEMENT_I8] {
        let said = index.get(&[], &view(&mut two[..3], element, F));
        fails(ANNOY_ERR_UNSUPPORTED, "given out", said);
    }
    assert!(two.iter().chain(&six).all(|&x| x == 7.0));
}

#[test]
fn one_query_is_as_by_the_call_for_one() {
    let index = line();
    let mut query = [11.2f32, 0.0, 0.0];
    let (mut ids, mut distances, mut count) = ([-7; 5], [-7.0; 5], 77);
    let (to, near, at) = (ids.as_mut_ptr(), distances.as_mut_ptr(), query.as_ptr());
    // SAFETY: a handle, a query, and room for five.
    ok(call(|error| unsafe {
        annoy_get_nns_by_vector(index.0, at, F, 5, -1, to, near, &mut count, error)
    }));
    let mut found = Found::new(1, 5);
    ok(index.search(&view(&mut query, 0, F), &found.view(0)));
    assert_eq!(found.ids, ids);
    assert_eq!(found.f32s, distances);
    assert_eq!(found.counts, [count]);
}

#[test]
fn what_is_left_of_a_row_is_minus_one_and_nan() {
    let index = line();
    let options = annoy_search_options {
        flags: ANNOY_SEARCH_MAX_DISTANCE | ANNOY_SEARCH_EXCLUDE_SELF,
        max_distance: 1.5,
        ..plain()
    };
    let nan_as_minus_1 = |found: &Found| -> Vec<f64> {
        let all = found.f64s.iter();
        all.map(|&x| if x.is_nan() { -1.0 } else { x }).collect()
    };
    let mut rows = [2.0f32, 0.0, 0.0, 29.0, 0.0, 0.0];
    let (mut found, queries) = (Found::new(2, 3), view(&mut rows, 0, F));
    let results = found.view(ANNOY_ELEMENT_F64);
    ok(index.search_with(&queries, Some(&options), &results, None));
    assert_eq!(found.ids, [2, 1, 3, 29, 28, -1]);
    assert_eq!(found.counts, [3, 2]);
    assert_eq!(nan_as_minus_1(&found), [0.0, 1.0, 1.0, 0.0, 1.0, -1.0]);

    let mut alone = Found::new(1, 3);
    let queries = view(&mut rows[3..], 0, F);
    let results = alone.view(ANNOY_ELEMENT_F64);
    ok(index.search_with(&queries, Some(&options), &results, None));
    assert_eq!(alone.ids, [29, 28, -1]);
    assert_eq!(nan_as_minus_1(&alone), [0.0, 1.0, -1.0]);

    let mut found = Found::new(2, 3);
    let results = found.view(ANNOY_ELEMENT_F64);
    ok(index.search_items(&[2, 29], Some(&options), &results));
    assert_eq!(found.ids, [1, 3, -1, 28, -1, -1]);
    assert_eq!(found.counts, [2, 1]);
    assert_eq!(nan_as_minus_1(&found), [1.0, 1.0, -1.0, 1.0, -1.0, -1.0]);
}

#[test]
fn nothing_is_asked_and_nothing_is_wanted() {
    let index = line();
    let none = annoy_vectors {
        data: null_mut(),
        ..view::<f32>(&mut [], 0, F)
    };
    let nowhere = annoy_results {
        ids: null_mut(),
        distances: null_mut(),
        counts: null_mut(),
        ..Found::new(0, 5).view(0)
    };
    ok(index.search(&none, &nowhere));
    ok(index.search_items(&[], None, &nowhere));
    ok(index.get(&[], &none));
    ok(new(EUCLIDEAN, ANNOY_F32).add(&[], &none));
    // No neighbours wanted, then no distances and counts.
    let mut query = [1.0f32, 0.0, 0.0];
    let query = view(&mut query, 0, F);
    ok(index.search(&query, &annoy_results { n: 0, ..nowhere }));
    let mut found = Found::new(1, 2);
    let ids_only = annoy_results {
        distances: null_mut(),
        counts: null_mut(),
        ..found.view(ANNOY_ELEMENT_F64)
    };
    ok(index.search(&query, &ids_only));
    assert_eq!(found.ids, [1, 0]);
    assert_eq!(found.counts, [77]);
}

#[test]
fn the_method_is_a_field_of_its_own() {
    let index = line();
    let mut query = [1.0f32, 0.0, 0.0];
    let query = view(&mut query, 0, F);
    let mut found = Found::new(1, 2);
    let results = found.view(0);
    let mut options = plain();
    for method in [
        ANNOY_METHOD_DEFAULT,
        ANNOY_METHOD_FOREST,
        ANNOY_METHOD_EXACT,
    ] {
        options.method = method;
        ok(index.search_with(&query, Some(&options), &results, None));
        assert_eq!(found.ids[0], 1);
    }
    for (method, status, text) in [
        (ANNOY_METHOD_GRAPH, ANNOY_ERR_STATE, "graph"),
        (5, ANNOY_ERR_ARGUMENT, "method is 5"),
        (-1, ANNOY_ERR_ARGUMENT, "method is -1"),
    ] {
        options.method = method;
        let said = index.search_with(&query, Some(&options), &results, None);
        fails(status, text, said);
    }
}
