//! Vectors as callers have them, and as they are stored.

use super::widen;
use crate::error::{reserve, Error, Result};
use crate::kernel::{Float, Row, Scalar};
use crate::metric::hamming::Word;
use crate::types::Options;

/// A vector given to the index. Its length must be `f`; for hamming as bits, `f` bits in 64-bit
/// words.
///
/// An index of f32 takes `F32`, one of f64 takes `F64`. The shorter numbers are made into those
/// that the index holds.
#[derive(Clone, Copy, Debug)]
pub enum Vector<'a> {
    /// 32-bit floats. For hamming: one per bit, over 0.5 is 1.
    F32(&'a [f32]),
    /// 64-bit floats. For hamming: one per bit, over 0.5 is 1.
    F64(&'a [f64]),
    /// Bits, the first in the least significant place of the first word; those past `f` are 0.
    /// Hamming only.
    Bits(&'a [u64]),
    /// 16-bit floats of IEEE 754 (binary16), each as its bits. Not for hamming.
    F16(&'a [u16]),
    /// bfloat16, each as its bits. Not for hamming.
    Bf16(&'a [u16]),
    /// 8-bit whole numbers. Not for hamming.
    I8(&'a [i8]),
}

impl Vector<'_> {
    fn made_of(&self) -> &'static str {
        match self {
            Vector::F32(_) => "f32",
            Vector::F64(_) => "f64",
            Vector::Bits(_) => "words of bits",
            Vector::F16(_) => "f16",
            Vector::Bf16(_) => "bf16",
            Vector::I8(_) => "i8",
        }
    }
}

/// Room for a vector from the index, of the same lengths as [`Vector`].
#[derive(Debug)]
pub enum VectorMut<'a> {
    /// 32-bit floats. For hamming: 0 or 1 per bit.
    F32(&'a mut [f32]),
    /// 64-bit floats. For hamming: 0 or 1 per bit.
    F64(&'a mut [f64]),
    /// Bits, packed as in [`Vector::Bits`]. Hamming only.
    Bits(&'a mut [u64]),
}

impl<'a> From<&'a [f32]> for Vector<'a> {
    fn from(values: &'a [f32]) -> Self {
        Vector::F32(values)
    }
}

impl<'a> From<&'a [f64]> for Vector<'a> {
    fn from(values: &'a [f64]) -> Self {
        Vector::F64(values)
    }
}

impl<'a> From<&'a [u64]> for Vector<'a> {
    fn from(words: &'a [u64]) -> Self {
        Vector::Bits(words)
    }
}

impl<'a> From<&'a [i8]> for Vector<'a> {
    fn from(values: &'a [i8]) -> Self {
        Vector::I8(values)
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Vector<'a> {
    fn from(values: &'a [f32; N]) -> Self {
        Vector::F32(values)
    }
}

impl<'a, const N: usize> From<&'a [f64; N]> for Vector<'a> {
    fn from(values: &'a [f64; N]) -> Self {
        Vector::F64(values)
    }
}

impl<'a> From<&'a Vec<f32>> for Vector<'a> {
    fn from(values: &'a Vec<f32>) -> Self {
        Vector::F32(values)
    }
}

impl<'a> From<&'a Vec<f64>> for Vector<'a> {
    fn from(values: &'a Vec<f64>) -> Self {
        Vector::F64(values)
    }
}

fn check_len(found: usize, expected: usize, unit: &'static str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Dimension {
        found,
        expected,
        unit,
    })
}

fn wrong_type(options: &Options, given: &str) -> Error {
    Error::Unsupported(format!(
        "the vector is made of {given}, expected {} as the index holds",
        options.scalar
    ))
}

/// An element as it stands in a node, and its way from and to the caller's types.
pub trait Stored: Scalar {
    /// The vector as stored elements; `buffer` is used where they have to be made.
    fn import<'a>(
        options: &Options,
        vector: Vector<'a>,
        buffer: &'a mut Vec<Self>,
    ) -> Result<Row<'a, Self>>;

    /// Copies stored elements to the caller.
    fn export(options: &Options, row: Row<'_, Self>, to: VectorMut<'_>) -> Result<()>;

    /// The first value that is NaN or infinite, and its position.
    fn first_not_finite(vector: Vector<'_>) -> Option<(usize, f64)> {
        fn first<N: Copy>(values: &[N], wide: impl Fn(N) -> f64) -> Option<(usize, f64)> {
            let mut values = values.iter().map(|&x| wide(x)).enumerate();
            values.find(|(_, x)| !x.is_finite())
        }
        match vector {
            Vector::F32(values) => first(values, f64::from),
            Vector::F64(values) => first(values, f64::from),
            Vector::F16(values) => first(values, |x| widen::f16(x).into()),
            Vector::Bf16(values) => first(values, |x| widen::bf16(x).into()),
            Vector::Bits(_) | Vector::I8(_) => None,
        }
    }
}

/// Short numbers as an index of longer ones holds them.
fn widened<'a, N: Copy, T: Scalar + From<f32>>(
    options: &Options,
    values: &[N],
    wide: impl Fn(N) -> f32,
    buffer: &'a mut Vec<T>,
) -> Result<Row<'a, T>> {
    check_len(values.len(), options.f, "values")?;
    buffer.clear();
    reserve(buffer, values.len())?;
    buffer.extend(values.iter().map(|&x| T::from(wide(x))));
    Ok(Row::from_slice(buffer))
}

macro_rules! stored_float {
    ($t:ty, $own:ident, $other:ident, $other_name:literal) => {
        impl Stored for $t {
            fn import<'a>(
                options: &Options,
                vector: Vector<'a>,
                buffer: &'a mut Vec<Self>,
            ) -> Result<Row<'a, Self>> {
                match vector {
                    Vector::$own(values) => {
                        check_len(values.len(), options.f, "values")?;
                        Ok(Row::from_slice(values))
                    }
                    Vector::F16(values) => widened(options, values, widen::f16, buffer),
                    Vector::Bf16(values) => widened(options, values, widen::bf16, buffer),
                    Vector::I8(values) => widened(options, values, f32::from, buffer),
                    Vector::$other(_) | Vector::Bits(_) => {
                        Err(wrong_type(options, vector.made_of()))
                    }
                }
            }

            fn export(options: &Options, row: Row<'_, Self>, to: VectorMut<'_>) -> Result<()> {
                match to {
                    VectorMut::$own(values) => {
                        check_len(values.len(), options.f, "values")?;
                        row.copy_to(values);
                        Ok(())
                    }
                    VectorMut::$other(_) => Err(wrong_type(options, $other_name)),
                    VectorMut::Bits(_) => Err(wrong_type(options, "words of bits")),
                }
            }
        }
    };
}

stored_float!(f32, F32, F64, "f64");
stored_float!(f64, F64, F32, "f32");

/// Packs truth values as Annoy's Python does: the first in the least significant bit.
fn pack<W: Word>(
    mut truths: impl Iterator<Item = bool>,
    words: usize,
    buffer: &mut Vec<W>,
) -> Result<()> {
    buffer.clear();
    reserve(buffer, words)?;
    buffer.extend((0..words).map(|_| {
        let bits = truths.by_ref().take(W::BITS).enumerate();
        W::new(bits.fold(0, |word, (i, truth)| word | u64::from(truth) << i))
    }));
    Ok(())
}

fn unpack<W: Word, T: Float>(row: Row<'_, W>, to: &mut [T]) {
    for (i, value) in to.iter_mut().enumerate() {
        let bit = row.get(i / W::BITS).get() >> (i % W::BITS) & 1;
        *value = if bit == 1 { T::ONE } else { T::ZERO };
    }
}

macro_rules! stored_word {
    ($t:ty) => {
        impl Stored for $t {
            fn import<'a>(
                options: &Options,
                vector: Vector<'a>,
                buffer: &'a mut Vec<Self>,
            ) -> Result<Row<'a, Self>> {
                let words = options.elements();
                match vector {
                    Vector::F32(values) => {
                        check_len(values.len(), options.f, "values")?;
                        pack(values.iter().map(|&x| x > 0.5), words, buffer)?;
                    }
                    Vector::F64(values) => {
                        check_len(values.len(), options.f, "values")?;
                        pack(values.iter().map(|&x| x > 0.5), words, buffer)?;
                    }
                    Vector::Bits(given) => {
                        check_len(given.len(), options.f.div_ceil(64), "64-bit words")?;
                        let past = given.len() * 64 - options.f;
                        let last = given[given.len() - 1];
                        if past > 0 && last >> (64 - past) != 0 {
                            return Err(Error::argument(
                                "the last word",
                                format!("{last:#x}"),
                                format!("0 in its {past} bits past f = {}", options.f),
                            ));
                        }
                        buffer.clear();
                        reserve(buffer, words)?;
                        buffer.extend((0..words).map(|i| {
                            let bit = i * <$t as Word>::BITS;
                            <$t as Word>::new(given[bit / 64] >> (bit % 64))
                        }));
                    }
                    Vector::F16(_) | Vector::Bf16(_) | Vector::I8(_) => {
                        return Err(wrong_type(options, vector.made_of()));
                    }
                }
                Ok(Row::from_slice(buffer))
            }

            fn export(options: &Options, row: Row<'_, Self>, to: VectorMut<'_>) -> Result<()> {
                match to {
                    VectorMut::F32(values) => {
                        check_len(values.len(), options.f, "values")?;
                        unpack(row, values);
                    }
                    VectorMut::F64(values) => {
                        check_len(values.len(), options.f, "values")?;
                        unpack(row, values);
                    }
                    VectorMut::Bits(words) => {
                        check_len(words.len(), options.f.div_ceil(64), "64-bit words")?;
                        words.fill(0);
                        for (i, word) in row.iter().enumerate() {
                            let bit = i * <$t as Word>::BITS;
                            words[bit / 64] |= Word::get(word) << (bit % 64);
                        }
                    }
                }
                Ok(())
            }
        }
    };
}

stored_word!(u8);
stored_word!(u32);
stored_word!(u64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Metric, ScalarType};

    fn options(f: usize, scalar: ScalarType) -> Options {
        Options {
            scalar,
            ..Options::new(Metric::Hamming, f)
        }
    }

    #[test]
    fn floats_pack_first_bit_lowest() {
        let mut buffer = Vec::new();
        let o = options(10, ScalarType::Bits8);
        let values = [1.0f32, 0.0, 0.6, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let row = u8::import(&o, Vector::F32(&values), &mut buffer).unwrap();
        assert!(row.iter().eq([0b101, 0b10]));
        let mut back = [9.0f64; 10];
        u8::export(&o, row, VectorMut::F64(&mut back)).unwrap();
        assert_eq!(back, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn words_pass_through_every_word_size() {
        let given = [0x1122_3344_5566_7788u64, 0x00ff];
        for f in [72, 80, 128] {
            for scalar in [ScalarType::Bits8, ScalarType::Bits32, ScalarType::Bits64] {
                let o = options(f, scalar);
                let mut back = [7u64; 2];
                macro_rules! round {
                    ($t:ty) => {{
                        let mut buffer = Vec::new();
                        let row = <$t>::import(&o, Vector::Bits(&given), &mut buffer).unwrap();
                        <$t>::export(&o, row, VectorMut::Bits(&mut back)).unwrap();
                    }};
                }
                match scalar {
                    ScalarType::Bits8 => round!(u8),
                    ScalarType::Bits32 => round!(u32),
                    _ => round!(u64),
                }
                assert_eq!(back, given, "{f} {scalar}");
            }
        }
    }

    #[test]
    fn bits_past_f_are_refused() {
        let mut buffer = Vec::new();
        let o = options(70, ScalarType::Bits64);
        let error = u64::import(&o, Vector::Bits(&[0, 1 << 6]), &mut buffer).unwrap_err();
        assert!(error.to_string().contains("0x40"), "{error}");
        assert!(u64::import(&o, Vector::Bits(&[0, 1 << 5]), &mut buffer).is_ok());
    }

    #[test]
    fn short_numbers_are_widened() {
        let (mut f32s, mut f64s) = (Vec::new(), Vec::new());
        for vector in [
            Vector::F16(&[0x3c00, 0xc100]),
            Vector::Bf16(&[0x3f80, 0xc020]),
        ] {
            let o = Options::new(Metric::Dot, 2);
            let row = f32::import(&o, vector, &mut f32s).unwrap();
            assert!(row.iter().eq([1.0, -2.5]), "{vector:?}");
            let row = f64::import(&o, vector, &mut f64s).unwrap();
            assert!(row.iter().eq([1.0, -2.5]), "{vector:?}");
        }
        let o = Options::new(Metric::Dot, 3);
        let whole = Vector::I8(&[-128, 0, 127]);
        let row = f32::import(&o, whole, &mut f32s).unwrap();
        assert!(row.iter().eq([-128.0, 0.0, 127.0]));
        let o = options(3, ScalarType::Bits64);
        let error = u64::import(&o, whole, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("made of i8"), "{error}");
    }

    #[test]
    fn short_numbers_that_are_not_finite_are_found() {
        for (vector, position) in [
            (Vector::F16(&[0x7bff, 0xfc00]), Some(1)),
            (Vector::F16(&[0x7e00, 0]), Some(0)),
            (Vector::Bf16(&[0x7f7f, 0x7f80]), Some(1)),
            (Vector::I8(&[1, -1]), None),
        ] {
            let found = f32::first_not_finite(vector).map(|(position, _)| position);
            assert_eq!(found, position, "{vector:?}");
        }
    }

    #[test]
    fn lengths_and_types_are_checked() {
        let o = Options::new(Metric::Dot, 2);
        let mut buffer = Vec::new();
        for (vector, words) in [
            (Vector::F32(&[1.0]), "1 values, expected 2"),
            (Vector::F64(&[1.0, 2.0]), "f64, expected f32"),
            (Vector::Bits(&[1]), "words of bits, expected f32"),
            (Vector::F16(&[1]), "1 values, expected 2"),
            (Vector::Bf16(&[1]), "1 values, expected 2"),
            (Vector::I8(&[1, 2, 3]), "3 values, expected 2"),
        ] {
            let error = f32::import(&o, vector, &mut buffer)
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
