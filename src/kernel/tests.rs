//! Every kernel through one table of cases.
//!
//! The portable kernels are held against a naive reference; every other instruction set is held
//! against the portable one, bit by bit. Buffers end exactly where the vector ends, so that a
//! sanitizer sees a read past it.

mod sums;
mod updates;
mod vectors;

use super::*;
use std::array;
use std::fmt::Debug;

/// Vectors of these lengths start at every byte from 0 to 16, those of `FEW` at 0 to 64.
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

/// Ten vectors that are handed to the kernels at once.
#[derive(Clone, Copy, Debug)]
struct Call {
    data: Data,
    n: usize,
    /// Zeros behind each row.
    zeros: usize,
    /// The first vector's byte in its allocation. The others are spread over the `offsets` bytes.
    offset: usize,
    offsets: usize,
}

impl Call {
    /// Under an emulator, which takes many times as long, one in sixteen: each length at another
    /// byte.
    fn all() -> impl Iterator<Item = Call> {
        let is_emulated = std::env::var_os("ANNOY_RS_RUNNER").is_some();
        Call::whole().step_by(if is_emulated { 16 } else { 1 })
    }

    fn whole() -> impl Iterator<Item = Call> {
        let places = |offsets| (0..offsets).map(move |offset| (offset, offsets));
        let common = lengths().flat_map(move |n| places(17).map(move |place| (n, place)));
        let few = FEW.into_iter();
        let few = few.flat_map(move |n| places(65).map(move |place| (n, place)));
        let calls: Vec<_> = common.chain(few).collect();
        DATA.into_iter().flat_map(move |data| {
            calls
                .clone()
                .into_iter()
                .map(move |(n, (offset, offsets))| Call {
                    data,
                    n,
                    zeros: 0,
                    offset,
                    offsets,
                })
        })
    }

    /// One in so many as `ANNOY_RS_SAMPLE` says; all unless it does.
    fn sampled() -> impl Iterator<Item = Call> {
        let sample = std::env::var("ANNOY_RS_SAMPLE");
        Call::all().step_by(sample.map_or(1, |number| number.parse().unwrap()))
    }

    /// Every length and all data, once.
    fn few() -> impl Iterator<Item = Call> {
        Call::whole().filter(|call| call.offset == 1 && call.offsets == 17)
    }

    fn what<T>(self, op: &str, isa: Isa) -> String {
        let name = std::any::type_name::<T>();
        format!("{op}_{name}_{}, {self:?}", isa.name())
    }
}

/// A vector that starts at byte `offset` of an allocation and ends where that ends.
struct Buffer {
    bytes: Box<[u8]>,
    offset: usize,
}

impl Buffer {
    fn new<T: Case>(call: Call, random: &mut Lcg) -> Buffer {
        let Call { n, offset, .. } = call;
        let mut bytes = vec![0xff; offset + (n + call.zeros) * T::SIZE].into_boxed_slice();
        bytes[offset + n * T::SIZE..].fill(0);
        for i in 0..call.n {
            let unit = random.unit();
            let x = match (call.data, random.next() % 8) {
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

/// Eight rows and two vectors to hold them against: no two with the same data, or at the same byte.
struct Vectors([Buffer; ROWS + 2]);

impl Vectors {
    fn new<T: Case>(call: Call, random: &mut Lcg) -> Vectors {
        Vectors(array::from_fn(|k| {
            let offset = (call.offset + 5 * k) % call.offsets;
            let zeros = if k < ROWS { call.zeros } else { 0 };
            let call = Call {
                zeros,
                offset,
                ..call
            };
            Buffer::new::<T>(call, random)
        }))
    }

    fn rows<T: Case>(&self) -> [Row<'_, T>; ROWS] {
        array::from_fn(|r| self.0[r].row())
    }

    fn centers<T: Case>(&self) -> [Row<'_, T>; 2] {
        [self.0[ROWS].row(), self.0[ROWS + 1].row()]
    }
}

/// A copy that kernels can update.
fn padded<T: Case>(row: Row<'_, T>) -> Padded<T> {
    let mut copy = Padded::zeros(row.len()).unwrap();
    copy.copy_from(row);
    copy
}

/// The instruction sets that this processor can run.
fn isas() -> Vec<Isa> {
    let required = std::env::var_os("ANNOY_RS_REQUIRE_KERNELS").is_some_and(|v| v == "1");
    let isas = Isa::ALL.iter().copied();
    isas.filter(|isa| {
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
fn the_environment_names_an_available_kernel() {
    let best = Isa::available().last().unwrap();
    assert_eq!(Isa::choose_named(None), Ok(best));
    assert_eq!(Isa::choose_named(Some(OsStr::new(""))), Ok(best));
    for &isa in Isa::ALL {
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
