//! Files in memory: what is written is what a save writes, what is loaded is what a file gives.

use crate::common::{
    all_types, built, filled, loaded, name, plain, random_items, saved, scratch, Snapshot,
};
use annoy_rs::{Bytes, Error, Index, Metric, Options};
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};

/// Built, with metadata, labels of one kind or the other, and removed items, as far as `n` items
/// go.
fn index(options: Options, n: usize, extras: usize) -> Index {
    let mut index = built(options, &random_items(options, n, 3), 2);
    let ids = (0..n as i64).step_by(3);
    match extras {
        0 => {}
        1 => ids
            .clone()
            .for_each(|id| index.set_label(id, id as u64).unwrap()),
        _ => ids
            .clone()
            .for_each(|id| index.set_label(id, &"ä".repeat(id as usize)).unwrap()),
    }
    if extras > 0 {
        ids.for_each(|id| index.remove_item(id / 2).unwrap());
        index.set_metadata(&vec![7; 100 * extras]).unwrap();
    }
    index
}

/// All ways to the bytes.
fn check_written(index: &Index, context: &str) {
    let file = saved(index);
    assert_eq!(index.saved_size().unwrap(), file.len(), "{context}");
    assert!(index.to_bytes().unwrap() == file, "{context}");
    let mut room = vec![0xA5; file.len() + 7];
    assert_eq!(index.write_to_slice(&mut room).unwrap(), file.len());
    assert!(room.starts_with(&file) && room.ends_with(&[0xA5; 7]));
    let mut exact = vec![0xA5; file.len()];
    assert_eq!(index.write_to_slice(&mut exact).unwrap(), file.len());
    assert!(exact == file, "{context}");
    let short = &mut room[..file.len() - 1];
    short.fill(0xA5);
    let error = index.write_to_slice(short).unwrap_err();
    let words = format!("there is room for {}, expected {}", short.len(), file.len());
    assert_eq!(error.to_string(), words, "{context}");
    assert!(short.iter().all(|&byte| byte == 0xA5), "{context}");
    // From where the writer stands, and it stands behind then.
    let mut writer = Cursor::new(b"before".to_vec());
    writer.seek(SeekFrom::End(0)).unwrap();
    index.write_to(&mut writer).unwrap();
    writer.write_all(b"after").unwrap();
    assert!(writer.into_inner() == [b"before", &file[..], b"after"].concat());
}

#[test]
fn bytes_are_those_of_the_file() {
    for options in all_types(3, 40) {
        for n in [0, 1, 2, 30] {
            for extras in 0..3 {
                let context = format!("{}, {n} items, extras {extras}", name(options));
                let mut index = index(options, n, extras);
                check_written(&index, &context);
                let bytes = index.to_bytes().unwrap();
                index.load_bytes(bytes).unwrap();
                check_written(&index, &format!("{context}, loaded"));
                let plain = plain(options, &saved(&index));
                check_written(
                    &loaded(options, &plain).unwrap(),
                    &format!("{context}, plain"),
                );
            }
        }
    }
}

#[test]
fn an_on_disk_build_gives_the_bytes_of_its_file() {
    let directory = scratch();
    let path = directory.path().join("x.ann");
    let options = Options::new(Metric::Dot, 5);
    let mut index = Index::with_options(options).unwrap();
    index.on_disk_build(&path).unwrap();
    index
        .add_items(None, random_items(options, 500, 1).iter())
        .unwrap();
    index.build(Some(3), Some(2)).unwrap();
    assert!(index.to_bytes().unwrap() == std::fs::read(&path).unwrap());
}

/// Kept within reach, so that a check for leaks finds others only.
static LEAKED: Mutex<Vec<&[u8]>> = Mutex::new(Vec::new());

/// Bytes in every form, two of them at odd addresses, against the file of the same bytes.
#[test]
fn bytes_load_as_a_file_does() {
    for options in all_types(3, 40) {
        for extras in 0..3 {
            let ours = index(options, 30, extras).to_bytes().unwrap();
            for file in [plain(options, &ours), ours] {
                let context = format!("{}, extras {extras}", name(options));
                let of_file = loaded(options, &file).unwrap();
                let expected = Snapshot::of(&of_file);
                let leaked: &'static [u8] = [&[9], &file[..]].concat().leak();
                LEAKED.lock().unwrap().push(leaked);
                let forms = [
                    Bytes::from(file.clone()),
                    Bytes::from(Arc::<[u8]>::from(&file[..])),
                    Bytes::from(&leaked[1..]),
                ];
                for bytes in forms {
                    let mut index = Index::with_options(options).unwrap();
                    index.load_bytes(bytes.clone()).unwrap();
                    assert!(Snapshot::of(&index) == expected, "{context}");
                    assert!(index.verify(1).unwrap().is_sound(), "{context}");
                    assert_eq!(index.info().unwrap(), of_file.info().unwrap(), "{context}");
                    assert_eq!(index.metadata(), of_file.metadata());
                    for id in 0..30 {
                        let label = index.label(id).unwrap();
                        assert_eq!(label, of_file.label(id).unwrap(), "{context}");
                        if let Some(label) = label {
                            assert_eq!(index.find_label(label).unwrap(), Some(id));
                        }
                        assert_eq!(index.is_removed(id), of_file.is_removed(id));
                    }
                    let opened = Index::open_bytes(bytes);
                    assert_eq!(opened.is_ok(), index.info().unwrap().is_described);
                    if let Ok(opened) = opened {
                        assert_eq!(opened.options(), options);
                        assert!(Snapshot::of(&opened) == expected, "{context}");
                    }
                }
            }
        }
    }
}

#[test]
fn refused_bytes_leave_the_index_as_it_was() {
    let options = Options::new(Metric::Euclidean, 3);
    let good = index(options, 30, 1).to_bytes().unwrap();
    let other = index(Options::new(Metric::Dot, 3), 30, 0)
        .to_bytes()
        .unwrap();
    let cut = good[..good.len() - 1].to_vec();
    let mut flipped = good.clone();
    let superblock = crate::common::Struct::of(options).size * 30;
    flipped[superblock + 40] ^= 1;
    let cases = [
        (vec![], "it is empty"),
        (vec![1; 4000], "as layout 1.17"),
        (other, "by its own word it is a dot index of f = 3"),
        (cut, "is not a multiple of the node size"),
        (flipped, "superblock is damaged"),
    ];
    let mut index = filled(options, &random_items(options, 5, 1));
    let before = Snapshot::of(&index);
    for (bytes, words) in cases {
        let bytes: Arc<[u8]> = bytes.into();
        let error = index.load_bytes(bytes.clone()).unwrap_err();
        let text = error.to_string();
        let start = "the buffer is not a euclidean index of f = 3 (f32, 32-bit ids): ";
        assert!(text.starts_with(start) && text.contains(words), "{text}");
        assert!(matches!(error, Error::Format { path: None, .. }));
        assert!(Snapshot::of(&index) == before);
        // Nothing is kept.
        assert_eq!(Arc::strong_count(&bytes), 1);
    }
    let plain = plain(options, &good);
    let text = Index::open_bytes(plain).err().unwrap().to_string();
    let words = "the buffer is not a file that says what it is: it has no superblock";
    assert!(text.starts_with(words), "{text}");
    let unbuilt = filled(options, &[]);
    for error in [
        unbuilt.saved_size().err(),
        unbuilt.to_bytes().err(),
        unbuilt.write_to_slice(&mut []).err(),
    ] {
        assert!(matches!(error, Some(Error::State { .. })), "{error:?}");
    }
}

/// Bytes are held for as long as they are loaded.
#[test]
fn bytes_are_let_go_of() {
    let options = Options::new(Metric::Angular, 3);
    let bytes: Arc<[u8]> = index(options, 30, 1).to_bytes().unwrap().into();
    type Leave = fn(&mut Index);
    let leave: [Leave; 4] = [
        |index| index.unload(),
        |index| index.thaw().unwrap(),
        |index| {
            let bytes = index.to_bytes().unwrap();
            index.load_bytes(bytes).unwrap();
        },
        |index| *index = Index::new(Metric::Dot, 2).unwrap(),
    ];
    for leave in leave {
        let mut index = Index::open_bytes(bytes.clone()).unwrap();
        assert_eq!(Arc::strong_count(&bytes), 2);
        leave(&mut index);
        assert_eq!(Arc::strong_count(&bytes), 1);
    }
}

/// A writer that gives up after some bytes, or cannot seek.
struct Failing {
    room: usize,
    at: Cursor<Vec<u8>>,
    seeks: bool,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.room {
            return Err(io::Error::other("so it goes"));
        }
        self.room -= bytes.len();
        self.at.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if !self.seeks {
            return Err(io::Error::other("so it goes"));
        }
        self.at.seek(to)
    }
}

#[test]
fn what_a_writer_says_comes_back() {
    let index = index(Options::new(Metric::Angular, 3), 30, 1);
    let size = index.to_bytes().unwrap().len();
    let at = Cursor::default;
    for (room, seeks) in [
        (0, true),
        (size / 2, true),
        (size, true),
        (usize::MAX, false),
    ] {
        let mut writer = Failing {
            room,
            seeks,
            at: at(),
        };
        let error = index.write_to(&mut writer).unwrap_err();
        assert_eq!(error.to_string(), "cannot write: so it goes", "{room}");
        assert!(matches!(error, Error::Io { path: None, .. }));
    }
    let mut writer = Failing {
        room: usize::MAX,
        seeks: true,
        at: at(),
    };
    index.write_to(&mut writer).unwrap();
    assert!(writer.at.into_inner() == index.to_bytes().unwrap());
    assert!(index.verify(1).unwrap().is_sound());
}
