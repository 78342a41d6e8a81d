//! What is refused, and that nothing is written then.

use super::*;
use annoy_rs::ffi::bytes::annoy_save_to_buffer;
use annoy_rs::ffi::file::{annoy_save_and_load, annoy_save_to};

/// A change that makes a view bad, and what is said of it.
type Bad<V> = (fn(&mut V), annoy_status, &'static str);

#[test]
fn vectors_that_cannot_be_are_refused() {
    let bad: [Bad<annoy_vectors>; 17] = [
        (
            |v| v.struct_size = 0,
            ANNOY_ERR_ARGUMENT,
            "size of annoy_vectors",
        ),
        (|v| v.struct_size += 1, ANNOY_ERR_ARGUMENT, "struct_size"),
        (|v| v.reserved = 1, ANNOY_ERR_ARGUMENT, "reserved is 1"),
        (|v| v.element = 7, ANNOY_ERR_ARGUMENT, "element is 7"),
        (|v| v.element = -1, ANNOY_ERR_ARGUMENT, "element is -1"),
        (|v| v.data = null_mut(), ANNOY_ERR_NULL, "data"),
        (
            |v| v.data = v.data.wrapping_byte_add(2),
            ANNOY_ERR_ARGUMENT,
            "data is at",
        ),
        (|v| v.stride = 8, ANNOY_ERR_ARGUMENT, "stride is 8"),
        (|v| v.stride = 14, ANNOY_ERR_ARGUMENT, "stride is 14"),
        (
            |v| v.stride = usize::MAX & !3,
            ANNOY_ERR_ARGUMENT,
            "elements long",
        ),
        (|v| v.len = usize::MAX, ANNOY_ERR_ARGUMENT, "len is"),
        (|v| v.len = usize::MAX / 4, ANNOY_ERR_ARGUMENT, "len is"),
        (|v| v.n = usize::MAX, ANNOY_ERR_ARGUMENT, "elements long"),
        (
            |v| (v.n, v.stride) = (1 << 40, 1 << 40),
            ANNOY_ERR_ARGUMENT,
            "elements long",
        ),
        (|v| v.len = 2, ANNOY_ERR_DIMENSION, "2 values"),
        (|v| v.len = 0, ANNOY_ERR_DIMENSION, "0 values"),
        (
            |v| (v.n, v.len) = (usize::MAX, 0),
            ANNOY_ERR_DIMENSION,
            "0 values",
        ),
    ];
    let (index, empty) = (line(), new(EUCLIDEAN, ANNOY_F32));
    let mut rows = [7.0f32; 6];
    let good = view(&mut rows, 0, F);
    let mut found = Found::new(2, 4);
    for (spoil, status, text) in bad {
        let mut vectors = good;
        spoil(&mut vectors);
        fails(status, text, empty.add(&[], &vectors));
        // SAFETY: a handle.
        assert_eq!(unsafe { annoy_get_n_items(empty.0) }, 0);
        let mut results = found.view(0);
        if vectors.n > 2 {
            // There is no room for the results of so many.
            (results.n, results.counts) = (0, null_mut());
        }
        fails(status, text, index.search(&vectors, &results));
        if vectors.n <= 30 {
            fails(status, text, index.get(&[], &vectors));
        }
    }
    let absent: *const annoy_vectors = null();
    let results = found.view(0);
    // SAFETY: NULL is looked at before all else.
    unsafe {
        let said = call(|error| annoy_add(empty.0, null(), absent, null(), error));
        fails(ANNOY_ERR_NULL, "vectors", said);
        let said = call(|error| annoy_get_vectors(index.0, null(), absent, error));
        fails(ANNOY_ERR_NULL, "to", said);
        let said = call(|e| annoy_search(index.0, absent, null(), &results, null(), e));
        fails(ANNOY_ERR_NULL, "queries", said);
        let status = annoy_search(null(), &good, null(), &results, null(), null_mut());
        assert_eq!(status, ANNOY_ERR_NULL);
    }
    assert!(found.is_untouched() && rows == [7.0; 6]);
}

#[test]
fn results_that_cannot_be_are_refused() {
    let bad: [Bad<annoy_results>; 7] = [
        (
            |r| r.struct_size = 7,
            ANNOY_ERR_ARGUMENT,
            "size of annoy_results",
        ),
        (|r| r.reserved = 1, ANNOY_ERR_ARGUMENT, "reserved is 1"),
        (
            |r| r.distance_element = 3,
            ANNOY_ERR_ARGUMENT,
            "distance_element is 3",
        ),
        (|r| r.ids = null_mut(), ANNOY_ERR_NULL, "ids"),
        (
            |r| r.ids = r.ids.wrapping_byte_add(1),
            ANNOY_ERR_ARGUMENT,
            "ids is at",
        ),
        (
            |r| r.distances = r.distances.wrapping_byte_add(2),
            ANNOY_ERR_ARGUMENT,
            "distances",
        ),
        (|r| r.n = usize::MAX, ANNOY_ERR_ARGUMENT, "n is"),
    ];
    let index = line();
    let mut rows = [1.0f32, 0.0, 0.0, 2.0, 0.0, 0.0];
    let queries = view(&mut rows, 0, F);
    let mut found = Found::new(2, 4);
    for (spoil, status, text) in bad {
        let mut results = found.view(0);
        spoil(&mut results);
        fails(status, text, index.search(&queries, &results));
        fails(status, text, index.search_items(&[0, 1], None, &results));
    }
    let (results, absent) = (found.view(0), null::<annoy_results>());
    // SAFETY: NULL is looked at before all else.
    unsafe {
        let said = call(|e| annoy_search(index.0, &queries, null(), absent, null(), e));
        fails(ANNOY_ERR_NULL, "results", said);
        let said = call(|e| annoy_search_items(index.0, null(), 2, null(), &results, null(), e));
        fails(ANNOY_ERR_NULL, "items", said);
    }
    let said = index.search_items(&[0, 30], None, &results);
    fails(ANNOY_ERR_ITEM, "item id is 30", said);
    assert!(found.is_untouched());
}

#[test]
fn adding_is_all_or_none() {
    let index = new(EUCLIDEAN, ANNOY_F32);
    let mut rows = [0x3c00u16, 0, 0, 0, 0x7c00, 0];
    let said = index.add(&[], &view(&mut rows, ANNOY_ELEMENT_F16, F));
    fails(
        ANNOY_ERR_NOT_FINITE,
        "value 1 of the vector of item 1",
        said,
    );
    // SAFETY: a handle.
    assert_eq!(unsafe { annoy_get_n_items(index.0) }, 0);
}

#[test]
fn saving_gives_up_when_told() {
    let (index, token) = (line(), annoy_cancel_new());
    let work = annoy_work {
        struct_size: size_of::<annoy_work>(),
        cancel: token,
        // SAFETY: zeros are the defaults.
        ..unsafe { std::mem::zeroed() }
    };
    let mut room = vec![0u8; 1 << 16];
    let (to, len) = (room.as_mut_ptr().cast(), room.len());
    let directory = crate::common::scratch();
    let path = directory.path().join("saved.ann");
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    let (name, mut size) = (name.as_ptr(), 0);
    // SAFETY: handles and room that are there.
    unsafe {
        ok(call(|e| {
            annoy_save_to_buffer(index.0, to, len, &mut size, &work, e)
        }));
        annoy_cancel_set(token);
        for said in [
            call(|e| annoy_save_to_buffer(index.0, to, len, &mut size, &work, e)),
            call(|e| annoy_save_and_load(index.0, name, 0, &work, e)),
            call(|e| annoy_save_to(index.0, name, &work, e)),
        ] {
            fails(ANNOY_ERR_CANCELLED, "cancelled", said);
        }
        assert!(!path.exists());
        ok(call(|e| annoy_save_and_load(index.0, name, 0, null(), e)));
        annoy_cancel_free(token);
    }
}

unsafe extern "C" fn sets(token: *mut c_void, _: i64) -> i32 {
    // SAFETY: the token that was handed in.
    unsafe { annoy_cancel_set(token.cast()) };
    1
}

#[test]
fn work_is_a_parameter_and_a_cancelled_query_writes_nothing() {
    let index = line();
    let mut rows = [1.0f32, 0.0, 0.0, 2.0, 0.0, 0.0];
    let queries = view(&mut rows, 0, F);
    let token = annoy_cancel_new();
    let mut work = annoy_work {
        struct_size: size_of::<annoy_work>(),
        cancel: token,
        // SAFETY: zeros are the defaults.
        ..unsafe { std::mem::zeroed() }
    };
    let mut found = Found::new(2, 2);
    ok(index.search_with(&queries, None, &found.view(0), Some(&work)));
    assert_eq!(found.ids, [1, 0, 2, 1]);

    // A token that is set while the only query is answered, then one that is set before.
    let mut found = Found::new(1, 2);
    let results = found.view(0);
    let one = annoy_vectors { n: 1, ..queries };
    let mut options = annoy_search_options {
        filter: Some(sets),
        filter_user: token.cast(),
        ..plain()
    };
    for _ in 0..2 {
        let said = index.search_with(&one, Some(&options), &results, Some(&work));
        fails(ANNOY_ERR_CANCELLED, "cancelled", said);
        options.filter = None;
    }
    work.n_threads = -2;
    let said = index.search_with(&one, None, &results, Some(&work));
    fails(ANNOY_ERR_ARGUMENT, "n_threads", said);
    assert!(found.is_untouched());
    // SAFETY: nothing looks at it any more.
    unsafe { annoy_cancel_free(token) };
}
