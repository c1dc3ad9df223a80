#!/usr/bin/env python3
"""Resolves names as executables of the plugin do: names.py LABEL=EXECUTABLE...

Runs them in a network and a mount namespace of their own, with an /etc/hosts, an /etc/resolv.conf and a resolver made for
each case. Prints how long after the start of `doctor` its call reached a stand-in for Amazon ECR, or that it did not.
"""

import base64
import http.server
import json
import os
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time

A, AAAA = 1, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
ADDRESS, ADDRESS_6 = "127.0.0.1", "::1"
PORT = 8053
SILENT = "127.0.0.2"
RESOLV = f"nameserver {ADDRESS}\n"


class Zone:
    """What the resolver says in a case; a name that is not in `names` does not exist.

    Each address is told `many` times. Questions of the kinds in `drop` get no answer, those of the kinds or for the names in
    `fail` a failure.
    """

    def __init__(self, names, *, many=1, only_tcp=False, delay=0.0, drop=(), fail=()):
        self.names, self.many, self.only_tcp, self.delay, self.drop, self.fail = names, many, only_tcp, delay, drop, fail

    def answer(self, query, is_tcp):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, (kind,) = ".".join(labels).lower(), struct.unpack_from(">H", query, at + 1)
        question = query[12 : at + 5]
        time.sleep(self.delay)
        if kind in self.drop:
            return None
        known = self.names.get(name)
        code = SERVER_FAILURE if kind in self.fail or name in self.fail else NO_SUCH_NAME if known is None else NO_ERROR
        addresses = [address for address in known or () if (":" in address) == (kind == AAAA)] if code == NO_ERROR else []
        is_cut = self.only_tcp and not is_tcp and bool(addresses)
        records = b""
        if not is_cut:
            for address in addresses * self.many:
                data = socket.inet_pton(socket.AF_INET6 if kind == AAAA else socket.AF_INET, address)
                records += struct.pack(">HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
        count = 0 if is_cut else len(addresses) * self.many
        flags = 0x8180 | (0x0200 if is_cut else 0) | code
        return query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + question + records


ZONE = Zone({})


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        query, sock = self.request
        answer = ZONE.answer(query, False)
        if answer:
            sock.sendto(answer, self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while length := self.rfile.read(2):
            answer = ZONE.answer(self.rfile.read(struct.unpack(">H", length)[0]), True)
            if answer:
                self.wfile.write(struct.pack(">H", len(answer)) + answer)


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True


REACHED = []


class Ecr(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        REACHED.append(time.monotonic())
        self.rfile.read(int(self.headers["Content-Length"]))
        token = base64.b64encode(b"AWS:example").decode()
        host = "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"
        data = {"authorizationToken": token, "expiresAt": time.time() + 43200, "proxyEndpoint": host}
        body = json.dumps({"authorizationData": [data]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class EcrServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def handle_error(self, *_):
        """A call is over for us when it is here: its process may end before its answer."""


ONE = {"ecr.test": [ADDRESS]}
# What is tried, the endpoint's host, resolv.conf, hosts, the resolver.
CASES = [
    ("an address, no name", ADDRESS, RESOLV, "", Zone({})),
    ("a name", "ecr.test", RESOLV, "", Zone(ONE)),
    ("a search domain", "ecr", RESOLV + "search corp.test\n", "", Zone({"ecr.corp.test": [ADDRESS]})),
    ("the third search domain", "ecr", RESOLV + "search a.test b.test c.test\n", "", Zone({"ecr.c.test": [ADDRESS]})),
    ("a search domain and a dot", "ecr.eu", RESOLV + "search corp.test\n", "", Zone({"ecr.eu.corp.test": [ADDRESS]})),
    ("ndots:5, as in Kubernetes", "ecr.test", RESOLV + "search a.test b.test\noptions ndots:5\n", "", Zone(ONE)),
    ("a search domain that fails", "ecr.test", RESOLV + "search a.test\noptions ndots:5\n", "", Zone(ONE, fail={"ecr.test.a.test"})),
    ("/etc/hosts", "ecr.hosts", RESOLV, f"{ADDRESS} ecr.hosts\n", Zone({})),
    ("an IPv6 address alone", "ecr.test", RESOLV, "", Zone({"ecr.test": [ADDRESS_6]})),
    ("both, nothing at the IPv6 address", "ecr.test", RESOLV, "", Zone({"ecr.test": ["100::1", ADDRESS]})),
    ("IPv6 questions fail", "ecr.test", RESOLV, "", Zone(ONE, fail={AAAA})),
    ("IPv6 questions are dropped", "ecr.test", RESOLV, "", Zone(ONE, drop={AAAA})),
    ("cut answers, whole over TCP", "ecr.test", RESOLV, "", Zone(ONE, many=100, only_tcp=True)),
    ("4 KiB over UDP", "ecr.test", RESOLV, "", Zone(ONE, many=250)),
    ("answers after 3 s", "ecr.test", RESOLV, "", Zone(ONE, delay=3)),
    ("answers after 7 s", "ecr.test", RESOLV, "", Zone(ONE, delay=7)),
    ("the first resolver is silent", "ecr.test", f"nameserver {SILENT}\n{RESOLV}", "", Zone(ONE)),
    ("no such name", "none.test", RESOLV, "", Zone({})),
]


def tried(executable, case):
    global ZONE
    _, host, resolv, hosts, ZONE = case
    for name, text in (("resolv.conf", resolv), ("hosts", hosts), ("nsswitch.conf", "hosts: files dns\n")):
        with open("/etc/" + name, "w", encoding="utf-8") as file:
            file.write(text)
    REACHED.clear()
    environment = {
        "HOME": "/nonexistent",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "dummy",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_ECR": f"http://{host}:{PORT}",
        "AWS_ENDPOINT_URL_STS": f"http://{ADDRESS}:9",
    }
    start = time.monotonic()
    process = subprocess.Popen([executable, "doctor", "--registry", "123456789012"], env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Long enough for a few tries; STS, which is asked afterwards, is of no interest.
    while process.poll() is None and not REACHED and time.monotonic() - start < 40:
        time.sleep(0.002)
    took = (REACHED[0] if REACHED else time.monotonic()) - start
    is_over = process.poll() is not None
    process.kill()
    process.wait()
    if REACHED:
        return f"{took:.2f} s" if took >= 0.1 else f"{took * 1000:.0f} ms"
    return f"fails after {took:.0f} s" if is_over else "not within 40 s"


def main():
    if os.environ.get("NAMES_INSIDE") is None:
        os.environ["NAMES_INSIDE"] = "1"
        own = ["unshare", "--map-root-user", "--net", "--mount", sys.executable, os.path.realpath(__file__)]
        os.execvp(own[0], own + sys.argv[1:])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    contenders = [argument.split("=", 1) for argument in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("resolv.conf", "hosts", "nsswitch.conf"):
            own = os.path.join(folder, name)
            open(own, "w", encoding="utf-8").close()
            subprocess.run(["mount", "--bind", own, "/etc/" + name], check=True)
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind((SILENT, 53))
        for server in (UdpServer((ADDRESS, 53), Udp), TcpServer((ADDRESS, 53), Tcp), EcrServer(("::", PORT), Ecr)):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        print("| what is looked up | " + " | ".join(label for label, _ in contenders) + " |")
        print("|---|" + "---|" * len(contenders))
        for case in CASES:
            print(f"| {case[0]} | " + " | ".join(tried(executable, case) for _, executable in contenders) + " |", flush=True)


main()
