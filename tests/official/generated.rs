//! Cases that nobody thought of: files, variables and configurations put together at random from what people write, legal
//! and odd, the same for each seed. One that fails is made as small as it can be and printed to be pasted.
//!
//! Of what this plugin takes and the official libraries do not, one thing alone is expected: a broken profile that is not
//! needed. All Regions and roles are of one partition: mixing them differs on purpose.

use std::fmt::{self, Write};

use serde_json::{Value as Json, json};

use crate::{case::Case, comparison};

/// A row of numbers that looks random (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).expect("31 bits") % end
    }

    fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

const SECTIONS: [&str; 12] = [
    "default",
    "default",
    "profile a",
    "profile b",
    "profile default",
    "a",
    "b",
    "profile prodükt",
    "profile  b",
    "services s",
    "sso-session s",
    "profile a b",
];

/// Properties and their values; each is as likely as it is often named.
const PROPERTIES: [(&str, &[&str]); 13] = [
    ("aws_access_key_id", &["AKIDONE", "AKIDTWO", "'AKIDTHREE'", "\"AKIDFOUR\""]),
    ("aws_secret_access_key", &["hush-hush-one", "hush-hush/two+x=", "\"hush-hush-three\"", "hush-hush#four;x"]),
    ("aws_access_key_id", &["AKIDONE", "AKIDTWO"]),
    ("aws_secret_access_key", &["hush-hush-one", "hush-hush-two"]),
    ("aws_session_token", &["hush-hush-token", "", "\"\""]),
    ("region", &["eu-west-2", "\"eu-west-3\"", "us-east-2", ""]),
    ("role_arn", &["arn:aws:iam::111122223333:role/One", "\"arn:aws:iam::111122223333:role/Two\"", ""]),
    ("source_profile", &["a", "b", "default", "prodükt", "\"a\""]),
    ("credential_process", &["cat <home>/keys", "cat '<home>/keys' # mine", ""]),
    ("endpoint_url", &["http://<aws>", "\"http://<other>\"", "http://<other>/x"]),
    ("external_id", &["42", "'x'", ""]),
    ("duration_seconds", &["1800", "\"3600\"", "long"]),
    ("s3", &["", "\n  max_queue_size = 1", "\n  # mine\n  use_accelerate_endpoint = true"]),
];

/// Lines that mean nothing, or not what they seem to.
const ODD: [&str; 14] = [
    "",
    "   ",
    "# a comment",
    "; a comment",
    "  # an indented comment",
    "words without a meaning",
    "= nothing",
    "output = json",
    "[broken",
    "key: value",
    "<byte 0C>",
    "f<byte FC>r = alle",
    "\tcli_pager =",
    "description = a\n  b",
];

const INDENTATIONS: [&str; 8] = ["", "", "", "", "", "", "  ", "\t"];

const VARIABLES: [(&str, &[&str]); 12] = [
    ("AWS_PROFILE", &["a", "b", "default", "prodükt", ""]),
    ("AWS_DEFAULT_PROFILE", &["a", "b"]),
    ("AWS_ACCESS_KEY_ID", &["AKIDENV", ""]),
    ("AWS_SECRET_ACCESS_KEY", &["hush-hush-env", ""]),
    ("AWS_SESSION_TOKEN", &["hush-hush-env-token", ""]),
    ("AWS_REGION", &["ap-south-1", ""]),
    ("AWS_DEFAULT_REGION", &["ap-south-2", ""]),
    ("AWS_ENDPOINT_URL", &["http://<other>", ""]),
    ("AWS_ENDPOINT_URL_ECR", &["http://<other>/ecr", ""]),
    ("AWS_ENDPOINT_URL_STS", &["http://<other>"]),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &["http://<aws>/container", ""]),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", &["true", "false"]),
];

fn configurations() -> [(&'static str, Vec<Json>); 7] {
    let role = |name: &str| json!({"roleArn": format!("arn:aws:iam::111122223333:role/{name}")});
    [
        ("profile", vec![json!("a"), json!("b"), json!("default"), json!("prodükt")]),
        ("region", vec![json!("eu-central-1"), json!("")]),
        ("accessKey", vec![json!("AKIDCONF")]),
        ("secretKey", vec![json!("hush-hush-conf")]),
        ("assumeRoles", vec![json!([role("Conf")]), json!([role("First"), role("Second")])]),
        ("sharedConfigFiles", vec![json!(["~/.aws/config"]), json!(["$HOME/nope", "${HOME}/.aws/config"])]),
        ("stsRegion", vec![json!("us-west-2")]),
    ]
}

/// The case of a seed.
fn case(seed: u64) -> Case {
    let mut random = Random(seed);
    let mut case = Case { name: format!("generated from {seed}"), config: Some(file(&mut random)), ..Case::default() };
    case.files.insert(
        "keys".to_owned(),
        r#"{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "hush-hush-process"}"#.to_owned(),
    );
    if random.once_in(2) {
        case.credentials = Some(file(&mut random));
    }
    if random.once_in(2) {
        case.without = vec!["region".to_owned()];
    }
    for _ in 0..random.below(4) {
        let (name, values) = *random.pick(&VARIABLES);
        case.environment.insert(name.to_owned(), (*random.pick(values)).to_owned());
    }
    let configurations = configurations();
    for _ in 0..random.below(3) {
        let (key, values) = random.pick(&configurations);
        case.provider.insert((*key).to_owned(), random.pick(values).clone());
    }
    // One without the other is an error everywhere.
    for (one, other, value) in [("accessKey", "secretKey", "hush-hush-conf"), ("secretKey", "accessKey", "AKIDCONF")] {
        if case.provider.contains_key(one) && !case.provider.contains_key(other) {
            case.provider.insert(other.to_owned(), json!(value));
        }
    }
    case
}

fn file(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..=random.below(4) {
        let _ =
            writeln!(text, "{}[{}]{}", indentation(random), random.pick(&SECTIONS), random.pick(&["", "", "", " # x"]));
        for _ in 0..random.below(6) {
            let line = if random.once_in(5) { (*random.pick(&ODD)).to_owned() } else { property(random) };
            let _ = writeln!(text, "{line}");
        }
        // Half a key is an error everywhere.
        if random.once_in(2) {
            let _ = writeln!(text, "aws_access_key_id = AKIDLAST\naws_secret_access_key = hush-hush-last");
        }
    }
    text
}

fn property(random: &mut Random) -> String {
    let (name, values) = *random.pick(&PROPERTIES);
    let (indentation, value) = (indentation(random), *random.pick(values));
    let equals = random.pick(&[" = ", " = ", "=", ": ", "\t=\t", " =  "]);
    let behind = *random.pick(&["", "", "", " ", " # x", " ; x"]);
    // A role that is a comment gets keys from no STS but the one here.
    let behind = if (name, value) == ("role_arn", "") { "" } else { behind };
    format!("{indentation}{name}{equals}{value}{behind}")
}

fn indentation(random: &mut Random) -> &'static str {
    random.pick::<&str>(&INDENTATIONS)
}

/// Runs the case of a seed. What is wrong with it, if anything, is told with the smallest case that shows it.
pub(crate) async fn run(seed: u64) -> Option<String> {
    let mut smallest = case(seed);
    let mut told = wrong(&smallest).await?;
    loop {
        let mut shrunk = false;
        for smaller in smaller(&smallest) {
            if let Some(still) = wrong(&smaller).await {
                (smallest, told, shrunk) = (smaller, still, true);
                break;
            }
        }
        if !shrunk {
            return Some(format!("{told}\n\n{}", Pasted(&smallest)));
        }
    }
}

async fn wrong(case: &Case) -> Option<String> {
    let verdict = comparison::compare(case).await;
    let difference = verdict.difference.iter().filter(|_| !verdict.is_profile_not_needed(&["AKIDCONF", "AKIDENV"]));
    let wrong: Vec<_> = verdict.faults.iter().chain(difference).cloned().collect();
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}

/// The same with one thing less each.
fn smaller(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Case)| {
        let mut smaller = case.clone();
        change(&mut smaller);
        all.push(smaller);
    };
    for name in case.environment.keys() {
        add(&|case| drop(case.environment.remove(name)));
    }
    for key in case.provider.keys() {
        add(&|case| drop(case.provider.remove(key)));
    }
    for name in case.files.keys() {
        add(&|case| drop(case.files.remove(name)));
    }
    add_if(!case.without.is_empty(), &mut add, &|case| case.without.clear());
    add_if(case.credentials.is_some(), &mut add, &|case| case.credentials = None);
    add_if(case.config.is_some(), &mut add, &|case| case.config = None);
    for line in 0..case.config.iter().flat_map(|text| text.lines()).count() {
        add(&|case| case.config = case.config.as_deref().map(|text| without_line(text, line)));
    }
    for line in 0..case.credentials.iter().flat_map(|text| text.lines()).count() {
        add(&|case| case.credentials = case.credentials.as_deref().map(|text| without_line(text, line)));
    }
    all
}

fn add_if(wanted: bool, add: &mut impl FnMut(&dyn Fn(&mut Case)), change: &dyn Fn(&mut Case)) {
    if wanted {
        add(change);
    }
}

fn without_line(text: &str, index: usize) -> String {
    let kept = text.lines().enumerate().filter(|(number, _)| *number != index);
    kept.map(|(_, line)| format!("{line}\n")).collect()
}

/// A case as it stands in a file.
struct Pasted<'a>(&'a Case);

impl fmt::Display for Pasted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { name, config, credentials, files, environment, provider, without, .. } = self.0;
        writeln!(f, "[[case]]\nname = {}", Json::from(name.as_str()))?;
        if !without.is_empty() {
            writeln!(f, "without = {}", json!(without))?;
        }
        for (key, text) in [("config", config), ("credentials", credentials)] {
            if let Some(text) = text {
                writeln!(f, "{key} = {}", file_text(text))?;
            }
        }
        for (path, text) in files {
            writeln!(f, "files.{} = {}", Json::from(path.as_str()), Json::from(text.as_str()))?;
        }
        for (name, value) in environment {
            writeln!(f, "environment.{name} = {}", Json::from(value.as_str()))?;
        }
        for (key, value) in provider {
            writeln!(f, "provider.{key} = {}", inline(value))?;
        }
        Ok(())
    }
}

fn file_text(text: &str) -> String {
    if text.contains('\t') || text.contains("'''") { Json::from(text).to_string() } else { format!("'''\n{text}'''") }
}

fn inline(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        Json::Array(values) => format!("[{}]", values.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[test]
fn a_generated_case_can_be_pasted() {
    for seed in 0..200 {
        let case = case(seed);
        let [read] = &crate::case::read(&Pasted(&case).to_string())[..] else { panic!("one case") };
        assert_eq!((&read.config, &read.credentials, &read.files), (&case.config, &case.credentials, &case.files));
        assert_eq!((&read.environment, &read.provider), (&case.environment, &case.provider));
    }
}
