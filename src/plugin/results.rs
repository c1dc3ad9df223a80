use std::{
    mem,
    sync::{Arc, OnceLock},
};

use prost::{Message, bytes::Bytes};

use super::property::{self, Accepts, EncodeError, Object, Value};
use crate::memory::{self, Kept};

/// What a function returns: property values, by the names that the schema lists. Clones share them and their form on the
/// wire, so the same results cost little when they are returned again.
///
/// There is no `Debug`: they can be credentials.
#[derive(Clone)]
pub struct Results {
    shared: Arc<Shared>,
}

struct Shared {
    values: Object,
    /// The values on the wire, none of them secret, for whoever was the first to ask.
    plain: OnceLock<(Accepts, Bytes)>,
    kept: Kept,
}

impl Results {
    /// Results, each with its name, without those that are null.
    pub fn new<const N: usize>(values: [(&str, impl Into<Value>); N]) -> Self {
        let values = property::without_null(values);
        Self { shared: Arc::new(Shared { values, plain: OnceLock::new(), kept: Kept::new() }) }
    }

    /// The same, with the reservations of what is in them.
    pub(crate) fn with(mut self, kept: Kept) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.kept = kept;
        }
        self
    }

    /// The values on the wire (`google.protobuf.Struct`), those of them secret whose names `is_secret` tells.
    ///
    /// # Errors
    ///
    /// See [`EncodeError`].
    pub(super) fn encode(mut self, is_secret: impl Fn(&str) -> bool, accepts: Accepts) -> Result<Bytes, EncodeError> {
        self.shared.kept.iter().cloned().for_each(memory::keep);
        // Nobody else has them, so that they need no copy, which may be long.
        if let Some(Shared { values, plain, .. }) = Arc::get_mut(&mut self.shared)
            && plain.get().is_none()
        {
            return encode(with_secrets(mem::take(values), is_secret), accepts);
        }
        let Shared { values, plain, .. } = &*self.shared;
        if values.keys().any(|name| is_secret(name)) {
            return encode(with_secrets(values.clone(), is_secret), accepts);
        }
        match plain.get() {
            Some((same, bytes)) if *same == accepts => Ok(bytes.clone()),
            _ => {
                let bytes = encode(values.clone(), accepts)?;
                // Those of an engine that accepts other values stay.
                let _ = plain.set((accepts, bytes.clone()));
                Ok(bytes)
            }
        }
    }
}

fn with_secrets(mut values: Object, is_secret: impl Fn(&str) -> bool) -> Object {
    values.iter_mut().filter(|(name, _)| is_secret(name)).for_each(|(_, value)| value.make_secret());
    values
}

fn encode(values: Object, accepts: Accepts) -> Result<Bytes, EncodeError> {
    Ok(property::encode(values, accepts)?.encode_to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT_ONLY: Accepts = Accepts { byte_strings: false };
    const BYTES_TOO: Accepts = Accepts { byte_strings: true };

    #[test]
    fn what_was_written_for_one_engine_is_not_for_another() {
        let results = Results::new([("key", Value::ByteString(vec![1]))]);
        for _ in 0..2 {
            assert!(results.clone().encode(|_| false, BYTES_TOO).is_ok());
            assert!(results.clone().encode(|_| false, TEXT_ONLY).is_err());
        }
    }

    #[test]
    fn plain_and_secret_results_are_kept_apart() {
        let text = "text".to_owned();
        let results = Results::new(["name", "password"].map(|name| (name, &text)));
        let encode = |secret: &str| results.clone().encode(|name| name == secret, TEXT_ONLY).map_err(drop);
        let (plain, secret) = (encode(""), encode("password"));
        assert_ne!(plain, secret);
        assert_ne!(encode("name"), secret);
        assert_eq!((encode(""), encode("password")), (plain, secret));
    }
}
