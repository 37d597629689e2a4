"""Faults: injected through the proxies, proved to bite, healed in `finally`.

A fault counts only while a canary sees it. The canary is a bare connection through the same proxy as the
server's own: before the fault it is answered, during the fault it fails in the fault's own way, after the
heal it is answered again. Anything else makes the run inconclusive, and the server under test is not blamed.
"""

from harness.faults.injector import FaultInjector, Timing
from harness.faults.kinds import KINDS, Fault

__all__ = ["KINDS", "Fault", "FaultInjector", "Timing"]
