//! How often and in which way a call is tried. The SDK's own reading of these settings panics on those that it does not
//! know.

use aws_smithy_types::retry::{RetryConfig, RetryMode};

use super::{Configuration, Error, settings::Settings};

const DEFAULT_TRIES: u32 = 3;

/// The configuration's settings, else the environment's (`AWS_MAX_ATTEMPTS`, `AWS_RETRY_MODE`), else the profile's
/// (`max_attempts`, `retry_mode`).
///
/// # Errors
///
/// [`Error::Setting`] and [`Error::Profile`] for a setting without a meaning.
pub(super) fn config(configuration: &Configuration, settings: &Settings) -> Result<RetryConfig, Error> {
    let tries = match configuration.max_retries.and_then(|tries| u32::try_from(tries).ok()) {
        Some(tries) => Some(tries.max(1)),
        None => settings.setting("max_attempts", tries, "is not a number of tries from 1 on")?,
    };
    let mode = match configuration.retry_mode.as_deref().and_then(mode) {
        Some(mode) => Some(mode),
        None => settings.setting("retry_mode", mode, "is neither standard nor adaptive")?,
    };
    let config = RetryConfig::standard().with_max_attempts(tries.unwrap_or(DEFAULT_TRIES));
    Ok(config.with_retry_mode(mode.unwrap_or(RetryMode::Standard)))
}

fn tries(text: &str) -> Option<u32> {
    text.parse().ok().filter(|tries| *tries > 0)
}

/// `legacy` is the AWS CLI's name for what preceded `standard`, which does all that it did.
fn mode(text: &str) -> Option<RetryMode> {
    match text.to_ascii_lowercase().as_str() {
        "standard" | "legacy" => Some(RetryMode::Standard),
        "adaptive" => Some(RetryMode::Adaptive),
        _ => None,
    }
}
