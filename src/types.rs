//! The choices that fix the bytes of an index: metric, scalar type, id width.

use crate::error::Error;
use crate::memory::text;
use std::fmt;
use std::str::FromStr;

/// How the distance between two vectors is measured.
///
/// The distances handed out are those of Annoy: see each variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// `sqrt(2 - 2 cos(u, v))`; a zero vector has cosine 0 to everything.
    Angular,
    /// `sqrt(sum (u - v)^2)`.
    Euclidean,
    /// `sum |u - v|`.
    Manhattan,
    /// The inner product itself, largest first.
    Dot,
    /// The number of differing bits.
    Hamming,
}

impl Metric {
    /// Every metric, in the order of the C enumeration.
    pub const ALL: [Metric; 5] = [
        Metric::Angular,
        Metric::Euclidean,
        Metric::Manhattan,
        Metric::Dot,
        Metric::Hamming,
    ];

    /// Other names that are taken for a metric, as other libraries call it: the same in every
    /// language.
    pub const ALIASES: [(&'static str, Metric); 11] = [
        ("cosine", Metric::Angular),
        ("l2", Metric::Euclidean),
        ("lstsq", Metric::Euclidean),
        ("l1", Metric::Manhattan),
        ("cityblock", Metric::Manhattan),
        ("taxicab", Metric::Manhattan),
        ("dotproduct", Metric::Dot),
        ("inner", Metric::Dot),
        ("innerproduct", Metric::Dot),
        ("@", Metric::Dot),
        (".", Metric::Dot),
    ];

    /// Annoy's name of the metric: "angular", "euclidean", "manhattan", "dot" or "hamming".
    pub fn name(self) -> &'static str {
        match self {
            Metric::Angular => "angular",
            Metric::Euclidean => "euclidean",
            Metric::Manhattan => "manhattan",
            Metric::Dot => "dot",
            Metric::Hamming => "hamming",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = Error;

    /// The metric of a [name](Metric::name) or of one of its [aliases](Metric::ALIASES).
    fn from_str(name: &str) -> Result<Self, Error> {
        let names = Metric::ALL
            .into_iter()
            .map(|metric| (metric.name(), metric));
        names
            .chain(Metric::ALIASES)
            .find(|(known, _)| *known == name)
            .map(|(_, metric)| metric)
            .ok_or_else(|| {
                let known = text("angular, euclidean, manhattan, dot, hamming, or ");
                let aliases = Metric::ALIASES.iter().enumerate();
                let expected = aliases.fold(known, |known, (i, (alias, _))| match i {
                    0 => format!("{known}{alias}"),
                    _ => format!("{known}, {alias}"),
                });
                Error::argument("metric", format!("{name:?}"), expected)
            })
    }
}

/// What one element of a stored vector is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// 32-bit float: what Annoy's Python, Go and R bindings store.
    F32,
    /// 64-bit float: what the Ruby binding stores by default.
    F64,
    /// Hamming in words of 64 bits, as Annoy's Python stores it.
    Bits64,
    /// Hamming in words of 32 bits.
    Bits32,
    /// Hamming in words of 8 bits.
    Bits8,
}

impl ScalarType {
    /// The type an index of this metric has when none is asked for.
    pub fn default_for(metric: Metric) -> Self {
        match metric {
            Metric::Hamming => ScalarType::Bits64,
            _ => ScalarType::F32,
        }
    }

    /// Size of one element in bytes.
    pub fn size(self) -> usize {
        match self {
            ScalarType::F32 | ScalarType::Bits32 => 4,
            ScalarType::F64 | ScalarType::Bits64 => 8,
            ScalarType::Bits8 => 1,
        }
    }

    /// Whether the elements are words of bits, as hamming has them.
    pub fn is_bits(self) -> bool {
        !matches!(self, ScalarType::F32 | ScalarType::F64)
    }

    /// A short name: "f32", "f64", "u64", "u32" or "u8".
    pub fn name(self) -> &'static str {
        match self {
            ScalarType::F32 => "f32",
            ScalarType::F64 => "f64",
            ScalarType::Bits64 => "u64",
            ScalarType::Bits32 => "u32",
            ScalarType::Bits8 => "u8",
        }
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Width of the ids and counts stored in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdWidth {
    /// 32-bit ids: what Annoy's bindings write. Up to 2^31 - 1 items.
    Bits32,
    /// 64-bit ids.
    Bits64,
}

impl IdWidth {
    /// The other width.
    pub(crate) fn other(self) -> Self {
        match self {
            IdWidth::Bits32 => IdWidth::Bits64,
            IdWidth::Bits64 => IdWidth::Bits32,
        }
    }

    /// Size of one id in bytes.
    pub fn size(self) -> usize {
        match self {
            IdWidth::Bits32 => 4,
            IdWidth::Bits64 => 8,
        }
    }

    /// Size of one id in bits.
    pub fn bits(self) -> u32 {
        self.size() as u32 * 8
    }

    /// The largest count (of items, of nodes) that the file can hold.
    pub fn max_count(self) -> u64 {
        match self {
            IdWidth::Bits32 => i32::MAX as u64,
            IdWidth::Bits64 => i64::MAX as u64,
        }
    }
}

/// The most elements (numbers, or words for hamming) a vector may have.
pub const MAX_ELEMENTS: usize = 65_536;

/// Everything that decides how an index lays out its bytes.
///
/// ```
/// use annoy_rs::{IdWidth, Metric, Options, ScalarType};
/// let options = Options::new(Metric::Angular, 50);
/// assert_eq!(options.scalar, ScalarType::F32);
/// assert_eq!(options.id_width, IdWidth::Bits32);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The metric.
    pub metric: Metric,
    /// Length of the vectors: numbers, or bits for hamming.
    pub f: usize,
    /// Element type; must fit the metric.
    pub scalar: ScalarType,
    /// Width of ids in the file.
    pub id_width: IdWidth,
}

impl Options {
    /// The layout Annoy's Python binding has: f32 (64-bit words for hamming), 32-bit ids.
    pub fn new(metric: Metric, f: usize) -> Self {
        Options {
            metric,
            f,
            scalar: ScalarType::default_for(metric),
            id_width: IdWidth::Bits32,
        }
    }

    /// Number of stored elements per vector: `f`, or the words that hold `f` bits.
    pub fn elements(&self) -> usize {
        if self.scalar.is_bits() {
            self.f.div_ceil(self.scalar.size() * 8)
        } else {
            self.f
        }
    }

    /// Checks that the choices fit together.
    ///
    /// # Errors
    /// [`Error::Argument`] when `f` is 0 or too large, or the scalar type does not fit the metric.
    pub fn validate(&self) -> Result<(), Error> {
        if self.scalar.is_bits() != (self.metric == Metric::Hamming) {
            let expected = match self.metric {
                Metric::Hamming => format!("u64, u32 or u8 for hamming"),
                other => format!("f32 or f64 for {other}"),
            };
            return Err(Error::argument("scalar", self.scalar, expected));
        }
        let (unit, most) = match self.metric {
            Metric::Hamming => ("bits", MAX_ELEMENTS * self.scalar.size() * 8),
            _ => ("numbers", MAX_ELEMENTS),
        };
        if self.f == 0 || self.f > most {
            return Err(Error::argument("f", self.f, format!("1 to {most} {unit}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse::<Metric>().unwrap(), metric);
        }
        for (alias, metric) in Metric::ALIASES {
            assert_eq!(alias.parse::<Metric>().unwrap(), metric);
        }
        let error = "cos".parse::<Metric>().unwrap_err().to_string();
        assert!(
            error.contains("\"cos\"")
                && error.contains("angular")
                && error.contains("innerproduct"),
            "{error}"
        );
    }

    #[test]
    fn scalar_must_fit_metric() {
        let mut options = Options::new(Metric::Hamming, 64);
        options.scalar = ScalarType::F32;
        assert!(options.validate().is_err());
        let mut options = Options::new(Metric::Dot, 64);
        options.scalar = ScalarType::Bits8;
        assert!(options.validate().is_err());
    }

    #[test]
    fn hamming_counts_bits() {
        let mut options = Options::new(Metric::Hamming, 65);
        assert_eq!(options.elements(), 2);
        options.scalar = ScalarType::Bits8;
        assert_eq!(options.elements(), 9);
        options.f = MAX_ELEMENTS * 8 + 1;
        assert!(options.validate().is_err());
    }
}
