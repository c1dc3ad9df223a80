//! Measurements, and how one contender's relate to another's.

/// Measurements of one thing, in the order in which they were taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn minimum(&self) -> f64 {
        self.quantile(0.0)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The value below which this part of the samples lies, interpolated.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let position = part * (sorted.len() - 1) as f64;
        let (low, high) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
        low + (high - low) * position.fract()
    }

    /// Each sample over the other's of the same round.
    pub(crate) fn over(&self, others: &Self) -> Self {
        self.with(others, |one, other| one / other)
    }

    /// Each sample plus the other's of the same round.
    pub(crate) fn plus(&self, others: &Self) -> Self {
        self.with(others, |one, other| one + other)
    }

    /// Each sample less the other's of the same round.
    pub(crate) fn less(&self, others: &Self) -> Self {
        self.with(others, |one, other| one - other)
    }

    fn with(&self, others: &Self, operation: impl Fn(f64, f64) -> f64) -> Self {
        let others = if others.0.len() == 1 { &others.0.repeat(self.0.len()) } else { &others.0 };
        assert_eq!(self.0.len(), others.len(), "contenders take turns");
        Self(self.0.iter().zip(others).map(|(one, other)| operation(*one, *other)).collect())
    }
}

impl From<f64> for Samples {
    /// What is the same in every round.
    fn from(constant: f64) -> Self {
        Self(vec![constant])
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let samples = Samples::from_iter([4.0, 1.0, 2.0, 3.0]);
        assert_eq!(samples.minimum(), 1.0);
        assert_eq!(samples.median(), 2.5);
        assert_eq!(samples.quantile(1.0), 4.0);
    }

    #[test]
    fn ratios_are_those_of_each_round() {
        let ratios = Samples::from_iter([2.0, 9.0]).over(&Samples::from_iter([1.0, 3.0]));
        assert_eq!((ratios.minimum(), ratios.quantile(1.0)), (2.0, 3.0));
        assert_eq!(Samples::from_iter([2.0, 4.0]).over(&2.0.into()).median(), 1.5);
    }
}
