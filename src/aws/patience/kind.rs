use std::{fmt, time::Duration};

use super::super::Error;

/// What kind of failure kept a call from its result. Each deserves its own patience; this is the one table of it, and
/// docs/configuration.md shows it to users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Too many calls: it passes once others have had theirs.
    Throttled,
    /// AWS's own fault, or an answer that breaks off.
    Fault,
    /// The network broke: a reset, silence, a name server that is away.
    Network,
    /// Nothing is there: nobody listens, the host has no address, or what answers speaks no HTTP. Hardly anything but a
    /// restart passes.
    Absent,
    /// AWS refused the request for its time, and said its own, by which the SDK dates the next one.
    Clock,
    /// No. The same call gets the same answer.
    Refused,
}

/// How long failures of one kind in a row are waited out, and how long between two tries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// In all.
    pub(super) patience: Duration,
    /// The longest wait in milliseconds after the first failure, the second … and after each further one.
    waits: &'static [u64],
    /// The longest wait once it lasts; see [`LASTS`].
    lasting: Duration,
}

/// A failure that was waited out for so long lasts. Then each wait is about as long as all before it, so that thousands of
/// machines do not ask a service in vain every few seconds, and each still has its token within a fraction of the time.
const LASTS: Duration = Duration::from_secs(16);

impl Limits {
    /// A wait after a failure that so many of its kind went before, for which so much was waited. `random` lies between 0 and 1. It spreads the tries of
    /// many machines: over all of the first wait, since most need no second one, and over the second half of later ones,
    /// in which a service that still throttles is asked less often.
    pub(super) fn wait(&self, repeated: u32, waited: Duration, random: f64) -> Duration {
        let index = repeated as usize;
        let longest =
            self.waits.get(index).or(self.waits.last()).map_or(Duration::ZERO, |wait| Duration::from_millis(*wait));
        let longest = if waited < LASTS { longest } else { (waited * 4 / 3).min(self.lasting) };
        let least = if index == 0 { 0.0 } else { 0.5 };
        longest.mul_f64(least + (1.0 - least) * random.clamp(0.0, 1.0))
    }
}

impl Kind {
    /// The patience with this kind; `None`: it is not tried again.
    pub(super) const fn limits(self) -> Option<Limits> {
        let (patience, waits, lasting): (_, &[u64], _) = match self {
            Self::Throttled => (600, &[2_000, 4_000, 8_000, 10_000], 120),
            Self::Fault | Self::Network => (120, &[500, 1_000, 2_000, 4_000, 5_000], 5),
            Self::Absent => (10, &[100, 200, 400, 800, 1_000], 1),
            Self::Clock => (10, &[], 0),
            Self::Refused => return None,
        };
        Some(Limits { patience: Duration::from_secs(patience), waits, lasting: Duration::from_secs(lasting) })
    }
}

/// A try that failed.
#[derive(Debug)]
pub(in super::super) struct Failure {
    /// What the user is told if it is not tried again.
    pub(in super::super) error: Error,
    /// Of which kind it is.
    pub(in super::super) kind: Kind,
    /// How long the service asks to be left alone.
    pub(in super::super) retry_after: Option<Duration>,
}

impl Failure {
    /// A failure of a service that does not ask to be left alone.
    pub(in super::super) const fn new(kind: Kind, error: Error) -> Self {
        Self { error, kind, retry_after: None }
    }

    /// The same failure in other words.
    pub(in super::super) fn map(self, words: impl FnOnce(Error) -> Error) -> Self {
        Self { error: words(self.error), ..self }
    }
}

/// What is no failure of a service is not worth another try.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Kind::Refused, error)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "throttled",
            Self::Fault => "a fault of AWS's",
            Self::Network => "a network that broke",
            Self::Absent => "nothing there",
            Self::Clock => "a wrong clock",
            Self::Refused => "no",
        })
    }
}
