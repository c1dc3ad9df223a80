//! The programs that the tests bring up.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::moto::Login;
use crate::tools;

/// A Pulumi program below the repository's folder.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    folder: &'static str,
    outputs: &'static [&'static str],
    needs: Needs,
}

/// What a program needs beside its own files.
pub(crate) enum Needs {
    Nothing,
    /// `node_modules` with the SDKs.
    NodeModules,
    /// The same with this package in the place of `@pulumi/aws`.
    OldNodeModules(&'static str),
    /// The modules and the build cache that `make tools-engine` leaves when it compiles this example.
    GoCaches(&'static str),
}

const ALL_OUTPUTS: &[&str] = &["registry", "dockerConfig", "expiresAt"];

pub(crate) const YAML: Program = Program {
    name: "yaml",
    folder: "examples/yaml",
    outputs: &["address", "username", "password", "expiresAt"],
    needs: Needs::Nothing,
};

pub(crate) const JAVASCRIPT: Program =
    Program { name: "javascript", folder: "examples/javascript", outputs: ALL_OUTPUTS, needs: Needs::NodeModules };

pub(crate) const TYPESCRIPT: Program =
    Program { name: "typescript", folder: "examples/typescript", outputs: ALL_OUTPUTS, needs: Needs::NodeModules };

pub(crate) const PYTHON: Program =
    Program { name: "python", folder: "examples/python", outputs: ALL_OUTPUTS, needs: Needs::Nothing };

pub(crate) const GO: Program =
    Program { name: "go", folder: "examples/go", outputs: ALL_OUTPUTS, needs: Needs::GoCaches("go") };

pub(crate) const GO_V6: Program =
    Program { name: "go, SDK v6", folder: "examples/go-v6", outputs: ALL_OUTPUTS, needs: Needs::GoCaches("go-v6") };

/// Brought up by the Automation API: see `java.rs`.
pub(crate) const JAVA: Program = Program {
    name: "java",
    folder: "examples/java",
    outputs: &["address", "username", "password", "dockerConfig", "expiresAt"],
    needs: Needs::Nothing,
};

/// The program for SDKs that do not know `userName` and `password`.
pub(crate) const JAVASCRIPT_V4: Program = javascript_of_old("javascript, SDK v4", "@pulumi/aws-v4");
pub(crate) const JAVASCRIPT_V5: Program = javascript_of_old("javascript, SDK v5", "@pulumi/aws-v5");
pub(crate) const JAVASCRIPT_V6: Program = javascript_of_old("javascript, SDK v6", "@pulumi/aws-v6");

/// Programs of single tests, which look at the outputs themselves.
pub(crate) const PROVIDERS: Program = javascript_of_test("providers", "tests/engine/programs/providers");
pub(crate) const VALUES: Program = javascript_of_test("values", "tests/engine/programs/values");
pub(crate) const VALUES_PYTHON: Program = Program {
    name: "values, python",
    folder: "tests/engine/programs/values-python",
    outputs: &[],
    needs: Needs::Nothing,
};
pub(crate) const VALUES_GO: Program =
    Program::of_test("values, go", "tests/engine/programs/values-go", Needs::GoCaches("go"));

const fn javascript_of_test(name: &'static str, folder: &'static str) -> Program {
    Program { name, folder, outputs: &[], needs: Needs::NodeModules }
}

const fn javascript_of_old(name: &'static str, package: &'static str) -> Program {
    Program {
        name,
        folder: "tests/engine/programs/javascript-old",
        outputs: ALL_OUTPUTS,
        needs: Needs::OldNodeModules(package),
    }
}

impl Program {
    /// A program of one test alone, which looks at the outputs itself.
    pub(crate) const fn of_test(name: &'static str, folder: &'static str, needs: Needs) -> Self {
        Self { name, folder, outputs: &[], needs }
    }

    /// The folder below the repository's.
    pub(crate) const fn folder(&self) -> &'static str {
        self.folder
    }

    /// Lays a copy of the program into the empty folder, with the plugin under test in its Pulumi.yaml.
    pub(crate) fn lay_into(&self, project: &Path) {
        let source = tools::repository().join(self.folder);
        for file in fs::read_dir(&source).expect("the program's folder is readable") {
            let file = file.expect("the program's folder is readable").path();
            if file.is_file() {
                fs::copy(&file, project.join(file.file_name().expect("a file has a name"))).expect("a program's file");
            }
        }
        let manifest = project.join("Pulumi.yaml");
        let text = fs::read_to_string(&manifest).expect("a program has a Pulumi.yaml");
        let plugin = tools::plugin();
        let text = text.replace(RELEASE_FOLDER, &plugin.to_string_lossy());
        fs::write(&manifest, text).expect("Pulumi.yaml is written");
        self.link_node_modules(&project.join("node_modules"));
    }

    /// What the program's language host has to find in its environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        match self.needs {
            Needs::GoCaches(example) => tools::go_caches(example),
            _ => Vec::new(),
        }
    }

    fn link_node_modules(&self, folder: &Path) {
        match self.needs {
            Needs::Nothing | Needs::GoCaches(_) => {}
            Needs::NodeModules => symlink(tools::node_modules(), folder).expect("node_modules is linked"),
            Needs::OldNodeModules(package) => {
                let installed = tools::old_node_modules();
                fs::create_dir_all(folder.join("@pulumi")).expect("a folder in the program's folder");
                for (name, package) in [("@pulumi/aws", package), ("@pulumi/pulumi", "@pulumi/pulumi")] {
                    symlink(installed.join(package), folder.join(name)).expect("a module is linked");
                }
            }
        }
    }

    /// The outputs that the program gives for these credentials.
    pub(crate) fn outputs(&self, login: &Login) -> Value {
        let mut outputs = json!({
            "registry": { "address": login.proxy_endpoint, "username": login.user_name, "password": login.password },
            "dockerConfig": { "auths": { &login.proxy_endpoint: { "auth": login.authorization_token } } },
            "expiresAt": login.expires_at,
            "address": login.proxy_endpoint,
            "username": login.user_name,
            "password": login.password,
        });
        let all = outputs.as_object_mut().expect("an object");
        Value::Object(self.outputs.iter().filter_map(|name| all.remove_entry(*name)).collect::<Map<_, _>>())
    }
}

/// Where the examples look for the plugin.
const RELEASE_FOLDER: &str = "../../target/release";
