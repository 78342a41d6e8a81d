//! What a directory of shards says of itself: the file `MANIFEST`. FORMAT.md describes it.
//!
//! It is JSON, so that other programs can read it. Its last member is the checksum of all of it,
//! with zeros in that place. Nothing of it is trusted: names above all, which become paths.

use crate::error::{Error, Result};
use crate::file::superblock;
use crate::labels::LabelKind;
use crate::memory;
use crate::types::{IdWidth, Metric, Options, ScalarType};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::Path;

/// Of the manifest in a directory.
pub const NAME: &str = "MANIFEST";

/// What it says it is.
const FORMAT: &str = "annoy_rs shards";

/// Version that is read and written.
const VERSION: u32 = 1;

/// The most shards of an index.
pub const MAX_SHARDS: usize = 1 << 16;

/// The most bytes of a manifest: of as many shards with long names.
pub const MAX_BYTES: u64 = 64 << 20;

/// The most bytes of a name.
const MAX_NAME: usize = 200;

/// Bytes of memory that reading one takes for each of the file: the standard library ends the
/// process if there are none, so they are asked for before.
const BYTES_FOR_BYTE: usize = 4;

/// How it ends: the checksum is between these.
const BEFORE_CHECKSUM: &[u8] = b"\n  \"checksum\": \"";
const AFTER_CHECKSUM: &[u8] = b"\"\n}\n";
const DIGITS: usize = 16;

/// A checksum: XXH3 (64 bits) as hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(pub u64);

impl Serialize for Sum {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        let number = match text.len() == DIGITS && text.bytes().all(is_hex) {
            true => u64::from_str_radix(&text, 16).ok(),
            false => None,
        };
        number.map(Sum).ok_or_else(|| {
            let expected = "a checksum is not 16 hexadecimal digits";
            serde::de::Error::custom(expected)
        })
    }
}

/// Ids of a shard that are removed, in a file of their own: the shard stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// The file, in the same directory.
    pub name: String,
    /// How many ids.
    pub items: u64,
    /// Of the whole file.
    pub checksum: Sum,
}

/// A shard, as the manifest has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Its file, in the same directory.
    pub name: String,
    /// The largest id plus one.
    pub items: u64,
    /// Of its file.
    pub bytes: u64,
    /// Of the whole file.
    pub checksum: Sum,
    /// Of its superblock, which has the checksums of all the rest: another file is known by it
    /// without reading it all.
    pub superblock: Sum,
    /// The first manifest that had it.
    pub generation: u64,
    /// What its items have in common, if it was made for that: any text of the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// Those of its items that are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removal>,
}

/// What a directory of shards says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Goes up by one with each that is written.
    pub generation: u64,
    /// Of all shards.
    pub options: Options,
    /// Of all shards that have labels.
    pub labels: Option<LabelKind>,
    /// In the order of their ids.
    pub shards: Vec<Shard>,
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    format: &'a str,
    version: u32,
    generation: u64,
    metric: &'a str,
    f: usize,
    scalar: &'a str,
    id_bits: u32,
    labels: &'a str,
    shards: Vec<Shard>,
    checksum: Sum,
}

/// What every version says.
#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    format: Option<std::borrow::Cow<'a, str>>,
    version: Option<u64>,
}

/// Writes to memory that may not be there.
struct Bytes(Vec<u8>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        memory::reserve(&mut self.0, bytes.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const LABELS: [(&str, Option<LabelKind>); 3] = [
    ("none", None),
    ("u64", Some(LabelKind::U64)),
    ("utf8", Some(LabelKind::Utf8)),
];

const SCALARS: [ScalarType; 5] = [
    ScalarType::F32,
    ScalarType::F64,
    ScalarType::Bits64,
    ScalarType::Bits32,
    ScalarType::Bits8,
];

impl Manifest {
    /// Reads the bytes of a manifest.
    ///
    /// # Errors
    /// [`Error::Format`] that says what is wrong; [`Error::NoMemory`].
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Self> {
        // Given back at once: what reads takes it again.
        drop(memory::with_room::<u8>(
            bytes.len().saturating_mul(BYTES_FOR_BYTE),
        )?);
        decode(bytes).map_err(|reason| Error::Format {
            path: memory::try_path(path).ok(),
            expected: format!("a manifest of shards"),
            reason,
        })
    }

    /// The bytes of the file: the same for the same manifest.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn encode(&self) -> Result<Vec<u8>> {
        let labels = LABELS.iter().find(|(_, kind)| *kind == self.labels);
        let document = Document {
            format: FORMAT,
            version: VERSION,
            generation: self.generation,
            metric: self.options.metric.name(),
            f: self.options.f,
            scalar: self.options.scalar.name(),
            id_bits: self.options.id_width.bits(),
            labels: labels.map_or("none", |(name, _)| name),
            shards: memory::copy(&self.shards)?,
            checksum: Sum(0),
        };
        let mut bytes = Bytes(Vec::new());
        let written = serde_json::to_writer_pretty(&mut bytes, &document);
        written.map_err(|reason| Error::no_memory(bytes.0.len(), reason))?;
        let Bytes(mut bytes) = bytes;
        memory::push(&mut bytes, b'\n')?;
        let sum = superblock::checksum(&bytes);
        let start = bytes.len() - AFTER_CHECKSUM.len() - DIGITS;
        // As many digits; into room that is there.
        let _ = write!(&mut bytes[start..], "{sum:016x}");
        Ok(bytes)
    }

    /// Items of all shards.
    pub fn n_items(&self) -> u64 {
        self.shards.iter().map(|shard| shard.items).sum()
    }
}

fn decode(bytes: &[u8]) -> Result<Manifest, String> {
    let start: Start<'_> = read(bytes)?;
    if start.format.as_deref() != Some(FORMAT) {
        return Err(format!("its \"format\" is not {FORMAT:?}"));
    }
    match start.version {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => {
            return Err(format!(
                "it is of version {version}, expected {VERSION}: a later annoy_rs wrote it"
            ))
        }
        None => return Err(format!("it has no \"version\"")),
    }
    let given = sum_of(bytes)?;
    let document: Document<'_> = read(bytes)?;
    if document.checksum != given.0 || given.0 != given.1 {
        let (said, found) = (document.checksum.0, given.1 .0);
        return Err(format!(
            "its checksum is {found:016x}, and it says {said:016x}"
        ));
    }
    let options = options(&document)?;
    let labels = LABELS.iter().find(|(name, _)| *name == document.labels);
    let labels = labels.ok_or_else(|| format!("its \"labels\" are not none, u64 or utf8"))?;
    if document.generation == 0 || document.generation >= i64::MAX as u64 {
        return Err(format!("its generation is {}", document.generation));
    }
    let manifest = Manifest {
        generation: document.generation,
        options,
        labels: labels.1,
        shards: document.shards,
    };
    manifest.check()?;
    Ok(manifest)
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|reason| format!("{reason}"))
}

/// The checksum that it has and the one that it should have.
fn sum_of(bytes: &[u8]) -> Result<(Sum, Sum), String> {
    let ends = || format!("it does not end with its checksum");
    let until = bytes.strip_suffix(AFTER_CHECKSUM).ok_or_else(ends)?;
    let start = until.len().checked_sub(DIGITS).ok_or_else(ends)?;
    let (before, digits) = until.split_at(start);
    if !before.ends_with(BEFORE_CHECKSUM) {
        return Err(ends());
    }
    let digits = std::str::from_utf8(digits).ok();
    let said = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let mut hasher = superblock::hasher();
    for part in [before, &[b'0'; DIGITS], AFTER_CHECKSUM] {
        std::hash::Hasher::write(&mut hasher, part);
    }
    let found = std::hash::Hasher::finish(&hasher);
    Ok((Sum(said.ok_or_else(ends)?), Sum(found)))
}

fn options(document: &Document<'_>) -> Result<Options, String> {
    let metric = Metric::ALL
        .into_iter()
        .find(|metric| metric.name() == document.metric)
        .ok_or_else(|| format!("its metric is {:?}", document.metric))?;
    let scalar = SCALARS
        .into_iter()
        .find(|scalar| scalar.name() == document.scalar)
        .ok_or_else(|| format!("its scalar type is {:?}", document.scalar))?;
    let id_width = match document.id_bits {
        32 => IdWidth::Bits32,
        64 => IdWidth::Bits64,
        bits => return Err(format!("its ids have {bits} bits")),
    };
    let options = Options {
        metric,
        f: document.f,
        scalar,
        id_width,
    };
    options.validate().map_err(|error| format!("{error}"))?;
    Ok(options)
}

impl Manifest {
    /// Whether it can be one: names and sums.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.shards.is_empty() || self.shards.len() > MAX_SHARDS {
            let n = self.shards.len();
            return Err(format!("it has {n} shards, expected 1 to {MAX_SHARDS}"));
        }
        let mut names = Vec::new();
        let room = names.try_reserve_exact(2 * self.shards.len());
        room.map_err(|reason| format!("{reason}"))?;
        let (mut items, mut bytes) = (0u64, 0u64);
        for shard in &self.shards {
            check_name(&shard.name, ".ann")?;
            names.push(shard.name.as_str());
            if let Some(removed) = &shard.removed {
                check_name(&removed.name, ".removed")?;
                names.push(removed.name.as_str());
                if removed.items > shard.items {
                    let (n, name) = (removed.items, &shard.name);
                    return Err(format!(
                        "{n} items of {name:?} are removed, which has fewer"
                    ));
                }
            }
            if shard.partition.as_ref().is_some_and(|p| p.len() > MAX_NAME) {
                return Err(format!("the partition of {:?} is too long", shard.name));
            }
            if shard.generation > self.generation {
                return Err(format!("{:?} is of a later generation", shard.name));
            }
            let most = shard.items <= shard.bytes && shard.bytes <= i64::MAX as u64;
            items = items.saturating_add(shard.items);
            bytes = bytes.saturating_add(shard.bytes);
            if !most || items > i64::MAX as u64 || bytes == u64::MAX {
                let name = &shard.name;
                return Err(format!(
                    "{name:?} has more items or bytes than there can be"
                ));
            }
        }
        // Where file systems do not tell capitals, two names are one file.
        names.sort_unstable_by(|a, b| folded(a).cmp(folded(b)));
        for pair in names.windows(2) {
            if pair[0].eq_ignore_ascii_case(pair[1]) {
                return Err(format!("it names {:?} twice", pair[1]));
            }
        }
        Ok(())
    }
}

fn folded(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().map(|c| c.to_ascii_lowercase())
}

/// Whether a file of the directory may have this name: nothing that leads elsewhere, that some
/// system does not take, or that is hidden.
pub(super) fn check_name(name: &str, ending: &str) -> Result<(), String> {
    let may_be = |c: u8| c.is_ascii_alphanumeric() || b"._-=".contains(&c);
    let is_good = name.len() > ending.len()
        && name.len() <= MAX_NAME
        && name.ends_with(ending)
        && !name.starts_with('.')
        && name.bytes().all(may_be);
    if is_good {
        return Ok(());
    }
    let end = name
        .char_indices()
        .nth(60)
        .map_or(name.len(), |(end, _)| end);
    let shown = &name[..end];
    Err(format!(
        "it names the file {shown:?}, expected up to {MAX_NAME} letters, digits, '.', '_', '-' and \
         '=', the first no '.', that end in {ending:?}"
    ))
}
