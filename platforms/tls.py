#!/usr/bin/env python3
"""Puts TLS in front of a server of this machine: tls.py PEM PORT, which prints its own URL and runs until it is ended.

The file has a certificate for 127.0.0.1 and its key. Each connection has one request, after whose answer the server closes it.
"""

import socket
import ssl
import sys
import threading


def copy(source, target):
    while part := source.recv(65536):
        target.sendall(part)


def serve(connection, context, port):
    try:
        with context.wrap_socket(connection, server_side=True) as client:
            with socket.create_connection(("127.0.0.1", port)) as server:
                threading.Thread(target=copy, args=(client, server), daemon=True).start()
                copy(server, client)
    except OSError as error:
        print(f"tls.py: {error}", file=sys.stderr)


def main(pem, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"https://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, context, int(port)), daemon=True).start()


main(*sys.argv[1:])
