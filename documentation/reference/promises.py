"""The promises of servers and of clients: what each says, and the kinds of finding that break it."""

from __future__ import annotations

from documentation.markdown import code, sentence, table
from harness.checkers import PROMISES
from harness.checkers.clients.promises import CLIENT_PROMISES


def promises() -> str:
    """Return the page."""
    servers = (
        (
            f"[`{each.name}`](../verdicts.md#{_section(each.name)})",
            sentence(each.sentence),
            each.demand.value,
            ", ".join(map(code, each.kinds)),
        )
        for each in PROMISES
    )
    clients = (
        (
            f"[`{each.name}`](../client-verdicts.md#{each.name})",
            sentence(each.sentence),
            ", ".join(map(code, each.kinds)),
        )
        for each in CLIENT_PROMISES
    )
    return f"""# Promises and kinds of finding

The names of promises and of kinds are stable: programs may rely on them, in `results.json` and elsewhere.

## Of servers

{table(("Promise", "What it says", "Demanded by", "Kinds of finding"), servers)}

## Of polling clients

{table(("Promise", "What it says", "Kinds of finding"), clients)}
"""


def _section(name: str) -> str:
    """Return the anchor of the section about a promise; two of them share one."""
    return "private-refuses" if name in {"private", "refuses"} else name
