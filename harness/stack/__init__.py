"""Real services for a run: found or installed, started, proxied, and ended whatever happens."""

from harness.stack.faketime import FakeClock, faketime_library
from harness.stack.processes import Process
from harness.stack.services import Found, Row, doctor, locate
from harness.stack.stack import Services
from harness.stack.target import Target, start_target
from harness.stack.waiting import free_port, wait_until

__all__ = [
    "FakeClock",
    "Found",
    "Process",
    "Row",
    "Services",
    "Target",
    "doctor",
    "faketime_library",
    "free_port",
    "locate",
    "start_target",
    "wait_until",
]
