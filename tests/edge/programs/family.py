"""A program with a child, which has a child in a session of its own.

Its argument is `quick` or `stubborn`; a stubborn one ignores SIGTERM.
"""

import os
import signal
import sys
import time

DEPTH = int(os.environ.get("DEPTH", "0"))


def leave(number, frame):
    os._exit(7)


signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[1] == "stubborn" else leave)
if DEPTH == 2:
    os.setsid()
    print("three are up", flush=True)  # noqa: T201 - what its test waits for
elif not os.fork():
    os.environ["DEPTH"] = str(DEPTH + 1)
    os.execv(sys.executable, [sys.executable, *sys.argv])
while True:
    time.sleep(60)
