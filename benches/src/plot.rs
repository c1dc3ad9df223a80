//! The plot of memory and time by the number of invokes.

use plotters::prelude::*;

use crate::parts::Growth;

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
        chart(&left, "Own memory, MB", &series(|point| point.1 / 1e6));
        chart(&right, "Time, s", &series(|point| point.2));
        area.present().expect("SVG takes everything");
    }
    svg
}

fn chart(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, caption: &str, points: &[(f64, f64)]) {
    let end = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).fold(0.0, f64::max);
    let (invokes, highest) = (end(|point| point.0), end(|point| point.1) * 1.2);
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..invokes.max(1.0), 0.0..highest.max(0.001))
        .expect("the ranges are not empty");
    chart.configure_mesh().x_desc("invokes").x_labels(6).draw().expect("SVG takes everything");
    chart.draw_series(LineSeries::new(points.iter().copied(), BLUE.stroke_width(2))).expect("SVG takes everything");
}
