//! Reads a configuration, and says what one of the right types must keep to in order to have a meaning.

use std::{net::Ipv6Addr, time::Duration};

use super::{
    Namespace,
    configuration::{AssumeRole, Configuration, WebIdentity},
    endpoints,
    proxies::Proxy,
    region,
};

/// The shortest and the longest life of STS credentials.
const SESSION_SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;

/// A key of the configuration that has no meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The key, with the path inside it.
    pub key: String,
    /// Why; a sentence that follows the key's name.
    pub reason: String,
}

impl Invalid {
    fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), reason: reason.into() }
    }
}

impl Configuration {
    /// Reads a configuration whose keys have the types of the schema.
    ///
    /// # Errors
    ///
    /// Every contradiction and every value without a meaning.
    pub fn from_json(
        namespace: Namespace,
        json: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, Vec<Invalid>> {
        let configuration: Self = serde_json::from_value(without_empty(json.into()))
            .map_err(|_| vec![Invalid::new("configuration", "is not as schema.json describes it")])?;
        let configuration = Self { namespace, ..configuration }.without_empty_role();
        let invalid = check(&configuration);
        if invalid.is_empty() { Ok(configuration) } else { Err(invalid) }
    }

    /// A single role without an ARN is none, as the official provider has it: the variable that names it may be empty.
    fn without_empty_role(mut self) -> Self {
        if let [role] = &self.assume_roles[..]
            && role.role_arn.is_empty()
        {
            self.assume_roles.clear();
        }
        self.assume_role = self.assume_role.filter(|role| !role.role_arn.is_empty());
        self
    }
}

/// Removes properties whose value is blank text: `pulumi config set KEY ""` means to unset. A tag may be empty.
fn without_empty(mut json: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match &mut json {
        Value::Object(object) => {
            object.retain(|_, value| !value.as_str().is_some_and(|text| text.trim().is_empty()));
            for (_, value) in object.iter_mut().filter(|(key, _)| *key != "tags") {
                *value = without_empty(value.take());
            }
        }
        Value::Array(values) => {
            for value in values {
                *value = without_empty(value.take());
            }
        }
        _ => {}
    }
    json
}

/// Every contradiction and every value without a meaning.
fn check(configuration: &Configuration) -> Vec<Invalid> {
    let mut invalid = Vec::new();
    keys(configuration, &mut invalid);
    regions(configuration, &mut invalid);
    roles(configuration, &mut invalid);
    endpoints(configuration, &mut invalid);
    http(configuration, &mut invalid);
    retries(configuration, &mut invalid);
    accounts(configuration, &mut invalid);
    invalid
}

fn keys(configuration: &Configuration, invalid: &mut Vec<Invalid>) {
    match (&configuration.access_key, &configuration.secret_key) {
        (Some(_), None) => invalid.push(Invalid::new("secretKey", "is missing, but accessKey is set; set both")),
        (None, Some(_)) => invalid.push(Invalid::new("accessKey", "is missing, but secretKey is set; set both")),
        (None, None) if configuration.token.is_some() => {
            invalid.push(Invalid::new("token", "goes with accessKey and secretKey, which are not set"));
        }
        _ => {}
    }
    if configuration.shared_credentials_file.is_some() && !configuration.shared_credentials_files.is_empty() {
        invalid.push(Invalid::new(
            "sharedCredentialsFile",
            "is the older name of sharedCredentialsFiles, which is set too; set one of them",
        ));
    }
}

fn regions(configuration: &Configuration, invalid: &mut Vec<Invalid>) {
    // An endpoint of the environment or a profile may name its Regions as it likes, and is looked up later.
    let is_strict = configuration.skip_region_validation == Some(false);
    for (key, region) in [("region", &configuration.region), ("stsRegion", &configuration.sts_region)] {
        let is_region = |text: &str| {
            region::is_host_label(text) && !region::is_of_fips(text) && (!is_strict || region::is_well_formed(text))
        };
        if let Some(region) = region.as_ref().filter(|region| !is_region(region)) {
            let region = region::shown(region);
            invalid.push(Invalid::new(key, format!("must be an AWS Region such as eu-west-1, but is {region}")));
        }
    }
}

fn roles(configuration: &Configuration, invalid: &mut Vec<Invalid>) {
    if configuration.assume_role.is_some() && !configuration.assume_roles.is_empty() {
        invalid.push(Invalid::new("assumeRole", "is the older name of assumeRoles, which is set too; set one of them"));
    }
    if let Some(given) = &configuration.assume_role {
        role("assumeRole", given, invalid);
    }
    for (index, given) in configuration.assume_roles.iter().enumerate() {
        role(&format!("assumeRoles[{index}]"), given, invalid);
    }
    if let Some(given) = &configuration.assume_role_with_web_identity {
        web_identity(given, invalid);
    }
}

fn role(path: &str, role: &AssumeRole, invalid: &mut Vec<Invalid>) {
    arn(format!("{path}.roleArn"), &role.role_arn, invalid);
    duration(path, role.duration.as_deref(), invalid);
    policies(path, role.policy.as_deref(), &role.policy_arns, invalid);
    for (key, name) in [("sessionName", &role.session_name), ("sourceIdentity", &role.source_identity)] {
        session_name(format!("{path}.{key}"), name.as_deref(), invalid);
    }
    if role.external_id.as_ref().is_some_and(|id| !(2..=1224).contains(&id.len())) {
        invalid.push(Invalid::new(format!("{path}.externalId"), "must have 2 to 1224 characters"));
    }
}

/// Whether STS takes `text` for the name of a session.
pub(super) fn is_session_name(text: &str) -> bool {
    text.len() >= 2 && is_role_name(text)
}

/// Whether IAM takes `text` for the name of a role.
pub(super) fn is_role_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn session_name(path: String, name: Option<&str>, invalid: &mut Vec<Invalid>) {
    if name.is_some_and(|name| !is_session_name(name)) {
        invalid.push(Invalid::new(path, "must be 2 to 64 letters, digits and characters of _+=,.@-"));
    }
}

fn policies(path: &str, policy: Option<&str>, arns: &[String], invalid: &mut Vec<Invalid>) {
    if policy.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()) {
        invalid.push(Invalid::new(format!("{path}.policy"), "must be JSON"));
    }
    for (index, _) in arns.iter().enumerate().filter(|(_, arn)| !arn.is_empty() && !is_arn(arn)) {
        let reason = "must be a policy's ARN such as arn:aws:iam::aws:policy/ReadOnlyAccess";
        invalid.push(Invalid::new(format!("{path}.policyArns[{index}]"), reason));
    }
}

/// Whether `text` has the parts of an ARN, its account those of an account or of AWS itself.
fn is_arn(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, _, _, account, resource]
        if partition.starts_with("aws") && !resource.is_empty() && (["", "aws"].contains(&account) || is_account(account)))
}

/// Whether `text` is the id of an account: 12 digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn web_identity(role: &WebIdentity, invalid: &mut Vec<Invalid>) {
    let path = "assumeRoleWithWebIdentity";
    if let Some(role_arn) = &role.role_arn {
        arn(format!("{path}.roleArn"), role_arn, invalid);
    }
    duration(path, role.duration.as_deref(), invalid);
    policies(path, role.policy.as_deref(), &role.policy_arns, invalid);
    session_name(format!("{path}.sessionName"), role.session_name.as_deref(), invalid);
    if role.web_identity_token.as_ref().is_some_and(|token| !(4..=20_000).contains(&token.len())) {
        invalid.push(Invalid::new(format!("{path}.webIdentityToken"), "must have 4 to 20000 characters"));
    }
    if role.web_identity_token.is_some() && role.web_identity_token_file.is_some() {
        invalid.push(Invalid::new(
            format!("{path}.webIdentityToken"),
            "excludes webIdentityTokenFile, which is set too; set one of them",
        ));
    }
}

fn arn(path: String, arn: &str, invalid: &mut Vec<Invalid>) {
    if arn.is_empty() {
        invalid.push(Invalid::new(path, "is missing; set the ARN of the role"));
    } else if !is_arn(arn) || !arn.contains(":role/") {
        invalid.push(Invalid::new(path, "must be a role's ARN such as arn:aws:iam::123456789012:role/name"));
    }
}

fn duration(path: &str, text: Option<&str>, invalid: &mut Vec<Invalid>) {
    let Some(text) = text else { return };
    if !parse_duration(text).is_some_and(|duration| SESSION_SECONDS.contains(&duration.as_secs())) {
        let reason = "must be a time from 15m to 12h, such as 1h30m or 3600s";
        invalid.push(Invalid::new(format!("{path}.duration"), reason));
    }
}

/// A duration as Go writes it (`1h30m`, `1.5h`, `90s`); a bare number counts seconds.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut seconds = 0.0;
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    while !rest.is_empty() {
        let unit = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let next = rest[unit..].find(|char: char| char.is_ascii_digit() || char == '.');
        let end = next.map_or(rest.len(), |next| unit + next);
        let number: f64 = rest[..unit].parse().ok()?;
        let factor = match &rest[unit..end] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number * factor;
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !text.is_empty())
}

fn endpoints(configuration: &Configuration, invalid: &mut Vec<Invalid>) {
    for (index, endpoints) in configuration.endpoints.iter().enumerate() {
        let is_called = |service: &str| endpoints::ALL.iter().any(|called| called.configured == service);
        for (service, url) in endpoints.iter().filter(|(service, _)| is_called(service)) {
            let reason = match url {
                url if !is_url(url) => "must be a URL such as https://localhost:4566",
                url if is_aws_in_the_clear(url) => "must be https, since the host is AWS's own",
                _ => continue,
            };
            invalid.push(Invalid::new(format!("endpoints[{index}].{service}"), reason));
        }
    }
    if configuration.ec2_metadata_service_endpoint.as_ref().is_some_and(|url| !is_url(url)) {
        let reason = "must be a URL such as http://169.254.169.254";
        invalid.push(Invalid::new("ec2MetadataServiceEndpoint", reason));
    }
    if let Some(mode) = &configuration.ec2_metadata_service_endpoint_mode
        && !["ipv4", "ipv6"].contains(&mode.to_ascii_lowercase().as_str())
    {
        invalid.push(Invalid::new("ec2MetadataServiceEndpointMode", "must be IPv4 or IPv6"));
    }
    if configuration.use_dualstack_endpoint == Some(true) && configuration.endpoint("ecr").is_some() {
        let reason = "has no effect on the URL that endpoints sets for ecr; set one of them";
        invalid.push(Invalid::new("useDualstackEndpoint", reason));
    }
}

/// Whether `text` is the URL of an HTTP server.
pub(super) fn is_url(text: &str) -> bool {
    let Ok(uri) = called(text).parse::<http::Uri>() else { return false };
    let is_encoded = |part: &str| part.get(..2).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let below_host = text.splitn(4, '/').nth(3).unwrap_or_default();
    let path = below_host.split(['?', '#']).next().unwrap_or_default();
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let has_form = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ip, port)) => ip.split('%').next().is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()) && is_port(port),
        None => authority.find(':').is_none_or(|port| is_port(&authority[port..])),
    };
    has_form
        && matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && path.split('%').skip(1).all(is_encoded)
}

/// A port behind its colon, or none.
fn is_port(text: &str) -> bool {
    let is_number = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.is_empty() || digits.parse::<u16>().is_ok())
    };
    text.strip_prefix(':').map_or(text.is_empty(), is_number)
}

/// What the names of AWS's hosts end with ...
const OF_AWS: [&str; 12] = [
    ".amazonaws.com",
    ".api.aws",
    ".amazonaws.com.cn",
    ".api.amazonwebservices.com.cn",
    ".amazonaws.eu",
    ".api.amazonwebservices.eu",
    ".c2s.ic.gov",
    ".api.aws.ic.gov",
    ".sc2s.sgov.gov",
    ".api.aws.scloud",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
];
/// ... unless this stands in them: then they are its customers'.
const OF_CUSTOMERS: [&str; 3] = ["compute", "compute-1", "elb"];

/// Whether a URL leads to AWS itself without TLS: AWS does not answer there, and who does reads tokens.
pub(super) fn is_aws_in_the_clear(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    uri.scheme_str() == Some("http")
        && OF_AWS.iter().any(|end| host.ends_with(end))
        && !host.split('.').any(|label| OF_CUSTOMERS.contains(&label))
}

/// A URL as it is called and signed: without a user and a password, without the port that its scheme has anyway, and with
/// its path encoded.
pub(super) fn called(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let (path, query) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    format!("{scheme}://{}{}{query}", host.strip_suffix(port).unwrap_or(host), encoded_path(path))
}

/// A path as the SDK for Go sends it: as it is written where all of it may stand in a path, else all of it encoded anew.
fn encoded_path(path: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte);
    if path.bytes().all(|byte| stays(byte) || b"!'()*[]%".contains(&byte)) {
        return path.to_owned();
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        match code.filter(|_| byte == b'%') {
            Some(code) => (rest, _) = (&after[2..], decoded.push(code)),
            None => (rest, _) = (after, decoded.push(byte)),
        }
    }
    percent_encoded(&decoded, stays)
}

/// The text for a URL: each byte that cannot stay as it is becomes `%XX`.
pub(super) fn percent_encoded(text: &[u8], stays: impl Fn(u8) -> bool) -> String {
    text.iter()
        .copied()
        .map(|byte| if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// What may be shown of a URL: neither a user nor a path.
pub(super) fn origin(url: &str) -> String {
    let uri = url.parse::<http::Uri>().unwrap_or_default();
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{}://{host}", uri.scheme_str().unwrap_or_default())
}

fn http(configuration: &Configuration, invalid: &mut Vec<Invalid>) {
    for (key, url) in [("httpProxy", &configuration.http_proxy), ("httpsProxy", &configuration.https_proxy)] {
        // The value is not shown: it may hold a password.
        let url = url.as_ref().map(|url| url.contains("://").then(|| Proxy::new(url)));
        match url {
            None | Some(Some(Ok(_))) => {}
            Some(Some(Err(problem))) => invalid.push(Invalid::new(key, problem)),
            Some(None) => {
                let reason = "must be the URL of an HTTP proxy, such as http://proxy.example.com:3128";
                invalid.push(Invalid::new(key, reason));
            }
        }
    }
    if configuration.insecure == Some(true) {
        invalid.push(Invalid::new(
            "insecure",
            "is not supported: certificates are always verified. Set customCaBundle to the certificate of the server's \
             authority instead",
        ));
    }
    for (index, _) in configuration.user_agents.iter().enumerate().filter(|(_, text)| !is_header_text(text)) {
        let reason = "must be printable ASCII text such as product/1.0";
        invalid.push(Invalid::new(format!("userAgents[{index}]"), reason));
    }
}

fn is_header_text(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn retries(configuration: &Configuration, invalid: &mut Vec<Invalid>) {
    for (key, number) in [
        ("maxRetries", configuration.max_retries),
        ("tokenBucketRateLimiterCapacity", configuration.token_bucket_rate_limiter_capacity),
    ] {
        if let Some(number) = number.filter(|number| u32::try_from(*number).is_err()) {
            invalid.push(Invalid::new(key, format!("must be a number from 0 on, but is {number}")));
        }
    }
    if let Some(mode) = &configuration.retry_mode
        && !["standard", "adaptive"].contains(&mode.as_str())
    {
        invalid.push(Invalid::new("retryMode", "must be standard or adaptive"));
    }
}

fn accounts(configuration: &Configuration, invalid: &mut Vec<Invalid>) {
    let (allowed, forbidden) = (&configuration.allowed_account_ids, &configuration.forbidden_account_ids);
    if !allowed.is_empty() && !forbidden.is_empty() {
        invalid.push(Invalid::new("forbiddenAccountIds", "excludes allowedAccountIds, which is set too"));
    }
    for (key, ids) in [("allowedAccountIds", allowed), ("forbiddenAccountIds", forbidden)] {
        for (index, id) in ids.iter().enumerate() {
            if !is_account(id) {
                let reason = "must be the 12 digits of an AWS account";
                invalid.push(Invalid::new(format!("{key}[{index}]"), reason));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go_or_seconds() {
        for (text, seconds) in [
            ("3600", 3600),
            ("3600s", 3600),
            ("1h30m", 5400),
            ("15m", 900),
            ("1h0m1s", 3601),
            ("1.5h", 5400),
            ("900000ms", 900),
            ("+1h", 3600),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "1x", "1.5.5h", ".h", "-1s", "1h 2m", "99999999999999999999h", "18446744073709551615h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn urls_are_called_without_what_is_not_signed() {
        for (url, expected) in [
            ("http://joe:word@host:8080/a@b", "http://host:8080/a@b"),
            ("http://joe@corp:word@host?a@b", "http://host?a@b"),
            ("https://host:443/\u{fc}", "https://host/%C3%BC"),
            ("http://host/{a}/b|c%2Fd?{e}", "http://host/%7Ba%7D/b%7Cc/d?{e}"),
            ("http://host/a%2Fb/[c]!'()*?d", "http://host/a%2Fb/[c]!'()*?d"),
            ("http://host:443", "http://host:443"),
            ("http://host:80", "http://host"),
        ] {
            assert_eq!(called(url), expected);
        }
    }

    #[test]
    fn urls_have_a_scheme_and_a_host() {
        for url in ["http://localhost:4566", "https://vpce-1.ecr.eu-west-1.vpce.amazonaws.com", "http://[::1]:80/x"] {
            assert!(is_url(url) && !is_aws_in_the_clear(url), "{url}");
        }
        for url in [
            "",
            "localhost:4566",
            "http://host/a%",
            "http://host/%zz",
            "ftp://localhost",
            "http://",
            "/path",
            "http:///path",
            "https//x",
        ] {
            assert!(!is_url(url), "{url}");
        }
    }

    #[test]
    fn aws_is_called_by_tls_alone() {
        for host in ["api.ecr.eu-west-1.amazonaws.com", "STS.amazonaws.com.", "ecr.eu-west-1.api.aws:80"] {
            assert!(is_aws_in_the_clear(&format!("http://{host}/x")), "{host}");
            assert!(!is_aws_in_the_clear(&format!("https://{host}/x")), "{host}");
        }
        for host in ["own-1.eu-west-1.elb.amazonaws.com", "ec2-1.compute-1.amazonaws.com", "amazonaws.com.example"] {
            assert!(!is_aws_in_the_clear(&format!("http://{host}/x")), "{host}");
        }
    }
}
