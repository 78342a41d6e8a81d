//! The bytes of an index that is not a loaded file: in memory, or in the file it is being built in.

use crate::error::Result;
use crate::storage::{DiskBytes, HeapBytes};

/// Trees smaller than this are put together while they wait.
const SMALL_PIECE: usize = 1 << 20;

/// In memory or on disk.
pub enum Store {
    /// In memory.
    Heap(HeapBytes),
    /// In a file under a temporary name, until the build is done.
    Disk(DiskBytes),
}

impl Default for Store {
    fn default() -> Self {
        Store::Heap(HeapBytes::default())
    }
}

impl Store {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Store::Heap(heap) => heap.bytes(),
            Store::Disk(disk) => disk.bytes(),
        }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Store::Heap(heap) => heap.bytes_mut(),
            Store::Disk(disk) => disk.bytes_mut(),
        }
    }

    pub fn resize(&mut self, len: usize) -> Result<()> {
        match self {
            Store::Heap(heap) => heap.resize(len),
            Store::Disk(disk) => disk.resize(len),
        }
    }

    /// Goes back to the first `len` bytes after trees were appended.
    pub fn restart(&mut self, len: usize) -> Result<()> {
        match self {
            Store::Heap(heap) => heap.resize(len),
            Store::Disk(disk) => disk.restart(len),
        }
    }

    /// Runs `build` over the bytes so far and appends what it emits. On an error the bytes are as before.
    pub fn append<R>(
        &mut self,
        build: impl FnOnce(&[u8], &mut dyn FnMut(HeapBytes) -> Result<()>) -> Result<R>,
    ) -> Result<R> {
        match self {
            Store::Heap(heap) => {
                // The items must not move while threads read them, so what comes is taken in at the end, piece by
                // piece: together they never take more than the whole.
                let mut pieces: Vec<HeapBytes> = Vec::new();
                let built = build(heap.bytes(), &mut |piece| {
                    match pieces.last_mut() {
                        // Small trees share the pages of a piece.
                        Some(last) if piece.bytes().len() < SMALL_PIECE => {
                            last.extend(piece.bytes())
                        }
                        _ => {
                            pieces.push(piece);
                            Ok(())
                        }
                    }
                })?;
                let before = heap.bytes().len();
                for piece in pieces {
                    if let Err(error) = heap.extend(piece.bytes()) {
                        heap.resize(before)?;
                        return Err(error);
                    }
                }
                Ok(built)
            }
            Store::Disk(disk) => {
                let (items, mut tail) = disk.tail();
                let mut end = items.len();
                let built = build(items, &mut |piece| {
                    end += piece.bytes().len();
                    tail.write(piece.bytes())
                });
                let adopted = built.and_then(|built| disk.adopt(end).map(|()| built));
                if adopted.is_err() {
                    disk.discard_tail();
                }
                adopted
            }
        }
    }
}
