use std::time::Duration;

use super::Kind;

/// The longest that anything is waited out, also failures of several kinds in turn.
const LONGEST: Duration = Duration::from_secs(600);

/// The failures of one call. It knows neither a clock nor a source of chance: times are given, since the call began.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Whether a number of tries decides, which waits that grow with time would not let happen.
    is_counted: bool,
    failures: u32,
    /// The failures in a row of the same kind: which, and since when.
    row: Option<(Kind, Duration)>,
    last: Duration,
    /// How long was waited in that row.
    waited: Duration,
}

impl History {
    pub(super) fn new(is_counted: bool) -> Self {
        Self { is_counted, ..Self::default() }
    }

    /// The number of failures.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Takes in that a try failed at `now`, and says how long to wait before the next one; `None`: it is over.
    ///
    /// `progress` is when the service last took a call of this program: who is throttled meanwhile waits for its turn
    /// alone, not for the end of an outage. `asked` is how long the service asks to be left alone. `random` lies between 0 and 1:
    /// it spreads the tries of many machines over the second half of the wait.
    pub fn next_wait(
        &mut self,
        kind: Kind,
        now: Duration,
        progress: Option<Duration>,
        asked: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        let limits = kind.limits()?;
        let since = match self.row {
            Some((same, since)) if same == kind => since,
            _ => {
                self.waited = Duration::ZERO;
                self.last
            }
        };
        let progress = progress.filter(|_| kind == Kind::Throttled);
        let others_are_taken = progress.is_some_and(|progress| progress > self.last);
        self.row = Some((kind, since));
        self.failures = self.failures.saturating_add(1);
        self.last = now;
        let progress = progress.unwrap_or_default();
        let end = (since.max(progress) + limits.patience).min(progress + LONGEST);
        let left = end.checked_sub(now).filter(|left| !left.is_zero())?;
        let longest = if others_are_taken { Duration::ZERO } else { limits.longest_wait(self.failures, self.waited) };
        let wait = longest.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0);
        self.waited += if self.is_counted { Duration::ZERO } else { wait };
        Some((asked.unwrap_or_default().saturating_add(wait)).min(left))
    }

    /// How long the present kind of failure is waited out at most, from `now` on; nothing failed yet: as a network.
    pub(super) fn at_most(&self) -> Duration {
        let kind = self.row.map_or(Kind::Network, |(kind, _)| kind);
        kind.limits().map(|limits| limits.patience).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Tries until it is over, each try taking `takes`: the number of tries and when the last one ended.
    fn until_over(kind: impl Fn(u32) -> Kind, takes: Duration, random: f64) -> (u32, Duration) {
        let (mut history, mut now, mut tries) = (History::default(), Duration::ZERO, 0);
        loop {
            now += takes;
            tries += 1;
            match history.next_wait(kind(tries), now, None, None, random) {
                Some(wait) => now += wait,
                None => return (tries, now),
            }
        }
    }

    #[test]
    fn each_kind_has_its_patience_and_uses_it_up() {
        for (kind, patience) in
            [(Kind::Throttled, 600), (Kind::Fault, 120), (Kind::Network, 120), (Kind::Absent, 10), (Kind::Refused, 0)]
        {
            for random in [0.0, 0.5, 1.0] {
                for takes in [Duration::from_millis(1), SECOND] {
                    let (_, over) = until_over(|_| kind, takes, random);
                    let patience = Duration::from_secs(patience);
                    assert!(over >= patience && over <= patience + takes, "{kind:?} {over:?}");
                }
            }
        }
    }

    #[test]
    fn a_no_is_tried_once() {
        assert_eq!(until_over(|_| Kind::Refused, SECOND, 0.5), (1, SECOND));
    }

    #[test]
    fn waits_double_up_to_a_small_cap_and_are_random_in_their_second_half() {
        for (random, factor) in [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)] {
            let mut history = History::default();
            let waits = (0..4).map(|_| history.next_wait(Kind::Throttled, SECOND, None, None, random).unwrap());
            let expected = [2, 4, 8, 8].map(|seconds| Duration::from_secs(seconds).mul_f64(factor));
            assert_eq!(waits.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn who_is_throttled_for_long_waits_as_long_again() {
        let (mut history, mut now) = (History::default(), Duration::ZERO);
        let mut wait = || {
            let wait = history.next_wait(Kind::Throttled, now, None, None, 0.5).unwrap();
            now += wait;
            wait.as_secs_f64()
        };
        let waits = (0..9).map(|_| wait()).collect::<Vec<_>>();
        assert_eq!(waits, [1.5, 3.0, 6.0, 6.0, 6.0, 22.5, 45.0, 90.0, 90.0]);
    }

    #[test]
    fn who_is_throttled_while_others_are_taken_waits_for_a_turn_alone() {
        let mut history = History::default();
        let mut wait = |now, progress| {
            history.next_wait(Kind::Throttled, SECOND * now, Some(SECOND * progress), None, 1.0).unwrap()
        };
        assert_eq!(wait(2, 1), Duration::ZERO);
        assert_eq!(wait(4, 3), Duration::ZERO);
        assert_eq!(wait(6, 3), SECOND * 8, "none was taken since the last try");
    }

    #[test]
    fn another_kind_begins_anew_but_not_for_ever() {
        let mut history = History::default();
        for second in 0..119 {
            assert!(history.next_wait(Kind::Fault, SECOND * second, None, None, 0.5).is_some());
        }
        assert!(history.next_wait(Kind::Throttled, SECOND * 119, None, None, 0.5).is_some());
        assert!(history.next_wait(Kind::Fault, SECOND * 120, None, None, 0.5).is_some(), "faults began anew");
        let alternating = |tries| if tries % 2 == 0 { Kind::Fault } else { Kind::Absent };
        let (_, over) = until_over(alternating, SECOND, 0.5);
        assert!(over >= LONGEST && over <= LONGEST + SECOND, "{over:?}");
    }

    #[test]
    fn who_waits_for_a_turn_is_not_given_up() {
        let mut history = History::default();
        for second in 0..10_000 {
            let now = SECOND * second;
            assert!(history.next_wait(Kind::Throttled, now, Some(now), None, 0.5).is_some());
        }
        let now = SECOND * 10_700;
        assert_eq!(history.next_wait(Kind::Throttled, now, Some(SECOND * 10_000), None, 0.5), None);
    }

    #[test]
    fn what_the_service_asks_for_is_heeded_within_the_patience() {
        let wait = |asked| History::default().next_wait(Kind::Fault, SECOND, None, Some(asked), 0.0).unwrap();
        assert_eq!(wait(SECOND * 7), SECOND * 7 + Duration::from_millis(250));
        assert_eq!(wait(Duration::MAX), SECOND * 119, "then there is one last try");
    }

    #[test]
    fn no_number_is_too_large() {
        let mut history = History { failures: u32::MAX, ..History::default() };
        assert!(history.next_wait(Kind::Throttled, SECOND, None, None, f64::INFINITY).is_some());
        assert_eq!(history.next_wait(Kind::Throttled, Duration::MAX, None, Some(Duration::MAX), 2.0), None);
    }
}
