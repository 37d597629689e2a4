"""The tables of docs/scale.md. Pure but for `main`, which writes them into the page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path

from benchmarks.scale.costs import MEASURED as COSTS
from benchmarks.scale.costs import Cpu
from benchmarks.scale.needs import MONGODB, NOTICES, REDIS, REDIS_MEMORY, Needs, Usage, largest, needs
from benchmarks.scale.queueing import (
    BARE,
    HERE,
    MEASURED,
    MEASURED_BARE,
    Machine,
    Measured,
    predicted_limit,
    simulate,
)

PAGE = Path("docs/scale.md")
SIZES = (10_000, 1_000_000, 100_000_000)
ONE = Usage(1)
USAGES = {
    "polls every 2 s, any worker": ONE,
    "polls every 2 s, pinned": replace(ONE, is_pinned=True),
    "polls that wait 25 s, pinned": replace(ONE, is_pinned=True, wait_s=25.0),
    "the same, `QUEUE_LIMIT=100`": replace(ONE, is_pinned=True, wait_s=25.0, queue_limit=100),
}
_MARKED = "<!-- {name}: begin -->\n{table}<!-- {name}: end -->"


def written(page: str) -> str:
    """Return the page with its tables made anew. Raise ValueError for a table that it has no place for."""
    for name, table in tables().items():
        marked = re.compile(_MARKED.format(name=name, table=".*?"), re.DOTALL)
        if not marked.search(page):
            raise ValueError(f"the page has no place for the table {name!r}")
        page = marked.sub(_MARKED.format(name=name, table=f"{table}\n"), page)
    return page


def tables() -> dict[str, str]:
    """Return each table in Markdown, by its name in the page."""
    return {
        "costs": _table(("what", "server", "Redis", "MongoDB"), _costs()),
        "needs": _table(("", *(f"{size:,} users" for size in SIZES)), _needs()),
        "limits": _table(("users", NOTICES, REDIS, REDIS_MEMORY, MONGODB), _limits()),
        "points": _table(
            (
                "pollers",
                "used of the processor",
                "polls a second",
                "p50",
                "p99",
                "delivery p50",
                "delivery p99",
                "carried",
            ),
            _points(),
        ),
    }


def _costs() -> Iterable[Sequence[str]]:
    for field in fields(COSTS):
        cost = getattr(COSTS, field.name)
        if isinstance(cost, Cpu):
            name = field.name.replace("_", " ")
            yield name, *(f"{us:,.0f} µs" for us in (cost.server_us, cost.redis_us, cost.mongodb_us))


def _needs() -> Iterable[Sequence[str]]:
    for title, usage in list(USAGES.items())[:3]:
        found = [needs(replace(usage, users=size), COSTS) for size in SIZES]
        yield f"**{title}**", *("" for _ in SIZES)
        yield "polls a second", *(_number(it.usage.polls_per_s) for it in found)
        yield "of them ask Redis", *(_number(it.redis_polls_per_s) for it in found)
        yield "workers", *(_number(it.workers) for it in found)
        yield (
            "memory of the server",
            *(_size(it.server_gb) if math.isfinite(it.workers) else "-" for it in found),
        )
        yield "gives out first", *(_first(it) for it in found)
    yield "**all of them**", *("" for _ in SIZES)
    yield "messages a second", *(_number(it.usage.sends_per_s) for it in found)
    yield "notices, of each worker", *(f"{100 * it.loads[NOTICES] * 0.6:,.1f} %" for it in found)
    yield "Redis, shards", *(_shards(it, REDIS, REDIS_MEMORY) for it in found)
    yield "MongoDB, shards", *(_shards(it, MONGODB) for it in found)
    yield "MongoDB, processors", *(_number(it.mongodb_processors) for it in found)
    yield "MongoDB, each day", *(_size(it.mongodb_gb_per_day) for it in found)
    yield "Redis, 1,000 messages in each mailbox", *(_size(it.redis_gb) for it in found)
    polling = [needs(replace(ONE, users=size), COSTS) for size in SIZES]
    yield "network, polls every 2 s", *(_network(it) for it in polling)
    yield "network, polls that wait", *(_network(it) for it in found)


def _limits() -> Iterable[Sequence[str]]:
    for title, usage in USAGES.items():
        yield title, *(f"{largest(part, usage, COSTS):,}" for part in (NOTICES, REDIS, REDIS_MEMORY, MONGODB))


def _points() -> Iterable[Sequence[str]]:
    for title, machine, measured in (("", HERE, MEASURED), ("bare route, ", BARE, MEASURED_BARE)):
        yield from (_point(title, machine, point) for point in measured)


def _point(title: str, machine: Machine, measured: Measured) -> Sequence[str]:
    simulated = simulate(measured.pollers, machine)
    carried = measured.pollers <= predicted_limit(machine)
    return (
        f"{title}{measured.pollers:,}",
        f"{simulated.busy:.2f} / {measured.busy:.2f}",
        f"{simulated.polls_per_s:,.0f} / {measured.polls_per_s:,.0f}",
        f"{_ms(simulated.p50_ms)} / {_ms(measured.p50_ms)}",
        f"{_ms(simulated.p99_ms)} / {_ms(measured.p99_ms)}",
        f"{_ms(simulated.delivery_p50_ms)} / {_ms(measured.delivery_p50_ms)}",
        f"{_ms(simulated.delivery_p99_ms)} / {_ms(measured.delivery_p99_ms)}",
        f"{_yes(carried)} / {_yes(measured.is_carried)}",
    )


def _first(found: Needs) -> str:
    load = found.loads[found.gives_out_first]
    return (
        f"{found.gives_out_first} ({load:,.2g} of one)"
        if load < 100
        else f"{found.gives_out_first} ({load:,.0f})"
    )


def _shards(found: Needs, *parts: str) -> str:
    return f"{math.ceil(max(found.loads[part] for part in parts)):,}"


def _number(value: float) -> str:
    if math.isinf(value):
        return "not possible"
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.2g}"


def _size(gigabytes: float) -> str:
    for unit, factor in (("TB", 1000.0), ("GB", 1.0)):
        if gigabytes >= factor:
            return (
                f"{gigabytes / factor:,.3g} {unit}"
                if gigabytes < 1e6
                else f"{gigabytes / factor:,.0f} {unit}"
            )
    return f"{gigabytes * 1000:.3g} MB"


def _network(found: Needs) -> str:
    megabits = found.megabits_per_s
    return f"{megabits:,.0f} Mbit/s" if megabits < 1000 else f"{megabits / 1000:,.3g} Gbit/s"


def _ms(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Write the tables into the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
