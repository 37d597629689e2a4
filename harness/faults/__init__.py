"""Faults: injected, proven to take effect, healed in `finally`.

A fault counts only while something sees it. For a store behind its proxy that is a probe, a bare connection
through the same proxy as the server's own: before the fault it is answered, during the fault it fails in the
fault's own way, after the heal it is answered again. Other faults are proved by what they concern: a process
that has ended, what Redis says of itself, what stands under a key, the time that an instance tells. Anything
else makes the run inconclusive, and the server under test is not blamed.
"""

from harness.faults.client_faults import ClientFaults
from harness.faults.clock_faults import ClockFaults
from harness.faults.fault import PROXY_FAULTS, Fault
from harness.faults.injector import Timing
from harness.faults.mongodb_faults import MongodbFaults
from harness.faults.redis_data_faults import RedisDataFaults
from harness.faults.server_faults import ServerFaults

__all__ = ["PROXY_FAULTS", "Fault", "FaultInjector", "Timing"]


class FaultInjector(RedisDataFaults, MongodbFaults, ServerFaults, ClockFaults, ClientFaults):
    """Every fault there is; see `Injector` for how it is made and what it writes down."""
