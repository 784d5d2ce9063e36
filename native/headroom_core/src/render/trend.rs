//! Is it a leak, since when, when is it full: a table, and a chart of each resource.

use comfy_table::{CellAlignment, Table};
use textplots::{Chart, LabelBuilder, LabelFormat, Plot, Shape};

use super::page;
use super::report::Charset;
use crate::number::{self, plain};
use crate::trend::watch::{AtZero, Data, Trend};
use crate::trend::{Grower, Samples, Span, Verdict, Watch};
use headroom_facts::vocabulary::{Count, Limit, Name};

/// Characters that a chart is wide; the numbers beside it fit into the rest of the page.
const WIDTH: u32 = 64;
/// Lines that a chart is high.
const HEIGHT: u32 = 5;
/// Dots of a character: that many drawn points fit into it.
const DOTS: (u32, u32) = (2, 4);

/// The table and the charts.
pub fn trend(watch: &Watch, data: &Data, charset: Charset) -> String {
    let mut out = heading(data);
    out.push_str(&table(data));
    for trend in &data.resources {
        sentences(trend, data.taken_at)
            .iter()
            .for_each(|line| push(&mut out, line));
    }
    if let Some(grower) = &data.grower {
        page::wrapped(&grew(grower), "", "  ")
            .iter()
            .for_each(|line| push(&mut out, line));
    }
    for trend in &data.resources {
        if let Some((title, chart)) = chart(watch.samples(), trend, charset) {
            push(&mut out, "");
            push(&mut out, &title);
            chart.lines().for_each(|line| push(&mut out, line));
        }
    }
    match charset {
        Charset::Unicode => out,
        Charset::Ascii => out.lines().map(|line| page::ascii(line) + "\n").collect(),
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end_matches([' ', BLANK]));
    out.push('\n');
}

fn heading(data: &Data) -> String {
    let skipped = match data.skipped {
        0 => String::new(),
        n => format!(", {} skipped", plain(n)),
    };
    format!(
        "watched for {}: {} samples{skipped}, one in {}\n\n",
        time(data.observed_ms),
        plain(data.samples),
        time(data.interval_ms),
    )
}

fn table(data: &Data) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "RESOURCE", "USED", "HIGHEST", "TREND", "OVER", "AN HOUR", "FULL IN",
    ]);
    for trend in &data.resources {
        table.add_row([
            trend.name.as_str().to_string(),
            number::count(trend.used),
            trend
                .highest
                .map_or("unknown".into(), |peak| plain(peak.used)),
            trend.verdict.as_str().to_string(),
            time(trend.window_ms),
            pace(trend.per_hour),
            full(trend),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        let word = index == 0 || index == 3;
        column.set_cell_alignment(if word {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        });
    }
    let lines = table.lines().map(|line| line.trim_end().to_string() + "\n");
    lines.collect()
}

fn pace(per_hour: f64) -> String {
    let sign = if per_hour < 0.0 { "-" } else { "+" };
    match per_hour.abs() {
        pace if pace < 0.05 => String::new(),
        pace if pace < 10.0 => format!("{sign}{pace:.1}"),
        pace => format!("{sign}{}", plain(pace.round() as u64)),
    }
}

fn full(trend: &Trend) -> String {
    match (trend.full, trend.alarm) {
        (Some(full), true) => format!("{} !", time(full.in_ms)),
        (Some(full), false) => time(full.in_ms),
        (None, _) => String::new(),
    }
}

/// What is worth a sentence of a resource: that it grows, and that it was at its limit.
fn sentences(trend: &Trend, now: i64) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(sentence) = outlook(trend) {
        lines.push(String::new());
        lines.extend(page::wrapped(&sentence, "", "  "));
    }
    for at_zero in &trend.at_zero {
        lines.extend(page::wrapped(
            &was_empty(trend.name, at_zero, now),
            "",
            "  ",
        ));
    }
    lines
}

/// Since when, how fast, and when it is full, in one sentence; nothing unless it grows.
pub fn outlook(trend: &Trend) -> Option<String> {
    if trend.verdict != Verdict::Growing {
        return None;
    }
    let name = trend.name.as_str();
    let pace = pace(trend.per_hour);
    let since = time(trend.since_ms);
    let sentence = match trend.full {
        None => format!("{name} has grown for {since} at least, by {pace} an hour."),
        Some(full) => {
            let latest = full.latest_ms.map_or("never".into(), time);
            format!(
                "{name} has grown for {since} at least, by {pace} an hour: full in {} ({} to {latest}).",
                time(full.in_ms),
                time(full.earliest_ms),
            )
        }
    };
    Some(sentence)
}

/// Which group of holders grew most, with both numbers.
pub fn grew(grower: &Grower) -> String {
    let idle = match grower.idle {
        Some(idle) if idle > 0 => format!(", {} of them idle", plain(idle)),
        _ => String::new(),
    };
    format!(
        "{} grew most: from {} to {} descriptors in {}{idle}.",
        grower.group,
        plain(grower.from),
        plain(grower.to),
        time(grower.within_ms),
    )
}

/// When nothing was left, for how long, and what held it.
pub fn was_empty(name: Name, at_zero: &AtZero, now: i64) -> String {
    let ago = time(u64::try_from(now - at_zero.at).unwrap_or(0));
    let lasted = match at_zero.for_ms {
        0 => "at one sample".to_string(),
        for_ms => format!("for {}", time(for_ms)),
    };
    let held_by = at_zero
        .held_by
        .as_ref()
        .map_or(String::new(), |holder| format!("; held by {holder}"));
    format!(
        "{} had none left {ago} ago {lasted}: {} of {}{held_by}.",
        name.as_str(),
        plain(at_zero.used),
        plain(at_zero.limit),
    )
}

/// A length of time in the unit that it is thought of in.
pub fn time(ms: u64) -> String {
    const YEAR_MS: u64 = 365 * 86_400_000;
    let tenths = |unit_ms: u64, unit: &str| {
        let tenths = (ms + unit_ms / 20) / (unit_ms / 10);
        match (tenths / 10, tenths % 10) {
            (whole, 0) => format!("{whole} {unit}"),
            (whole, tenth) => format!("{whole}.{tenth} {unit}"),
        }
    };
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..120_000 => format!("{} s", (ms + 500) / 1000),
        120_000..7_200_000 => format!("{} min", (ms + 30_000) / 60_000),
        7_200_000..172_800_000 => tenths(3_600_000, "h"),
        172_800_000..YEAR_MS => tenths(86_400_000, "days"),
        _ => "more than a year".into(),
    }
}

/// What is drawn: the shortest span that shows all that is known, up to two weeks.
pub(super) fn drawn(samples: &Samples) -> (Span, usize) {
    let observed = samples.observed_ms();
    let most = |span| (observed / samples.step_ms(span) + 1) as usize;
    if most(Span::Fast) <= crate::trend::samples::FAST {
        (Span::Fast, most(Span::Fast))
    } else if most(Span::Minutes) <= 24 * 60 {
        (Span::Minutes, most(Span::Minutes))
    } else {
        (Span::Quarters, 14 * 96)
    }
}

/// The title and the chart of a resource; nothing with less than two points.
fn chart(samples: &Samples, trend: &Trend, charset: Charset) -> Option<(String, String)> {
    let (span, most) = drawn(samples);
    let band = samples.band(trend.name, span, most);
    let high: Vec<(f32, f32)> = band
        .iter()
        .enumerate()
        .filter_map(|(at, point)| point.map(|(_, _, greatest)| (at as f32, greatest as f32)))
        .collect();
    if high.len() < 2 {
        return None;
    }
    let length = band.len() as u64 * samples.step_ms(span);
    let limit = match (trend.used, trend.limit) {
        (Count::Is(used), Limit::Finite(limit)) => {
            format!("{} of {}", plain(used), plain(limit))
        }
        (used, _) => number::count(used),
    };
    let title = format!(
        "{}  {limit}, {}, the last {}",
        trend.name.as_str(),
        trend.verdict.as_str(),
        time(length)
    );
    let (bottom, top) = bounds(high.iter().map(|point| point.1));
    let no_label = || LabelFormat::Custom(Box::new(|_| String::new()));
    let right = band.len() as f32 - 1.0;
    let lines = Shape::Lines(&high);
    let mut chart = Chart::new_with_y_range(
        WIDTH * DOTS.0,
        HEIGHT * DOTS.1,
        0.0,
        right.max(1.0),
        bottom,
        top,
    );
    let drawn = chart
        .lineplot(&lines)
        .x_label_format(no_label())
        .y_label_format(LabelFormat::Custom(Box::new(|value| {
            plain(value.max(0.0).round() as u64)
        })));
    drawn.figures();
    let text = drawn.to_string();
    let text = text.trim_end();
    Some(match charset {
        Charset::Unicode => (title, text.to_string()),
        Charset::Ascii => (page::ascii(&title), text.chars().map(as_ascii).collect()),
    })
}

/// What the axis spans: the data, and never so little that noise fills it.
pub(super) fn bounds(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let least = values.clone().fold(f32::INFINITY, f32::min);
    let greatest = values.fold(0.0, f32::max);
    let room = ((0.1 * greatest).max(4.0) - (greatest - least)).max(0.0);
    let bottom = (least - room / 2.0).max(0.0);
    (bottom.floor(), (greatest + room / 2.0).ceil())
}

/// A character with no dot.
const BLANK: char = '\u{2800}';

/// A character of dots as one that every terminal has: by the height at which its dots stand.
fn as_ascii(c: char) -> char {
    let Some(dots) = (c as u32)
        .checked_sub(BLANK as u32)
        .filter(|&dots| dots < 256)
    else {
        return if c.is_ascii() { c } else { '?' };
    };
    // Bits of the rows, from the top one down, in both columns.
    let row = |bits: u32| dots & bits != 0;
    let rows = [row(0x09), row(0x12), row(0x24), row(0xc0)];
    match rows {
        [false, false, false, false] => ' ',
        [true, _, _, true] => '|',
        [_, true, true, _] => '-',
        [true, _, false, _] => '\'',
        [_, true, false, false] => '-',
        [false, _, true, _] => '.',
        [false, _, false, true] => '_',
        [true, false, true, false] => '|',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A time in the wrong unit sends nobody, or everybody, at night.
    #[test]
    fn times_are_said_in_their_unit() {
        let cases = [
            (0, "0 ms"),
            (1000, "1 s"),
            (119_999, "120 s"),
            (120_000, "2 min"),
            (5_400_000, "90 min"),
            (9_000_000, "2.5 h"),
            (7_200_000, "2 h"),
            (3 * 86_400_000, "3 days"),
            (u64::MAX, "more than a year"),
        ];
        for (ms, text) in cases {
            assert_eq!(time(ms), text);
        }
    }

    // A chart in a ticket must not be a row of question marks.
    #[test]
    fn every_pattern_has_an_ascii_character() {
        for dots in 0..256 {
            let c = char::from_u32(BLANK as u32 + dots).unwrap();
            assert!(as_ascii(c).is_ascii() && as_ascii(c) != '?');
        }
        assert_eq!(as_ascii(BLANK), ' ');
    }
}
