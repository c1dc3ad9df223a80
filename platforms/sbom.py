#!/usr/bin/env python3
"""Prints the CycloneDX bill of materials of the plugin for one target: sbom.py TARGET.

It lists what is linked into the executable: neither what only builds or tests use, nor what other systems need. The
same commit gives the same bytes, so there is neither a time nor a random serial number.
"""

import json
import subprocess
import sys
from pathlib import Path

NAME = "pulumi-resource-aws"
SCHEMA = "http://cyclonedx.org/schema/bom-1.5.schema.json"


def metadata(target):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    repository = Path(__file__).resolve().parent.parent
    return json.loads(subprocess.run(command, cwd=repository, check=True, stdout=subprocess.PIPE).stdout)


def linked(node, packages):
    """The ids of the packages that a package is linked with. Those of procedural macros are run by the compiler."""
    for dependency in node["deps"]:
        is_normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
        targets = packages[dependency["pkg"]]["targets"]
        if is_normal and not any("proc-macro" in target["kind"] for target in targets):
            yield dependency["pkg"]


def component(package, kind):
    reference = f"pkg:cargo/{package['name']}@{package['version']}"
    described = {
        "type": kind,
        "bom-ref": reference,
        "name": package["name"],
        "version": package["version"],
        "purl": reference,
    }
    if package["license"]:
        # Some old crates write "MIT/Apache-2.0", which is no expression.
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return described


def main(target):
    read = metadata(target)
    packages = {package["id"]: package for package in read["packages"]}
    nodes = {node["id"]: node for node in read["resolve"]["nodes"]}
    root = next(package["id"] for package in read["packages"] if package["name"] == NAME)
    graph = {}
    waiting = [root]
    while waiting:
        package = waiting.pop()
        if package not in graph:
            graph[package] = sorted(set(linked(nodes[package], packages)))
            waiting.extend(graph[package])
    reference = {package: component(packages[package], "library")["bom-ref"] for package in graph}
    checksums = lock_checksums()
    components = []
    for package in sorted(graph.keys() - {root}, key=reference.get):
        described = component(packages[package], "library")
        checksum = checksums.get((described["name"], described["version"]))
        if checksum:
            described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        components.append(described)
    bom = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": component(packages[root], "application"),
            "properties": [{"name": "cargo:target", "value": target}],
        },
        "components": components,
        "dependencies": [
            {"ref": reference[package], "dependsOn": sorted(reference[other] for other in graph[package])}
            for package in sorted(graph, key=reference.get)
        ],
    }
    print(json.dumps(bom, indent=2))


def lock_checksums():
    """The checksums of Cargo.lock, by name and version."""
    checksums, name, version = {}, None, None
    for line in (Path(__file__).resolve().parent.parent / "Cargo.lock").read_text().splitlines():
        key, _, value = line.partition(" = ")
        if key == "name":
            name = value.strip('"')
        elif key == "version":
            version = value.strip('"')
        elif key == "checksum":
            checksums[name, version] = value.strip('"')
    return checksums


if __name__ == "__main__":
    main(sys.argv[1])
