"""Answers queries over HTTP from several processes that map the same file, or directory of shards.

    python examples/serve.py words.annd 8080 4
    curl -d '{"vector": [0.1, 0.2], "n": 10}' localhost:8080

The index is opened once, before the processes are made: what they map is in memory once. A signal
(`kill -HUP`) to the first process has all of them take up a newer manifest, while they answer.
"""

import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from annoy_rs import AnnoyError, Index, Shards


def handler(index):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            try:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ids, distances = index.search(asked["vector"], asked.get("n", 10), n_threads=1)
                named = index.label_kind is not None
                labels = index.get_labels(ids).tolist() if named else ids.tolist()
                status, answer = 200, {"labels": labels, "distances": distances.tolist()}
            except (AnnoyError, KeyError, TypeError, ValueError) as error:
                status, answer = 400, {"error": str(error)}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def main(path, port, n_processes):
    index = Shards.open(path) if os.path.isdir(path) else Index.open(path)
    listener = socket.create_server(("127.0.0.1", port))
    children = []
    for _ in range(n_processes):
        child = os.fork()
        if child == 0:
            if isinstance(index, Shards):
                signal.signal(signal.SIGHUP, lambda *_: index.refresh())
            server = ThreadingHTTPServer(listener.getsockname(), handler(index), bind_and_activate=False)
            server.socket.close()
            server.socket = listener
            server.serve_forever()
        children.append(child)

    def tell(number, _):
        for child in children:
            os.kill(child, number)
        if number == signal.SIGTERM:
            sys.exit(0)

    signal.signal(signal.SIGHUP, tell)
    signal.signal(signal.SIGTERM, tell)
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
