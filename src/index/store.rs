//! The bytes of an index that is not a loaded file: in memory, or in the file it is being built in.

use crate::error::{reserve, Result};
use crate::forest::build::Emit;
use crate::storage::{DiskBytes, FileId, HeapBytes};

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

    /// The file that they are in.
    pub fn mapped(&self) -> Option<FileId> {
        match self {
            Store::Heap(_) => None,
            Store::Disk(disk) => disk.id(),
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

    /// Makes room ahead of need.
    pub fn reserve(&mut self, capacity: usize) -> Result<()> {
        match self {
            Store::Heap(heap) => heap.reserve(capacity),
            Store::Disk(disk) => disk.reserve(capacity),
        }
    }

    /// Goes back to the first `len` bytes after trees were appended.
    pub fn restart(&mut self, len: usize) -> Result<()> {
        match self {
            Store::Heap(heap) => heap.resize(len),
            Store::Disk(disk) => disk.restart(len),
        }
    }

    /// Runs `build` over the bytes so far and appends what it emits, which is likely to be no
    /// longer than `likely`. On an error the bytes are as before.
    pub fn append<R>(
        &mut self,
        likely: usize,
        build: impl FnOnce(&[u8], &mut Emit<'_>) -> Result<R>,
    ) -> Result<R> {
        match self {
            Store::Heap(heap) => {
                // The items must not move while threads read them. What comes is put behind them as
                // long as there is room, and the rest waits in pieces: together they never take
                // more than the whole.
                let len = heap.bytes().len();
                if HeapBytes::RESERVES_FOR_NOTHING && len > 0 {
                    // Should it be refused, growth will be tried again when it is needed.
                    let _ = heap.reserve(len.saturating_add(likely));
                }
                let (items, room) = heap.with_room();
                let mut used = 0;
                let mut pieces: Vec<HeapBytes> = Vec::new();
                let built = build(items, &mut |piece| {
                    let place = room[used..].get_mut(..piece.len());
                    match (place, pieces.last_mut()) {
                        (Some(place), None) => {
                            place.copy_from_slice(piece);
                            used += piece.len();
                            return Ok(());
                        }
                        // Small trees share the pages of a piece.
                        (_, Some(last)) if piece.len() < SMALL_PIECE => return last.extend(piece),
                        _ => {}
                    }
                    reserve(&mut pieces, 1)?;
                    pieces.push(HeapBytes::copy_of(piece)?);
                    Ok(())
                });
                let built = built.inspect_err(|_| room[..used].fill(0))?;
                let before = items.len();
                heap.adopt(used);
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
                    end += piece.len();
                    tail.write(piece)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// A store of `items` and what it is to hold once pieces of these lengths are appended.
    fn store(items: usize, pieces: &[usize]) -> (Store, Vec<u8>) {
        let mut store = Store::default();
        store.resize(items).unwrap();
        store.bytes_mut().fill(1);
        let mut wanted = vec![1; items];
        for (&len, byte) in pieces.iter().zip(2..) {
            wanted.resize(wanted.len() + len, byte);
        }
        (store, wanted)
    }

    fn append(store: &mut Store, pieces: &[usize], last: Result<()>) -> Result<()> {
        let likely = 200_000;
        store.append(likely, |_, emit| {
            for (&len, byte) in pieces.iter().zip(2..) {
                emit(&vec![byte; len])?;
            }
            last
        })
    }

    // Within the room behind the items, beyond it, and beyond it with pieces that would still fit
    // after one that did not.
    const CASES: [(usize, &[usize]); 3] = [
        (100_000, &[50_000, 1, 100_000]),
        (100_000, &[300_000, 400_000, 1, 2 << 20, 5]),
        (0, &[3, 2 << 20, 3, 2 << 20]),
    ];

    #[test]
    fn what_is_emitted_comes_behind_in_order() {
        for (items, pieces) in CASES {
            let (mut store, wanted) = store(items, pieces);
            append(&mut store, pieces, Ok(())).unwrap();
            assert!(store.bytes() == wanted, "{items}, {pieces:?}");
        }
    }

    #[test]
    fn a_failed_build_leaves_no_trace() {
        for (items, pieces) in CASES {
            let (mut store, mut wanted) = store(items, pieces);
            let failed = append(&mut store, pieces, Err(Error::Panic("so it goes".into())));
            assert!(failed.is_err());
            let len = wanted.len();
            wanted.truncate(items);
            assert!(store.bytes() == wanted, "{items}, {pieces:?}");
            store.resize(len).unwrap();
            assert!(store.bytes()[items..].iter().all(|&byte| byte == 0));
        }
    }
}
