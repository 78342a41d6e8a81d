//! Floats as integers that sort alike, so that heaps compare integers and NaN has a place.

/// The integer of a number: smaller numbers have smaller integers, -0 equals +0, NaN is the largest.
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

/// A distance of numbers of `size` bytes, 4 or 8, in half the bits: nothing is lost of those of 4 bytes, and of those of 8 all but 20
/// digits.
#[inline]
pub fn narrow(key: u64, size: usize) -> u32 {
    if size == 8 {
        return (key >> 32) as u32;
    }
    let x = value(key) as f32;
    if x.is_nan() {
        return u32::MAX;
    }
    match x.to_bits() {
        bits if bits >> 31 == 1 => !bits,
        bits => bits | 1 << 31,
    }
}

/// The number of what [`narrow`] gave.
#[inline]
pub fn widen(key: u32, size: usize) -> f64 {
    if size == 8 {
        return value(u64::from(key) << 32);
    }
    f64::from(f32::from_bits(if key >> 31 == 1 {
        key & !(1 << 31)
    } else {
        !key
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_ones_sort_alike() {
        let sorted = [
            -1e30,
            -1.0,
            -1e-30,
            0.0,
            1e-30,
            1.0,
            1.0 + f64::from(f32::EPSILON),
            1e30,
        ];
        for pair in sorted.windows(2) {
            assert!(
                narrow(key(pair[0]), 4) < narrow(key(pair[1]), 4),
                "{pair:?}"
            );
            assert!(
                narrow(key(pair[0]), 8) <= narrow(key(pair[1]), 8),
                "{pair:?}"
            );
        }
        for x in sorted {
            assert_eq!(widen(narrow(key(x), 4), 4), f64::from(x as f32));
            assert!((widen(narrow(key(x), 8), 8) - x).abs() <= x.abs() * 1e-6);
        }
        for size in [4, 8] {
            assert!(narrow(key(f64::NAN), size) >= narrow(key(f64::INFINITY), size));
            assert_eq!(narrow(key(-0.0), size), narrow(key(0.0), size));
        }
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
