"""The metrics of the reference server, from the text that it gives and the metrics that it counts in."""

from __future__ import annotations

import re

from prometheus_client.metrics import MetricWrapperBase

from documentation.markdown import code, sentence, table
from reference_server.metrics import Metrics

DESCRIBED = re.compile(r"^# HELP (\S+) (.+)\n# TYPE \1 (\w+)$", re.MULTILINE)


def metrics() -> str:
    """Return the page."""
    counted = Metrics()
    text = counted.page(0).decode()
    labels = {
        each._name: each._labelnames for each in vars(counted).values() if isinstance(each, MetricWrapperBase)
    }
    rows = (
        (code(name), kind, ", ".join(map(code, labels.get(name.removesuffix("_total"), ()))), sentence(says))
        for name, says, kind in DESCRIBED.findall(text)
        if not name.endswith("_created")  # the workers' files, which a server adds up, do not have them
    )
    return f"""# Metrics of the server

`/metrics` of the reference server has Prometheus' text format. The worker that answers adds up all workers; the counts of a
killed worker are kept. [Monitoring](../server.md#monitoring) says how to use them.

{table(("Metric", "Type", "Labels", "Meaning"), rows)}

Where the values of the labels are known before, the series exist from the start with 0, so `rate()` misses no first event.
"""
