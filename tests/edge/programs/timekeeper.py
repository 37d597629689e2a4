"""A server with two workers that only knows what time it is: `timekeeper.py PORT`.

The first process holds the port, starts a worker anew when one dies, and ends with them on SIGTERM.
"""

import http.server
import json
import os
import signal
import socket
import sys
from datetime import UTC, datetime

WORKERS = 2
STATUSES = {"/api/users/register": 201}
REST = {"token": "t", "messages": [], "next_since": None}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"timestamp": datetime.now(UTC).isoformat(), **REST}).encode()
        self.send_response(STATUSES.get(self.path, 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()


def work(listener):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    server = http.server.HTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket = listener
    server.serve_forever()


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    workers = set()
    signal.signal(
        signal.SIGTERM, lambda *_: [os.kill(worker, signal.SIGTERM) for worker in workers] and sys.exit(0)
    )
    while True:
        while len(workers) < WORKERS:
            if (worker := os.fork()) == 0:
                work(listener)
            workers.add(worker)
        workers.discard(os.wait()[0])


main()
