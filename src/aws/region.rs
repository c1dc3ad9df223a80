//! Regions and the partitions that they belong to.

use super::Error;
use crate::steps::step;

/// The partition of Regions that no other partition claims.
pub(super) const COMMERCIAL: &str = "aws";

/// The Region of Amazon ECR Public, which the commercial partition alone has.
pub(super) const PUBLIC: &str = "us-east-1";

/// What the names of a partition's Regions begin with.
const PARTITIONS: [(&str, &str); 8] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// The partition of a Region, for example `aws-cn`.
pub(super) fn partition(region: &str) -> &'static str {
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or(COMMERCIAL, |(_, partition)| partition)
}

/// The partition in an ARN, for example `aws-cn`.
pub(super) fn partition_of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').next()
}

/// Whether `region` can be part of a host name, which keeps a request from going elsewhere.
pub(super) fn is_host_label(region: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&region.len()) && region.bytes().all(inner) && !region.starts_with('-') && !region.ends_with('-')
}

/// Whether `region` has the form of all Regions: words and a number, for example `us-gov-west-1`.
pub(super) fn is_well_formed(region: &str) -> bool {
    let mut parts: Vec<_> = region.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    !is_of_fips(region)
        && parts.len() >= 2
        && parts.iter().all(|part| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_lowercase()))
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether `region` names FIPS endpoints in the way of older SDKs, for example `fips-us-east-1`: no Region signs so.
pub(super) fn is_of_fips(region: &str) -> bool {
    region.split('-').any(|part| part == "fips")
}

/// What the names of Regions begin with.
const PLACES: [&str; 13] = ["af", "ap", "ca", "cn", "eu", "eusc", "fips", "il", "me", "mx", "sa", "us", "local"];

/// How a text reads that was meant to name a Region: itself only if it looks like one, however wrong.
pub(super) fn shown(text: &str) -> String {
    let start = text.split(|char: char| !char.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    let is_allowed = |char: char| char.is_ascii_alphanumeric() || " -_.".contains(char);
    match PLACES.contains(&&*start) && text.len() <= 20 && text.chars().all(is_allowed) {
        true => format!("{text:?}"),
        false => "what is given (not shown, since it does not look like one)".to_owned(),
    }
}

/// Tells which Region is called, and what names it.
pub(crate) fn tell(region: &str, source: &str) {
    match is_well_formed(region) {
        true => step!("region", "{region}, by {source}"),
        false => step!("region", "{}, by {source}", shown(region)),
    }
}

/// Checks that credentials of `role` can be of use in `region`.
///
/// # Errors
///
/// [`Error::WrongPartition`].
pub(super) fn check_partition(role: &str, region: &str) -> Result<(), Error> {
    match partition_of_arn(role) {
        Some(partition_of_role) if partition_of_role != partition(region) => Err(Error::WrongPartition {
            role: super::shown::arn(role),
            role_partition: super::shown::name(partition_of_role),
            region: region.to_owned(),
            region_partition: partition(region),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions() {
        for (region, expected) in [
            ("eu-west-1", "aws"),
            ("us-east-1", "aws"),
            ("il-central-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(partition(region), expected, "{region}");
            assert!(is_well_formed(region) && is_host_label(region), "{region}");
        }
    }

    #[test]
    fn malformed() {
        for region in [
            "",
            "eu",
            "eu-west",
            "eu-west1",
            "EU-WEST-1",
            "eu west 1",
            "eu-west-1.evil.example",
            "eu-west-1a",
            "fips-us-east-1",
        ] {
            assert!(!is_well_formed(region), "{region}");
        }
        for region in ["", "-eu", "eu-", "eu.west", "eu/west", "eu@west", "eu:80", "eu west"] {
            assert!(!is_host_label(region), "{region}");
        }
    }
}
