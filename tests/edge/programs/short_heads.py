"""The reference server, where a head must arrive within `HEAD_S` seconds, not 15: tests wait for that."""

from __future__ import annotations

import os
import runpy

from reference_server.process import worker

worker.HEAD_TIMEOUT_S = float(os.environ["HEAD_S"])
runpy.run_module("reference_server", run_name="__main__", alter_sys=True)
