"""Real services for a run: found or installed, started, put behind proxies, and ended whatever happens."""

from harness.stack.chromium import locate_chromium
from harness.stack.disk import Disk, require_disks
from harness.stack.faketime import FakeClock, faketime_library
from harness.stack.finding import doctor, locate
from harness.stack.found import DoctorRow, Found
from harness.stack.processes import Process
from harness.stack.remote import Remote
from harness.stack.stack import Services
from harness.stack.target_process import Target, start_server
from harness.stack.waiting import free_port, wait_until

__all__ = [
    "Disk",
    "DoctorRow",
    "FakeClock",
    "Found",
    "Process",
    "Remote",
    "Services",
    "Target",
    "doctor",
    "faketime_library",
    "free_port",
    "locate",
    "locate_chromium",
    "require_disks",
    "start_server",
    "wait_until",
]
