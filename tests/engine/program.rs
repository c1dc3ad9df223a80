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
    needs_node_modules: bool,
}

pub(crate) const YAML: Program =
    Program { name: "yaml", folder: "examples/yaml", outputs: &["registry", "expiresAt"], needs_node_modules: false };

pub(crate) const JAVASCRIPT: Program = Program {
    name: "javascript",
    folder: "examples/javascript",
    outputs: &["registry", "dockerConfig", "expiresAt"],
    needs_node_modules: true,
};

pub(crate) const PYTHON: Program = Program {
    name: "python",
    folder: "examples/python",
    outputs: &["registry", "dockerConfig", "expiresAt"],
    needs_node_modules: false,
};

impl Program {
    /// Lays a copy of the program into the empty folder, with the plugin under test in its Pulumi.yaml.
    pub(crate) fn lay_into(&self, project: &Path) {
        let source = tools::repository().join(self.folder);
        for file in fs::read_dir(&source).expect("the program's folder is readable") {
            let file = file.expect("the program's folder is readable").path();
            fs::copy(&file, project.join(file.file_name().expect("a file has a name"))).expect("a program's file");
        }
        let manifest = project.join("Pulumi.yaml");
        let text = fs::read_to_string(&manifest).expect("a program has a Pulumi.yaml");
        assert!(text.contains(RELEASE_FOLDER), "{} names the plugin in {RELEASE_FOLDER}", source.display());
        let plugin = tools::plugin();
        fs::write(&manifest, text.replace(RELEASE_FOLDER, &plugin.to_string_lossy())).expect("Pulumi.yaml is written");
        if self.needs_node_modules {
            symlink(tools::node_modules(), project.join("node_modules")).expect("node_modules is linked");
        }
    }

    /// The outputs that the program gives for these credentials.
    pub(crate) fn outputs(&self, login: &Login) -> Value {
        let mut outputs = json!({
            "registry": { "address": login.proxy_endpoint, "username": login.user_name, "password": login.password },
            "dockerConfig": { "auths": { &login.proxy_endpoint: { "auth": login.authorization_token } } },
            "expiresAt": login.expires_at,
        });
        let all = outputs.as_object_mut().expect("an object");
        Value::Object(self.outputs.iter().filter_map(|name| all.remove_entry(*name)).collect::<Map<_, _>>())
    }
}

/// Where the examples look for the plugin.
const RELEASE_FOLDER: &str = "../../target/release";
