"""The options of the load test beside Locust's own; each is also an environment variable, as Locust's are."""

from __future__ import annotations

import math
import secrets
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.option_types import above_0_up_to, one_of, whole
from harness.targets.profile import REFERENCE
from loadtests.recording import MOST_LINES
from loadtests.schedule import SHAPES, STEADY, Load, recorded_share

if TYPE_CHECKING:  # importing Locust replaces the standard library's sockets
    from locust.argument_parser import LocustArgumentParser

_SECONDS = above_0_up_to(86_400, "seconds")


def add_options(parser: LocustArgumentParser) -> None:
    """Add the options to Locust's parser."""
    group = parser.add_argument_group("Load of polling users")

    def add(name: str, text: str, *, convert: Callable[[str], object] = str, default: object = None) -> None:
        group.add_argument(
            f"--{name}",
            env_var=f"LOCUST_{name.upper().replace('-', '_')}",
            type=convert,
            default=default,
            metavar="<value>",
            help=text,
        )

    add(
        "target",
        "The profile of the server, a name or a TOML file: how it speaks HTTP, and what it promises"
        " (default: reference)",
        default=REFERENCE,
    )
    add(
        "send-every",
        "Seconds between two messages of one user, on average (default: 10)",
        convert=_SECONDS,
        default=10.0,
    )
    add(
        "shape",
        f"How the load changes: {', '.join(SHAPES)} (default: {STEADY})",
        convert=one_of(SHAPES),
        default=STEADY,
    )
    add(
        "fault",
        "What --shape fault breaks: a store and how, such as 'mongodb slow' (default: redis refused)",
        default="redis refused",
    )
    add("seed", "The source of every random choice (default: a new one)", convert=whole)
    add("reports", "The folder of the results (default: reports/load)", default="reports/load")
    add(
        "keep-alive",
        "Seconds for which an idle connection is used again; less than the server's own (default: 1)",
        convert=_SECONDS,
        default=1.0,
    )
    group.add_argument(
        "--check-certificate",
        env_var="LOCUST_CHECK_CERTIFICATE",
        action="store_true",
        help="Refuse a server whose certificate is not signed by a known authority",
    )


def check(options: Namespace) -> None:
    """Raise UsageError for options that do not fit each other; add what follows from them.

    A worker gets no option of Locust's own from its master, so what it needs of them gets a name of ours.
    """
    if options.num_users is not None and options.num_users < 1:
        raise UsageError(f"--users is {options.num_users}: it must be a whole number from 1 on.")
    if options.shape != STEADY and not options.run_time:
        raise UsageError(f"--shape {options.shape} needs --run-time: its parts are parts of the run.")
    options.load_run_time = float(options.run_time) if options.run_time else None
    options.load_share = recorded_share(
        options.num_users or 1, options.send_every, options.load_run_time or math.inf, most_lines=MOST_LINES
    )
    if options.seed is None:
        options.seed = secrets.randbelow(2**32)
    if Path(options.reports).exists() and not Path(options.reports).is_dir():
        raise UsageError(f"--reports {options.reports} is not a folder.")


def load_of(options: Namespace) -> Load:
    """Return the load that the options describe."""
    run_time_s = options.load_run_time or math.inf
    return Load(int(options.seed), float(options.send_every), SHAPES[options.shape], run_time_s)
