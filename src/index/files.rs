//! Saving, loading and opening: files, and their bytes in memory.

use super::attached::Attached;
use super::log::LogLevel;
use super::state::State;
use super::Index;
use crate::error::{reserve, Error, Result};
use crate::file::superblock::{Origin, SIZE};
use crate::file::write::{Contents, Numbers};
use crate::file::{self, OpenFile};
use crate::forest::order::Order;
use crate::graph::format::grow::BesideNeighbors;
use crate::graph::format::routes::RouteBytes;
use crate::graph::GraphBytes;
use crate::memory;
use crate::storage::{Access, Bytes, Source};
use crate::work::{Meter, Stage, Work};
use std::io::{Cursor, Seek, Write};
use std::path::Path;

pub use crate::file::superblock::MAX_METADATA;

impl Index {
    /// Writes the index to a file. The index stays as it is. The file appears whole or not at all,
    /// and is durable when the call returns. Every file that is written says what it is, also where
    /// a plain Annoy file was loaded.
    ///
    /// A file that is there before is replaced by one of the same owner, group and mode, as far as
    /// the system allows; a symbolic link stays, and the file that it names is written. Where the
    /// name cannot be given to another file (it is mounted, or its directory may not be changed),
    /// the file is written over instead: see docs/reliability.md for what that gives up. The log
    /// says so.
    ///
    /// # Errors
    /// [`Error::State`] when not built; [`Error::Unsupported`] for a loaded file in a layout that
    /// Annoy 1.17 does not read, or with more sections than there is room for, and where the file
    /// is to be written over that the index has mapped; [`Error::Corrupt`] for a loaded file found
    /// to be damaged; [`Error::NoMemory`]; [`Error::Io`], with what `path` held before still there,
    /// or the new file, whole, when all that failed was to make its name durable.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path, &mut Work::default())
    }

    /// [Saves](Self::save), with progress and cancellation until all is written. What then comes,
    /// waiting for the disk and giving the file its name, is done in any case.
    ///
    /// # Errors
    /// As [`save`](Self::save); [`Error::Cancelled`].
    pub fn save_with(&self, path: impl AsRef<Path>, work: &mut Work<'_>) -> Result<()> {
        let path = path.as_ref();
        self.log
            .say(LogLevel::Debug, || format!("saving to {path:?}"));
        let saved = work.run(Stage::Save, 0, |meter| {
            self.with_labels(meter, |contents| {
                contents.save(path, self.state.mapped(), meter)
            })
        });
        self.log.heard("save", &saved);
        self.warn_of_writing_over(saved?);
        self.log
            .say(LogLevel::Info, || format!("saved to {path:?}"));
        Ok(())
    }

    /// Says why a file was written over instead of being replaced.
    pub(super) fn warn_of_writing_over(&self, refused: Option<Error>) {
        if let Some(refused) = refused {
            self.log.say(LogLevel::Warn, || {
                format!("{refused}: the file was written over where it is")
            });
        }
    }

    /// How many bytes a [`save`](Self::save) writes.
    ///
    /// # Errors
    /// As [`save`](Self::save), but for what is found out by writing.
    pub fn saved_size(&self) -> Result<usize> {
        self.state.roots("save")?;
        self.with_contents(&self.room_for_labels()?, |contents| contents.size())
    }

    /// The bytes that a [`save`](Self::save) writes.
    ///
    /// ```
    /// use annoy_rs::{Index, Metric};
    /// let mut index = Index::new(Metric::Euclidean, 1)?;
    /// index.add_item(0, &[1.0f32])?;
    /// index.build(Some(1), None)?;
    /// let bytes = index.to_bytes()?;
    /// assert_eq!(Index::open_bytes(bytes)?.n_items(), 1);
    /// # Ok::<(), annoy_rs::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`save`](Self::save), without a file's.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        reserve(&mut bytes, self.saved_size()?)?;
        self.write_to(&mut Cursor::new(&mut bytes))?;
        Ok(bytes)
    }

    /// Writes the bytes that a [`save`](Self::save) writes to the start of `to`, and says how many
    /// they are.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes), and then anything may have been written;
    /// [`Error::TooSmall`] when there is not enough room, and then nothing has.
    pub fn write_to_slice(&self, to: &mut [u8]) -> Result<usize> {
        self.write_to_slice_with(to, &mut Work::default())
    }

    /// [`write_to_slice`](Self::write_to_slice), with progress and cancellation.
    ///
    /// # Errors
    /// As [`write_to_slice`](Self::write_to_slice); [`Error::Cancelled`].
    pub fn write_to_slice_with(&self, to: &mut [u8], work: &mut Work<'_>) -> Result<usize> {
        let (needed, found) = (self.saved_size()?, to.len());
        if needed > found {
            return Err(Error::TooSmall { needed, found });
        }
        self.write_to_with(&mut Cursor::new(to), work)?;
        Ok(needed)
    }

    /// Writes the bytes that a [`save`](Self::save) writes, from where `to` stands, and leaves it
    /// behind them. What it says of itself, which comes before the trees, is written last: that is
    /// what seeking is for.
    ///
    /// # Errors
    /// As [`save`](Self::save), and then anything may have been written; [`Error::Io`] for what
    /// `to` says.
    pub fn write_to(&self, to: &mut (impl Write + Seek)) -> Result<()> {
        self.write_to_with(to, &mut Work::default())
    }

    /// [`write_to`](Self::write_to), with progress and cancellation.
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to); [`Error::Cancelled`].
    pub fn write_to_with(&self, to: &mut (impl Write + Seek), work: &mut Work<'_>) -> Result<()> {
        work.run(Stage::Save, 0, |meter| {
            self.with_labels(meter, |contents| contents.write(to, None, meter))
        })
    }

    /// Makes the table of labels, then hands over what a save writes. From then on it is known how
    /// much that is.
    fn with_labels<R>(
        &self,
        meter: &Meter<'_>,
        work: impl FnOnce(&Contents<'_>) -> Result<R>,
    ) -> Result<R> {
        self.state.roots("save")?;
        let mut labels = self.room_for_labels()?;
        let size = self.with_contents(&labels, |contents| contents.size())?;
        meter.set_total(size as u64);
        self.fill_labels(&mut labels, meter)?;
        self.with_contents(&labels, work)
    }

    /// Hands over what a save writes, with this section of labels.
    fn with_contents<R>(
        &self,
        labels: &[u8],
        work: impl FnOnce(&Contents<'_>) -> Result<R>,
    ) -> Result<R> {
        let roots = self.state.roots("save")?;
        let order = self.order()?;
        let numbers = Numbers::new(&self.layout, roots, order.as_ref());
        let graph = self.graph();
        let other_routes = match &graph {
            Some(graph) if !numbers.are_those_there_are() => {
                Some(self.beside_neighbors(graph, &numbers)?)
            }
            _ => None,
        };
        let graph = graph.map(|graph| match &other_routes {
            Some(other) => other.with(&graph),
            None => graph.parts(),
        });
        let mut sections = self
            .attached
            .sections(labels, self.removed(), graph, self.scan())?;
        let mut origin = Origin::default();
        match &self.state {
            State::Mapped(file) => {
                if !file.layout.is_written() {
                    return Err(Error::Unsupported(format!(
                        "the loaded file has the layout {}, expected {} to save: thaw it and build anew",
                        file.layout.flavor.name(),
                        self.layout.flavor.name()
                    )));
                }
                if let Some(superblock) = &file.superblock {
                    origin = superblock.origin;
                }
                for section in file.other_sections() {
                    memory::push(&mut sections, section)?;
                }
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
            order: order.as_ref(),
            origin,
            sections: &sections,
        })
    }

    /// The order that the nodes of the trees get in a file; none for that in which they are.
    fn order(&self) -> Result<Option<Order>> {
        match &self.state {
            State::Built {
                room: Some(room),
                roots,
                ..
            } if room.has_grown => Order::new(&self.nodes(), roots, &room.own_roots).map(Some),
            _ => Ok(None),
        }
    }

    /// What a graph's section has beside the neighbours, where the nodes of the trees get other
    /// numbers, which routes lead to.
    fn beside_neighbors(
        &self,
        graph: &GraphBytes<'_>,
        numbers: &Numbers<'_>,
    ) -> Result<BesideNeighbors> {
        let roots = self.state.roots("save")?;
        let mut routes = match graph.header.has_routes() {
            true => self.engine.routes(&self.nodes(), roots, graph)?,
            false => RouteBytes::default(),
        };
        routes.renumber(self.options.f, |id| numbers.of(id));
        graph.beside_neighbors(&routes)
    }

    /// Saves, then loads the new file in place of what is in memory: Annoy's own save.
    ///
    /// # Errors
    /// As [`save`](Self::save) and [`load`](Self::load).
    pub fn save_and_load(&mut self, path: impl AsRef<Path>, access: Access) -> Result<()> {
        self.save_and_load_with(path, access, &mut Work::default())
    }

    /// [`save_and_load`](Self::save_and_load), with progress and cancellation of the saving.
    ///
    /// # Errors
    /// As [`save_and_load`](Self::save_and_load); [`Error::Cancelled`].
    pub fn save_and_load_with(
        &mut self,
        path: impl AsRef<Path>,
        access: Access,
        work: &mut Work<'_>,
    ) -> Result<()> {
        self.save_with(path.as_ref(), work)?;
        self.load(path, access)
    }

    /// Loads a file, ours or Annoy's, in place of what the index holds.
    ///
    /// While it is mapped the file must not be shortened or rewritten in place; replacing it by
    /// rename, as [`save`](Self::save) does, is fine. [`Access::Copy`] does not rely on that.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] when the file is, by its own word or by its structure, no
    /// index of this metric, f and types; [`Error::NoMemory`] for a copy.
    pub fn load(&mut self, path: impl AsRef<Path>, access: Access) -> Result<()> {
        let path = path.as_ref();
        self.log
            .say(LogLevel::Debug, || format!("loading {path:?}"));
        let loaded = Source::open(path, access).and_then(|source| self.load_source(source));
        self.log.heard("load", &loaded);
        loaded
    }

    /// Loads the bytes of a file, ours or Annoy's, as [`load`](Self::load) loads the file. They are
    /// not copied, and may lie at any address.
    ///
    /// # Errors
    /// As [`load`](Self::load), without a file's.
    pub fn load_bytes(&mut self, bytes: impl Into<Bytes>) -> Result<()> {
        let loaded = self.load_source(bytes.into().into());
        self.log.heard("load", &loaded);
        loaded
    }

    fn load_source(&mut self, source: Source) -> Result<()> {
        let opened = file::open(source, self.options, |nodes| self.engine.find_roots(nodes))?;
        self.adopt(opened)
    }

    /// Opens a file of ours: metric, f and types are what it says of itself.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] when it does not say what it is, as a file by Annoy itself;
    /// [`Error::NoMemory`] for a copy; [`Error::Unsupported`] as
    /// [`with_options`](Self::with_options).
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Self> {
        Index::open_source(Source::open(path.as_ref(), access)?)
    }

    /// Opens the bytes of a file of ours, as [`open`](Self::open) opens the file. They are not
    /// copied, and may lie at any address.
    ///
    /// # Errors
    /// As [`open`](Self::open), without a file's.
    pub fn open_bytes(bytes: impl Into<Bytes>) -> Result<Self> {
        Index::open_source(bytes.into().into())
    }

    fn open_source(source: Source) -> Result<Self> {
        let opened = file::open_described(source)?;
        let mut index = Index::with_options(opened.layout.options)?;
        index.adopt(opened)?;
        Ok(index)
    }

    fn adopt(&mut self, opened: OpenFile) -> Result<()> {
        let attached = Attached::from_file(&opened)?;
        let (roots, flavor) = (opened.roots.clone(), opened.layout.flavor);
        let is_plain = opened.superblock.is_none();
        self.enter(State::Mapped(opened));
        self.attached = attached;
        let path = match &self.state {
            State::Mapped(file) => file.path.as_deref(),
            _ => None,
        };
        let from = || match path {
            Some(path) => format!("{path:?}"),
            None => format!("a buffer"),
        };
        if is_plain {
            self.log.say(LogLevel::Warn, || {
                let from = from();
                format!(
                    "{from} does not say what it is: that its metric is this one is taken on trust"
                )
            });
        }
        self.log.say(LogLevel::Info, || {
            let from = from();
            format!(
                "loaded {} items and {} trees from {from}, layout {}",
                roots.n_items,
                roots.n_trees,
                flavor.name()
            )
        });
        Ok(())
    }

    /// The bytes of a loaded file, and those of them that say what it is; none where it does not.
    pub(crate) fn file_bytes(&self) -> (&[u8], &[u8]) {
        let State::Mapped(file) = &self.state else {
            return (&[], &[]);
        };
        let bytes = file.bytes.bytes();
        let at = file.roots.n_items * file.layout.node_size;
        let said = match file.superblock {
            Some(_) => &bytes[at..at + SIZE],
            None => &[],
        };
        (bytes, said)
    }

    /// Drops everything but the options, the seed and the log.
    pub fn unload(&mut self) {
        self.enter(State::default());
        self.attached = Attached::default();
        self.log.say(LogLevel::Info, || format!("unloaded"));
    }

    /// The user's own bytes: those last set, or those of the file loaded since.
    pub fn metadata(&self) -> &[u8] {
        &self.attached.metadata
    }

    /// Sets bytes that go along when the index is saved, in place of those before. Legal in every
    /// state; the file of an on-disk build has those set before the build.
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
        self.attached.metadata = metadata;
        Ok(())
    }
}
