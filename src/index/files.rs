//! Saving, loading and opening files.

use super::log::LogLevel;
use super::state::State;
use super::Index;
use crate::error::{reserve, Error, Result};
use crate::file::superblock::{kind, Origin, REQUIRED};
use crate::file::write::{Contents, Payload};
use crate::file::{self, OpenFile};
use crate::removed::Removed;
use crate::storage::Access;
use crate::work::{Stage, Work};
use std::path::Path;

pub use crate::file::superblock::MAX_METADATA;

/// The sections of what the index itself holds beside items and trees.
pub(super) fn own_sections<'a>(
    metadata: &'a [u8],
    labels: &'a [u8],
    removed: Option<Removed<'a>>,
) -> Vec<Payload<'a>> {
    let payload = |kind, flags, bytes| Payload { kind, flags, bytes };
    let removed = removed.map_or(&[][..], |removed| removed.section());
    [
        payload(kind::METADATA, 0, metadata),
        payload(kind::LABELS, 0, labels),
        payload(kind::REMOVED, REQUIRED, removed),
    ]
    .into_iter()
    .filter(|section| !section.bytes.is_empty())
    .collect()
}

impl Index {
    /// Writes the index to a file. The index stays as it is. The file appears whole or not at all, and is durable when
    /// the call returns. Every file that is written says what it is, also where a plain Annoy file was loaded.
    ///
    /// # Errors
    /// [`Error::State`] when not built; [`Error::Unsupported`] for a loaded file in a layout that Annoy 1.17 does not
    /// read, or with more sections than there is room for; [`Error::Corrupt`] for a loaded file found to be damaged;
    /// [`Error::NoMemory`]; [`Error::Io`], with what `path` held before still there, or the new file, whole, when all
    /// that failed was to make its name durable.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path, &mut Work::default())
    }

    /// [Saves](Self::save), with progress and cancellation until all is written. What then comes, waiting for the disk and
    /// giving the file its name, is done in any case.
    ///
    /// # Errors
    /// As [`save`](Self::save); [`Error::Cancelled`].
    pub fn save_with(&self, path: impl AsRef<Path>, work: &mut Work<'_>) -> Result<()> {
        let path = path.as_ref();
        self.log
            .say(LogLevel::Debug, || format!("saving to {path:?}"));
        let saved = work.run(Stage::Save, 0, |meter| {
            self.with_contents(|contents| contents.save(path, meter))
        });
        self.log.heard("save", &saved);
        saved?;
        self.log
            .say(LogLevel::Info, || format!("saved to {path:?}"));
        Ok(())
    }

    /// Hands over what a save writes.
    fn with_contents<R>(&self, work: impl FnOnce(&Contents<'_>) -> Result<R>) -> Result<R> {
        let roots = self.state.roots("save")?;
        let labels = self.labels_section()?;
        let mut sections = own_sections(&self.metadata, &labels, self.removed());
        let mut origin = Origin::default();
        match &self.state {
            State::Mapped(file) => {
                if !file.layout.is_written() {
                    return Err(Error::Unsupported(format!(
                        "the loaded file has the layout {}, expected {} to save: add its items to a new index and build that",
                        file.layout.flavor.name(),
                        self.layout.flavor.name()
                    )));
                }
                if let Some(superblock) = &file.superblock {
                    origin = superblock.origin;
                }
                sections.extend(file.other_sections());
            }
            State::Built {
                origin: of_build, ..
            } => origin = *of_build,
            State::Building { .. } => {}
        }
        work(&Contents {
            layout: &self.layout,
            bytes: self.state.bytes(),
            roots,
            origin,
            sections: &sections,
        })
    }

    /// Saves, then loads the new file in place of what is in memory: Annoy's own save.
    ///
    /// # Errors
    /// As [`save`](Self::save) and [`load`](Self::load).
    pub fn save_and_load(&mut self, path: impl AsRef<Path>, access: Access) -> Result<()> {
        self.save(path.as_ref())?;
        self.load(path, access)
    }

    /// Loads a file, ours or Annoy's, in place of what the index holds.
    ///
    /// While it is mapped the file must not be shortened or rewritten in place; replacing it by rename, as
    /// [`save`](Self::save) does, is fine. [`Access::Copy`] does not rely on that.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] when the file is, by its own word or by its structure, no index of this metric, f
    /// and types; [`Error::NoMemory`] for a copy.
    pub fn load(&mut self, path: impl AsRef<Path>, access: Access) -> Result<()> {
        let path = path.as_ref();
        self.log
            .say(LogLevel::Debug, || format!("loading {path:?}"));
        let opened = file::open(path, access, self.options, |nodes| {
            self.engine.find_roots(nodes)
        });
        self.log.heard("load", &opened);
        self.adopt(path, opened?)
    }

    /// Opens a file of ours: metric, f and types are what it says of itself.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] when it does not say what it is, as a file by Annoy itself; [`Error::NoMemory`] for
    /// a copy; [`Error::Unsupported`] as [`with_options`](Self::with_options).
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Self> {
        let path = path.as_ref();
        let opened = file::open_described(path, access)?;
        let mut index = Index::with_options(opened.layout.options)?;
        index.adopt(path, opened)?;
        Ok(index)
    }

    fn adopt(&mut self, path: &Path, opened: OpenFile) -> Result<()> {
        self.metadata = opened.metadata(path)?;
        self.labels = None;
        self.removed = None;
        let (roots, flavor) = (opened.roots.clone(), opened.layout.flavor);
        let is_plain = opened.superblock.is_none();
        self.state = State::Mapped(opened);
        if is_plain {
            self.log.say(LogLevel::Warn, || {
                format!("{path:?} does not say what it is: that its metric is this one is taken on trust")
            });
        }
        self.log.say(LogLevel::Info, || {
            format!(
                "loaded {} items and {} trees from {path:?}, layout {}",
                roots.n_items,
                roots.n_trees,
                flavor.name()
            )
        });
        Ok(())
    }

    /// Drops everything but the options, the seed and the log.
    pub fn unload(&mut self) {
        self.state = State::default();
        self.metadata = Vec::new();
        self.labels = None;
        self.removed = None;
        self.log.say(LogLevel::Info, || "unloaded".to_string());
    }

    /// The user's own bytes: those last set, or those of the file loaded since.
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// Sets bytes that go along when the index is saved, in place of those before. Legal in every state; the file of an
    /// on-disk build has those set before the build.
    ///
    /// # Errors
    /// [`Error::Argument`] for more than [`MAX_METADATA`] bytes; [`Error::NoMemory`].
    pub fn set_metadata(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > MAX_METADATA {
            let expected = format!("{MAX_METADATA} at the most");
            return Err(Error::argument(
                "the length of the metadata",
                bytes.len(),
                expected,
            ));
        }
        let mut metadata = Vec::new();
        reserve(&mut metadata, bytes.len())?;
        metadata.extend_from_slice(bytes);
        self.metadata = metadata;
        Ok(())
    }
}
