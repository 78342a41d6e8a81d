//! Lets the calls of the system that an operation makes fail, one after the other.

use super::common::{directory, sample, scratch, temporary_files, Snapshot};
use super::{turn, Held, NAME};
use annoy_rs::fault::{control, Kind};
use annoy_rs::{Error, Index};
use std::collections::BTreeMap;
use std::path::Path;

const UNFINISHED: &[u8] = b"ANN\xffUNFINISHED\n\xff";

type Run = dyn Fn(&mut Index, &Path) -> annoy_rs::Result<()>;

/// A call, and what it is called on.
pub struct Operation {
    name: String,
    /// Makes the index and the files in a directory.
    set_up: Box<dyn Fn(&Path) -> Index>,
    run: Box<Run>,
    /// Whether the file may be the new one after a failure, because more is done after it is there.
    may_be_new: bool,
    /// Whether the index may be built after a failure, because its file is made durable and named
    /// afterwards.
    may_be_built: bool,
    /// What the system refuses in any case: a file is written over then, and may be unfinished
    /// after a failure.
    refused: Option<(Kind, i32)>,
}

impl Operation {
    pub fn new(
        name: impl Into<String>,
        set_up: impl Fn(&Path) -> Index + 'static,
        run: impl Fn(&mut Index, &Path) -> annoy_rs::Result<()> + 'static,
    ) -> Self {
        Operation {
            name: name.into(),
            set_up: Box::new(set_up),
            run: Box::new(run),
            may_be_new: false,
            may_be_built: false,
            refused: None,
        }
    }

    pub fn may_be_new(mut self) -> Self {
        self.may_be_new = true;
        self
    }

    pub fn may_be_built(mut self) -> Self {
        self.may_be_built = true;
        self
    }

    pub fn refused(mut self, kind: Kind, number: i32) -> Self {
        self.refused = Some((kind, number));
        self
    }

    fn call(&self, index: &mut Index, path: &Path) -> annoy_rs::Result<()> {
        self.refuse();
        let result = (self.run)(index, path);
        control::refuse(Kind::Rename, 0, 0);
        result
    }

    fn refuse(&self) {
        if let Some((kind, number)) = self.refused {
            control::refuse(kind, number, u64::MAX);
        }
    }
}

/// What an operation comes to when nothing fails.
#[derive(Debug, PartialEq)]
struct Outcome {
    index: Snapshot,
    metadata: Vec<u8>,
    /// Of each item, and whether it is removed.
    labels: Vec<(Option<String>, bool)>,
    files: BTreeMap<String, Vec<u8>>,
    temporary: usize,
}

impl Outcome {
    fn of(index: &Index, root: &Path) -> Self {
        let mut files = directory(root);
        files.retain(|name, _| !name.ends_with(".tmp"));
        Outcome {
            index: Snapshot::of(index),
            metadata: index.metadata().to_vec(),
            labels: (0..index.n_items() as i64)
                .map(|id| {
                    let label = index.label(id).unwrap();
                    if let Some(label) = label {
                        assert_eq!(index.find_label(label).unwrap(), Some(id));
                    }
                    (label.map(|label| label.to_string()), index.is_removed(id))
                })
                .collect(),
            files,
            temporary: temporary_files(root),
        }
    }
}

/// How many failures were walked.
#[derive(Default)]
struct Count {
    walked: BTreeMap<String, usize>,
    /// Of those, how many the operation got over.
    overcome: usize,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug)]
enum Mode {
    /// One.
    Once(Kind),
    /// One and all of its kind that follow.
    Lasting(Kind),
    /// One, and all that follow of any kind.
    Everything,
}

impl Mode {
    fn all() -> impl Iterator<Item = Mode> {
        let kinds = Kind::ALL.into_iter();
        kinds
            .flat_map(|kind| [Mode::Once(kind), Mode::Lasting(kind)])
            .chain([Mode::Everything])
    }

    fn arm(self, nth: u64) {
        match self {
            Mode::Once(kind) => control::arm(&[kind], nth, false),
            Mode::Lasting(kind) => control::arm(&[kind], nth, true),
            Mode::Everything => control::arm(&Kind::ALL, nth, true),
        }
    }
}

fn check_error(error: &Error, mode: Mode, context: &str) {
    let memory = matches!(error, Error::NoMemory { .. });
    let io = matches!(error, Error::Io { path: Some(path), .. } if path.ends_with(NAME));
    assert!(
        error.to_string().contains("injected fault"),
        "{context}: {error}"
    );
    let right = match mode {
        Mode::Once(Kind::Memory) | Mode::Lasting(Kind::Memory) => memory,
        Mode::Once(Kind::Map) | Mode::Lasting(Kind::Map) | Mode::Everything => memory || io,
        _ => io,
    };
    assert!(right, "{context}: {error:?}");
}

/// How far it is to the next call that fails. After the first hundreds of allocations they are
/// those of loops, much like each other; of all other calls each one fails. Where tries are sampled
/// it is every fifth of the first hundred, then every twentieth.
fn step(mode: Mode, nth: u64) -> u64 {
    match mode {
        Mode::Once(Kind::Memory) | Mode::Lasting(Kind::Memory) | Mode::Everything => {
            let sampled = if nth < 100 { 5 } else { 20 };
            (nth / 8)
                .saturating_sub(20)
                .max(sampled.min(sample() as u64))
        }
        Mode::Once(_) | Mode::Lasting(_) => 1,
    }
}

/// Lets the calls that an operation makes fail, one after the other.
fn walk(operation: &Operation, count: &mut Count) {
    let expected = {
        let root = scratch();
        let mut index = (operation.set_up)(root.path());
        operation.call(&mut index, &root.path().join(NAME)).unwrap();
        Outcome::of(&index, root.path())
    };
    for mode in Mode::all() {
        let mut next = 1;
        loop {
            let nth = next;
            next += step(mode, nth);
            let context = format!("{}, {mode:?} {nth}", operation.name);
            let root = scratch();
            let path = root.path().join(NAME);
            let held_at_first = Held::now(root.path());
            let mut index = (operation.set_up)(root.path());
            let before = Outcome::of(&index, root.path());
            let held = Held::now(root.path());
            mode.arm(nth);
            let result = operation.call(&mut index, &path);
            let hit = control::disarm();
            let after = Outcome::of(&index, root.path());
            match result {
                Ok(()) if !hit => {
                    assert!(after == expected, "{context}: not as ever");
                    break;
                }
                Ok(()) => {
                    assert!(after == expected, "{context}: got over it wrongly");
                    count.overcome += 1;
                }
                Err(error) => {
                    assert!(hit, "{context}: {error}");
                    check_error(&error, mode, &context);
                    check_after(operation, mode, &before, &after, &expected, &context);
                    let built = operation.may_be_built && after.index == expected.index;
                    if built {
                        operation.refuse();
                        index.save(&path).unwrap();
                        control::refuse(Kind::Rename, 0, 0);
                    } else if after.index == before.index {
                        assert_eq!(Held::now(root.path()), held, "{context}");
                        operation
                            .call(&mut index, &path)
                            .unwrap_or_else(|error| panic!("{context}, again: {error}"));
                    }
                    let mut again = Outcome::of(&index, root.path());
                    if built {
                        // That of the build may still be there.
                        again.temporary = expected.temporary;
                    }
                    assert!(again == expected, "{context}: again, but not as ever");
                }
            }
            drop(index);
            assert_eq!(temporary_files(root.path()), 0, "{context}");
            assert_eq!(Held::now(root.path()), held_at_first, "{context}");
            *count.walked.entry(format!("{mode:?}")).or_default() += 1;
        }
    }
}

/// All as before, but for what may have happened before the failure.
fn check_after(
    operation: &Operation,
    mode: Mode,
    before: &Outcome,
    after: &Outcome,
    expected: &Outcome,
    context: &str,
) {
    let is_new = after.files == expected.files;
    // When all that failed is to make its name durable, the file is there.
    let not_durable = matches!(
        mode,
        Mode::Once(Kind::Sync) | Mode::Lasting(Kind::Sync) | Mode::Everything
    );
    // Written over in part; or not at all, with what was begun behind it that could not be cut off,
    // as nothing could be done.
    let unfinished = |before: &[u8], after: &[u8]| {
        after.ends_with(UNFINISHED) || matches!(mode, Mode::Everything) && after.starts_with(before)
    };
    let is_unfinished =
        operation.refused.is_some() && unfinished(&before.files[NAME], &after.files[NAME]);
    if after.files != before.files && !is_unfinished {
        assert!(is_new, "{context}: files of neither before nor after");
        assert!(operation.may_be_new || not_durable, "{context}: new files");
    }
    // All trees were there, if not their file.
    if operation.may_be_built && after.index == expected.index {
        assert_eq!(after.metadata, expected.metadata, "{context}");
        assert_eq!(after.labels, expected.labels, "{context}");
        assert!(after.temporary <= before.temporary, "{context}");
        return;
    }
    assert!(after.index == before.index, "{context}: another index");
    assert_eq!(after.metadata, before.metadata, "{context}");
    assert_eq!(after.labels, before.labels, "{context}");
    assert_eq!(after.temporary, before.temporary, "{context}");
}

/// Walks them and looks at how many calls of each kind there were.
pub fn walk_all(operations: &[Operation], least: &[(Kind, usize)]) {
    let _turn = turn();
    let mut count = Count::default();
    for operation in operations {
        let before: usize = count.walked.values().sum();
        walk(operation, &mut count);
        let walked = count.walked.values().sum::<usize>() - before;
        println!("{}: {walked} failures", operation.name);
    }
    println!(
        "{} failures, {} of them overcome: {:?}",
        count.walked.values().sum::<usize>(),
        count.overcome,
        count.walked
    );
    for &(kind, least) in least {
        let name = format!("{:?}", Mode::Once(kind));
        let walked = count.walked.get(&name).copied().unwrap_or(0);
        assert!(walked >= least, "{name}: {walked}, expected {least}");
    }
}
