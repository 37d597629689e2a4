"""The checkers agree with their naive oracles on random histories: no false alarm, nothing missed.

Each disagreement is a bug in one of the two, and which one, the promise says. CI looks at the same
histories each time; `nox -s agreement` looks at as many new ones as it is given.
"""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from harness.checkers import PROMISES
from harness.history import Event, History
from harness.verdict import Verdict

from .histories import event_lists
from .oracles import ORACLES, Tally, disagreements

EXAMPLES = int(os.environ.get("AGREEMENT_EXAMPLES", "0"))
IN_CI = 2_000

KINDS = {(it.name, kind) for it in PROMISES if it.name in ORACLES for kind in it.kinds}
"""Every kind of finding there is: a search that never meets one would not notice if it were wrong."""


@pytest.mark.timeout(0 if EXAMPLES else 600)
def test_checkers_and_oracles_agree_and_every_kind_of_finding_occurred() -> None:
    tally = Tally()

    @settings(
        max_examples=EXAMPLES or IN_CI,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(event_lists())
    def look(events: list[Event]) -> None:
        found = list(disagreements(History.from_events(events), tally))
        assert not found, "\n".join(found)

    look()
    sys.stdout.write(report(tally))
    assert KINDS - set(tally.kinds) == set()
    assert set(tally.kinds) - KINDS == set()
    for promise in ORACLES:
        judged = sum(tally.verdicts[promise, verdict] for verdict in Verdict)
        for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE):
            assert tally.verdicts[promise, verdict] >= judged / 50, (promise, verdict)
        assert tally.undecided[promise] <= judged / 10, promise


def report(tally: Tally) -> str:
    """What was met how often."""
    verdicts = [
        f"{promise:13} {verdict:13} {n:7}" for (promise, verdict), n in sorted(tally.verdicts.items())
    ]
    kinds = [f"{promise:13} {kind:23} {n:7}" for (promise, kind), n in sorted(tally.kinds.items())]
    return "\n".join(["", *verdicts, "", *kinds, ""])
