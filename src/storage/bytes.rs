//! The bytes of a file that are in memory already.

use std::ops::Deref;
use std::sync::Arc;

/// The bytes of a whole file, to be loaded as they lie. Vectors, shared slices and `include_bytes!`
/// turn into one.
#[derive(Clone)]
pub enum Bytes {
    /// The index's own.
    Owned(Vec<u8>),
    /// Shared with whoever holds them too.
    Shared(Arc<[u8]>),
    /// There until the program ends.
    Static(&'static [u8]),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) => bytes,
            Bytes::Shared(bytes) => bytes,
            Bytes::Static(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::Owned(bytes)
    }
}

impl From<Arc<[u8]>> for Bytes {
    fn from(bytes: Arc<[u8]>) -> Self {
        Bytes::Shared(bytes)
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::Static(bytes)
    }
}

impl<const N: usize> From<&'static [u8; N]> for Bytes {
    fn from(bytes: &'static [u8; N]) -> Self {
        Bytes::Static(bytes)
    }
}
