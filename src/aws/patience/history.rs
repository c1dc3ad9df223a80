use std::{ops::Range, time::Duration};

use super::Kind;

/// The longest that anything is waited out, also failures of several kinds in turn.
pub(super) const LONGEST: Duration = Duration::from_secs(600);

/// The failures of one call. It knows neither a clock nor a source of chance: times are given, since the call began,
/// without those in which it waited for its turn while the service took others.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Whether a number of tries decides, which waits that grow with time would not let happen.
    is_counted: bool,
    failures: u32,
    /// Since when nothing was taken, as far as is known.
    began: Duration,
    /// The failures in a row of the same kind: which, since when, and how many.
    row: Option<(Kind, Duration, u32)>,
    /// How long was waited in that row.
    waited: Duration,
    /// When it is over.
    end: Option<Duration>,
}

impl History {
    pub(super) fn new(is_counted: bool) -> Self {
        Self { is_counted, ..Self::default() }
    }

    /// The number of failures.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Takes in that a try failed, and says how long to wait before the next one; `None`: it is over. `at` is when the
    /// try was sent and when it failed: what went before it was another kind's, or nobody's fault.
    ///
    /// `others_are_taken` says that the service took a call of this program since the failure before: who is throttled
    /// meanwhile waits for its turn alone, not for the end of an outage. `asked` is how long the service asks to be left
    /// alone. `random` lies between 0 and 1: it spreads the tries of many machines.
    pub fn next_wait(
        &mut self,
        kind: Kind,
        at: Range<Duration>,
        others_are_taken: bool,
        asked: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        let limits = kind.limits()?;
        let is_in_turn = others_are_taken && kind == Kind::Throttled;
        let (since, repeated) = match self.row {
            Some((before, since, number)) if before == kind => (since, number),
            _ => {
                self.waited = Duration::ZERO;
                (at.start, 0)
            }
        };
        let (since, began) = if is_in_turn { (at.start, at.start) } else { (since, self.began) };
        let end = since.saturating_add(limits.patience).min(began.saturating_add(LONGEST));
        (self.row, self.began, self.end) = (Some((kind, since, repeated.saturating_add(1))), began, Some(end));
        self.failures = self.failures.saturating_add(1);
        let is_in_vain = repeated > 0 && kind == Kind::Clock;
        let left = end.checked_sub(at.end).filter(|left| !left.is_zero() && !is_in_vain)?;
        let wait = if is_in_turn { Duration::ZERO } else { limits.wait(repeated, self.waited, random) };
        self.waited += if self.is_counted { Duration::ZERO } else { wait };
        Some((asked.unwrap_or_default().saturating_add(wait)).min(left))
    }

    /// When the present kind of failure is not waited out any more; nothing failed yet: as a network.
    pub(super) fn end(&self) -> Duration {
        let patience = |kind: Kind| kind.limits().map(|limits| limits.patience).unwrap_or_default();
        self.end.unwrap_or_else(|| patience(Kind::Network))
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
            let began = now;
            now += takes;
            tries += 1;
            match history.next_wait(kind(tries), began..now, false, None, random) {
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
    fn a_request_is_dated_anew_once() {
        assert_eq!(until_over(|_| Kind::Clock, SECOND, 0.5), (2, SECOND * 2));
    }

    #[test]
    fn waits_grow_up_to_a_small_cap_and_are_random() {
        for (random, expected) in
            [(0.0, [0.0, 2.0, 4.0, 5.0]), (0.5, [1.0, 3.0, 6.0, 7.5]), (1.0, [2.0, 4.0, 8.0, 10.0])]
        {
            let mut history = History::default();
            let mut wait = || history.next_wait(Kind::Throttled, SECOND..SECOND, false, None, random).unwrap();
            let waits = (0..4).map(|_| wait().as_secs_f64()).collect::<Vec<_>>();
            assert_eq!(waits, expected);
        }
    }

    #[test]
    fn each_kind_begins_with_its_first_wait() {
        let mut history = History::default();
        let mut wait = |kind| history.next_wait(kind, SECOND..SECOND, false, None, 1.0).unwrap().as_millis();
        let kinds = [Kind::Network, Kind::Network, Kind::Throttled, Kind::Throttled, Kind::Absent, Kind::Network];
        assert_eq!(kinds.map(&mut wait), [500, 1000, 2000, 4000, 100, 500]);
    }

    #[test]
    fn who_is_throttled_for_long_waits_as_long_again() {
        let (mut history, mut now) = (History::default(), Duration::ZERO);
        let mut wait = || {
            let wait = history.next_wait(Kind::Throttled, now..now, false, None, 1.0).unwrap();
            now += wait;
            wait.as_secs()
        };
        assert_eq!([(); 8].map(|()| wait()), [2, 4, 8, 10, 32, 74, 120, 120]);
    }

    #[test]
    fn who_is_throttled_while_others_are_taken_waits_for_a_turn_alone() {
        let mut history = History::default();
        let mut wait = |now, others_are_taken| {
            history.next_wait(Kind::Throttled, SECOND * now..SECOND * now, others_are_taken, None, 1.0).unwrap()
        };
        assert_eq!(wait(2, true), Duration::ZERO);
        assert_eq!(wait(4, true), Duration::ZERO);
        assert_eq!(wait(6, false), SECOND * 8, "none was taken since the last try");
    }

    #[test]
    fn another_kind_begins_anew_but_not_for_ever() {
        let mut history = History::default();
        let mut goes_on = |kind, second| {
            let now = SECOND * second;
            history.next_wait(kind, now..now, false, None, 0.5).is_some()
        };
        assert!((0..119).all(|second| goes_on(Kind::Fault, second)));
        assert!(goes_on(Kind::Throttled, 119));
        assert!(goes_on(Kind::Fault, 120), "faults began anew");
        assert!(goes_on(Kind::Absent, 300), "the wait before was none for this kind");
        let alternating = |tries| if tries % 2 == 0 { Kind::Fault } else { Kind::Absent };
        let (_, over) = until_over(alternating, SECOND, 0.5);
        assert!(over >= LONGEST && over <= LONGEST + SECOND, "{over:?}");
    }

    #[test]
    fn who_waits_for_a_turn_is_not_given_up() {
        let mut history = History::default();
        let mut wait = |second, others_are_taken| {
            history.next_wait(Kind::Throttled, SECOND * second..SECOND * second, others_are_taken, None, 0.5)
        };
        assert!((0..10_000).all(|second| wait(second, true).is_some()));
        assert_eq!(wait(10_700, false), None);
    }

    #[test]
    fn what_the_service_asks_for_is_heeded_within_the_patience() {
        let wait =
            |asked| History::default().next_wait(Kind::Fault, Duration::ZERO..SECOND, false, Some(asked), 0.0).unwrap();
        assert_eq!(wait(SECOND * 7), SECOND * 7);
        assert_eq!(wait(Duration::MAX), SECOND * 119, "then there is one last try");
    }

    #[test]
    fn no_number_is_too_large() {
        let mut history = History { failures: u32::MAX, ..History::default() };
        assert!(history.next_wait(Kind::Throttled, SECOND..SECOND, false, None, f64::INFINITY).is_some());
        let late = Duration::MAX;
        assert_eq!(history.next_wait(Kind::Throttled, late..late, false, Some(late), 2.0), None);
        assert_eq!(History::default().next_wait(Kind::Fault, late..late, true, None, 0.5), None);
    }
}
