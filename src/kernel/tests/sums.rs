//! The kernels that reduce vectors: to a sum, to a verdict, to a count of bits.

use super::*;

/// A sum, over one row and over eight.
struct Operation<T: 'static> {
    name: &'static str,
    one: fn(&FloatKernels<T>, Row<'_, T>, Row<'_, T>) -> T,
    pairs: Pairs<T>,
    term: fn(f64, f64) -> f64,
}

type Pairs<T> = fn(&FloatKernels<T>, &Eight<'_, T>, [Row<'_, T>; 2]) -> [[T; ROWS]; 2];

fn operations<T: Case>() -> [Operation<T>; 3] {
    [
        Operation {
            name: "dot",
            one: FloatKernels::dot,
            pairs: FloatKernels::dot_pairs,
            term: |x, p| x * p,
        },
        Operation {
            name: "l2sq",
            one: FloatKernels::l2sq,
            pairs: FloatKernels::l2sq_pairs,
            term: |x, p| (x - p) * (x - p),
        },
        Operation {
            name: "l1",
            one: FloatKernels::l1,
            pairs: FloatKernels::l1_pairs,
            term: |x, p| (x - p).abs(),
        },
    ]
}

/// What the portable kernels make of a row at a time, for each operation, row and center.
type Sums<T> = [[[T; 2]; ROWS]; 3];

fn portable_sums<T: Case>(rows: &[Row<'_, T>; ROWS], centers: [Row<'_, T>; 2]) -> Sums<T> {
    let portable = T::kernels(Isa::Portable);
    operations::<T>().map(|op| rows.map(|row| centers.map(|p| (op.one)(portable, row, p))))
}

/// `got` within `2 * (n + 4) * EPSILON` of the sum of the terms, relative to the sum of their
/// sizes: `n` additions and up to four more operations, rounded here and, where `T` is `f64`, in
/// the reference too. And half of the smallest number for each term that underflowed, likewise.
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

/// Every kernel against sums that are known.
fn check<T: Case>(
    isas: &[Isa],
    call: Call,
    rows: &[Row<'_, T>; ROWS],
    centers: [Row<'_, T>; 2],
    want: &Sums<T>,
) {
    let eight = &Eight::new(*rows);
    for &isa in isas {
        let kernels = T::kernels(isa);
        for (op, want) in operations::<T>().iter().zip(want) {
            let pairs = (op.pairs)(kernels, eight, centers);
            for r in 0..ROWS {
                for c in 0..2 {
                    let what = || call.what::<T>(op.name, isa);
                    same((op.one)(kernels, rows[r], centers[c]), want[r][c], &what);
                    let what = || format!("row {r} of pairs, {}", what());
                    same(pairs[c][r], want[r][c], &what);
                }
            }
        }
        for (c, &center) in centers.iter().enumerate() {
            let dots = kernels.dots(eight, center);
            for (r, &dot) in dots.iter().enumerate() {
                let what = || format!("row {r} of {}", call.what::<T>("dots", isa));
                same(dot, want[0][r][c], &what);
            }
        }
        for row in rows {
            let finite = row.iter().all(T::is_finite);
            let what = call.what::<T>("all_finite", isa);
            assert_eq!(kernels.all_finite(*row), finite, "{what}");
        }
    }
}

fn check_all<T: Case>() {
    let isas = isas();
    let mut random = Lcg(1);
    for call in Call::sampled() {
        let vectors = Vectors::new::<T>(call, &mut random);
        let (rows, centers) = (vectors.rows::<T>(), vectors.centers::<T>());
        let want = portable_sums(&rows, centers);
        for (op, want) in operations::<T>().iter().zip(&want) {
            let pairs = rows[0].iter().zip(centers[0].iter());
            let terms = pairs.map(|(x, p)| (op.term)(x.to_f64(), p.to_f64()));
            let what = || call.what::<T>(op.name, Isa::Portable);
            near(want[0][0], terms, call.n, &what);
            let negative_zero = T::from_f64(-0.0).bits();
            let positive = want.iter().flatten().all(|x| x.bits() != negative_zero);
            assert!(positive, "a lane was -0.0: {}", what());
        }
        check(&isas, call, &rows, centers, &want);
    }
}

#[test]
fn every_sum_has_the_same_bits_f32() {
    check_all::<f32>();
}

#[test]
fn every_sum_has_the_same_bits_f64() {
    check_all::<f64>();
}

/// Rows of a matrix against padded vectors, with and without the zeros: gathering the rows of a
/// node must not change on which side of a plane they are.
fn padding<T: Case>() {
    let isas = isas();
    let mut random = Lcg(4);
    for call in Call::few() {
        let vectors = Vectors::new::<T>(call, &mut random);
        let (rows, centers) = (vectors.rows::<T>(), vectors.centers::<T>());
        let want = portable_sums(&rows, centers);
        let mut matrix = Matrix::new(call.n);
        matrix.resize(ROWS).unwrap();
        for (r, &row) in rows.iter().enumerate() {
            matrix.set(r, row);
        }
        let stride = Matrix::<T>::stride(call.n);
        let rows = array::from_fn(|r| Row::from_bytes(&matrix.bytes()[r * stride..][..stride]));
        let centers = centers.map(padded);
        let centers = [&centers[0], &centers[1]].map(|p| p.row(p.padded_len()));
        check(&isas, call, &rows, centers, &want);
    }
}

#[test]
fn zeros_behind_a_vector_change_no_bit() {
    padding::<f32>();
    padding::<f64>();
}

/// The order of additions, spelled out a second time: the tests above would not notice a change of
/// the one body that all kernels share.
fn lanes_as_promised<T: Case>() {
    let mut random = Lcg(2);
    for call in Call::few().filter(|call| call.data == Data::Common) {
        let n = call.n;
        let vectors = Vectors::new::<T>(call, &mut random);
        let (a, b) = (vectors.rows::<T>()[0], vectors.rows::<T>()[1]);
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
    let isas = isas();
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

#[test]
fn eight_rows_are_those_asked_for() {
    // Rows of 3 bytes, 5 apart, from the second byte on: the last one, row 8, ends where the bytes
    // end.
    let bytes: Vec<u8> = (0..44).collect();
    let rows = Strided::<u8>::new(&bytes, 1, 5, 3);
    let at = [8, 0, 7, 1, 6, 2, 5, 3];
    let starts = rows.eight(at).pointers().map(|p| p as usize);
    for (start, i) in starts.into_iter().zip(at) {
        assert_eq!(rows.get(i).iter().next(), Some(1 + 5 * i as u8));
        assert_eq!(start, rows.get(i).as_ptr() as usize);
    }
    assert_eq!((rows.eight(at).len(), rows.get(8).len()), (3, 3));
    for bad in 0..ROWS {
        for row in [9, 10, usize::MAX] {
            let mut at = at;
            at[bad] = row;
            panics("of 9", || rows.eight(at));
        }
    }
    panics("row 9 of 9", || rows.get(9));
    // Not even one.
    panics("row 0 of 0", || {
        Strided::<u8>::new(&bytes, 42, 5, 3).eight([0; ROWS])
    });
    panics("whole number", || Strided::<f32>::new(&bytes, 0, 8, 7));
}

#[test]
fn lengths_must_agree() {
    let message = "vectors of different lengths";
    let (a, b) = ([1.0_f32; 5], [1.0_f32; 6]);
    let (a, b) = (Row::from_slice(&a), Row::from_slice(&b));
    for isa in Isa::available() {
        let k = f32::kernels(isa);
        for (x, y) in [(a, b), (b, a)] {
            for op in operations() {
                panics(message, || (op.one)(k, x, y));
                let rows = &Eight::new([x; ROWS]);
                panics(message, || (op.pairs)(k, rows, [x, y]));
                panics(message, || (op.pairs)(k, rows, [y, x]));
                panics(message, || (op.pairs)(k, rows, [y, y]));
            }
            panics(message, || k.dots(&Eight::new([x; ROWS]), y));
        }
        let bits = BitKernels::for_isa(isa);
        panics(message, || bits.hamming(&[0; 3], &[0; 4]));
    }
}
