//! What an Invoke goes through, told by the code that decides it: records of the log with targets of their own, which
//! [`crate::doctor`] shows. Most are at the level of traces, which nothing else collects.

/// What the targets of steps begin with; the step's name follows.
pub(crate) const TARGET: &str = concat!(env!("CARGO_CRATE_NAME"), "::step::");

/// Tells of a step: its name, then what is to be said. With a level in front, others hear of it, too.
macro_rules! step {
    ($level:ident, $name:literal, $($text:tt)+) => {
        log::$level!(target: concat!(env!("CARGO_CRATE_NAME"), "::step::", $name), $($text)+)
    };
    ($name:literal, $($text:tt)+) => {
        crate::steps::step!(trace, $name, $($text)+)
    };
}
pub(crate) use step;
