//! What [`lists`](super::lists) need of elsewhere. tests/loom has loom's in place of these.

pub(super) use crate::error::{reserve, Result};
pub(super) use crate::kernel::prefetch;
pub(super) use crate::storage::Atomics;
pub(super) use std::hint::spin_loop;
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
