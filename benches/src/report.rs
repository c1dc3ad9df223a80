//! The table.

use crate::samples::Samples;

/// The plugin and what it is measured against, in one thing.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) ours: Samples,
    pub(crate) against: &'static str,
    pub(crate) theirs: Samples,
    pub(crate) unit: Unit,
    pub(crate) goal: Goal,
}

/// What the ratio is to be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Bytes,
    Seconds,
    PerSecond,
    Count,
    Ratio,
}

impl Unit {
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Bytes => format!("{:.2} MB", value / 1e6),
            Self::Seconds if value.abs() < 1e-3 => format!("{:.0} µs", value * 1e6),
            Self::Seconds => format!("{:.2} ms", value * 1e3),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Count => format!("{value:.0}"),
            Self::Ratio => significant(value),
        }
    }
}

impl Goal {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(limit) => ratio <= limit,
            Self::AtLeast(limit) => ratio >= limit,
        }
    }

    fn show(self) -> String {
        match self {
            Self::AtMost(limit) => format!("≤ {}", significant(limit)),
            Self::AtLeast(limit) => format!("≥ {}", significant(limit)),
        }
    }
}

/// The rows as a table in Markdown, below what they were measured on.
pub(crate) fn markdown(machine: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "# Results\n\nWritten by `make bench`; [README.md](README.md) says what each row means and how to read it.\n\n\
         {machine}\n| what | this plugin: minimum, median | against | minimum, median | ratio: median (minimum; \
         quartiles) | goal | |\n|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let ratios = row.ours.over(&row.theirs);
        let ratio = ratios.median();
        text += &format!(
            "| {} | {} | {} | {} | **{}** ({}; {}–{}) | {} | {} |\n",
            row.what,
            minimum_and_median(&row.ours, row.unit),
            row.against,
            minimum_and_median(&row.theirs, row.unit),
            significant(ratio),
            significant(ratios.minimum()),
            significant(ratios.quantile(0.25)),
            significant(ratios.quantile(0.75)),
            row.goal.show(),
            if row.goal.is_met(ratio) { "met" } else { "**missed**" },
        );
    }
    text + "\n![Memory and time from 1 to 100,000 invokes](growth.svg)\n"
}

fn minimum_and_median(samples: &Samples, unit: Unit) -> String {
    let (minimum, median) = (unit.show(samples.minimum()), unit.show(samples.median()));
    if minimum == median { median } else { format!("{minimum}, {median}") }
}

/// Two decimals, or as many as show two digits.
pub(crate) fn significant(value: f64) -> String {
    if value.abs() >= 0.1 { format!("{value:.2}") } else { format!("{value:.3}") }
}
