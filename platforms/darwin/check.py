#!/usr/bin/env python3
"""Checks an executable for macOS by what is in it: check.py EXECUTABLE CPU OLDEST.

Wants the compiler's name of the processor, the oldest macOS to start on, libraries of the system alone, and for Apple
silicon, which runs nothing else, a signature that is right.
"""

import hashlib
import struct
import sys
from pathlib import Path

CPUS = {"x86_64": 0x0100_0007, "aarch64": 0x0100_000C}
CODE_SIGNATURE, VERSION_MIN, BUILD_VERSION = 0x1D, 0x24, 0x32
LOAD_DYLIB = {0xC, 0x8000_0018, 0x8000_001F, 0x8000_0023}  # as they are, weak, exported again, upward


def commands(file):
    at, count = 32, struct.unpack_from("<I", file, 16)[0]
    for _ in range(count):
        kind, size = struct.unpack_from("<2I", file, at)
        yield kind, file[at : at + size]
        at += size


def is_signed(file, start):
    """Whether a signature holds the hash of each page before it."""
    count = struct.unpack_from(">I", file, start + 8)[0]
    slots = dict(struct.unpack_from(">2I", file, start + 12 + 8 * slot) for slot in range(count))
    directory = start + slots[0]
    hashes, _, _, pages, limit, size, kind, _, shift = struct.unpack_from(">5I4B", file, directory + 16)
    signed = [file[page : min(page + (1 << shift), limit)] for page in range(0, limit, 1 << shift)]
    held = file[directory + hashes :][: size * pages]
    return kind == 2 and limit == start and held == b"".join(hashlib.sha256(page).digest() for page in signed)


def wrong(file, cpu, oldest):
    if struct.unpack_from("<2I", file) != (0xFEED_FACF, CPUS[cpu]):
        yield f"is not for {cpu}"
    signature = None
    for kind, command in commands(file):
        if kind in LOAD_DYLIB:
            library = command[struct.unpack_from("<I", command, 8)[0] :].rstrip(b"\0").decode()
            if not library.startswith(("/usr/lib/", "/System/Library/Frameworks/")):
                yield f"asks for {library}"
        elif kind in (VERSION_MIN, BUILD_VERSION):
            patch, minor, major = struct.unpack_from("<2BH", command, 8 if kind == VERSION_MIN else 12)
            if f"{major}.{minor}" != oldest:
                yield f"is for macOS {major}.{minor}.{patch}, not {oldest}"
        elif kind == CODE_SIGNATURE:
            signature = struct.unpack_from("<I", command, 8)[0]
    if cpu == "aarch64" and not (signature and is_signed(file, signature)):
        yield "has no right signature"


if __name__ == "__main__":
    found = list(wrong(Path(sys.argv[1]).read_bytes(), *sys.argv[2:]))
    sys.exit("\n".join(f"check.py: {sys.argv[1]} {what}" for what in found) or None)
