//! Where vectors are kept: borrowed rows, padded vectors and matrices.

use super::*;

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

/// `n` elements at an odd byte, none of whose bytes is zero, so that they cannot pass for padding.
fn nonzero<T: Scalar>(n: usize, random: &mut Lcg) -> Vec<u8> {
    (0..1 + n * T::SIZE)
        .map(|_| random.next() as u8 | 1)
        .collect()
}

/// Lines are 64 bytes, and elements are padded to 16.
fn lengths_around_lines() -> impl Iterator<Item = usize> {
    (0..=33).chain([47, 48, 49, 63, 64, 65, 127, 128, 129])
}

fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

fn padded_vectors<T: Scalar>() {
    let mut random = Lcg(7);
    for n in lengths_around_lines() {
        let mut v = Padded::<T>::zeros(n).unwrap();
        let room = v.padded_len();
        assert_eq!(v.len(), n);
        assert!(v.as_ptr().addr().is_multiple_of(64), "{n}");
        assert!((n..n + 64).contains(&room) && room.is_multiple_of(16));
        assert_eq!(v.row(room).len(), room);
        assert!(all_zero(v.row(room).bytes()), "{n}");
        panics("a row longer than its vector", || {
            Padded::<T>::zeros(n).unwrap().row(room + 1).len()
        });

        // What is behind its own elements stays behind.
        for longer in [0, 1, 64] {
            let bytes = nonzero::<T>(n + longer, &mut random);
            v.copy_from(Row::from_bytes(&bytes[1..]));
            let (own, padding) = v.row(room).bytes().split_at(n * T::SIZE);
            assert_eq!(own, &bytes[1..][..n * T::SIZE], "{n}");
            assert!(all_zero(padding), "{n}");
            assert_eq!(v.row(n).bytes(), own);
            assert_eq!(Row::from_slice(&v).bytes(), own);
            assert_eq!(v.row(n / 2).bytes(), &own[..n / 2 * T::SIZE]);
        }

        let before = v.clone();
        assert!(before.as_ptr().addr().is_multiple_of(64), "{n}");
        assert_eq!(before.row(room).bytes(), v.row(room).bytes());
        v.fill(T::default());
        assert!(all_zero(v.row(room).bytes()), "{n}");
        assert!(n == 0 || !all_zero(before.row(n).bytes()), "{n}");
    }
}

#[test]
fn padded_vectors_are_aligned_and_end_in_zeros() {
    padded_vectors::<f32>();
    padded_vectors::<f64>();
    padded_vectors::<u8>();
    padded_vectors::<u32>();
    padded_vectors::<u64>();
}

fn matrices<T: Scalar>() {
    let mut random = Lcg(8);
    for n in lengths_around_lines() {
        let stride = Matrix::<T>::stride(n);
        // A row of one is as long as a padded vector: kernels take them together.
        assert_eq!(
            stride,
            Padded::<T>::zeros(n).unwrap().padded_len() * T::SIZE
        );
        assert!(stride.is_multiple_of(64));
        let mut matrix = Matrix::<T>::new(n);
        assert!(matrix.bytes().is_empty());

        let rows: [Vec<u8>; 5] = array::from_fn(|_| nonzero::<T>(n, &mut random));
        let holds = |matrix: &Matrix<T>, want: [Option<usize>; 5], count: usize| {
            assert!(matrix.bytes().as_ptr().addr().is_multiple_of(64));
            assert_eq!(matrix.bytes().len(), count * stride, "{n}");
            for (i, want) in want.into_iter().enumerate().take(count) {
                let row = &matrix.bytes()[i * stride..][..stride];
                let (own, padding) = row.split_at(n * T::SIZE);
                assert!(all_zero(padding), "row {i} of {n}");
                match want {
                    Some(k) => assert_eq!(own, &rows[k][1..], "row {i} of {n}"),
                    None => assert!(all_zero(own), "row {i} of {n}"),
                }
            }
        };
        let row = |k: usize| Row::from_bytes(&rows[k][1..]);

        matrix.resize(3).unwrap();
        holds(&matrix, [None; 5], 3);
        // Not in order, so that one that ran over the next would be seen.
        for i in [2, 0, 1] {
            matrix.set(i, row(i));
        }
        holds(&matrix, [Some(0), Some(1), Some(2), None, None], 3);
        matrix.set(1, row(3));
        matrix.resize(5).unwrap();
        holds(&matrix, [Some(0), Some(3), Some(2), None, None], 5);
        matrix.set(4, row(4));
        holds(&matrix, [Some(0), Some(3), Some(2), None, Some(4)], 5);
        matrix.resize(1).unwrap();
        matrix.resize(2).unwrap();
        holds(&matrix, [Some(0), None, None, None, None], 2);
    }
}

#[test]
fn matrix_rows_are_aligned_and_end_in_zeros() {
    matrices::<f32>();
    matrices::<f64>();
    matrices::<u8>();
    matrices::<u32>();
    matrices::<u64>();
}

#[test]
fn a_matrix_takes_no_row_that_does_not_fit() {
    let set = |i: usize, n: usize| {
        let mut matrix = Matrix::<f32>::new(5);
        matrix.resize(2).unwrap();
        matrix.set(i, Row::from_slice(&[1.0; 16][..n]));
    };
    set(1, 5);
    for n in [0, 4, 6, 16] {
        panics("vectors of different lengths", || set(0, n));
    }
    panics("out of range", || set(2, 5));
    panics("out of range", || set(3, 5));
}
