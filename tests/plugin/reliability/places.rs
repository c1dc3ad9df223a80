//! Where something can go wrong: all that a program needs there to get its token, with a gate on the way.

use std::any::Any;

use serde_json::{Value as Json, json};
use support::{
    ecr::Ecr,
    faults::{ABSENT, FAULT, Fault, NO, THROTTLED, answer, endless, fault},
    gate::{Gate, Wire},
    http::{Reply, Server},
    proxy::Proxy,
    sts::Sts,
    tls::{Authority, Tls},
};

use crate::{
    credentials::{CONTAINER_KEYS, SESSION_CACHE, SSO_SESSION, metadata_at, portal, sso_token},
    machine::Machine,
};

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Amazon ECR's, called without TLS.
    Ecr,
    /// That of TLS in front of it.
    Tls,
    /// Amazon ECR's, called by HTTP/2.
    Http2,
    /// That of a proxy in front of both.
    Proxy,
    /// AWS STS's, which is asked for a role.
    Sts,
    /// That of the metadata service of EC2.
    Metadata,
    /// That of the service of ECS and EKS for containers.
    Container,
    /// That of IAM Identity Center, which is asked for credentials.
    Portal,
}

/// What a program needs at a place.
pub(super) struct Ground {
    pub(super) machine: Machine,
    pub(super) configuration: Json,
    pub(super) gate: Gate,
    /// The servers behind the gate.
    pub(super) _servers: Vec<Box<dyn Any + Send>>,
}

/// A host that no name server is asked for.
const REMOTE: &str = "ecr.test";

const ROLE: &str = "arn:aws:iam::111122223333:role/Deploy";

impl Ground {
    pub(super) async fn new(place: Place, authority: &Authority) -> Self {
        let ecr = Ecr::start().await.unwrap();
        let calls_ecr = json!({"region": "eu-west-1", "endpoints": [{"ecr": ecr.url()}]});
        let (machine, keys) = (Machine::new(), Machine::new().keys());
        match place {
            Place::Ecr => {
                let gate = Gate::start(ecr.address()).await.unwrap();
                let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": gate.url()}]});
                Self { machine: keys, configuration, gate, _servers: vec![Box::new(ecr)] }
            }
            Place::Tls => {
                let tls = Tls::start(authority.certificate("127.0.0.1"), ecr.address()).await.unwrap();
                let gate = Gate::start(tls.address()).await.unwrap();
                let machine = keys.file("ca.pem", authority.pem());
                let url = format!("https://{}", gate.address());
                let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": url}],
                    "customCaBundle": machine.path("ca.pem")});
                Self { machine, configuration, gate, _servers: vec![Box::new(ecr), Box::new(tls)] }
            }
            Place::Http2 => {
                let gate = Gate::start(ecr.address()).await.unwrap();
                let tls = Tls::start_http2(authority.certificate("127.0.0.1"), gate.address()).await.unwrap();
                let machine = keys.file("ca.pem", authority.pem());
                let configuration = json!({"region": "eu-west-1", "endpoints": [{"ecr": tls.url()}],
                    "customCaBundle": machine.path("ca.pem")});
                Self { machine, configuration, gate, _servers: vec![Box::new(ecr), Box::new(tls)] }
            }
            Place::Proxy => {
                let tls = Tls::start(authority.certificate(REMOTE), ecr.address()).await.unwrap();
                let proxy = Proxy::start_to(tls.address()).await.unwrap();
                let gate = Gate::start(proxy.address()).await.unwrap();
                let machine = keys.file("ca.pem", authority.pem());
                let configuration = json!({"region": "eu-west-1", "httpsProxy": gate.url(),
                    "endpoints": [{"ecr": format!("https://{REMOTE}")}], "customCaBundle": machine.path("ca.pem")});
                Self { machine, configuration, gate, _servers: vec![Box::new(ecr), Box::new(tls), Box::new(proxy)] }
            }
            Place::Sts => {
                let sts = Sts::start().await.unwrap();
                let gate = Gate::start(sts.address()).await.unwrap();
                let endpoints = json!([{"ecr": ecr.url(), "sts": gate.url()}]);
                let configuration =
                    json!({"region": "eu-west-1", "assumeRoles": [{"roleArn": ROLE}], "endpoints": endpoints});
                Self { machine: keys, configuration, gate, _servers: vec![Box::new(ecr), Box::new(sts)] }
            }
            Place::Metadata => {
                let metadata = metadata_at("127.0.0.1:0", true).await;
                let gate = Gate::start(metadata.address()).await.unwrap();
                let machine = machine.without("AWS_EC2_METADATA_DISABLED");
                let machine = machine.var("AWS_EC2_METADATA_SERVICE_ENDPOINT", gate.url());
                Self { machine, configuration: calls_ecr, gate, _servers: vec![Box::new(ecr), Box::new(metadata)] }
            }
            Place::Container => {
                let container = Server::start(|_| Reply::Body(200, CONTAINER_KEYS.to_owned())).await.unwrap();
                let gate = Gate::start(container.address()).await.unwrap();
                let machine = machine.var("AWS_CONTAINER_CREDENTIALS_FULL_URI", gate.url());
                Self { machine, configuration: calls_ecr, gate, _servers: vec![Box::new(ecr), Box::new(container)] }
            }
            Place::Portal => {
                let portal = portal(200).await;
                let gate = Gate::start(portal.address()).await.unwrap();
                let machine = machine.config(SSO_SESSION).file(SESSION_CACHE, sso_token("2999-01-01T00:00:00Z"));
                let endpoints = json!([{"ecr": ecr.url(), "sso": gate.url()}]);
                let configuration = json!({"region": "eu-west-1", "profile": "p", "endpoints": endpoints});
                Self { machine, configuration, gate, _servers: vec![Box::new(ecr), Box::new(portal)] }
            }
        }
    }
}

/// Servers whose certificates are no good, or who have none.
pub(super) struct Impostors {
    ecr: Ecr,
    /// Of a stranger, for another host, over, and not valid yet.
    tls: [Tls; 4],
    /// A proxy that connects to the first of them.
    proxy: Proxy,
}

impl Impostors {
    pub(super) async fn start(authority: &Authority) -> Self {
        let ecr = Ecr::start().await.unwrap();
        let start = async |certificate| Tls::start(certificate, ecr.address()).await.unwrap();
        let stranger = Authority::new("a stranger's");
        let tls = [
            start(stranger.certificate("127.0.0.1")).await,
            start(authority.certificate("other.example")).await,
            start(authority.expired_certificate("127.0.0.1")).await,
            start(authority.early_certificate("127.0.0.1")).await,
        ];
        let proxy = Proxy::start_to(tls[0].address()).await.unwrap();
        Self { ecr, tls, proxy }
    }

    /// What goes wrong with TLS.
    pub(super) fn tls_faults(&self) -> Vec<Fault> {
        let [stranger, other, over, early] = self.tls.each_ref().map(|tls| Wire::Elsewhere(tls.address()));
        let alert = |description: u8| Wire::Bytes(vec![0x15, 3, 3, 0, 2, 2, description]);
        vec![
            fault(
                "a certificate of an authority that is not trusted",
                NO,
                "no secure connection to … could be made: the certificate's authority is not trusted",
                stranger,
            ),
            fault(
                "a certificate for another host",
                NO,
                "no secure connection to … could be made: the certificate is for another host name",
                other,
            ),
            fault(
                "a certificate that has expired",
                NO,
                "no secure connection to … could be made: the certificate has expired",
                over,
            ),
            fault(
                "a certificate of tomorrow",
                NO,
                "no secure connection to … could be made: the certificate is not valid yet",
                early,
            ),
            fault(
                "a server without TLS",
                NO,
                "no secure connection to … could be made: the server does not speak TLS",
                Wire::Elsewhere(self.ecr.address()),
            ),
            fault(
                "a server that knows no common version of TLS",
                NO,
                "no secure connection to … could be made: received fatal alert: ProtocolVersion",
                alert(70),
            ),
            fault(
                "a server that refuses the handshake",
                NO,
                "no secure connection to … could be made: received fatal alert: HandshakeFailure",
                alert(40),
            ),
            fault(
                "the connection ends in the handshake",
                FAULT,
                "… could not be reached: tls handshake eof",
                Wire::Bytes(Vec::new()),
            ),
            fault(
                "the handshake is not answered",
                FAULT,
                "… did not answer in time",
                Wire::BytesAndSilence(Vec::new()),
            ),
        ]
    }

    /// What goes wrong with a proxy.
    pub(super) fn proxy_faults(&self) -> Vec<Fault> {
        const OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
        vec![
            fault(
                "a proxy that refuses",
                ABSENT,
                "… could not be reached through the proxy …: it refused to connect to that server",
                answer("403 Forbidden", &[], ""),
            ),
            fault(
                "a proxy that asks who it is",
                NO,
                "… could not be reached through the proxy …: it asks for a user and a password, which belong into its URL",
                answer("407 Proxy Authentication Required", &[], ""),
            ),
            fault(
                "a proxy that cannot reach the server",
                ABSENT,
                "… could not be reached through the proxy …: it refused to connect to that server",
                answer("502 Bad Gateway", &[], ""),
            ),
            fault(
                "a proxy that speaks another protocol",
                ABSENT,
                "… could not be reached through the proxy …: it refused to connect to that server",
                Wire::Bytes(b"220 mail.example ESMTP\r\n".to_vec()),
            ),
            fault(
                "a proxy that ends the connection",
                FAULT,
                "… could not be reached through the proxy …: tunnel error: unexpected end of file",
                Wire::Bytes(Vec::new()),
            ),
            fault(
                "a proxy that does not answer",
                FAULT,
                "… did not answer in time through the proxy …",
                Wire::BytesAndSilence(Vec::new()),
            ),
            fault(
                "a proxy that connects, and sends a page",
                FAULT,
                "… could not be reached through the proxy …: …",
                Wire::Bytes([OPEN, b"<html></html>"].concat()),
            ),
            fault(
                "a proxy that connects, and nothing comes",
                FAULT,
                "… did not answer in time through the proxy …",
                Wire::BytesAndSilence(OPEN.to_vec()),
            ),
            fault(
                "a proxy that connects to another server",
                NO,
                "no secure connection to … could be made through the proxy …: the certificate's authority is not trusted",
                Wire::Elsewhere(self.proxy.address()),
            ),
        ]
    }
}

/// An error of STS.
fn sts_error(status: &str, code: &str) -> Wire {
    answer(
        status,
        &["content-type: text/xml"],
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>said so</Message></Error></ErrorResponse>"),
    )
}

/// What goes wrong at AWS STS.
pub(super) fn sts_faults() -> Vec<Fault> {
    vec![
        fault(
            "AccessDenied",
            NO,
            "the role … could not be assumed: said so (AccessDenied)",
            sts_error("403 Forbidden", "AccessDenied"),
        ),
        fault(
            "InvalidClientTokenId",
            NO,
            "AWS does not accept the credentials: said so (InvalidClientTokenId)",
            sts_error("403 Forbidden", "InvalidClientTokenId"),
        ),
        fault(
            "ExpiredToken",
            NO,
            "the AWS credentials have expired: said so (ExpiredToken)",
            sts_error("400 X", "ExpiredToken"),
        ),
        fault(
            "Throttling",
            THROTTLED,
            "AWS throttled the call, which was tried …: said so (Throttling)",
            sts_error("400 X", "Throttling"),
        ),
        fault("InternalFailure", FAULT, "AWS failed: said so (InternalFailure)", sts_error("500 X", "InternalFailure")),
        fault("a page", NO, "the answer is none of AWS's: HTTP status 200", answer("200 OK", &[], "<html></html>")),
        fault(
            "no credentials",
            NO,
            "the answer has no credentials of the assumed role",
            answer("200 OK", &[], "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"),
        ),
        fault(
            "XML 100,000 levels deep",
            NO,
            "the answer is none of AWS's: HTTP status 200",
            answer("200 OK", &[], "<a>".repeat(100_000)),
        ),
        fault(
            "a body without an end",
            NO,
            "the answer is none of AWS's: it is longer than 8 MiB",
            endless("200 OK", b' '),
        ),
        fault("no answer, ever", FAULT, "… did not answer in time", Wire::BytesAndSilence(Vec::new())),
    ]
}

/// What goes wrong at the metadata service.
pub(super) fn metadata_faults() -> Vec<Fault> {
    vec![
        fault("status 500", FAULT, "no AWS credentials were found; …", answer("500 X", &[], "")),
        fault("status 401", NO, "no AWS credentials were found; …", answer("401 X", &[], "")),
        fault("status 404", NO, "no AWS credentials were found; …", answer("404 X", &[], "")),
        fault(
            "a page in place of all",
            NO,
            "the instance metadata service gave no AWS credentials: it does not name a role",
            answer("200 OK", &[], "<html>\n</html>"),
        ),
        fault("a body without an end", NO, "no AWS credentials were found; …", endless("200 OK", b' ')),
        fault("no answer, ever", FAULT, "no AWS credentials were found; …", Wire::BytesAndSilence(Vec::new())),
    ]
}

/// What goes wrong at the service for containers.
pub(super) fn container_faults() -> Vec<Fault> {
    vec![
        fault(
            "status 500",
            FAULT,
            "the container's service at … gave no AWS credentials: it answered with HTTP status 500",
            answer("500 X", &[], ""),
        ),
        fault(
            "status 403",
            NO,
            "the container's service at … gave no AWS credentials: it answered with HTTP status 403: said so (AccessDenied)",
            answer("403 X", &[], "{\"code\": \"AccessDenied\", \"message\": \"said so\"}"),
        ),
        fault(
            "a page",
            NO,
            "the container's service at … gave no AWS credentials: its answer is not a JSON object (line 1, column 1)",
            answer("200 OK", &[], "<html></html>"),
        ),
        fault(
            "no keys",
            NO,
            "the container's service at … gave no AWS credentials: its AccessKeyId is missing",
            answer("200 OK", &[], "{}"),
        ),
        fault(
            "keys that no header can hold",
            NO,
            "the container's service at … gave no AWS credentials: a key or the session token has white space or another character that none can have",
            answer("200 OK", &[], "{\"AccessKeyId\": \"a\\nb\", \"SecretAccessKey\": \"s\"}"),
        ),
        fault(
            "an expiry that is no date",
            NO,
            "the container's service at … gave no AWS credentials: its Expiration is not a time",
            answer(
                "200 OK",
                &[],
                "{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"s\", \"Token\": \"t\", \"Expiration\": \"later\"}",
            ),
        ),
        fault(
            "a body without an end",
            NO,
            "the answer is none of AWS's: it is longer than 8 MiB",
            endless("200 OK", b' '),
        ),
        fault(
            "no answer, ever",
            FAULT,
            "the container's service at … did not answer in time",
            Wire::BytesAndSilence(Vec::new()),
        ),
    ]
}

/// What goes wrong at IAM Identity Center.
pub(super) fn portal_faults() -> Vec<Fault> {
    let error = |status: &str, code: &str| {
        answer(status, &[&format!("x-amzn-errortype: {code}")], "{\"message\": \"said so\"}")
    };
    vec![
        fault(
            "UnauthorizedException",
            NO,
            "the SSO session of profile p has expired",
            error("401 X", "UnauthorizedException"),
        ),
        fault(
            "ForbiddenException",
            NO,
            "IAM Identity Center, for the role Reader in the account 111122223333, gave no AWS credentials: said so (ForbiddenException)",
            error("403 X", "ForbiddenException"),
        ),
        fault(
            "TooManyRequestsException",
            THROTTLED,
            "AWS throttled the call, which was tried …: said so (TooManyRequestsException)",
            error("429 X", "TooManyRequestsException"),
        ),
        fault("status 503", FAULT, "AWS failed: HTTP status 503", answer("503 X", &[], "")),
        fault("a page", NO, "the answer is none of AWS's: HTTP status 200", answer("200 OK", &[], "<html></html>")),
        fault("no credentials", NO, "the answer has no credentials of the SSO role", answer("200 OK", &[], "{}")),
    ]
}
