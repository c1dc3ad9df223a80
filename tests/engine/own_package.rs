//! The package of its own: a newcomer who follows `docs/_index.md` word for word.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pulumi_resource_aws::packages::{self, AWS, AWS_ECR};
use pulumi_resource_aws::plugin::Schema;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::beside::{install_official_provider, serve};
use crate::discovery::pack;
use crate::generated_sdks::is_in_csharp;
use crate::moto::Moto;
use crate::program::{Needs, Program};
use crate::stack::{ACCESS_KEY, SECRET_KEY, Stack};
use crate::tools;

const PAGE: &str = include_str!("../../docs/_index.md");
const INSTALLATION: &str = include_str!("../../docs/installation-configuration.md");

/// The registry and the Region of the page.
const REGISTRY_ID: &str = "123456789012";
const REGION: &str = "eu-west-1";

const YAML: Program = Program::of_test("aws-ecr, yaml", "tests/engine/programs/own-package/yaml", Needs::Nothing);

/// What `pulumi new typescript` leaves, less the program.
const NEWCOMER: Program =
    Program::of_test("aws-ecr, newcomer", "tests/engine/programs/own-package/newcomer", Needs::Nothing);

const YAML_BESIDE: Program =
    Program::of_test("aws-ecr, yaml beside", "tests/engine/programs/own-package/yaml-beside", Needs::Nothing);
const TYPESCRIPT: Program =
    Program::of_test("aws-ecr, typescript", "tests/engine/programs/own-package/typescript", Needs::Nothing);
const GO: Program =
    Program::of_test("aws-ecr, go", "tests/engine/programs/own-package/go", Needs::GoCaches("own-package"));
const PYTHON: Program = Program::of_test("aws-ecr, python", "tests/engine/programs/own-package/python", Needs::Nothing);

const JAVA: Program = Program::of_test("aws-ecr, java", "tests/engine/programs/own-package/java", Needs::Nothing);
const PYTHON_ALONE: Program =
    Program::of_test("aws-ecr, python alone", "tests/engine/programs/own-package/python-alone", Needs::Nothing);

/// The page's blocks of code in a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    blocks_of(PAGE, language)
}

fn blocks_of(page: &'static str, language: &str) -> impl Iterator<Item = &'static str> {
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.filter(move |(of, _)| *of == language).map(|(_, code)| code)
}

/// A stack of the page's program in YAML.
fn newcomer(moto: &Moto) -> Stack {
    with_page_s(&YAML, "Pulumi.yaml", "yaml", moto)
}

/// A stack of a program whose file goes on with the page's block of code in its language.
fn with_page_s(program: &'static Program, file: &str, language: &str, moto: &Moto) -> Stack {
    let stack = without_page_s(program, moto);
    goes_on_with_page_s(&stack, file, language);
    stack
}

/// A stack of a program to which the package is not added yet.
fn without_page_s(program: &'static Program, moto: &Moto) -> Stack {
    Stack::new(program, &moto.endpoint(), REGISTRY_ID)
        .with("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned())
        .with("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned())
}

fn goes_on_with_page_s(stack: &Stack, file: &str, language: &str) {
    let path = stack.scratch("project").join(file);
    let text = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, text + blocks(language).next().expect("a block of code")).expect("a program");
}

fn schema() -> Value {
    let schema = Schema::of(&AWS_ECR).and_then(|schema| schema.text()).expect("a schema");
    serde_json::from_slice(schema.as_bytes()).expect("JSON")
}

/// The SDKs that the engine's generators make of the schema, a folder a language.
fn sdks_of(schema: &Value, generator: &Path, stack: &Stack) -> PathBuf {
    let (file, sdks) = (stack.scratch("schema.json"), stack.scratch("sdks"));
    fs::write(&file, schema.to_string()).expect("the schema");
    let generated = Command::new(generator).args([&file, &sdks]).status().expect("the generators run");
    assert!(generated.success());
    sdks
}

/// A stack of the page's program in Python, which finds the SDK that is generated of the schema.
fn in_python(program: &'static Program, schema: &Value, moto: &Moto) -> Stack {
    let stack = with_page_s(program, "__main__.py", "python", moto);
    let sdk = sdks_of(schema, &tools::generator(), &stack).join("python");
    // What an installer leaves, by which the SDK finds its version.
    let installed = sdk.join(format!("pulumi_aws_ecr-{}.dist-info", AWS_ECR.version));
    fs::create_dir(&installed).expect("a folder");
    let metadata = format!("Metadata-Version: 2.1\nName: pulumi_aws_ecr\nVersion: {}\n", AWS_ECR.version);
    fs::write(installed.join("METADATA"), metadata).expect("a file");
    let search_path = sdk.to_string_lossy().into_owned();
    stack.with("PYTHONPATH", search_path)
}

/// What the engine warns of, less that moto's tokens are over.
fn warnings(seen: &str) -> Vec<&str> {
    let moto_s = "the token that AWS gave was over at 2015-01-01T00:00:00Z";
    seen.lines().filter(|line| line.contains("warning: ") && !line.contains(moto_s)).collect()
}

/// Installs the plugin and configures it, without adding the package.
#[track_caller]
fn is_installed(stack: &Stack) {
    tarball(stack, "project");
    for arguments in commands(INSTALL).filter(|arguments| arguments[0] != "package") {
        stack.succeeds(&arguments[..2].join(" "), &arguments);
    }
}

/// Runs the page's first commands, and gives what `pulumi package add` told.
#[track_caller]
fn is_added(stack: &Stack) -> String {
    tarball(stack, "project");
    let mut told = String::new();
    for arguments in commands(INSTALL) {
        let seen = stack.succeeds(&arguments[..2].join(" "), &arguments);
        if arguments[0] == "package" {
            told = seen;
        }
    }
    told
}

/// Brings the program up beside the official provider: no transform, no version, no warning.
#[track_caller]
fn works_beside_the_official_provider(stack: &Stack, moto: &Moto) {
    install_official_provider(stack);
    configure(stack, moto);
    let seen = stack.succeeds("up beside the official provider", &["up", "--yes"]);
    has_both(stack, moto, &seen);
}

/// The program has its credentials and the official provider's resource.
#[track_caller]
fn has_both(stack: &Stack, moto: &Moto, seen: &str) {
    assert_eq!(warnings(seen), Vec::<&str>::new());
    let (login, outputs) = (moto.login(REGION, REGISTRY_ID), stack.outputs());
    assert_eq!((&outputs["registry"], &outputs["password"]), (&json!(login.proxy_endpoint), &json!(login.password)));
    assert!(outputs["repositoryUrl"].as_str().is_some_and(|url| url.contains("my-app")), "{outputs}");
    assert!(!stack.state().contains(&login.password), "the password is secret");
}

#[test]
fn the_page_s_typescript_works_beside_the_official_provider() {
    let moto = Moto::start();
    let search_path = tools::node_modules().to_string_lossy().into_owned();
    let stack = in_a_folder_of_npm(without_page_s(&TYPESCRIPT, &moto)).with("NODE_PATH", search_path);
    is_added(&stack);
    goes_on_with_page_s(&stack, "index.ts", "ts");
    works_beside_the_official_provider(&stack, &moto);
}

#[test]
fn the_page_s_python_works_beside_the_official_provider() {
    let moto = Moto::start();
    let stack = without_page_s(&PYTHON, &moto).that_adds_packages();
    let environment = stack.scratch("project/venv");
    tools::python_environment(&environment);
    let stack = stack
        .with("PIP_NO_INDEX", "1".to_owned())
        .with("PIP_FIND_LINKS", tools::wheels().to_string_lossy().into_owned());
    let told = is_added(&stack);
    goes_on_with_page_s(&stack, "__main__.py", "python");
    let import = blocks("python").next().and_then(|program| program.split(" as ecr").next()?.lines().last());
    assert!(told.contains(import.expect("an import")), "{told}");
    works_beside_the_official_provider(&stack, &moto);
}

#[test]
fn the_page_s_yaml_works_beside_the_official_provider() {
    let moto = Moto::start();
    let stack = with_page_s(&YAML_BESIDE, "Pulumi.yaml", "yaml", &moto);
    let file = stack.scratch("project/Pulumi.yaml");
    let program = fs::read_to_string(&file).expect("a program");
    fs::write(&file, program + "  repositoryUrl: ${repository.repositoryUrl}\n").expect("a program");
    is_added(&stack);
    works_beside_the_official_provider(&stack, &moto);
}

/// The SDK of the engine's own command is compiled with the program, which the Automation API brings up.
#[test]
fn the_page_s_java_works_beside_the_official_provider() {
    let moto = Moto::start();
    let stack = without_page_s(&JAVA, &moto).that_adds_packages();
    is_installed(&stack);
    for command in blocks("sh").nth(JAVA_SDK).expect("a block of commands").lines() {
        stack.driven_by(command, "sh", &["-c", command]);
    }
    let page_s = blocks("java").next().expect("a program");
    let stack_of_page = "static void stack(Context ctx) {";
    assert!(page_s.contains(stack_of_page), "{page_s}");
    let text = page_s.replace(stack_of_page, &format!("{stack_of_page}{JAVA_REPOSITORY}"));
    let text = format!("package registrylogin;\n\n{text}");
    let program = stack.scratch("project/src/main/java/App.java");
    fs::write(&program, text).expect("a program in the driver's package");
    let compile = r#"javac -d classes -cp "$1" $(find src/main/java -name '*.java')"#;
    stack.driven_by("javac", "sh", &["-c", compile, "sh", &tools::java_class_path()]);
    let class_path = format!("classes:src/main/resources:{}", tools::java_class_path());
    install_official_provider(&stack);
    configure(&stack, &moto);
    let seen = stack.driven_by("up", "java", &["-cp", &class_path, "registrylogin.Automation", "up"]);
    has_both(&stack, &moto, &seen);
}

const JAVA_REPOSITORY: &str = r#"
        var repository = new com.pulumi.aws.ecr.Repository("my-app",
            com.pulumi.aws.ecr.RepositoryArgs.builder().name("my-app").build());
        ctx.export("repositoryUrl", repository.repositoryUrl());
"#;

/// Nothing here compiles C#: its SDK is read, and the page's program has the SDK's names.
#[test]
fn the_page_s_csharp_has_the_names_of_the_sdk() {
    let moto = Moto::start();
    let stack = newcomer(&moto);
    let schema = schema();
    let sdk = sdks_of(&schema, &tools::generator_of_csharp(), &stack);
    let text = |file: &str| fs::read_to_string(sdk.join(file)).expect(file);
    let functions = schema["functions"].as_object().expect("functions");
    for token in functions.keys() {
        let name = token.strip_prefix("aws-ecr:index:get").expect("a function's name");
        assert!(text(&format!("Get{name}.cs")).contains(&format!("(\"{token}\", ")), "{token}");
    }
    let get_credentials = "aws-ecr:index:getCredentials";
    is_in_csharp(get_credentials, &functions[get_credentials], &text("GetCredentials.cs"));
    assert_eq!(text("version.txt"), AWS_ECR.version);
    let (page_s, sdk_s) = (blocks("csharp").next().expect("a program"), text("GetCredentials.cs"));
    let namespace = page_s.lines().find_map(|line| line.strip_prefix("using ")?.strip_suffix(';')?.split(" = ").nth(1));
    assert!(sdk_s.contains(&format!("namespace {}\n", namespace.expect("a namespace"))), "{page_s}");
    assert!(
        page_s.contains("using System.Collections.Generic;"),
        "a project of Pulumi's template imports nothing itself"
    );
    for (used, has) in [
        (".GetCredentials.Invoke(", "Output<GetCredentialsResult> Invoke(GetCredentialsInvokeArgs args"),
        ("{ RegistryId = ", "Input<string> RegistryId { get; set; }"),
        ("result.ProxyEndpoint", "public readonly string ProxyEndpoint;"),
        ("result.Password", "public readonly string Password;"),
    ] {
        assert!(page_s.contains(used), "{used}: {page_s}");
        assert!(sdk_s.contains(has), "{has}: {sdk_s}");
    }
}

/// What a build for an organisation has: the SDK tells the engine where to look for the plugin.
#[test]
fn the_engine_downloads_the_plugin_from_where_the_schema_says() {
    let moto = Moto::start();
    let packed = newcomer(&moto);
    let server = serve("200 OK", fs::read(tarball(&packed, "served")).expect("the tarball"));
    let mut schema = schema();
    assert_eq!(schema.get("pluginDownloadURL"), None, "nobody's build names a place");
    schema["pluginDownloadURL"] = json!(server);
    let stack = in_python(&PYTHON_ALONE, &schema, &moto);
    let stack = stack.with("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "false".to_owned());
    stack.configure(&[&format!("--plaintext=aws-ecr:region={REGION}")]);
    logs_in(&stack, &moto);
}

/// The page's program goes on with a resource of the official provider and with calls in the direct form, of which those
/// with secret results fail in Pulumi's SDK.
#[test]
fn the_page_s_go_works_beside_the_official_provider() {
    let moto = Moto::start();
    moto.create_repository(REGION, "there-before");
    let stack = without_page_s(&GO, &moto).that_adds_packages();
    let told = is_added(&stack);
    let page_s = blocks("go").next().expect("a program");
    let import = told.lines().find_map(|line| line.strip_prefix("import ")).expect("an import");
    assert!(page_s.contains(import), "{told}");
    let project = stack.scratch("project");
    assert_eq!(page_s.matches("return nil").count(), 1, "{page_s}");
    fs::write(project.join("main.go"), page_s.replace("return nil", "return beside(ctx)")).expect("a program");
    fs::copy(tools::repository().join(GO.folder()).join("added/beside.go"), project.join("beside.go")).expect("a file");
    let (go, arguments) = blocks("sh").nth(GO_TIDY).and_then(|block| block.trim().split_once(' ')).expect("a command");
    stack.driven_by("go mod tidy", go, &arguments.split(' ').collect::<Vec<_>>());
    works_beside_the_official_provider(&stack, &moto);
    let outputs = stack.outputs();
    assert_eq!(outputs["repositoriesOfDirectForm"], json!(["there-before"]));
    let failure = outputs["credentialsOfDirectForm"].as_str().expect("an error");
    let shown = "unexpected secret result returned to invoke call";
    assert!(failure.contains(shown), "{failure}");
    assert!(PAGE.replace('\n', " ").contains(shown), "the page does not say {shown}");
}

/// The name of the tarball that `make dist` makes here.
fn tarball_name() -> String {
    format!("{}-v{}-linux-amd64.tar.gz", AWS_ECR.executable(), AWS_ECR.version)
}

/// Puts the tarball that `make dist` would make of the plugin under test into a folder of the stack.
fn tarball(stack: &Stack, folder: &str) -> PathBuf {
    let tarball = stack.scratch(folder).join(tarball_name());
    pack(&tools::plugin().join("pulumi-resource-aws"), &tarball, &AWS_ECR.executable());
    tarball
}

/// The page's blocks of commands, in their order.
const INSTALL: usize = 0;
const FROM_A_SERVER: usize = 1;
const UP: usize = 2;
const GO_TIDY: usize = 3;
const JAVA_SDK: usize = 4;

/// The arguments of the commands in one of the page's blocks.
fn commands(block: usize) -> impl Iterator<Item = Vec<&'static str>> {
    let block = blocks("sh").nth(block).expect("a block of commands");
    block.lines().map(|line| line.strip_prefix("pulumi ").expect("a command").split(' ').collect())
}

#[test]
fn a_newcomer_gets_credentials_in_yaml() {
    let moto = Moto::start();
    // Pulumi's registry may be asked, but cannot be reached.
    let stack = newcomer(&moto).with("PULUMI_DISABLE_REGISTRY_RESOLVE", "false".to_owned());
    is_added(&stack);
    logs_in(&stack, &moto);
    assert!(is_secret(&stack, "registry"), "as the page says of YAML");
}

#[test]
fn the_commands_to_install_and_configure_it_work() {
    let moto = Moto::start();
    let stack = newcomer(&moto);
    let packed = tarball(&stack, "project/dist");
    let [of_make, of_server, configuration] =
        [0, 1, 2].map(|block| blocks_of(INSTALLATION, "sh").nth(block).expect("a block of commands"));
    stack.driven_by("install", "sh", &["-ec", of_make.strip_prefix("make dist\n").expect("what makes the tarball")]);
    fs::remove_dir_all(stack.scratch("pulumi-home/plugins")).expect("the plugin was installed");
    let server = serve("200 OK", fs::read(packed).expect("the tarball"));
    let from_here = of_server.replace("https://downloads.example.com/pulumi", &server);
    assert_ne!(from_here, of_server);
    stack.driven_by("install from a server", "sh", &["-ec", &from_here]);
    let profile =
        format!("[profile deployment]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    fs::create_dir(stack.scratch("home/.aws")).expect("a folder");
    fs::write(stack.scratch("home/.aws/config"), profile).expect("a profile");
    stack.driven_by("config", "sh", &["-ec", configuration]);
    logs_in(&stack, &moto);
}

/// The program's types are checked.
#[test]
fn a_newcomer_gets_credentials_in_typescript() {
    let moto = Moto::start();
    let stack = in_a_folder_of_npm(with_page_s(&NEWCOMER, "index.ts", "ts", &moto))
        .with("PULUMI_NODEJS_TRANSPILE_ONLY", "false".to_owned());
    let import = blocks("ts").next().and_then(|program| program.rsplit_once(" from ")?.1.lines().next());
    let told = is_added(&stack);
    assert!(told.contains(import.expect("an import")), "{told}");
    logs_in(&stack, &moto);
    assert!(is_secret(&stack, "registry"), "as the page says of TypeScript");
}

/// npm finds all that an SDK needs in the program's folder.
fn in_a_folder_of_npm(stack: Stack) -> Stack {
    let npm = "offline = true\naudit = false\nfund = false\nupdate-notifier = false\n";
    fs::write(stack.scratch("home/.npmrc"), npm).expect("npm's settings");
    for file in ["package.json", "node_modules"] {
        let copied =
            Command::new("cp").arg("-R").arg(tools::newcomer().join(file)).arg(stack.scratch("project")).status();
        assert!(copied.expect("cp runs").success(), "{file}");
    }
    stack.that_adds_packages().with_first_on_path(&tools::node_of("newest"))
}

fn is_secret(stack: &Stack, output: &str) -> bool {
    stack.output_state()[output].get("4dabf18193072939515e22adb298388d").is_some()
}

/// On a second machine, too, which has nothing but the program.
#[test]
fn from_a_server_by_its_name() {
    let moto = Moto::start();
    let stack = newcomer(&moto).with("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "false".to_owned());
    let server = serve("200 OK", fs::read(tarball(&stack, "served")).expect("the tarball"));
    let mut add = commands(FROM_A_SERVER).next().expect("a command");
    assert_eq!(add.pop(), Some("https://downloads.example.com/pulumi"));
    stack.succeeds("package add", &[&add[..], &[&server]].concat());
    let configure = commands(INSTALL).last().expect("a command");
    stack.succeeds(&configure[..2].join(" "), &configure);
    fs::remove_dir_all(stack.scratch("pulumi-home/plugins")).expect("the plugin was installed");
    logs_in(&stack, &moto);
}

#[test]
fn a_path_is_enough_for_the_sdk_and_for_the_program_once_it_names_the_folder() {
    let moto = Moto::start();
    let stack = newcomer(&moto);
    let folder = stack.scratch("plugin");
    fs::create_dir(&folder).expect("a folder");
    let executable = folder.join(AWS_ECR.executable());
    fs::copy(tools::plugin().join("pulumi-resource-aws"), &executable).expect("a copy of the plugin");
    stack.succeeds("package add", &["package", "add", &executable.to_string_lossy()]);
    let seen = stack.fails("preview", &["preview"]);
    assert!(seen.contains("no resource plugin 'pulumi-resource-aws-ecr' found"), "{seen}");

    let plugins = blocks_of(INSTALLATION, "yaml").next().expect("a block");
    let named = plugins.replace("/path/to/the/plugin's/folder", &folder.to_string_lossy());
    assert_ne!(named, plugins);
    let manifest = stack.scratch("project/Pulumi.yaml");
    let program = fs::read_to_string(&manifest).expect("a program");
    fs::write(&manifest, program + &named).expect("a program");
    stack.configure(&[&format!("--plaintext=aws-ecr:region={REGION}")]);
    logs_in(&stack, &moto);
}

/// Under both names, as the pages say.
#[test]
fn the_engine_runs_doctor() {
    let moto = Moto::start();
    let stack = newcomer(&moto);
    for (package, page) in [(&AWS_ECR, INSTALLATION), (&AWS, tools::read("docs/troubleshooting.md").leak())] {
        let packed = stack.scratch(&format!("served/{}.tar.gz", package.name));
        pack(&tools::plugin().join("pulumi-resource-aws"), &packed, &package.executable());
        let install = ["plugin", "install", "resource", package.name, package.version, "-f"];
        stack.succeeds("plugin install", &[&install[..], &[&packed.to_string_lossy()]].concat());
        let run = format!("pulumi plugin run --kind resource {} -- doctor", package.name);
        assert!(page.contains(&run), "{run}");
        let run = format!(
            "{run} --registry {REGISTRY_ID} --config 'endpoints={}' \"$@\"; echo \"exit code $?\"",
            json!([{ "ecr": moto.endpoint(), "sts": moto.endpoint() }])
        );
        let doctor = |arguments: &[&str]| stack.driven_by("doctor", "sh", &[&["-c", &run, "sh"], arguments].concat());
        let seen = doctor(&[]);
        assert!(seen.contains("ill: getCredentials for registry 123456789012: no AWS Region is configured"), "{seen}");
        assert!(seen.contains("exit code 4"), "{seen}");
        let seen = doctor(&["--config", &format!("{}:region={REGION}", package.name)]);
        assert!(seen.contains("well: an Invoke of getCredentials finds what it needs"), "{seen}");
        assert!(seen.contains(&moto.login(REGION, REGISTRY_ID).proxy_endpoint), "{seen}");
        assert!(seen.contains("exit code 0"), "{seen}");
    }
}

/// Runs the page's last commands, which bring the program up and show the password.
#[track_caller]
fn logs_in(stack: &Stack, moto: &Moto) {
    configure(stack, moto);
    let [up, output] = [0, 1].map(|command| commands(UP).nth(command).expect("two commands"));
    let seen = stack.succeeds(&up.join(" "), &[&up[..], &["--yes"]].concat());
    let password = moto.login(REGION, REGISTRY_ID).password;
    assert_eq!(warnings(&seen), Vec::<&str>::new());
    assert!(!seen.contains(&password), "{seen}");
    assert_eq!(stack.succeeds(&output[..2].join(" "), &output).trim(), password);
    has_logged_in(stack, moto);
}

/// Sends calls to moto, which is all that the page does not say.
fn configure(stack: &Stack, moto: &Moto) {
    stack.configure(&[&format!("--plaintext=aws-ecr:endpoints={}", json!([{ "ecr": moto.endpoint() }]))]);
}

#[track_caller]
fn has_logged_in(stack: &Stack, moto: &Moto) {
    let login = moto.login(REGION, REGISTRY_ID);
    assert_eq!(stack.outputs(), json!({ "registry": login.proxy_endpoint, "password": login.password }));
    assert!(!stack.state().contains(&login.password), "the password is secret");
}

/// Of nobody, and of an owner, as a build for Pulumi's registry has it.
#[test]
fn the_engine_finds_nothing_wrong_with_its_schema() {
    let home = TempDir::new().expect("a temporary folder");
    for owner in [None, Some("someone")] {
        let mut schema = schema();
        let about = packages::about(owner);
        schema.as_object_mut().expect("an object").extend(about.as_object().expect("an object").clone());
        assert_eq!(schema.get("publisher"), owner.map(Value::from).as_ref());
        fs::write(home.path().join("schema.json"), schema.to_string()).expect("the schema");
        let mut check = Command::new(tools::engine(tools::ENGINE).join("pulumi"));
        check.args(["schema", "check", "schema.json"]).current_dir(home.path());
        let output = check.env("PULUMI_HOME", home.path()).env("PULUMI_SKIP_UPDATE_CHECK", "true").output();
        let output = output.expect("the engine runs");
        let seen = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && !seen.contains("warning"), "{seen}");
    }
}
