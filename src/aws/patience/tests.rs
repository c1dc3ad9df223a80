//! The loop around calls, on a clock that stands still unless everything waits.

use std::{cell::Cell, future::ready};

use futures_util::future::join_all;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn patience(tries: Option<u32>) -> Patience {
    Patience::new(Rules::of(tries, None))
}

fn throttled() -> Failure {
    Failure::new(Kind::Throttled, Error::Throttled { answer: "Rate exceeded".to_owned(), tries: 1 })
}

fn fault() -> Failure {
    Failure::new(Kind::Fault, Error::Server("internal".to_owned()))
}

fn broken(kind: Kind) -> Failure {
    let [target, problem] = ["host:1", "gone"].map(str::to_owned);
    Failure::new(kind, Error::Unreachable { target, proxy: None, problem })
}

/// A call of a service that fails for so long: how it ended, after how much time and how many tries.
async fn outage(patience: &Patience, lasts: Duration, failure: fn() -> Failure) -> (Result<(), Error>, Duration, u32) {
    let (began, tries) = (Instant::now(), Cell::new(0));
    let attempt = || {
        tries.set(tries.get() + 1);
        ready(if began.elapsed() < lasts { Err(failure()) } else { Ok(()) })
    };
    let result = patience.call("a service", "", attempt).await;
    (result, began.elapsed(), tries.get())
}

#[tokio::test(start_paused = true)]
async fn a_no_is_what_it_is_whatever_was_waited_out_before_it() {
    let patience = patience(None);
    for kind in [Kind::Refused, Kind::Clock] {
        let tries = Cell::new(0);
        let attempt = || {
            tries.set(tries.get() + 1);
            ready(Err::<(), _>(match tries.get() {
                1..=3 => fault(),
                _ => Failure::new(kind, Error::ExpiredCredentials("over".to_owned())),
            }))
        };
        let result = patience.call("a service", "", attempt).await;
        assert!(matches!(result, Err(Error::ExpiredCredentials(_))), "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_waited_out() {
    for (lasts, failure) in [
        (60, throttled as fn() -> Failure),
        (590, throttled),
        (30, fault),
        (110, fault),
        (10, || broken(Kind::Network)),
        (3, || broken(Kind::Absent)),
    ] {
        for _ in 0..20 {
            let lasts = SECOND * lasts;
            let (result, took, _) = outage(&patience(None), lasts, failure).await;
            assert_eq!(result, Ok(()), "{lasts:?}");
            // Who waits for longer waits about as long again.
            let late = (lasts * 4 / 3).clamp(SECOND * 10, SECOND * 120);
            assert!(took <= lasts + late, "{took:?} of {lasts:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_ends() {
    for (failure, seconds) in [
        (throttled as fn() -> Failure, 600),
        (fault, 120),
        (|| broken(Kind::Network), 120),
        (|| broken(Kind::Absent), 10),
        (|| broken(Kind::Refused), 0),
    ] {
        let (result, took, tries) = outage(&patience(None), Duration::MAX, failure).await;
        assert!(took >= SECOND * seconds && took < SECOND * (seconds + 6), "{took:?}");
        match result.unwrap_err() {
            Error::Throttled { tries: told, .. } | Error::Lasting { tries: told, .. } => assert_eq!(told, tries),
            error => assert_eq!((error, tries), (broken(Kind::Refused).error, 1)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_of_tries_decides_alone_within_the_patience() {
    for number in [1, 2, 25] {
        let (result, _, tries) = outage(&patience(Some(number)), Duration::MAX, throttled).await;
        assert_eq!((result, tries), (Err(throttled().error.after(number, SECOND)), number));
    }
    let (_, took, tries) = outage(&patience(Some(1000)), Duration::MAX, || broken(Kind::Absent)).await;
    assert!(tries < 1000 && took < SECOND * 11, "{tries} tries in {took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_has_no_effect_on_the_next_call() {
    for (lasts, failure) in [(6, throttled as fn() -> Failure), (25, throttled), (110, throttled), (110, fault)] {
        let patience = patience(None);
        let outages = join_all((0..50).map(|_| outage(&patience, SECOND * lasts, failure)));
        assert!(outages.await.iter().all(|(result, ..)| result.is_ok()));
        let (result, took, tries) = outage(&patience, Duration::ZERO, failure).await;
        assert_eq!((result, tries), (Ok(()), 1));
        assert!(took < SECOND / 4, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_a_turn_has_all_patience_left() {
    for kind in [Kind::Fault, Kind::Network, Kind::Absent] {
        let patience = patience(None);
        let service = Allowance::new(2.0, 20.0, Duration::from_millis(20));
        // The service takes all calls within 490 s; shortly before their end it is away for a moment.
        let (began, away) = (Instant::now(), SECOND * 450..SECOND * 453);
        let attempt = async || match away.contains(&began.elapsed()) {
            true => Err(broken(kind)),
            false => service.take().await,
        };
        let results = join_all((0..1000).map(|_| patience.call("a service", "", attempt))).await;
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 0, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_room_has_all_patience_left() {
    let (began, patience) = (Instant::now(), patience(None));
    let silence = SECOND * 15;
    let attempt = async || match began.elapsed() {
        at if at < silence => {
            sleep(silence).await;
            Err(broken(Kind::Network))
        }
        at if at < silence + SECOND * 3 => Err(broken(Kind::Absent)),
        _ => Ok(()),
    };
    let calls = 3 * MAX_CONCURRENT_TRIES;
    let results = join_all((0..calls).map(|_| patience.call("a service", "", attempt))).await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_another_way_before_costs_no_patience() {
    let (began, patience) = (Instant::now(), patience(None));
    let attempt = || {
        let is_throttled = began.elapsed() < SECOND * 300;
        ready(Err::<(), _>(if is_throttled { throttled() } else { broken(Kind::Absent) }))
    };
    let result = patience.call("a service", "", attempt).await;
    let Err(Error::Lasting { tries, time, .. }) = result else { panic!("{result:?}") };
    assert!(tries > 15 && time > SECOND * 310 && time < SECOND * 430, "{tries} tries, {time:?}");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_throttled_is_in_no_other_s_way() {
    let (patience, began) = (patience(None), Instant::now());
    let tries = Cell::new(0);
    let throttled = async || {
        tries.set(tries.get() + 1);
        sleep(SECOND / 50).await;
        Err::<(), _>(throttled())
    };
    let slow = join_all((0..100).map(|_| patience.call("a service", "one", throttled)));
    let others = async {
        for _ in 0..1000 {
            patience
                .call("a service", "another", async || {
                    sleep(SECOND / 50).await;
                    Ok(())
                })
                .await
                .unwrap();
        }
        began.elapsed()
    };
    let (_, took) = tokio::join!(slow, others);
    assert!(took < SECOND * 21, "{took:?}");
    assert!(tries.get() < 500, "{} tries in vain", tries.get());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_no_call_keeps_none_of_many_for_longer_than_one() {
    let (patience, began) = (patience(None), Instant::now());
    let latency = Duration::from_millis(20);
    let attempt = async || {
        sleep(latency).await;
        Err::<(), _>(throttled())
    };
    let results = join_all((0..1000).map(|_| patience.call("a service", "", attempt))).await;
    assert!(results.iter().all(|result| matches!(result, Err(Error::Throttled { .. }))));
    assert!(began.elapsed() < SECOND * 605, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_shared_by_all_calls() {
    let patience = Patience::new(Rules::of(None, Some(12)));
    let calls = join_all((0..3).map(|_| outage(&patience, SECOND, fault))).await;
    let failed = calls.iter().filter(|(result, ..)| result.is_err()).count();
    assert!(failed >= 1, "12 are enough for two tries more");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_call() {
    let patience = patience(None);
    let call = tokio::time::timeout(SECOND * 5, outage(&patience, Duration::MAX, throttled));
    assert!(call.await.is_err());
    assert_eq!(patience.operation("a service", "").tries.available_permits(), MAX_CONCURRENT_TRIES);
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_are_in_nobody_s_way() {
    let patience = patience(None);
    let outages = join_all((0..2 * MAX_CONCURRENT_TRIES).map(|_| outage(&patience, SECOND * 30, fault)));
    let other = async {
        sleep(SECOND).await;
        outage(&patience, Duration::ZERO, fault).await.1
    };
    let (_, took) = tokio::join!(outages, other);
    assert_eq!(took, Duration::ZERO);
}

/// A service that takes so many calls a second, and at first `burst` at once.
struct Allowance {
    rate: f64,
    burst: f64,
    left: Cell<(f64, Instant)>,
    throttled: Cell<u32>,
    latency: Duration,
}

impl Allowance {
    fn new(rate: f64, burst: f64, latency: Duration) -> Self {
        let left = Cell::new((burst, Instant::now()));
        Self { rate, burst, left, latency, throttled: Cell::default() }
    }

    async fn take(&self) -> Result<(), Failure> {
        sleep(self.latency / 2).await;
        let (left, since) = self.left.get();
        let left = (left + since.elapsed().as_secs_f64() * self.rate).min(self.burst);
        let is_taken = left >= 1.0;
        self.left.set((if is_taken { left - 1.0 } else { left }, Instant::now()));
        sleep(self.latency / 2).await;
        if is_taken {
            return Ok(());
        }
        self.throttled.set(self.throttled.get() + 1);
        Err(throttled())
    }
}

#[tokio::test(start_paused = true)]
async fn many_calls_of_one_program_go_at_the_rate_that_is_taken() {
    for (calls, rate, burst, latency) in [
        (1000, 20.0, 200.0, 1),
        (1000, 20.0, 200.0, 50),
        (1000, 20.0, 200.0, 200),
        (2000, 50.0, 100.0, 20),
        (1000, 2.0, 20.0, 20),
        (200, 20.0, 20.0, 1),
        (200, 20.0, 20.0, 100),
        (100, 10.0, 50.0, 20),
        (5000, 100.0, 500.0, 20),
    ] {
        let (patience, began) = (patience(None), Instant::now());
        let service = Allowance::new(rate, burst, Duration::from_millis(latency));
        let results = join_all((0..calls).map(|_| patience.call("a service", "", || service.take()))).await;
        assert!(results.iter().all(Result::is_ok));
        let least = (f64::from(calls) - burst) / rate;
        let (took, each) =
            (began.elapsed().as_secs_f64() / least, f64::from(service.throttled.get()) / f64::from(calls));
        assert!(took <= 1.15 && each <= 0.2, "{calls} calls, {rate}/s: {took}, {each}");
    }
}
