//! Every kernel through one table of cases.
//!
//! The portable kernels are held against a naive reference in `f64` arithmetic and in element
//! order; every other instruction set is held against the portable one, bit by bit. Buffers end
//! exactly where the vector ends, so that a sanitizer sees a read past it.

use super::*;
use std::fmt::Debug;

/// All vectors of these lengths start at every byte from 0 to 16, those of `FEW` at 0 to 64.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=130).chain([255, 256, 257, 784, 1000])
}
const FEW: [usize; 6] = [1, 7, 16, 50, 100, 131];

/// What the vectors hold.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Data {
    /// From -1 to 1.
    Common,
    /// Half of it `+0.0` and `-0.0`.
    Zeros,
    /// `-0.0` and nothing else: a sum of them shows what the lanes start at.
    NegativeZero,
    /// Subnormal numbers.
    Tiny,
    /// Large enough for products and sums to overflow now and then.
    Huge,
    /// Common, with infinities and NaNs strewn in.
    NotFinite,
}
const DATA: [Data; 6] = [
    Data::Common,
    Data::Zeros,
    Data::NegativeZero,
    Data::Tiny,
    Data::Huge,
    Data::NotFinite,
];

/// Knuth's MMIX generator.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    /// From -1 to 1.
    fn unit(&mut self) -> f64 {
        self.next() as f64 / f64::from(1_u32 << 30) - 1.0
    }
}

/// What the tests need to know of a type besides `Float`.
trait Case: Float {
    /// The distance from 1 to the next number.
    const EPSILON: f64;
    /// What subnormal numbers are below, and the smallest of them.
    const TINY: (f64, f64);
    /// Its square is infinite for a third of the numbers up to it.
    const HUGE: f64;
    const MAX: f64;
    fn bits(self) -> u64;
}

impl Case for f32 {
    const EPSILON: f64 = f32::EPSILON as f64;
    const TINY: (f64, f64) = (f32::MIN_POSITIVE as f64, 1.401298464324817e-45);
    const HUGE: f64 = 2.8e19;
    const MAX: f64 = f32::MAX as f64;
    fn bits(self) -> u64 {
        u64::from(self.to_bits())
    }
}

impl Case for f64 {
    const EPSILON: f64 = f64::EPSILON;
    const TINY: (f64, f64) = (f64::MIN_POSITIVE, 5e-324);
    const HUGE: f64 = 2.0e154;
    const MAX: f64 = f64::MAX;
    fn bits(self) -> u64 {
        self.to_bits()
    }
}

/// A vector of `n` that starts at byte `offset` of an allocation and ends where that ends.
struct Buffer {
    bytes: Box<[u8]>,
    offset: usize,
}

impl Buffer {
    fn new<T: Case>(data: Data, n: usize, offset: usize, random: &mut Lcg) -> Buffer {
        let mut bytes = vec![0xff; offset + n * T::SIZE].into_boxed_slice();
        for i in 0..n {
            let unit = random.unit();
            let x = match (data, random.next() % 8) {
                (Data::NegativeZero, _) | (Data::Zeros, 0 | 1) => -0.0,
                (Data::Zeros, 2 | 3) => 0.0,
                (Data::Tiny, _) => unit * T::TINY.0,
                (Data::Huge, _) => unit * T::HUGE,
                (Data::NotFinite, 0) => f64::INFINITY,
                (Data::NotFinite, 1) => f64::NEG_INFINITY,
                (Data::NotFinite, 2) if i % 16 == 3 => f64::NAN,
                _ => unit,
            };
            T::from_f64(x).write(&mut bytes, offset + i * T::SIZE);
        }
        Buffer { bytes, offset }
    }

    fn row<T: Case>(&self) -> Row<'_, T> {
        Row::from_bytes(&self.bytes[self.offset..])
    }
}

/// The instruction sets to hold against the portable one.
fn others() -> Vec<Isa> {
    let required = std::env::var_os("ANNOY_RS_REQUIRE_KERNELS").is_some_and(|v| v == "1");
    Isa::ALL[1..]
        .iter()
        .copied()
        .filter(|isa| {
            if !isa.is_available() {
                println!("skipped: this processor cannot run {} kernels", isa.name());
                assert!(!required, "ANNOY_RS_REQUIRE_KERNELS=1");
            }
            isa.is_available()
        })
        .collect()
}

/// The same bits, or both NaN.
#[track_caller]
fn same<T: Case>(got: T, want: T, what: &dyn Fn() -> String) {
    let both_nan = got.to_f64().is_nan() && want.to_f64().is_nan();
    assert!(
        both_nan || got.bits() == want.bits(),
        "{}: {got:?} ({:#x}), not {want:?} ({:#x})",
        what(),
        got.bits(),
        want.bits()
    );
}

/// `got` within `2 * (n + 4) * EPSILON` of the sum of the terms, relative to the sum of their sizes:
/// `n` additions and up to four more operations, rounded here and, where `T` is `f64`, in the
/// reference too. And half of the smallest number for each term that underflowed, likewise.
#[track_caller]
fn near<T: Case>(got: T, terms: impl Iterator<Item = f64>, n: usize, what: &dyn Fn() -> String) {
    let (mut sum, mut size) = (0.0, 0.0);
    for term in terms {
        sum += term;
        size += term.abs();
    }
    if size.is_nan() || size >= T::MAX {
        return; // Not finite, or may overflow: only the bits are compared.
    }
    let tolerance = 2.0 * (n + 4) as f64 * T::EPSILON * size + n as f64 * T::TINY.1;
    assert!(
        (got.to_f64() - sum).abs() <= tolerance,
        "{}: {got:?} is not within {tolerance:e} of {sum:e}",
        what()
    );
}

/// One case: two vectors against three others, through every operation.
fn check<T: Case>(others: &[Isa], data: Data, n: usize, offset: usize, random: &mut Lcg) {
    // Offsets differ from each other, so that no two vectors of a call share their alignment.
    let buffers = [0, 3, 7, 9, 12].map(|k| {
        let offset = if k == 0 { offset } else { (offset + k) % 17 };
        Buffer::new::<T>(data, n, offset, random)
    });
    let [x, p, q, r, s] = [0, 1, 2, 3, 4].map(|k: usize| buffers[k].row::<T>());
    let by = T::from_f64(random.unit());
    let start: Box<[T]> = p.iter().collect();
    let portable = T::kernels(Isa::Portable);

    let what = |op: &str, isa: Isa| {
        let name = std::any::type_name::<T>();
        format!("{op}_{name}_{} of {n} at {offset}, {data:?}", isa.name())
    };
    let what = |op: &'static str, isa: Isa| move || what(op, isa);

    let dot = portable.dot(x, p);
    let l2sq = portable.l2sq(x, p);
    let l1 = portable.l1(x, p);
    let mut scaled = Padded::zeros(n);
    scaled.copy_from_slice(&start);
    let mut moved = scaled.clone();
    portable.add_scaled(&mut scaled, x, by);
    portable.move_toward(&mut moved, x, by);

    let pairs = || {
        x.iter()
            .zip(p.iter())
            .map(|(x, p)| (x.to_f64(), p.to_f64()))
    };
    let isa = Isa::Portable;
    near(dot, pairs().map(|(x, p)| x * p), n, &what("dot", isa));
    let squares = pairs().map(|(x, p)| (x - p) * (x - p));
    near(l2sq, squares, n, &what("l2sq", isa));
    near(l1, pairs().map(|(x, p)| (x - p).abs()), n, &what("l1", isa));
    for (i, (x, &p)) in x.iter().zip(&start).enumerate() {
        same(scaled[i], p + by * x, &what("add_scaled", isa));
        same(moved[i], p + by * (x - p), &what("move_toward", isa));
    }
    let finite = x.iter().all(T::is_finite);
    for sum in [dot, l2sq, l1] {
        assert!(sum.bits() != T::from_f64(-0.0).bits(), "a lane was -0.0");
    }

    for &isa in [Isa::Portable].iter().chain(others) {
        let kernels = T::kernels(isa);
        same(kernels.dot(x, p), dot, &what("dot", isa));
        same(kernels.l2sq(x, p), l2sq, &what("l2sq", isa));
        same(kernels.l1(x, p), l1, &what("l1", isa));

        let (first, second) = kernels.dot2(x, p, q);
        same(first, dot, &what("dot2.0", isa));
        same(second, portable.dot(x, q), &what("dot2.1", isa));
        let (first, second) = kernels.l2sq2(x, p, q);
        same(first, l2sq, &what("l2sq2.0", isa));
        same(second, portable.l2sq(x, q), &what("l2sq2.1", isa));
        let (first, second) = kernels.l1_2(x, p, q);
        same(first, l1, &what("l1_2.0", isa));
        same(second, portable.l1(x, q), &what("l1_2.1", isa));
        let four = kernels.dot4(x, [p, q, r, s]);
        for (got, row) in four.into_iter().zip([p, q, r, s]) {
            same(got, portable.dot(x, row), &what("dot4", isa));
        }

        let mut acc = Padded::zeros(n);
        acc.copy_from_slice(&start);
        kernels.add_scaled(&mut acc, x, by);
        for (&got, &want) in acc.iter().zip(&*scaled) {
            same(got, want, &what("add_scaled", isa));
        }
        acc.copy_from_slice(&start);
        kernels.move_toward(&mut acc, x, by);
        for (&got, &want) in acc.iter().zip(&*moved) {
            same(got, want, &what("move_toward", isa));
        }
        assert_eq!(
            kernels.all_finite(x),
            finite,
            "{}",
            what("all_finite", isa)()
        );
    }
}

fn check_all<T: Case>() {
    let others = others();
    let mut random = Lcg(1);
    for data in DATA {
        for n in lengths() {
            for offset in 0..=16 {
                check::<T>(&others, data, n, offset, &mut random);
            }
        }
        for n in FEW {
            for offset in 17..=64 {
                check::<T>(&others, data, n, offset, &mut random);
            }
        }
    }
}

#[test]
fn every_kernel_gives_the_same_bits_f32() {
    check_all::<f32>();
}

#[test]
fn every_kernel_gives_the_same_bits_f64() {
    check_all::<f64>();
}

/// The order of additions, spelled out a second time: the test above would not notice a change of
/// the one body that all kernels share.
fn lanes_as_promised<T: Case>() {
    let mut random = Lcg(2);
    for n in lengths() {
        let a = Buffer::new::<T>(Data::Common, n, 1, &mut random);
        let b = Buffer::new::<T>(Data::Common, n, 2, &mut random);
        let (a, b) = (a.row::<T>(), b.row::<T>());
        let folded = |term: &dyn Fn(T, T) -> T| {
            let mut lanes = [T::ZERO; 16];
            for i in 0..n {
                lanes[i % 16] += term(a.get(i), b.get(i));
            }
            for half in [8, 4, 2, 1] {
                for j in 0..half {
                    let upper = lanes[j + half];
                    lanes[j] += upper;
                }
            }
            lanes[0]
        };
        for isa in Isa::available() {
            let kernels = T::kernels(isa);
            let what = move || format!("{} of {n}", isa.name());
            same(kernels.dot(a, b), folded(&|a, b| a * b), &what);
            let square = |a, b| (a - b) * (a - b);
            same(kernels.l2sq(a, b), folded(&square), &what);
            same(
                kernels.l1(a, b),
                folded(&|a, b| if a > b { a - b } else { b - a }),
                &what,
            );
        }
    }
}

#[test]
fn additions_are_in_the_promised_order() {
    lanes_as_promised::<f32>();
    lanes_as_promised::<f64>();
}

#[test]
fn one_bad_element_is_found_wherever_it_is() {
    for isa in Isa::available() {
        for n in [1, 5, 16, 33, 100] {
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for at in 0..n {
                    let mut x = vec![f32::MAX; n].into_boxed_slice();
                    assert!(f32::kernels(isa).all_finite(Row::from_slice(&x)));
                    x[at] = bad;
                    assert!(!f32::kernels(isa).all_finite(Row::from_slice(&x)));
                    let x: Box<[f64]> = x.iter().map(|&x| x.into()).collect();
                    assert!(!f64::kernels(isa).all_finite(Row::from_slice(&x)));
                }
            }
        }
    }
}

#[test]
fn hamming_counts_every_differing_bit() {
    let mut random = Lcg(3);
    let mut bytes = |n: usize, offset: usize| -> Box<[u8]> {
        (0..offset + n).map(|_| random.next() as u8).collect()
    };
    let isas: Vec<Isa> = [Isa::Portable].into_iter().chain(others()).collect();
    for n in (0..=130).chain([255, 256, 257, 511, 512, 784, 1000, 1031]) {
        for offset in 0..=16 {
            let (a, b) = (bytes(n, offset), bytes(n, offset * 5 % 17));
            let (a, b) = (&a[offset..], &b[offset * 5 % 17..]);
            let naive: u64 = (0..n).map(|i| u64::from((a[i] ^ b[i]).count_ones())).sum();
            let inverted: Box<[u8]> = a.iter().map(|byte| !byte).collect();
            for &isa in &isas {
                let kernels = BitKernels::for_isa(isa);
                let name = isa.name();
                assert_eq!(kernels.hamming(a, b), naive, "{name}, {n} at {offset}");
                assert_eq!(kernels.hamming(a, &inverted), 8 * n as u64, "{name}, {n}");
                assert_eq!(kernels.hamming(a, a), 0, "{name}, {n}");
            }
        }
    }
}

/// That `f` panics with a message that holds `message`.
fn panics<R>(message: &str, f: impl FnOnce() -> R + std::panic::UnwindSafe) {
    let Err(payload) = std::panic::catch_unwind(f) else {
        panic!("no panic: {message}");
    };
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref().copied());
    assert!(text.is_some_and(|text| text.contains(message)), "{text:?}");
}

#[test]
fn lengths_must_agree() {
    let (a, b) = ([1.0_f32; 5], [1.0_f32; 6]);
    let (x, y) = (Row::from_slice(&a), Row::from_slice(&b));
    for isa in Isa::available() {
        let k = f32::kernels(isa);
        let message = "vectors of different lengths";
        panics(message, || k.dot(x, y));
        panics(message, || k.dot2(x, y, x));
        panics(message, || k.dot2(x, x, y));
        for bad in 0..4 {
            let mut rows = [x; 4];
            rows[bad] = y;
            panics(message, || k.dot4(x, rows));
        }
        panics(message, || k.l2sq(y, x));
        panics(message, || k.l2sq2(x, x, y));
        panics(message, || k.l1(x, y));
        panics(message, || k.l1_2(y, x, x));
        panics(message, || {
            k.add_scaled(&mut Padded::zeros(x.len()), y, 1.0)
        });
        panics(message, || {
            k.move_toward(&mut Padded::zeros(y.len()), x, 1.0)
        });
        let bits = BitKernels::for_isa(isa);
        panics(message, || bits.hamming(&[0; 3], &[0; 4]));
    }
}

#[test]
fn rows_read_at_any_byte() {
    let mut bytes = vec![0xaa; 3 + 4 * 5];
    for i in 0..5 {
        (i as u32 + 0x0102_0304).write(&mut bytes, 3 + 4 * i);
    }
    assert_eq!(bytes[3..7], [4, 3, 2, 1]);
    let row = Row::<u32>::from_bytes(&bytes[3..]);
    let want: Vec<u32> = (0..5).map(|i| i + 0x0102_0304).collect();
    assert_eq!(row.len(), 5);
    assert_eq!(row.iter().collect::<Vec<_>>(), want);
    assert!(row.iter().eq(want.iter().copied()));
    assert_eq!(row.get(4), want[4]);
    assert_eq!(row.bytes(), Row::from_slice(&want).bytes());
    assert_eq!(format!("{row:?}"), format!("{want:?}"));
    assert_eq!(Row::<f64>::from_bytes(&[]).len(), 0);

    let odd = [0; 6];
    panics("not a whole number", || Row::<u32>::from_bytes(&odd).len());
    panics("element 5 of", || row.get(5));
    // 4 times this is 4 again, in 64 bits.
    panics("element", || row.get((1 << 62) + 1));
    panics("different lengths", || row.copy_to(&mut [0; 4]));
}

#[test]
fn the_environment_names_an_available_kernel() {
    let best = *Isa::available().last().unwrap();
    assert_eq!(Isa::choose_named(None), Ok(best));
    assert_eq!(Isa::choose_named(Some(OsStr::new(""))), Ok(best));
    for isa in Isa::ALL {
        let chosen = Isa::choose_named(Some(OsStr::new(isa.name())));
        if isa.is_available() {
            assert_eq!(chosen, Ok(isa));
        } else {
            assert!(chosen.unwrap_err().contains(isa.name()));
        }
    }
    let error = Isa::choose_named(Some(OsStr::new("AVX3"))).unwrap_err();
    assert!(error.contains("ANNOY_RS_KERNEL") && error.contains("\"AVX3\""));
    for isa in Isa::available() {
        assert!(error.contains(isa.name()), "{error}");
    }
}
