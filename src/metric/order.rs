//! Floats as integers that sort alike, so that heaps compare integers and NaN has a place.

use super::precise::Squared;

/// The integer of a number: smaller numbers have smaller integers, -0 equals +0, NaN is the
/// largest.
#[inline]
pub fn key(x: f64) -> u64 {
    if x.is_nan() {
        return u64::MAX;
    }
    // -0.0 + 0.0 is +0.0; every other number stays.
    let bits = (x + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

/// The number of an integer from [`key`].
#[inline]
pub fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 {
        key & !(1 << 63)
    } else {
        !key
    })
}

/// What is added to the bits of a square to make its key: room below for the smallest roots, and
/// above for the largest.
const SQUARES: u64 = 1 << 62;

/// The key of a squared distance from 1e-290 up, finite: among those of [`root_key`] in the order
/// of the distances.
#[inline]
pub fn square_key(squared: f64) -> u64 {
    squared.to_bits() + SQUARES
}

/// The key of a distance whose square is smaller, or overflows. NaN has the largest.
pub fn root_key(root: f64) -> u64 {
    if root < 1.0 {
        root.to_bits()
    } else if root.is_nan() {
        u64::MAX
    } else {
        root.to_bits() | 1 << 63
    }
}

/// The squared distance of a key from [`square_key`], or the distance of one from [`root_key`].
pub fn square(key: u64) -> Squared {
    match key >> 62 {
        0 => Squared::RootIs(f64::from_bits(key)),
        3 => Squared::RootIs(f64::from_bits(key & !(1 << 63))),
        _ => Squared::Is(f64::from_bits(key - SQUARES)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_and_roots_are_in_order() {
        let (small, large) = (
            [0.0, 5e-324, 1e-310, 1e-200, 0.9e-145],
            [1.4e154, 1e200, f64::MAX],
        );
        let squares = [1e-290, 1e-100, 1.0, 1e200, f64::MAX];
        let roots = |roots: &[f64]| roots.iter().map(|&x| root_key(x)).collect::<Vec<_>>();
        let mut keys = roots(&small);
        keys.extend(squares.map(square_key));
        keys.extend(roots(&large));
        keys.extend(roots(&[f64::INFINITY, f64::NAN]));
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:x?}");
        let values = keys.iter().map(|&key| match square(key) {
            Squared::Is(squared) => squared,
            Squared::RootIs(root) => root,
        });
        let values: Vec<f64> = values.collect();
        let expected = [&small[..], &squares, &large, &[f64::INFINITY]].concat();
        assert_eq!(values[..expected.len()], expected);
        assert!(values[expected.len()].is_nan());
        assert_eq!(root_key(f64::NAN), root_key(-f64::NAN));
    }

    #[test]
    fn order_is_kept() {
        let sorted = [
            f64::NEG_INFINITY,
            -1e300,
            -1.0,
            -1e-310,
            0.0,
            1e-310,
            1.0,
            f64::INFINITY,
        ];
        for pair in sorted.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        for x in sorted {
            assert_eq!(value(key(x)), x);
        }
    }

    #[test]
    fn zeros_are_one_and_nan_is_last() {
        assert_eq!(key(-0.0), key(0.0));
        assert!(key(f64::NAN) > key(f64::INFINITY));
        assert_eq!(key(f64::NAN), key(-f64::NAN));
        assert!(value(key(f64::NAN)).is_nan());
    }
}
