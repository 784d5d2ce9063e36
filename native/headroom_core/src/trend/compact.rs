//! Counts in few bits: three weeks of samples must stay below a hundred kilobytes.

/// A count in 16 bits: exact up to 4095, from there on within one part in 4096. The largest stands for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half(u16);

/// A distance in 8 bits: exact up to 15, from there on rounded up by at most one part in eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarter(u8);

const HALF_BITS: u32 = 11;
const QUARTER_BITS: u32 = 3;

impl Half {
    /// No count.
    pub const NOTHING: Half = Half(u16::MAX);

    /// The nearest that there is.
    pub fn new(count: u64) -> Half {
        let largest = u64::from(u16::MAX - 1);
        Half(encode(count, HALF_BITS, false).min(largest) as u16)
    }

    /// The count, if there is one.
    pub fn get(self) -> Option<u64> {
        (self != Half::NOTHING).then(|| decode(u64::from(self.0), HALF_BITS))
    }
}

impl Quarter {
    /// No distance.
    pub const NONE: Quarter = Quarter(0);

    /// The nearest that is not smaller.
    pub fn new(distance: u64) -> Quarter {
        Quarter(encode(distance, QUARTER_BITS, true).min(u64::from(u8::MAX)) as u8)
    }

    /// The distance.
    pub fn get(self) -> u64 {
        decode(u64::from(self.0), QUARTER_BITS)
    }
}

/// A float without sign whose leading one is implied: exponent above `bits` bits of fraction.
fn encode(n: u64, bits: u32, up: bool) -> u64 {
    let implied = 1 << bits;
    if n < implied {
        return n;
    }
    let exponent = n.ilog2() - bits;
    let rest = n & ((1 << exponent) - 1);
    let round_up = if up {
        rest > 0
    } else {
        rest > (1 << exponent) / 2
    };
    // A fraction that overflows becomes the next exponent's first: the code just counts on.
    (u64::from(exponent) << bits) + (n >> exponent) + u64::from(round_up)
}

fn decode(code: u64, bits: u32) -> u64 {
    let implied = 1 << bits;
    if code < implied {
        return code;
    }
    let exponent = (code >> bits) - 1;
    let fraction = (code & (implied - 1)) | implied;
    fraction.checked_shl(exponent as u32).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // A node with few descriptors must not be rounded at all.
    #[test]
    fn small_counts_are_exact() {
        for n in 0..=4095 {
            assert_eq!(Half::new(n).get(), Some(n));
        }
        for n in 0..=15 {
            assert_eq!(Quarter::new(n).get(), n);
        }
        assert_eq!(Half::NOTHING.get(), None);
    }

    proptest! {
        // A step of the encoding must stay far below what the verdict calls a rise, which is 5 %.
        #[test]
        fn counts_are_near(n in 0..1_u64 << 41) {
            let back = Half::new(n).get().unwrap();
            prop_assert!(back.abs_diff(n) as f64 <= n as f64 / 4096.0);
        }

        // A peak that is shown too low would hide how near the limit was.
        #[test]
        fn distances_are_never_too_small(n in 0..1_u64 << 33) {
            let back = Quarter::new(n).get();
            prop_assert!(back >= n && (back - n) as f64 <= n as f64 / 8.0);
        }

        // Nothing that a kernel can report may overflow.
        #[test]
        fn any_number_is_taken(n: u64) {
            prop_assert!(Half::new(n).get().is_some());
            let _ = Quarter::new(n).get();
        }
    }
}
