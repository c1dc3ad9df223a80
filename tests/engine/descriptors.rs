//! `proto/` against the descriptors inside PyPI's `pulumi`: names, numbers and types are the wire's.

use std::{collections::BTreeMap, process::Command};

use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

use crate::tools;

/// Prints a FileDescriptorSet of the modules that the protocol consists of.
const PRINT_DESCRIPTORS: &str = "
import sys
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from pulumi.runtime.proto import engine_pb2, plugin_pb2, provider_pb2
files = FileDescriptorSet()
for module in (engine_pb2, plugin_pb2, provider_pb2):
    module.DESCRIPTOR.CopyToProto(files.file.add())
sys.stdout.buffer.write(files.SerializeToString())
";

/// What the wire depends on, by name: a field's number, label and type; an enum value's number; an RPC's messages.
type Wire = BTreeMap<String, String>;

fn upstream() -> FileDescriptorSet {
    let python = tools::python().join("python3");
    let output = Command::new(python).args(["-c", PRINT_DESCRIPTORS]).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    prost::Message::decode(output.stdout.as_slice()).expect("a FileDescriptorSet")
}

fn ours() -> FileDescriptorSet {
    let proto = tools::repository().join("proto");
    protox::compile(["pulumi/provider.proto", "pulumi/engine.proto"], [proto]).expect("the files are right")
}

fn wire(files: FileDescriptorSet) -> Wire {
    let mut wire = Wire::new();
    for file in files.file.into_iter().filter(|file| file.package() == "pulumirpc") {
        add_file(&mut wire, &file);
    }
    wire
}

fn add_file(wire: &mut Wire, file: &FileDescriptorProto) {
    for service in &file.service {
        for method in &service.method {
            let types = format!("{} → {}", method.input_type(), method.output_type());
            let streams = format!("{} {}", method.client_streaming(), method.server_streaming());
            wire.insert(format!("rpc {}.{}", service.name(), method.name()), format!("{types} {streams}"));
        }
    }
    for message in &file.message_type {
        add_message(wire, "", message);
    }
    for r#enum in &file.enum_type {
        add_enum(wire, "", r#enum);
    }
}

fn add_message(wire: &mut Wire, scope: &str, message: &DescriptorProto) {
    let name = format!("{scope}{}", message.name());
    for field in &message.field {
        let r#type = format!("{} {:?} {:?} {}", field.number(), field.label(), field.r#type(), field.type_name());
        wire.insert(format!("field {name}.{}", field.name()), r#type);
    }
    for nested in &message.nested_type {
        add_message(wire, &format!("{name}."), nested);
    }
    for nested in &message.enum_type {
        add_enum(wire, &format!("{name}."), nested);
    }
}

fn add_enum(wire: &mut Wire, scope: &str, r#enum: &prost_types::EnumDescriptorProto) {
    for value in &r#enum.value {
        wire.insert(format!("value {scope}{}.{}", r#enum.name(), value.name()), value.number().to_string());
    }
}

#[test]
fn names_numbers_and_types_are_those_of_the_wire() {
    let (ours, upstream) = (wire(ours()), wire(upstream()));
    assert!(ours.len() > 50, "the descriptors were read: {ours:?}");
    for (name, wire) in &ours {
        assert_eq!(Some(wire), upstream.get(name), "{name}");
    }
}

#[test]
fn every_rpc_of_a_provider_is_known() {
    let (ours, upstream) = (wire(ours()), wire(upstream()));
    let missing: Vec<_> =
        upstream.keys().filter(|name| name.starts_with("rpc ResourceProvider.") && !ours.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
