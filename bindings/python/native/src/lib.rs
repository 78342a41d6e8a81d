//! The extension module: cffi's C code calls the library, and these.
#![allow(clippy::missing_safety_doc)] // guarded.h and views.h say what each function takes

mod guarded;
mod progress;
mod searches;
mod views;

extern "C" {
    /// cffi's.
    fn annoy_rs_native_init() -> *mut pyo3_ffi::PyObject;
}

/// Where Python begins to import the module. The linker hides what C alone has.
#[no_mangle]
pub unsafe extern "C" fn PyInit__native() -> *mut pyo3_ffi::PyObject {
    // SAFETY: Python calls this once, with its lock held.
    unsafe { annoy_rs_native_init() }
}
