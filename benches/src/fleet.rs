//! Many machines that ask for a token at the same time, simulated: each waits by the plugin's own function, or by
//! another one beside it.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use pulumi_resource_aws::aws::patience::{History, Kind};

/// Within this time all machines ask for the first time.
const START: f64 = 0.2;
/// The tries of the plugin before it knew kinds of failure, and of many an SDK.
const THREE: u32 = 3;
/// The tries of the official provider, and its longest wait (aws-sdk-go-base, `aws_config.go` and `internal/constants`);
/// that after the first failure is of up to two seconds (SDK for Go, `aws/retry/jitter_backoff.go`).
const OFFICIAL: u32 = 25;
const OFFICIAL_LONGEST: f64 = 300.0;

/// What is simulated.
pub(crate) struct Fleet {
    pub(crate) machines: u32,
    /// The calls that AWS takes a second ...
    pub(crate) rate: f64,
    /// ... and at once.
    pub(crate) burst: f64,
}

/// How it went.
struct Outcome {
    failed: u32,
    last: f64,
    throttled: u64,
}

/// What a machine makes of its failures: how long it waits from `now` on; `None`: it gives up.
type Wait = fn(&mut History, now: Duration, random: f64) -> Option<f64>;

fn ours(history: &mut History, now: Duration, random: f64) -> Option<f64> {
    history.next_wait(Kind::Throttled, now..now, false, None, random).map(|wait| wait.as_secs_f64())
}

fn three(history: &mut History, now: Duration, random: f64) -> Option<f64> {
    let failures = count(history, now, random);
    (failures < THREE).then(|| random * 2_f64.powi(failures.cast_signed() - 1))
}

fn official(history: &mut History, now: Duration, random: f64) -> Option<f64> {
    let failures = count(history, now, random);
    let longest = 2_f64.powi(failures.cast_signed());
    let wait = if longest < OFFICIAL_LONGEST { random * longest } else { OFFICIAL_LONGEST };
    (failures < OFFICIAL).then_some(wait)
}

/// The failures, this one among them; what the plugin would wait is not asked.
fn count(history: &mut History, now: Duration, random: f64) -> u32 {
    let _ = history.next_wait(Kind::Throttled, now..now, true, None, random);
    history.failures()
}

impl Fleet {
    /// The least time in which all can have their token.
    pub(crate) fn least(&self) -> f64 {
        (f64::from(self.machines) - self.burst).max(0.0) / self.rate
    }

    /// The table: each way of waiting beside the least time that is possible.
    pub(crate) fn table(&self) -> String {
        let (Self { machines, rate, burst }, least) = (self, self.least());
        let mut table = format!(
            "**{machines} machines at once**, {rate} calls a second, a burst of {burst}: at least {least:.1} s\n\n\
             | waits | failed | last, s | of the least | throttled calls each |\n|---|---|---|---|---|\n"
        );
        for (name, wait) in [("this plugin", ours as Wait), ("three tries", three), ("official provider", official)] {
            let Outcome { failed, last, throttled } = self.run(wait, 0);
            table += &self.row(name, failed as usize, last, throttled as f64 / f64::from(*machines));
        }
        table
    }

    pub(crate) fn row(&self, name: &str, failed: usize, last: f64, throttled_each: f64) -> String {
        let of_least = last / self.least();
        format!("| {name} | {failed} | {last:.1} | {of_least:.2} | {throttled_each:.2} |\n")
    }

    fn run(&self, wait: Wait, seed: u64) -> Outcome {
        let mut random = Random(0x2545_F491_4F6C_DD1D ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let nanoseconds = |seconds: f64| (seconds * 1e9) as u64;
        let mut machines: Vec<_> = (0..self.machines).map(|_| (START * random.next(), History::default())).collect();
        let starts = machines.iter().enumerate().map(|(index, (start, _))| Reverse((nanoseconds(*start), index)));
        let mut queue: BinaryHeap<_> = starts.collect();
        let (mut left, mut before) = (self.burst, 0.0);
        let mut outcome = Outcome { failed: 0, last: 0.0, throttled: 0 };
        while let Some(Reverse((at, index))) = queue.pop() {
            let now = at as f64 / 1e9;
            left = (left + (now - before) * self.rate).min(self.burst);
            before = now;
            if left >= 1.0 {
                left -= 1.0;
                outcome.last = now;
                continue;
            }
            outcome.throttled += 1;
            let (start, history) = &mut machines[index];
            match wait(history, Duration::from_secs_f64((now - *start).max(0.0)), random.next()) {
                Some(wait) => queue.push(Reverse((nanoseconds(now + wait), index))),
                None => outcome.failed += 1,
            }
        }
        outcome
    }
}

/// The same numbers from 0 to 1 each time (xorshift64), so that a table can be made again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How it goes on average of fleets of this size: the last one's token, and the throttled calls.
    fn usual(fleet: &Fleet, wait: Wait) -> (f64, f64) {
        let fleets = if fleet.machines < 1000 { 20 } else { 2 };
        let outcomes = (0..fleets).map(|seed| fleet.run(wait, seed)).collect::<Vec<_>>();
        assert!(outcomes.iter().all(|outcome| outcome.failed == 0), "{} machines", fleet.machines);
        let mean = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / outcomes.len() as f64;
        (mean(|outcome| outcome.last), mean(|outcome| outcome.throttled as f64))
    }

    #[test]
    fn nobody_waits_much_longer_than_needed() {
        for (machines, rate, burst, most) in
            [(150, 20.0, 50.0, 1.4), (500, 20.0, 100.0, 1.2), (500, 20.0, 200.0, 1.5), (10_000, 500.0, 500.0, 1.4)]
        {
            let fleet = Fleet { machines, rate, burst };
            let (last, _) = usual(&fleet, ours);
            assert!(last <= most * fleet.least(), "{machines}: {last} of {}", fleet.least());
        }
    }

    #[test]
    fn no_fleet_is_worse_off_than_with_the_official_provider() {
        let quotas = [
            (20.0, 50.0, &[55, 60, 70, 100, 150, 300][..]),
            (20.0, 100.0, &[105, 110, 120, 130, 150, 200, 300, 500, 1000]),
            (20.0, 200.0, &[205, 210, 220, 230, 250, 300, 400, 500, 800, 2000, 5000]),
            (500.0, 500.0, &[510, 600, 800, 1000, 1500, 2000, 5000, 10_000, 20_000, 100_000]),
        ];
        for (rate, burst, sizes) in quotas {
            for machines in sizes.iter().copied() {
                let fleet = Fleet { machines, rate, burst };
                let [ours, official] = [ours as Wait, official].map(|wait| usual(&fleet, wait));
                // Half a second is what it costs the last of a fleet hardly above the burst that the second wait is never short.
                assert!(ours.0 <= official.0 + 0.5, "{machines} at {rate} a second: {ours:?}, {official:?}");
                assert!(ours.1 <= official.1, "{machines} at {rate} a second: {ours:?}, {official:?}");
            }
        }
    }

    #[test]
    fn the_page_on_scale_shows_what_the_command_prints() {
        let page = include_str!("../../docs/scale.md");
        let rows = |line: &&str| line.starts_with("**") && line.contains("machines at once") || line.starts_with('|');
        let shown = page.lines().filter(rows).collect::<Vec<_>>();
        let fleets = [(500, 20.0, 100.0), (500, 20.0, 200.0), (2000, 20.0, 200.0), (10_000, 500.0, 500.0)];
        let fleets = fleets.into_iter().chain([(100_000, 500.0, 500.0)]);
        let printed = fleets.map(|(machines, rate, burst)| Fleet { machines, rate, burst }.table()).collect::<String>();
        assert_eq!(shown, printed.lines().filter(rows).collect::<Vec<_>>(), "the page shows other tables:\n{printed}");
    }

    #[test]
    fn three_tries_are_too_few() {
        assert!(Fleet { machines: 500, rate: 20.0, burst: 100.0 }.run(three, 0).failed > 100);
    }
}
