//! AWS's signature of a request, version 4, as a service checks it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What the `Authorization` header of a signed request says.
pub(crate) struct Authorization<'a> {
    pub(crate) access_key: &'a str,
    date: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    /// `SignedHeaders=NAMES, Signature=HEX`.
    rest: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
    pub(crate) fn read(header: &'a str) -> Option<Self> {
        let (credential, rest) = header.strip_prefix("AWS4-HMAC-SHA256 Credential=")?.split_once(", ")?;
        match credential.split('/').collect::<Vec<_>>()[..] {
            [access_key, date, region, service, "aws4_request"] => {
                Some(Self { access_key, date, region, service, rest })
            }
            _ => None,
        }
    }
}

/// What a request is signed for, and the signature that it has.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    /// `DATE/REGION/SERVICE/aws4_request`.
    scope: String,
    to_sign: String,
    given: String,
}

impl Signature {
    /// The signature in the headers of a request without a query; none if they are not signed so.
    pub(crate) fn read<'a>(
        method: &str,
        path: &str,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> Option<Self> {
        let Authorization { date: day, region, service, rest, .. } = Authorization::read(header("authorization")?)?;
        let (signed, given) = rest.strip_prefix("SignedHeaders=")?.split_once(", Signature=")?;
        let headers = signed.split(';').map(|name| Some(format!("{name}:{}\n", header(name)?.trim())));
        let headers = headers.collect::<Option<String>>()?;
        let canonical = format!("{method}\n{path}\n\n{headers}\n{signed}\n{}", hex(&Sha256::digest(body)));
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let (time, hash) = (header("x-amz-date")?, hex(&Sha256::digest(canonical)));
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
        Some(Self { scope, to_sign, given: given.to_owned() })
    }

    /// Whether it was made with this secret access key.
    pub(crate) fn is_of(&self, secret_key: &str) -> bool {
        let secret = format!("AWS4{secret_key}").into_bytes();
        let key = self.scope.split('/').fold(secret, |key, part| hmac(&key, part));
        hex(&hmac(&key, &self.to_sign)) == self.given
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `get-vanilla` of AWS's own test suite for signatures.
    #[test]
    fn it_is_that_of_aws_s_own_example() {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        let header = |name: &str| match name {
            "authorization" => Some(authorization),
            "host" => Some("example.amazonaws.com"),
            "x-amz-date" => Some("20150830T123600Z"),
            _ => None,
        };
        let signature = Signature::read("GET", "/", header, b"").unwrap();
        assert!(signature.is_of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
        assert!(!signature.is_of("AKIDEXAMPLE"));
    }
}
