//! What `make demo` calls in place of Amazon ECR: prints its URL and runs until its stdin ends. It answers every request
//! with a token for the registry that is asked for, and looks at nothing else; the tests have a stricter one.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// `AWS:demo-password`, as ECR encodes it.
const TOKEN: &str = "QVdTOmRlbW8tcGFzc3dvcmQ=";

/// How long a token of ECR lives.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// As much as requests for a token have, and more.
const LONGEST_REQUEST: u64 = 64 * 1024;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "http://{}", listener.local_addr()?)?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A caller that leaves gets no answer, and the next one does.
            thread::spawn(move || answer(&connection));
        }
    });
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Answers one request and closes the connection.
fn answer(mut connection: &TcpStream) -> io::Result<()> {
    let mut request = BufReader::new(connection).take(LONGEST_REQUEST);
    let mut length = 0;
    let mut region = String::from("us-east-1");
    loop {
        let mut line = String::new();
        if request.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or_default(),
            // Credential=KEY/DATE/REGION/ecr/aws4_request
            "authorization" => region = value.split('/').nth(2).map_or(region, str::to_owned),
            _ => {}
        }
    }
    let mut body = String::new();
    request.take(length).read_to_string(&mut body)?;
    let registry: String = body.chars().filter(char::is_ascii_digit).collect();
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).map_or(LIFE, |now| now + LIFE).as_secs();
    let answer = format!(
        r#"{{"authorizationData":[{{"authorizationToken":"{TOKEN}","expiresAt":{expires},"proxyEndpoint":"https://{registry}.dkr.ecr.{region}.amazonaws.com"}}]}}"#
    );
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    )
}
