//! Calls of the C ABI, in any order and with any arguments that a caller may pass: wrong lengths,
//! NULL, ids from nowhere.
//!
//! After each call: its status is one that the header names for it, never `ANNOY_ERR_PANIC`, and
//! when it failed, the index is as it was. Buffers have exactly the size that the header asks for,
//! so that AddressSanitizer sees one byte too much.

mod buffers;
mod changes;
mod effort;
mod files;
mod graph;
mod labels;
mod life;
mod options;
mod queries;
mod vectors;

use super::common::{scratch, Random};
use super::handles::{made_with, Slot};
use annoy_rs::ffi::handle::*;
use annoy_rs::ffi::status::*;
use arbitrary::{Result, Unstructured};
use std::ffi::{c_char, CStr, CString};
use std::fs;
use std::path::Path;
use std::ptr::{null, null_mut};
use tempfile::TempDir;

/// The most calls of one input.
const MOST: usize = 48;

/// Ids and sizes that are in order stay below this, so that an input is done in no time.
const SMALL: i64 = 40;

thread_local! {
    static DIRECTORY: TempDir = scratch();
}

/// Runs one input. Whatever is wrong is a panic.
pub fn run(data: &[u8]) {
    DIRECTORY.with(|directory| {
        for entry in fs::read_dir(directory.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let mut session = Session {
            u: Unstructured::new(data),
            slots: [const { Slot::empty() }; 3],
            buffers: Vec::new(),
            directory: directory.path(),
        };
        for _ in 0..MOST {
            if session.u.is_empty() || session.step().is_err() {
                break;
            }
        }
        drop(session);
        for entry in fs::read_dir(directory.path()).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(name.len() == 1, "{name:?} was left behind");
        }
    });
}

struct Session<'a> {
    u: Unstructured<'a>,
    slots: [Slot; 3],
    /// What was saved, and what the slots have borrowed: it goes after them.
    buffers: Vec<Box<[u8]>>,
    directory: &'a Path,
}

/// Names of the files.
const FILES: [&str; 3] = ["a", "b", "c"];

/// A path, or NULL.
struct CPath(Option<CString>);

impl CPath {
    fn get(&self) -> *const c_char {
        self.0.as_ref().map_or(null(), |path| path.as_ptr())
    }
}

/// Whether a call may change the index.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Read,
    Change,
}

/// Room of exactly this many elements; NULL when the input says so.
struct Room<T>(Box<[T]>, bool);

impl<T: Clone> Room<T> {
    fn new(len: usize, value: T, null: bool) -> Self {
        Room(vec![value; len].into_boxed_slice(), null)
    }

    fn get(&mut self) -> *mut T {
        if self.1 {
            null_mut()
        } else {
            self.0.as_mut_ptr()
        }
    }
}

impl Session<'_> {
    fn below(&mut self, bound: usize) -> Result<usize> {
        Ok(usize::from(self.u.arbitrary::<u8>()?) % bound)
    }

    /// One time in `n`.
    fn one_in(&mut self, n: u8) -> Result<bool> {
        Ok(self.u.arbitrary::<u8>()? % n == n - 1)
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> Result<T> {
        Ok(values[self.below(values.len())?])
    }

    /// The number of a slot, and its handle, or NULL for the number past the last.
    fn handle(&mut self) -> Result<(usize, *mut annoy_index)> {
        let slot = match self.u.arbitrary::<u8>()? {
            255 => self.slots.len(),
            // Mostly the same one, for things to happen to it.
            n => [0, 0, 0, 0, 1, 1, 2][usize::from(n) % 7],
        };
        Ok((slot, self.slots.get(slot).map_or(null_mut(), Slot::raw)))
    }

    /// Makes a call on a slot's handle and checks what comes of it.
    fn call(
        &mut self,
        name: &str,
        slot: usize,
        does: Does,
        documented: &[annoy_status],
        body: impl FnOnce(*mut annoy_error) -> annoy_status,
    ) -> Result<bool> {
        let mut error = annoy_error {
            code: -1,
            os_errno: 0,
            message: [1; 504],
        };
        let heard = !self.one_in(16)?;
        let status = body(if heard { &mut error } else { null_mut() });
        let bytes = error.message.map(|c| c.to_ne_bytes()[0]);
        let text = CStr::from_bytes_until_nul(&bytes)
            .ok()
            .and_then(|text| text.to_str().ok());
        assert!(
            status == ANNOY_OK || documented.contains(&status),
            "{name} gave {status}, {text:?}"
        );
        if heard && status != ANNOY_OK {
            assert_eq!(error.code, status, "{name}");
            assert!(
                text.is_some_and(|text| !text.is_empty()),
                "{name}: no words"
            );
        } else {
            assert!(
                error.code == -1 && text.is_none(),
                "{name} wrote to `error`"
            );
        }
        if let Some(slot) = self.slots.get_mut(slot) {
            if status == ANNOY_OK && does == Does::Change {
                slot.changed();
            } else {
                assert!(
                    slot.is_as_before(),
                    "{name} gave {status} and changed {:?}",
                    slot.seen
                );
            }
        }
        Ok(status == ANNOY_OK)
    }

    fn step(&mut self) -> Result<()> {
        let which = self.u.arbitrary::<u8>()?;
        // Half of the calls that have a counterpart in memory are that one.
        let in_memory = which >= 128;
        match which % 32 {
            // What came later, in a place of its own: the corpus counts on the rest.
            n if which >= 224 => match n {
                0..=3 => self.set_label(),
                4..=6 => self.set_labels(),
                7 => self.clear_labels(),
                8 | 9 => self.get_label(),
                10 if self.one_in(2)? => self.get_ids(),
                10 => self.get_labels(),
                11 | 12 => self.find_label(),
                13 if self.one_in(3)? => self.take_out(),
                13..=16 => self.remove_item(),
                17..=23 => self.search(),
                24..=29 => self.search_items(),
                30 if self.one_in(2)? => self.tune(),
                30 => self.estimate_recall(),
                _ if self.one_in(2)? => self.build_scan(),
                _ if self.one_in(4)? => self.build_auto(),
                _ => self.build_graph(),
            },
            0 | 1 => self.make(),
            2 => self.make_with(),
            3 => self.take_away(),
            4..=7 => self.add_item(),
            8 if self.one_in(4)? => self.insert(),
            8..=10 => self.add(),
            11 => match self.u.arbitrary::<bool>()? {
                true => self.get_item(),
                false => self.get_vectors(),
            },
            12..=14 => self.build(),
            15 if in_memory && self.one_in(3)? => self.thaw_built(),
            15 if in_memory => self.thaw(),
            15 => self.unbuild(),
            16 => self.on_disk_build(),
            17 | 18 if in_memory => self.save_to_buffer(),
            19 | 20 if in_memory => self.load_buffer(which % 32 == 20),
            17 | 18 => self.save(),
            19 => self.load(),
            20 => self.open(),
            21 => self.metadata(),
            22..=25 => self.nearest(),
            26 => self.verify(),
            27 => self.info(),
            28 => self.probe(),
            29 => self.damage(),
            30 => self.distance(),
            _ => self.small_things(),
        }
    }

    fn id(&mut self, raw: *const annoy_index) -> Result<i64> {
        let n = self.u.arbitrary::<u8>()?;
        if n < 240 {
            return Ok(i64::from(n) % SMALL);
        }
        // SAFETY: NULL or live.
        let wide = unsafe { made_with(raw) }.id_bits == 64;
        // None that a machine with much memory could take.
        let most = if wide { i64::MAX } else { i64::from(i32::MAX) };
        self.one_of(&[-1, i64::MIN, most, most - 1, most - 2, i64::MAX - 3])
    }

    /// A length that is mostly right.
    fn len(&mut self, right: usize) -> Result<usize> {
        match self.u.arbitrary::<u8>()? {
            0..240 => Ok(right),
            _ => self.one_of(&[0, right + 1, right.saturating_sub(1), 64]),
        }
    }

    /// Numbers, most of them finite.
    fn numbers(&mut self, len: usize) -> Result<Vec<f64>> {
        let kind: u8 = self.u.arbitrary()?;
        let mut random = Random(u64::from(kind));
        let mut numbers: Vec<f64> = (0..len).map(|_| random.normal()).collect();
        match kind {
            0..160 => {}
            160..190 => numbers.fill(f64::from(kind % 2)),
            190..210 => numbers.iter_mut().for_each(|x| *x *= 1e38),
            210..230 => numbers.iter_mut().for_each(|x| *x *= 1e-40),
            _ => {
                let at = usize::from(kind) % len.max(1);
                let value =
                    [f64::NAN, f64::INFINITY, -1e300, f64::MAX, -0.0][usize::from(kind) % 5];
                numbers.iter_mut().skip(at).take(1).for_each(|x| *x = value);
            }
        }
        Ok(numbers)
    }

    fn words(&mut self, f: usize, len: usize) -> Result<Vec<u64>> {
        let kind: u8 = self.u.arbitrary()?;
        let mut random = Random(u64::from(kind));
        let mut words: Vec<u64> = (0..len).map(|_| random.next()).collect();
        // Where rows of several words end is not known here.
        if kind < 240 && !f.is_multiple_of(64) {
            words
                .iter_mut()
                .for_each(|word| *word &= (1 << (f % 64)) - 1);
        }
        Ok(words)
    }

    fn f_of(&self, raw: *const annoy_index) -> usize {
        // SAFETY: NULL or live.
        unsafe { annoy_get_f(raw) }
    }

    /// 1, 2 or 3: as f32, f64 or bits; mostly as the index has them.
    fn form(&mut self, raw: *const annoy_index) -> Result<i32> {
        // SAFETY: NULL or live.
        let scalar = unsafe { made_with(raw) }.scalar;
        Ok(match self.u.arbitrary::<u8>()? {
            0..200 => scalar.clamp(1, 3),
            n => 1 + i32::from(n) % 3,
        })
    }

    fn path(&mut self) -> Result<CPath> {
        let path = match self.u.arbitrary::<u8>()? {
            n @ 0..240 => self.directory.join(FILES[usize::from(n) % FILES.len()]),
            240..243 => return Ok(CPath(None)),
            243..246 => self.directory.join(no_utf8()),
            246..248 => "".into(),
            248..250 => "/dev/null".into(),
            250..252 => self.directory.to_path_buf(),
            252..254 => self.directory.join("none").join("a"),
            _ => self.directory.join("x".repeat(300)),
        };
        let path =
            CString::new(path.as_os_str().as_encoded_bytes()).expect("there is no NUL in it");
        Ok(CPath(Some(path)))
    }

    fn slot(&mut self) -> Result<usize> {
        self.one_of(&[0, 0, 0, 1, 1, 2])
    }
}

/// A name that is no text.
fn no_utf8() -> std::ffi::OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
    // Half of a pair.
    #[cfg(windows)]
    return std::os::windows::ffi::OsStringExt::from_wide(&[0xd800]);
}
