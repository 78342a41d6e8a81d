//! One index of many files: a directory of shards, each a file that Annoy opens, and a manifest
//! that names them.
//!
//! - [`manifest`]: what the directory says of itself.
//! - [`commit`]: writing that, and taking away what is not named any more.
//! - [`open`]: shards and manifest, mapped.
//! - [`search`], [`merge`]: searching all of them.
//! - [`look`]: items, labels, facts, verifying.
//!
//! Shards do not change. What changes is the manifest: a new one is written beside the old one and
//! takes its name.

pub mod commit;
pub mod look;
pub mod manifest;
mod merge;
pub mod open;
pub mod search;

use crate::error::{Error, Result};
use crate::storage::Access;
use manifest::Manifest;
use open::View;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, TryLockError};
use std::time::Duration;

/// How a directory of shards is opened.
#[derive(Clone, Copy, Debug)]
pub struct ShardAccess {
    /// How the bytes of shards are held.
    pub access: Access,
    /// Whether shards that are not there are left out, rather than being an error. What is found
    /// without them is less: see [`View::n_missing`].
    pub partial: bool,
}

impl Default for ShardAccess {
    fn default() -> Self {
        ShardAccess {
            access: Access::Map,
            partial: false,
        }
    }
}

/// A directory of shards that is searched as one index.
///
/// ```
/// use annoy_rs::{Index, Metric, NewShard, Search, ShardAccess, Shards};
/// let directory = tempfile::tempdir().unwrap();
/// for (name, values) in [("a.ann", [0.0f32, 1.0]), ("b.ann", [2.0, 3.0])] {
///     let mut index = Index::new(Metric::Euclidean, 1)?;
///     for (id, value) in values.iter().enumerate() {
///         index.add_item(id as i64, &[*value])?;
///     }
///     index.build(Some(1), None)?;
///     index.save(directory.path().join(name))?;
/// }
/// let new = [NewShard::file("a.ann"), NewShard::file("b.ann")];
/// Shards::commit(directory.path(), 0, &new)?;
///
/// let shards = Shards::open(directory.path(), ShardAccess::default())?;
/// let found = shards.now()?.search(&[1.6f32], &Search::new(2))?;
/// assert_eq!(found.iter().map(|n| n.id).collect::<Vec<_>>(), [2, 1]);
/// # Ok::<(), annoy_rs::Error>(())
/// ```
pub struct Shards {
    path: PathBuf,
    how: ShardAccess,
    now: RwLock<Arc<View>>,
}

/// How long a thread waits for another to hand over a pointer: one that was left behind by a fork
/// never does.
const PATIENCE: Duration = Duration::from_micros(100);
const TRIES: usize = 20_000;

impl Shards {
    /// Opens a directory as its manifest says.
    ///
    /// # Errors
    /// [`Error::Io`] when the manifest or a shard cannot be read; [`Error::Format`] when the
    /// manifest is damaged, of a later version, or names what cannot be, and when a shard is not
    /// the one it names; [`Error::NoMemory`].
    pub fn open(path: impl AsRef<Path>, how: ShardAccess) -> Result<Self> {
        let path = path.as_ref();
        let view = View::of(path, Manifest::read(path)?, how, None)?;
        Ok(Shards {
            path: crate::memory::path(path)?,
            how,
            now: RwLock::new(shared(view)),
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is searched now. It stays as it is, also through a [`refresh`](Self::refresh).
    ///
    /// # Errors
    /// [`Error::State`] in the child of a fork that came while another thread refreshed.
    pub fn now(&self) -> Result<Arc<View>> {
        for _ in 0..TRIES {
            match self.now.try_read() {
                Ok(now) => return Ok(Arc::clone(&now)),
                Err(TryLockError::Poisoned(now)) => return Ok(Arc::clone(&now.into_inner())),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PATIENCE),
            }
        }
        Err(left_behind())
    }

    /// Takes up the manifest that the directory has now, if it is another one: whether it is.
    /// Searches that are under way go on in the shards they began with, which stay mapped until
    /// then; shards that both manifests name are not opened anew.
    ///
    /// # Errors
    /// As [`open`](Self::open), with what was open still there.
    pub fn refresh(&self) -> Result<bool> {
        let before = self.now()?;
        let manifest = Manifest::read(&self.path)?;
        if manifest == *before.manifest() && before.n_missing() == 0 {
            return Ok(false);
        }
        let after = View::of(&self.path, manifest, self.how, Some(&before))?;
        if after.manifest() == before.manifest() && after.n_missing() == before.n_missing() {
            return Ok(false);
        }
        let after = shared(after);
        for _ in 0..TRIES {
            let mut now = match self.now.try_write() {
                Ok(now) => now,
                Err(TryLockError::Poisoned(now)) => now.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(PATIENCE);
                    continue;
                }
            };
            let gone = std::mem::replace(&mut *now, after);
            drop(now);
            // Unmapped without the lock.
            drop(gone);
            return Ok(true);
        }
        Err(left_behind())
    }
}

/// Of no size that grows with the data.
#[allow(clippy::disallowed_methods)]
fn shared(view: View) -> Arc<View> {
    Arc::new(view)
}

#[cold]
fn left_behind() -> Error {
    Error::State {
        operation: "use it",
        state: "half refreshed, by a thread that was at it when this process was forked",
        expected: "one that no thread was refreshing",
    }
}
