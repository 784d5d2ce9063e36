//! The trend as a picture: SVG in a text, made without a file, so that it can be made at zero.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::trend::{bounds, drawn, outlook, time};
use crate::number::plain;
use crate::trend::watch::{Data, Trend};
use crate::trend::Watch;
use headroom_facts::vocabulary::Limit;

const WIDTH: u32 = 900;
/// Pixels of one resource.
const HEIGHT: u32 = 190;
const BAND: RGBColor = RGBColor(0x9e, 0xc5, 0xe8);
const LINE: RGBColor = RGBColor(0x1f, 0x5f, 0x99);
const LIMIT: RGBColor = RGBColor(0xc0, 0x2f, 0x2f);

/// Low, middle and high of each stretch of time, where anything was seen.
type Band = Vec<Option<(u64, u64, u64)>>;

/// The picture of all resources that were seen.
///
/// # Errors
/// It cannot be drawn.
pub fn svg(watch: &Watch, data: &Data) -> Result<String, String> {
    let samples = watch.samples();
    let (span, most) = drawn(samples);
    let seen: Vec<(&Trend, Band)> = data
        .resources
        .iter()
        .map(|trend| (trend, samples.band(trend.name, span, most)))
        .filter(|(_, band)| band.iter().flatten().count() > 1)
        .collect();
    let step_ms = samples.step_ms(span);
    let mut out = String::new();
    {
        let height = HEIGHT * seen.len().max(1) as u32;
        let root = SVGBackend::with_string(&mut out, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE).map_err(|error| error.to_string())?;
        let areas = root.split_evenly((seen.len().max(1), 1));
        for ((trend, band), area) in seen.iter().zip(&areas) {
            panel(area, trend, band, step_ms).map_err(|error| error.to_string())?;
        }
        root.present().map_err(|error| error.to_string())?;
    }
    Ok(out)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Fault<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn panel<'a>(
    area: &Area<'a>,
    trend: &Trend,
    band: &[Option<(u64, u64, u64)>],
    step_ms: u64,
) -> Result<(), Fault<'a>> {
    let point = |at: usize| -(((band.len() - 1 - at) as u64 * step_ms) as f64) / 1000.0;
    let seen = || {
        band.iter()
            .enumerate()
            .filter_map(|(at, point)| Some((at, (*point)?)))
    };
    let (bottom, top) =
        bounds(seen().flat_map(|(_, (_, least, greatest))| [least as f32, greatest as f32]));
    let (bottom, mut top) = (f64::from(bottom), f64::from(top));
    let limit = match trend.limit {
        Limit::Finite(limit) => Some(limit as f64),
        _ => None,
    };
    // The limit belongs into the picture once the curve has come near it.
    let near = limit.filter(|&limit| top > 0.5 * limit);
    top = near.map_or(top, |limit| top.max(limit * 1.02));
    let mut chart = ChartBuilder::on(area)
        .caption(title(trend), ("sans-serif", 15))
        .margin(8)
        .margin_right(20)
        .x_label_area_size(22)
        .y_label_area_size(70)
        .build_cartesian_2d(point(0)..0.0, bottom..top.max(bottom + 1.0))?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(BLACK.mix(0.12))
        .x_labels(7)
        .y_labels(5)
        .x_label_formatter(&|seconds| ago(*seconds))
        .y_label_formatter(&|used| plain(used.max(0.0).round() as u64))
        .draw()?;
    for run in runs(band) {
        let of = |at: usize| band[at].unwrap_or_default();
        let upper = run.clone().map(|at| (point(at), of(at).2 as f64));
        let lower = run.clone().rev().map(|at| (point(at), of(at).1 as f64));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        chart.draw_series([Polygon::new(outline, BAND.mix(0.6).filled())])?;
        let line: Vec<(f64, f64)> = run.map(|at| (point(at), of(at).0 as f64)).collect();
        // One sample between two holes has no line.
        if let [alone] = line[..] {
            chart.draw_series([Circle::new(alone, 1, LINE.filled())])?;
        }
        chart.draw_series(LineSeries::new(line, LINE.stroke_width(2)))?;
    }
    if let Some(limit) = near {
        let ends = [(point(0), limit), (0.0, limit)];
        chart.draw_series(LineSeries::new(ends, LIMIT.stroke_width(1)))?;
    }
    Ok(())
}

fn title(trend: &Trend) -> String {
    let name = trend.name.as_str();
    outlook(trend).unwrap_or_else(|| match trend.limit {
        Limit::Finite(limit) => {
            format!("{name}: {}, limit {}", trend.verdict.as_str(), plain(limit))
        }
        _ => format!("{name}: {}", trend.verdict.as_str()),
    })
}

fn ago(seconds: f64) -> String {
    match (-seconds * 1000.0).round() as u64 {
        0 => "now".into(),
        ms => format!("-{}", time(ms)),
    }
}

/// Where the samples have no hole.
fn runs(band: &[Option<(u64, u64, u64)>]) -> Vec<std::ops::Range<usize>> {
    let mut runs = Vec::new();
    let mut from = 0;
    for part in band.chunk_by(|a, b| a.is_some() == b.is_some()) {
        if part[0].is_some() {
            runs.push(from..from + part.len());
        }
        from += part.len();
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    // A line across a hole would show what nobody saw.
    #[test]
    fn a_hole_ends_a_line() {
        let seen = Some((1, 1, 1));
        assert_eq!(runs(&[seen, seen, None, seen, None]), vec![0..2, 3..4]);
        assert!(runs(&[None, None]).is_empty());
    }
}
