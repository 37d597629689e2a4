"""Faults: injected, proven to take effect, healed in `finally`.

A fault counts only while a probe sees it. For a store behind its proxy the probe is a bare connection through
the same proxy as the server's own: before the fault it is answered, during the fault it fails in the fault's
own way, after the heal it is answered again. Other faults are proven by what they affect: a process that has
ended, what Redis reports about itself, the value of a key, the time in an instance's answers. If the probe
sees anything else, the run is inconclusive, and the server under test is not blamed.
"""

from harness.faults.client_faults import ClientFaults
from harness.faults.clock_faults import ClockFaults
from harness.faults.disk_faults import DiskFaults
from harness.faults.fault import PROXY_FAULTS, Fault
from harness.faults.injector import Timing
from harness.faults.mongodb_faults import MongodbFaults
from harness.faults.redis_cluster_faults import RedisClusterFaults
from harness.faults.redis_data_faults import RedisDataFaults
from harness.faults.redis_dump_faults import RedisDumpFaults
from harness.faults.replica_set_faults import ReplicaSetFaults
from harness.faults.sentinel_faults import SentinelFaults
from harness.faults.server_faults import ServerFaults
from harness.faults.upstream_faults import UpstreamFaults

__all__ = ["PROXY_FAULTS", "Fault", "FaultInjector", "Timing"]


class FaultInjector(
    DiskFaults,
    RedisDumpFaults,
    RedisDataFaults,
    SentinelFaults,
    MongodbFaults,
    ReplicaSetFaults,
    RedisClusterFaults,
    UpstreamFaults,
    ServerFaults,
    ClockFaults,
    ClientFaults,
):
    """All faults; see `Injector` for how a fault is injected and recorded."""
