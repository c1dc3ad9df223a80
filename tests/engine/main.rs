//! Programs that use the official SDKs, brought up by the real engine with this plugin and moto as ECR.
//!
//! `make tools-engine` builds what these tests run. Every program runs in a folder of its own with its own
//! `PULUMI_HOME`, file backend and home directory, and reaches nothing but this machine.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by a panic that says why")]

mod attached;
mod beside;
mod csharp;
mod demo;
mod descriptors;
mod discovery;
mod failures;
mod functions;
mod generated_sdks;
mod installing;
mod java;
mod leaks;
mod lifecycle;
mod moto;
mod old_sdks;
mod own_package;
mod program;
mod progress;
mod providers;
mod recording;
mod runtimes;
mod shared_tokens;
mod stack;
mod stand_in;
mod tools;
mod values;
mod waiting;
