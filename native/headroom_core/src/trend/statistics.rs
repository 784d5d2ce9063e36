//! The statistics of a trend: Mann-Kendall's test and Sen's slope, plain or over pairs at whole lags only.
//!
//! Mann, Econometrica 13 (1945); Kendall, Rank Correlation Methods (1975); Sen, J. Am. Stat. Assoc. 63 (1968); the seasonal
//! form: Hirsch, Slack and Smith, Water Resources Research 18 (1982).

use std::collections::BTreeMap;

/// What the pairs of a series say: how sure a direction is, and the slope with its range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fit {
    /// The normal score of Mann and Kendall's S: above 0 for a rise.
    pub z: f64,
    /// Median of the slopes of all pairs, per step.
    pub slope: f64,
    /// The ends of the slope's interval at 99 %.
    pub range: (f64, f64),
}

/// The normal score that 99 % of a normal distribution lie within.
const Z_99: f64 = 2.576;

/// The value below which that share of the values lies; they are put in order by it.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let at = (share * last as f64).round() as usize;
    let (_, value, _) = values.select_nth_unstable_by(at.min(last), f64::total_cmp);
    Some(*value)
}

/// The middle value.
pub fn median(values: &mut [f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The median distance of the values from their median: how far they scatter, whatever a few of them do.
pub fn scatter(values: &[f64]) -> f64 {
    let middle = median(&mut values.to_vec()).unwrap_or(0.0);
    let mut distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    median(&mut distances).unwrap_or(0.0)
}

/// Fits the values; values that are not there are left out. Nothing if there is no pair.
pub fn fit(values: &[Option<f64>]) -> Option<Fit> {
    fit_seasons(values, |_| 0)
}

/// Fits the values, but compares only those of the same season with each other.
pub fn fit_seasons(values: &[Option<f64>], season: impl Fn(usize) -> usize) -> Option<Fit> {
    let mut seasons: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
    for (at, value) in values.iter().enumerate() {
        if let Some(value) = value {
            seasons.entry(season(at)).or_default().push((at, *value));
        }
    }
    let mut slopes = Vec::new();
    let (mut s, mut variance) = (0_i64, 0.0);
    for of_season in seasons.into_values() {
        for (index, &(at, value)) in of_season.iter().enumerate() {
            for &(later, other) in &of_season[index + 1..] {
                s += i64::from(other > value) - i64::from(other < value);
                slopes.push((other - value) / (later - at) as f64);
            }
        }
        variance += variance_of_s(of_season.iter().map(|(_, value)| *value).collect());
    }
    let z = match s {
        0 => 0.0,
        _ if variance <= 0.0 => 0.0,
        _ => (s - s.signum()) as f64 / variance.sqrt(),
    };
    // Sen's interval: the slopes so many ranks around the middle.
    let half = Z_99 * variance.sqrt() / (2.0 * slopes.len().max(1) as f64);
    let slope = median(&mut slopes)?;
    let low = quantile(&mut slopes, (0.5 - half).max(0.0))?;
    let high = quantile(&mut slopes, (0.5 + half).min(1.0))?;
    Some(Fit {
        z,
        slope,
        range: (low, high),
    })
}

/// The variance of S if there is no trend, with what ties take from it.
fn variance_of_s(mut values: Vec<f64>) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    values.sort_unstable_by(f64::total_cmp);
    let ties: f64 = values
        .chunk_by(|a, b| a == b)
        .map(|tied| term(tied.len() as f64))
        .sum();
    (term(values.len() as f64) - ties) / 18.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().map(|&value| Some(value)).collect()
    }

    // Ten values, one swapped pair: S = 43, its variance 125. Worked by hand from the formula.
    #[test]
    fn the_score_is_that_of_the_formula() {
        let values = all(&[1.0, 2.0, 3.0, 5.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
        let fit = fit(&values).unwrap();
        assert!((fit.z - 42.0 / 125_f64.sqrt()).abs() < 1e-9);
        assert_eq!(fit.slope, 1.0);
        assert!(fit.range.0 <= 1.0 && fit.range.1 >= 1.0);
    }

    // With ties: 1 1 2 2 has S = 4 and variance (156 - 2 * 18) / 18.
    #[test]
    fn ties_take_from_the_variance() {
        let fit = fit(&all(&[1.0, 1.0, 2.0, 2.0])).unwrap();
        assert!((fit.z - 3.0 / (120.0_f64 / 18.0).sqrt()).abs() < 1e-9);
    }

    // A wave must not pass for a trend: only the same phase is compared.
    #[test]
    fn seasons_are_compared_with_themselves() {
        let wave = [0.0, 50.0, 100.0, 50.0];
        let values: Vec<f64> = (0..16).map(|at| wave[at % 4] + at as f64).collect();
        let seasonal = fit_seasons(&all(&values), |at| at % 4).unwrap();
        assert_eq!(seasonal.slope, 1.0);
        assert_eq!(seasonal.range, (1.0, 1.0));
        let still = fit_seasons(&all(&wave.repeat(4)), |at| at % 4).unwrap();
        assert_eq!((still.z, still.slope), (0.0, 0.0));
    }

    #[test]
    fn without_a_pair_there_is_no_fit() {
        for values in [vec![], vec![Some(1.0)], vec![None, Some(1.0), None]] {
            assert_eq!(fit(&values), None);
        }
        assert_eq!(fit_seasons(&all(&[1.0, 2.0]), |at| at % 2), None);
    }

    proptest! {
        // A NaN would raise in the NIF, and a slope outside its own range would be nonsense on the screen.
        #[test]
        fn any_values_give_finite_numbers(
            values in prop::collection::vec(prop::option::weighted(0.9, 0.0..1e12_f64), 0..40),
            seasons in 1..6_usize,
        ) {
            if let Some(fit) = fit_seasons(&values, |at| at % seasons) {
                prop_assert!(fit.z.is_finite() && fit.slope.is_finite());
                prop_assert!(fit.range.0 <= fit.slope && fit.slope <= fit.range.1);
            }
        }

        // A series and its mirror are the same leak, up and down.
        #[test]
        fn a_mirrored_series_has_the_mirrored_fit(values in prop::collection::vec(-1000_i32..1000, 2..30)) {
            let up: Vec<Option<f64>> = values.iter().map(|&v| Some(f64::from(v))).collect();
            let down: Vec<Option<f64>> = values.iter().map(|&v| Some(-f64::from(v))).collect();
            let (up, down) = (fit(&up).unwrap(), fit(&down).unwrap());
            prop_assert!((up.z + down.z).abs() < 1e-9);
        }
    }
}
