"""Stands for a run of the harness: services and a server with children. Argument: end, fail, or wait."""

import json
import signal
import sys
import tempfile
from pathlib import Path

from harness.stack import Process, Services

FAMILY = Path(__file__).with_name("family.py")

# A shell that starts this in the background makes it ignore Ctrl-C, and so would pytest's children.
signal.signal(signal.SIGINT, signal.default_int_handler)

with Services(install=False) as services, tempfile.TemporaryDirectory() as folder:
    server = Process("server", [sys.executable, str(FAMILY), "stubborn"], log=Path(folder) / "log")
    server.start()
    server.wait_until_ready(lambda: "three are up" in server.last_lines(), deadline_s=20)
    ours = [service for service in (services.redis, services.mongod, services.toxiproxy) if service]
    report = {
        "pids": [server.pid, *(child.pid for child in server.children()), *(service.pid for service in ours)],
        "addresses": [service.address for service in ours]
        + [proxy.listen for proxy in services.proxies.values()],
        "folders": [str(service.log.parent) for service in ours],
    }
    print(json.dumps(report), flush=True)  # noqa: T201 - what the test reads
    if sys.argv[1] == "fail":
        raise RuntimeError("a scenario failed")
    if sys.argv[1] == "wait":
        signal.pause()
    if sys.argv[1] == "end":
        server.stop(deadline_s=0.1)
