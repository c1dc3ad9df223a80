//! AWS's signature of a request, version 4, as a service checks it.

use hmac::{Hmac, KeyInit, Mac};
use hyper::Request;
use sha2::{Digest, Sha256};

/// What a request is signed for, and the signature that it has.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    /// `DATE/REGION/SERVICE/aws4_request`.
    scope: String,
    to_sign: String,
    given: String,
}

impl Signature {
    /// The signature in the headers of a request with this body and no query; none if they are not signed so.
    pub(crate) fn read<B>(request: &Request<B>, body: &[u8]) -> Option<Self> {
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let parts = header("authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part = |name: &str| parts.split(", ").find_map(|part| part.strip_prefix(name));
        let (_access_key, scope) = part("Credential=")?.split_once('/')?;
        let signed = part("SignedHeaders=")?;
        let headers = signed.split(';').map(|name| Some(format!("{name}:{}\n", header(name)?.trim())));
        let headers = headers.collect::<Option<String>>()?;
        let (method, path) = (request.method(), request.uri().path());
        let canonical = format!("{method}\n{path}\n\n{headers}\n{signed}\n{}", hex(&Sha256::digest(body)));
        let date = header("x-amz-date")?;
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        Some(Self { scope: scope.to_owned(), to_sign, given: part("Signature=")?.to_owned() })
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
        let request = Request::get("/")
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", authorization);
        let signature = Signature::read(&request.body(()).unwrap(), b"").unwrap();
        assert!(signature.is_of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
        assert!(!signature.is_of("AKIDEXAMPLE"));
    }
}
