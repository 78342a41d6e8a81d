//! Where the bytes of an index live.
//!
//! - [`heap`]: anonymous memory that grows without copying and costs nothing until touched.
//! - [`journal`]: what places in such memory held before.
//! - [`array`]: numbers in such memory; [`atomics`]: those that threads change together.
//! - [`disk`]: a file mapped for writing while an index is built in it.
//! - [`map`]: a finished file: read here and there, mapped, copied to memory, or there already.
//! - [`bytes`]: the bytes of a file that are in memory already.
//! - [`pending`]: a file that takes its name only when it is whole.
//! - [`unfinished`]: one that says so until then.
//! - [`target`]: what the path of one names, and what is there before.
//! - [`boxed`], [`thread`]: boxes and threads that may not be there.
//! - [`system`]: the calls that only some systems have, each beside its portable twin.

pub mod array;
mod atomics;
mod boxed;
pub mod bytes;
pub mod disk;
pub mod heap;
pub mod journal;
pub mod map;
pub mod pending;
mod system;
mod target;
pub mod thread;
pub mod unfinished;

pub use array::Array;
pub use atomics::Atomics;
pub use boxed::boxed;
pub use bytes::Bytes;
pub use disk::DiskBytes;
pub use heap::HeapBytes;
pub use journal::Journal;
pub use map::{Access, FileBytes, Source};
pub use pending::PendingFile;
pub use system::{describe_os_error, FileId};
pub use unfinished::UNFINISHED;
