use std::time::{Duration, Instant, SystemTime};

/// How long before its end a token is not served any more. AWS takes signatures of clocks that are wrong by up to five
/// minutes, so a machine that got a token may be wrong by as much.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// The time in which a token may be served again: until half of its life is over and the end is not near.
///
/// Two clocks must agree. The wall clock alone could be set back; the monotonic one stands still while the machine
/// sleeps.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    opened: SystemTime,
    length: Duration,
    closes: Instant,
}

impl Window {
    /// The window of a token that was got at `opened` and then had `life` left. `None`: it is closed, or the wall clock
    /// stands before `opened`.
    pub(super) fn new(opened: SystemTime, life: Duration) -> Option<Self> {
        let length = length(life);
        let left = length.checked_sub(opened.elapsed().ok()?)?;
        Some(Self { opened, length, closes: Instant::now().checked_add(left)? })
    }

    pub(super) fn is_open(&self) -> bool {
        Instant::now() < self.closes && self.opened.elapsed().is_ok_and(|age| age < self.length)
    }

    /// When it closes, unless the wall clock is set.
    pub(super) const fn closes(&self) -> Instant {
        self.closes
    }
}

fn length(life: Duration) -> Duration {
    (life / 2).min(life.saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    #[test]
    fn it_is_half_of_the_life_less_what_is_near_the_end() {
        assert_eq!(length(12 * HOUR), 6 * HOUR);
        assert_eq!(length(2 * MARGIN), MARGIN);
        assert_eq!(length(MARGIN + MARGIN / 2), MARGIN / 2);
        assert_eq!(length(MARGIN), Duration::ZERO);
        assert_eq!(length(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn it_is_open_until_half_of_the_life_is_over() {
        let now = SystemTime::now();
        assert!(Window::new(now - 5 * HOUR, 12 * HOUR).is_some_and(|window| window.is_open()));
        assert!(Window::new(now - 7 * HOUR, 12 * HOUR).is_none());
    }

    #[test]
    fn a_wall_clock_that_was_set_back_opens_nothing() {
        let now = SystemTime::now();
        assert!(Window::new(now + HOUR, 12 * HOUR).is_none(), "got in the future");
        let before_it_was_got = Window { opened: now + HOUR, length: 6 * HOUR, closes: Instant::now() + HOUR };
        assert!(!before_it_was_got.is_open());
        let long_ago_by_the_other_clock = Window { opened: now, length: 6 * HOUR, closes: Instant::now() };
        assert!(!long_ago_by_the_other_clock.is_open());
    }

    #[test]
    fn the_machine_s_sleep_counts() {
        let slept = Window { opened: SystemTime::now() - 7 * HOUR, length: 6 * HOUR, closes: Instant::now() + HOUR };
        assert!(!slept.is_open());
    }

    #[test]
    fn no_life_is_too_long() {
        assert!(Window::new(SystemTime::now(), Duration::MAX).is_none_or(|window| window.is_open()));
    }
}
