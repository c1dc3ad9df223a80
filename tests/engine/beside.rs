//! This plugin beside the official provider in one program: every way that `docs/routing.md` shows, and who answers what.
//!
//! `official_provider` stands in for the official provider. It gives other credentials than moto, and writes down what it
//! is asked for. Whatever else the engine asked of plugins for `aws` came to the plugin under test.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;

use pulumi_resource_aws::VERSION;
use serde_json::{Value, json};

use crate::discovery::tarball_of_make_dist;
use crate::moto::Moto;
use crate::program::{Needs, Program};
use crate::recording::{self, Call};
use crate::stack::{REGION, Stack};
use crate::tools;

const REGISTRY_ID: &str = "012345678901";

/// The versions of itself that each SDK asks for: Go's, Node.js's, Python's, Java's.
const OFFICIAL_VERSIONS: [&str; 4] = ["7.41.0", "7.48.0", "7.51.1", "6.83.0"];

/// The password in the credentials that the stand-in gives.
const OFFICIAL_PASSWORD: &str = "official";
const REPOSITORY_URL: &str = "012345678901.dkr.ecr.eu-central-1.amazonaws.com/my-app";

const GET_CREDENTIALS: &str = "Invoke aws:ecr/getCredentials:getCredentials";
const GET_REPOSITORY: &str = "Invoke aws:ecr/getRepository:getRepository";
const REPOSITORY: [&str; 3] = [
    "Check aws:ecr/repository:Repository",
    "Create aws:ecr/repository:Repository",
    "Delete aws:ecr/repository:Repository",
];

macro_rules! programs {
    ($($constant:ident: $name:literal, $needs:expr;)*) => {
        $(const $constant: Program =
            Program::of_test(concat!("beside, ", $name), concat!("tests/engine/programs/beside/", $name), $needs);)*
        const PROGRAMS: &[&Program] = &[$(&$constant),*];
    };
}

programs! {
    JAVASCRIPT_TRANSFORM: "javascript-transform", Needs::NodeModules;
    JAVASCRIPT_OPTION: "javascript-option", Needs::NodeModules;
    JAVASCRIPT_DOWNLOAD: "javascript-download", Needs::NodeModules;
    JAVASCRIPT_PROVIDER: "javascript-provider", Needs::NodeModules;
    PYTHON_TRANSFORM: "python-transform", Needs::Nothing;
    PYTHON_OPTION: "python-option", Needs::Nothing;
    GO_TRANSFORM: "go-transform", Needs::GoCaches("go");
    GO_OPTION: "go-option", Needs::GoCaches("go");
    YAML_OPTION: "yaml-option", Needs::Nothing;
}

#[test]
fn javascript_transform() {
    let beside = Beside::new(&JAVASCRIPT_TRANSFORM).installed();
    beside.paste_tokens("index.js");
    let url = beside.holds_the_repository();
    beside.stack.driven_by("up by the Automation API", "node", &["automation.js"]);
    beside.answers_all_functions_here(&url);
}

#[test]
fn javascript_option() {
    let beside = Beside::new(&JAVASCRIPT_OPTION);
    beside.up();
    beside.answers_here_what_names_a_version();
}

#[test]
fn javascript_option_with_a_download_url() {
    let beside = Beside::new(&JAVASCRIPT_DOWNLOAD).with("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "false");
    let tarball = fs::read(tarball_of_make_dist(&beside.stack)).expect("the tarball");
    beside.edit("index.js", |program| {
        assert!(program.contains(DOWNLOAD_URL), "the program names {DOWNLOAD_URL}");
        program.replace(DOWNLOAD_URL, &serve("200 OK", tarball))
    });
    beside.up();
    beside.answers(&[GET_CREDENTIALS], json!({}));
}

#[test]
fn javascript_explicit_provider() {
    let beside = Beside::new(&JAVASCRIPT_PROVIDER).installed();
    beside.up();
    beside.answers(&[GET_CREDENTIALS], json!({}));
}

#[test]
fn an_explicit_provider_wins_over_a_version() {
    let beside = Beside::new(&JAVASCRIPT_PROVIDER).installed();
    beside.edit("index.js", |program| {
        let option = "{ provider: ecr }";
        assert!(program.contains(option), "the program has {option}");
        program.replace(option, &format!("{{ provider: official, version: \"{VERSION}\" }}"))
    });
    beside.up();
    assert_eq!(beside.stack.outputs()["password"], OFFICIAL_PASSWORD);
    assert_eq!(beside.asked_here(), Vec::<String>::new());
}

#[test]
fn the_messages_of_the_page_are_those_of_the_engine() {
    let beside = Beside::new(&PYTHON_OPTION);
    let shows = |step: &str, message: &str| {
        assert!(PAGE.contains(message), "the page does not have {message:?}");
        let seen = beside.stack.fails(step, UP);
        assert!(seen.contains(message), "the engine does not say {message:?}:\n{seen}");
    };
    let found_nowhere = "no resource plugin 'pulumi-resource-aws' found in the workspace at version v7.999.1-ecr";
    shows("up without the plugin", found_nowhere);
    beside.edit("__main__.py", |program| program.replace(VERSION, &format!("v{VERSION}")));
    shows("up with a v before the version", "Invalid character(s) found in major number \"v7\"");
}

#[test]
fn python_transform() {
    let beside = Beside::new(&PYTHON_TRANSFORM);
    beside.paste_tokens("__main__.py");
    let url = beside.holds_the_repository();
    beside.up();
    beside.answers_all_functions_here(&url);
}

#[test]
fn python_option() {
    let beside = Beside::new(&PYTHON_OPTION).installed();
    beside.previews_without_a_call();
    beside.up();
    beside.answers_here_what_names_a_version();
}

#[test]
fn go_transform() {
    let beside = Beside::new(&GO_TRANSFORM).installed();
    beside.paste_tokens("main.go");
    let url = beside.holds_the_repository();
    beside.up();
    beside.answers_all_functions_here(&url);
}

#[test]
fn go_option() {
    let beside = Beside::new(&GO_OPTION);
    beside.previews_without_a_call();
    beside.up();
    beside.answers_here_what_names_a_version();
}

#[test]
fn yaml_option() {
    let beside = Beside::new(&YAML_OPTION);
    let [install] = &snippets("sh")[..] else { panic!("the page says once how to install the plugin") };
    let executable = tools::plugin().join("pulumi-resource-aws");
    let install = install.replace(TARBALL, &executable.to_string_lossy());
    let arguments: Vec<_> = install.split_whitespace().collect();
    assert_eq!(arguments[0], "pulumi");
    beside.stack.succeeds("plugin install", &arguments[1..]);
    beside.previews_without_a_call();
    beside.up();
    beside.answers_here_what_names_a_version();
}

/// Why the page has no path for YAML.
#[test]
fn a_path_with_a_version_takes_all_of_a_yaml_program() {
    let beside = Beside::new(&YAML_OPTION);
    let providers = json!([{ "name": "aws", "version": VERSION, "path": tools::plugin() }]);
    beside.edit("Pulumi.yaml", |program| format!("{program}\nplugins:\n  providers: {providers}\n"));
    let seen = beside.stack.fails("up with a path in Pulumi.yaml", UP);
    assert!(seen.contains("unable to find resource type"), "{seen}");
}

#[test]
fn every_snippet_of_the_page_is_part_of_a_program_of_these_tests() {
    let programs: Vec<_> = PROGRAMS.iter().map(|program| unindented(&text_of(program))).collect();
    for language in LANGUAGES {
        let snippets = snippets(language);
        assert!(!snippets.is_empty(), "the page has nothing for {language}");
        for snippet in snippets {
            let snippet = unindented(&snippet.replace(PATH, RELEASE_FOLDER));
            assert!(programs.iter().any(|program| program.contains(&snippet)), "no program holds this:\n{snippet}");
        }
    }
    let shown: usize = ["sh", "csharp", "json"].iter().chain(LANGUAGES).map(|language| snippets(language).len()).sum();
    assert_eq!(shown, PAGE.matches("\n```").count() / 2, "the page has a snippet in another language");
}

/// The page has one snippet for both languages, and the programs that hold it are in JavaScript.
#[test]
fn typescript_takes_the_programs_in_javascript() {
    let compiler = tools::node_modules().join(".bin/tsc");
    let settings =
        ["--noEmit", "--strict", "--checkJs", "--skipLibCheck", "--module", "commonjs", "--target", "es2022"];
    for program in [&JAVASCRIPT_TRANSFORM, &JAVASCRIPT_OPTION, &JAVASCRIPT_DOWNLOAD, &JAVASCRIPT_PROVIDER] {
        let stack = Stack::new(program, "http://127.0.0.1:9", REGISTRY_ID);
        edit(&stack, "index.js", with_tokens);
        stack.driven_by("tsc", &compiler.to_string_lossy(), &[&settings[..], &["index.js"]].concat());
    }
}

const PAGE: &str = include_str!("../../docs/routing.md");
const LANGUAGES: &[&str] = &["ts", "python", "go", "yaml"];

/// What stands on the page for a folder, a tarball and a URL of the reader's.
const PATH: &str = "/path/to/the/plugin's/folder";
const RELEASE_FOLDER: &str = "../../target/release";
const TARBALL: &str = "dist/pulumi-resource-aws-v7.999.1-ecr-linux-amd64.tar.gz";
const DOWNLOAD_URL: &str = "https://example.com/plugins";

/// The page's snippets in a language.
fn snippets(language: &str) -> Vec<String> {
    let start = format!("\n```{language}\n");
    let blocks = PAGE.split(&start).skip(1);
    blocks.map(|block| block.split_once("\n```").expect("the snippet's end").0.to_owned()).collect()
}

/// The program with the page's tokens where it says so, as readers paste them.
fn with_tokens(program: String) -> String {
    let [tokens] = &snippets("json")[..] else { panic!("the page lists the tokens once") };
    program.replace("// the tokens", tokens).replace("# the tokens", tokens)
}

fn edit(stack: &Stack, file: &str, change: impl FnOnce(String) -> String) {
    let path = stack.scratch("project").join(file);
    let text = fs::read_to_string(&path).expect("a file of the program");
    fs::write(path, change(text)).expect("a file of the program");
}

fn text_of(program: &Program) -> String {
    let files = fs::read_dir(tools::repository().join(program.folder())).expect("the program's folder");
    let files = files.map(|file| fs::read_to_string(file.expect("a file").path()).expect("a file of text"));
    files.collect::<Vec<_>>().join("\n")
}

fn unindented(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

/// A URL at which any path has this status and content.
pub(crate) fn serve(status: &'static str, content: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let request = BufReader::new(connection.try_clone().expect("a connection"));
            let headers = request.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            headers.for_each(drop);
            let length = content.len();
            let header = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            // Whoever asks may end the connection early.
            let _ = connection.write_all(&[header.as_bytes(), &content].concat());
        }
    });
    format!("http://{address}")
}

const UP: &[&str] = &["up", "--yes", "--skip-preview"];

/// Installs the stand-in for the official provider, in each of its versions.
pub(crate) fn install_official_provider(stack: &Stack) {
    OFFICIAL_VERSIONS.into_iter().for_each(|version| install(stack, version, &tools::official_provider()));
}

fn install(stack: &Stack, version: &str, executable: &Path) {
    let folder = stack.scratch(&format!("pulumi-home/plugins/resource-aws-v{version}"));
    fs::create_dir_all(&folder).expect("a plugin's folder");
    symlink(executable, folder.join("pulumi-resource-aws")).expect("the plugin is linked");
}

/// A stack in whose Pulumi home the official provider is installed.
struct Beside {
    stack: Stack,
    moto: Moto,
}

impl Beside {
    fn new(program: &'static Program) -> Self {
        let moto = Moto::start();
        let stack = Stack::new(program, &moto.endpoint(), REGISTRY_ID);
        let beside = Self { stack, moto };
        install_official_provider(&beside.stack);
        let log = beside.stack.scratch("grpc.log");
        beside.with(recording::VARIABLE, log.to_string_lossy())
    }

    fn with(self, variable: &'static str, value: impl Into<String>) -> Self {
        Self { stack: self.stack.with(variable, value.into()), moto: self.moto }
    }

    /// The same with the plugin under test installed too.
    fn installed(self) -> Self {
        install(&self.stack, VERSION, &tools::plugin().join("pulumi-resource-aws"));
        self
    }

    fn edit(&self, file: &str, change: impl FnOnce(String) -> String) {
        edit(&self.stack, file, change);
    }

    fn paste_tokens(&self, file: &str) {
        self.edit(file, |program| {
            let pasted = with_tokens(program.clone());
            assert_ne!(pasted, program, "the program has no place for the tokens");
            pasted
        });
    }

    /// Puts the repository into moto, too, and gives the URL that it has there.
    fn holds_the_repository(&self) -> String {
        let repository = self.moto.create_repository(REGION, "my-app");
        repository["repositoryUri"].as_str().expect("a URL").to_owned()
    }

    /// At preview the repository is not there yet, nor is its registry's id: nobody is asked for credentials.
    #[track_caller]
    fn previews_without_a_call(&self) {
        self.stack.succeeds("preview", &["preview"]);
        assert_eq!(self.asked_here(), Vec::<String>::new());
        assert!(!self.asked_official().contains(&GET_CREDENTIALS.to_owned()));
    }

    fn up(&self) {
        self.stack.succeeds("up", UP);
    }

    #[track_caller]
    fn answers_all_functions_here(&self, repository_url: &str) {
        let more = json!({ "passwordOfDirectForm": self.password(), "repositoryUrl": repository_url });
        self.answers(&[GET_CREDENTIALS, GET_CREDENTIALS, GET_REPOSITORY], more);
    }

    #[track_caller]
    fn answers_here_what_names_a_version(&self) {
        self.answers(&[GET_CREDENTIALS], json!({ "passwordOfOfficialProvider": OFFICIAL_PASSWORD }));
        assert!(self.asked_official().contains(&GET_CREDENTIALS.to_owned()));
    }

    /// The program is up with these outputs and those that all programs have. What the engine asked for, to the end of the
    /// resources, was answered by the official provider, but for `here`.
    #[track_caller]
    fn answers(&self, here: &[&str], outputs: Value) {
        let mut expected = json!({ "password": self.password(), "repositoryUrl": REPOSITORY_URL });
        expected.as_object_mut().expect("an object").extend(outputs.as_object().expect("an object").clone());
        assert_eq!(self.stack.outputs(), expected);
        self.stack.succeeds("destroy", &["destroy", "--yes", "--skip-preview"]);
        let official = self.asked_official();
        let look_up = (!here.contains(&GET_REPOSITORY)).then_some(GET_REPOSITORY);
        for call in REPOSITORY.into_iter().chain(look_up) {
            assert!(official.iter().any(|asked| asked == call), "the official provider was not asked for {call}");
        }
        let mut asked = self.asked_here();
        asked.sort();
        assert_eq!(asked, here);
    }

    fn password(&self) -> String {
        self.moto.login(REGION, REGISTRY_ID).password
    }

    fn asked_official(&self) -> Vec<String> {
        let log = fs::read_to_string(self.stack.scratch("pulumi-home/official-provider.log"));
        log.expect("the official provider's log").lines().map(str::to_owned).collect()
    }

    /// What the engine asked plugins for `aws` for, less what the official provider was asked for.
    fn asked_here(&self) -> Vec<String> {
        let calls = recording::calls(&self.stack.scratch("grpc.log"));
        let mut asked: Vec<_> = calls.iter().filter_map(what).collect();
        for call in self.asked_official() {
            let position = asked.iter().position(|asked| *asked == call).expect("the engine asked for it");
            asked.remove(position);
        }
        asked
    }
}

/// An operation on a resource, or a call of a function, as the stand-in writes it down.
fn what(call: &Call) -> Option<String> {
    let urn = call.request["urn"].as_str().and_then(|urn| urn.split("::").nth(2));
    let token = call.request["tok"].as_str().or(urn)?;
    (!token.starts_with("pulumi:providers:")).then(|| format!("{} {token}", call.method))
}
