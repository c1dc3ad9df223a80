//! The plot of memory and time by the number of invokes.

use plotters::prelude::*;

use crate::{parts::Growth, soak::MEASURES};
use support::soak::Report;

/// Memory and time by the number of invokes, SVG.
pub(crate) fn growth(growth: &Growth) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (900, 380)).into_drawing_area();
        area.fill(&WHITE).expect("SVG takes everything");
        let (left, right) = area.split_horizontally(450);
        let series = |value: fn(&(f64, f64, f64)) -> f64| {
            growth.points.iter().map(|point| (point.0, value(point))).collect::<Vec<_>>()
        };
        chart(&left, "Own memory, MB", &[series(|point| point.1 / 1e6)]);
        chart(&right, "Time, s", &[series(|point| point.2)]);
        area.present().expect("SVG takes everything");
    }
    svg
}

/// What each plugin took in the course of a soak, SVG.
pub(crate) fn soak(report: &Report) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (900, 760)).into_drawing_area();
        area.fill(&WHITE).expect("SVG takes everything");
        for (area, (name, measure)) in area.split_evenly((2, 2)).iter().zip(MEASURES) {
            let lines = report.samples.iter().map(|samples| {
                samples.iter().map(|sample| (sample.invokes as f64, measure(sample))).collect::<Vec<_>>()
            });
            chart(area, name, &lines.collect::<Vec<_>>());
        }
        area.present().expect("SVG takes everything");
    }
    svg
}

fn chart(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, caption: &str, lines: &[Vec<(f64, f64)>]) {
    let end = |value: fn(&(f64, f64)) -> f64| lines.iter().flatten().map(value).fold(0.0, f64::max);
    let (invokes, highest) = (end(|point| point.0), end(|point| point.1) * 1.2);
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..invokes.max(1.0), 0.0..highest.max(0.001))
        .expect("the ranges are not empty");
    chart.configure_mesh().x_desc("invokes").x_labels(6).draw().expect("SVG takes everything");
    for line in lines {
        chart.draw_series(LineSeries::new(line.iter().copied(), BLUE.stroke_width(2))).expect("SVG takes everything");
    }
}
