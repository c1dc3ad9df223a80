//! What the two sides must have in common.

use std::fmt::Write;

use crate::{
    case::Case,
    secrets,
    sides::{self, Outcome},
};

/// What a case showed.
pub(crate) struct Verdict {
    /// What is not the same, if anything.
    pub(crate) difference: Option<String>,
    /// What must not be, whatever the case says.
    pub(crate) faults: Vec<String>,
    official: Outcome,
    plugin: Outcome,
}

/// Runs both sides.
pub(crate) async fn compare(case: &Case) -> Verdict {
    let (official, plugin) = tokio::join!(sides::official(case), sides::plugin(case));
    let mut faults = secrets::leaks(&plugin.output);
    faults
        .extend(plugin.error.iter().filter(|error| error.contains('\n')).map(|error| format!("two lines: {error:?}")));
    Verdict { difference: difference(&official, &plugin), faults, official, plugin }
}

fn difference(official: &Outcome, plugin: &Outcome) -> Option<String> {
    // Through a proxy and below odd paths, the stand-in cannot read a signature, the official one neither.
    let signed = |side: &Outcome| side.ecr.iter().all(|asked| asked.is_signed_with(&official.secret_key));
    let signed_alike = || signed(plugin) || !signed(official);
    match (&official.error, &plugin.error) {
        (Some(_), Some(_)) => None,
        (None, None) if official.seen == plugin.seen && signed_alike() => None,
        (None, None) if official.seen == plugin.seen => Some("signed with another secret key".to_owned()),
        _ => Some(format!("official: {}\nplugin:   {}", told(official), told(plugin))),
    }
}

fn told(outcome: &Outcome) -> String {
    let mut text = outcome.error.as_ref().map_or_else(|| "works".to_owned(), |error| format!("fails: {error}"));
    for line in &outcome.seen {
        let _ = write!(text, "\n    {line}");
    }
    text
}

impl Verdict {
    /// What is wrong with the case: a fault, a difference that nobody explained, or an explanation without a difference.
    pub(crate) fn problem(&self, case: &Case) -> Option<String> {
        let mut problems: Vec<_> = self.unexpected(case).into_iter().collect();
        problems.extend(self.faults.clone());
        match (&self.difference, case.differs.as_ref().or(case.kinder.as_ref())) {
            (Some(difference), None) => problems.push(difference.clone()),
            (None, Some(_)) => problems.push("there is no difference".to_owned()),
            _ => {}
        }
        (!problems.is_empty()).then(|| format!("{}: {}", case.name, problems.join("\n")))
    }

    /// Whether the official side alone fails, at a profile, and the plugin uses the keys that one of `others` signs with.
    pub(crate) fn is_profile_not_needed(&self, others: &[&str]) -> bool {
        let readings = ["loading configuration: ", "error fetching config from profile, "];
        let is_reading = |error: &String| readings.iter().any(|reading| error.starts_with(reading));
        let is_read = self.official.error.as_ref().is_some_and(is_reading);
        let is_other = |line: &String| others.iter().any(|key| line.contains(&format!(" signed by {key} ")));
        is_read && self.plugin.error.is_none() && self.plugin.seen.iter().any(is_other)
    }

    /// Whether the official side did something else than the case says, which then shows something else, too.
    fn unexpected(&self, case: &Case) -> Option<String> {
        let signed = self.official.ecr.last().map(support::http::Asked::access_key);
        match (&self.official.error, &case.signs, &case.fails) {
            (Some(error), None, Some(part)) if error.contains(part) => None,
            (None, Some(key), None) if signed == Some(key) => None,
            _ => Some(format!("the official libraries do something else than the case says: {}", told(&self.official))),
        }
    }
}
