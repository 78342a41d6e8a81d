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

#[cfg(test)]
mod tests {
    use super::*;

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
