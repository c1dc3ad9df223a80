use std::fmt;

/// What stands in front of the configuration's keys where their user writes them, `aws` in `aws:region`, and the version of
/// what is configured by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Namespace {
    /// In front of the colon.
    pub name: &'static str,
    /// As servers of AWS are told it.
    pub version: &'static str,
}

impl Namespace {
    /// A key as its user writes it, for example `aws:region`.
    pub(super) fn key(self, name: &str) -> String {
        format!("{self}:{name}")
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self { name: "aws", version: crate::VERSION }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
