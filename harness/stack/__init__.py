"""Real services for a run: found or installed, started, put behind proxies, and ended whatever happens."""

from harness.stack.faketime import FakeClock, faketime_library
from harness.stack.finding import DoctorRow, Found, doctor, locate
from harness.stack.processes import Process
from harness.stack.stack import Services
from harness.stack.target_process import Target, start_server
from harness.stack.waiting import free_port, wait_until

__all__ = [
    "DoctorRow",
    "FakeClock",
    "Found",
    "Process",
    "Services",
    "Target",
    "doctor",
    "faketime_library",
    "free_port",
    "locate",
    "start_server",
    "wait_until",
]
