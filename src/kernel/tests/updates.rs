//! The kernel that adds rows to accumulators.

use super::*;

/// One call, against the operations one by one. The squares it returns have the bits of the inner
/// product that they stand in for.
fn check<T: Case>(isas: &[Isa], call: Call, random: &mut Lcg) {
    let vectors = Vectors::new::<T>(call, random);
    let (rows, starts) = (vectors.rows::<T>(), vectors.centers::<T>());
    // Zeros among them: a row that joins one cluster has no weight in the other. Ones, too: a
    // cluster that no row joins is kept as it is.
    let mut number = |common: f64, low: f64| match random.next() % 8 {
        0 | 1 => T::from_f64(common),
        _ => T::from_f64(random.unit().max(low)),
    };
    let weights: [[T; ROWS]; 2] = array::from_fn(|_| array::from_fn(|_| number(0.0, -1.0)));
    // None is negative: a negative one would make the padding `-0.0`.
    let keep: [T; 2] = array::from_fn(|_| number(1.0, 0.0));
    let want: [Vec<T>; 2] = array::from_fn(|c| {
        let element = |(i, start): (usize, T)| {
            let mut sum = start * keep[c];
            for (row, by) in rows.iter().zip(weights[c]) {
                sum += by * row.get(i);
            }
            sum
        };
        starts[c].iter().enumerate().map(element).collect()
    });
    let portable = T::kernels(Isa::Portable);
    for &isa in isas {
        let mut accs = starts.map(padded);
        let [p, q] = &mut accs;
        let squares = T::kernels(isa).blend([p, q], keep, &Eight::new(rows), &weights);
        for (c, (acc, want)) in accs.iter().zip(&want).enumerate() {
            let what = || format!("accumulator {c}, {}", call.what::<T>("blend", isa));
            assert_eq!(acc.len(), want.len(), "{}", what());
            for (&got, &want) in acc.iter().zip(want) {
                same(got, want, &what);
            }
            let own = Row::from_slice(want);
            same(squares[c], portable.dot(own, own), &what);
            let padding = &acc.row(acc.padded_len()).bytes()[call.n * T::SIZE..];
            assert!(padding.iter().all(|&byte| byte == 0), "{}", what());
        }
    }
}

#[test]
fn every_update_has_the_same_bits_f32() {
    let (isas, mut random) = (isas(), Lcg(5));
    Call::sampled().for_each(|call| check::<f32>(&isas, call, &mut random));
}

#[test]
fn every_update_has_the_same_bits_f64() {
    let (isas, mut random) = (isas(), Lcg(5));
    Call::sampled().for_each(|call| check::<f64>(&isas, call, &mut random));
}

/// Rows as gathered from a node, up to the whole padded length, and whatever is shorter.
fn longer_rows<T: Case>() {
    let (isas, mut random) = (isas(), Lcg(6));
    for call in Call::few() {
        let room = Padded::<T>::zeros(call.n).unwrap().padded_len() - call.n;
        for zeros in [1, room / 2, room.saturating_sub(1), room] {
            let zeros = zeros.min(room);
            check::<T>(&isas, Call { zeros, ..call }, &mut random);
        }
    }
}

#[test]
fn rows_may_reach_into_the_padding() {
    longer_rows::<f32>();
    longer_rows::<f64>();
}

#[test]
fn rows_must_fit() {
    let numbers = [1.0_f32; 17];
    let row = |n: usize| Row::from_slice(&numbers[..n]);
    let weights = [[1.0; ROWS]; 2];
    for isa in Isa::available() {
        let run = |lens: [usize; 2], rows: [Row<'_, f32>; ROWS]| {
            let [mut p, mut q] = lens.map(|len| Padded::zeros(len).unwrap());
            let rows = &Eight::new(rows);
            f32::kernels(isa).blend([&mut p, &mut q], [1.0; 2], rows, &weights);
        };
        for (len, other) in [(5, 6), (6, 5), (16, 17)] {
            for bad in 0..ROWS {
                let mut rows = [row(len); ROWS];
                rows[bad] = row(other);
                panics("vectors of different lengths", || run([5; 2], rows));
            }
        }
        // 16 elements is what 5 are padded to.
        run([5, 5], [row(16); ROWS]);
        let message = "rows of another length than what they are added to";
        for lens in [[5, 17], [17, 5], [16, 16], [0, 17]] {
            panics(message, || run(lens, [row(17); ROWS]));
        }
        for lens in [[0, 0], [5, 2], [2, 5]] {
            panics(message, || {
                run(lens, [row(if lens[0] == 0 { 1 } else { 4 }); ROWS])
            });
        }
    }
}
