use aws_smithy_types::retry::{RetryConfig, RetryMode};

use super::{
    super::{Configuration, Error, settings::Settings},
    Kind,
};

/// How calls are tried, as the user set it. The SDK's own reading of these settings panics on those that it does not know.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Rules {
    /// The tries of a call; `None`: patience alone decides.
    pub(super) tries: Option<u32>,
    /// Whether the calls of this program are paced by what the service takes.
    pub(super) is_paced: bool,
    /// What the bucket for further tries holds, if there is one.
    pub(super) capacity: Option<u32>,
    /// Whether requests are dated by AWS's clock once it differs from this machine's.
    pub(in super::super) corrects_clock: bool,
    mode: RetryMode,
}

impl Rules {
    /// The configuration's settings, else the environment's (`AWS_MAX_ATTEMPTS`, `AWS_RETRY_MODE`), else the profile's
    /// (`max_attempts`, `retry_mode`). Of the latter two also whether the clock is corrected
    /// (`AWS_DISABLE_CLOCK_SKEW_CORRECTION`).
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] and [`Error::Profile`] for a setting without a meaning.
    pub(in super::super) fn new(configuration: &Configuration, settings: &Settings) -> Result<Self, Error> {
        let tries = match configuration.max_retries.and_then(|tries| u32::try_from(tries).ok()) {
            Some(tries) => Some(tries.max(1)),
            None => settings.setting("max_attempts", tries, "is not a number of tries")?,
        };
        let mode = match configuration.retry_mode.as_deref().and_then(mode) {
            Some(mode) => Some(mode),
            None => settings.setting("retry_mode", mode, "is neither standard nor adaptive")?,
        };
        let capacity = configuration.token_bucket_rate_limiter_capacity.and_then(|capacity| capacity.try_into().ok());
        Ok(Self {
            // 0 is as good as none, as the SDK for Go has it.
            tries: tries.filter(|tries| *tries > 0),
            is_paced: mode != Some(RetryMode::Standard),
            capacity: capacity.filter(|capacity| *capacity != 0),
            corrects_clock: settings.setting("disable_clock_skew_correction", boolean, "is neither true nor false")?
                != Some(true),
            mode: mode.unwrap_or(RetryMode::Standard),
        })
    }

    /// Settings of the code's own tests.
    #[cfg(test)]
    pub(super) const fn of(tries: Option<u32>, capacity: Option<u32>) -> Self {
        Self { tries, is_paced: true, capacity, corrects_clock: true, mode: RetryMode::Standard }
    }

    /// Whether there may be another try after so many failures, the last one of this kind.
    pub(super) fn allow(&self, kind: Kind, failures: u32) -> bool {
        self.tries.is_none_or(|tries| failures < tries) && (self.corrects_clock || kind != Kind::Clock)
    }

    /// What the SDK is told: to try once, and which mode to report to AWS.
    pub(in super::super) fn sdk(&self) -> RetryConfig {
        RetryConfig::standard().with_max_attempts(1).with_retry_mode(self.mode)
    }
}

fn boolean(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

fn tries(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// `legacy` is the AWS CLI's name for what preceded `standard`, which does all that it did.
fn mode(text: &str) -> Option<RetryMode> {
    match text.to_ascii_lowercase().as_str() {
        "standard" | "legacy" => Some(RetryMode::Standard),
        "adaptive" => Some(RetryMode::Adaptive),
        _ => None,
    }
}
