"""The function of each command; each returns the exit code.

A command's modules are imported when it is run: `--help` and wrong usage need neither pytest nor a driver.
"""

from __future__ import annotations

from argparse import Namespace


def run(options: Namespace) -> int:
    """Run rows of the test plan."""
    from harness.cli.actions import run

    return run(options)


def soak(options: Namespace) -> int:
    """Run the long rows."""
    from harness.cli.actions import soak

    return soak(options)


def check(options: Namespace) -> int:
    """Judge a recorded run again."""
    from harness.cli.actions import check

    return check(options)


def compare(options: Namespace) -> int:
    """Compare two runs."""
    from harness.cli.compare import compare_runs

    return compare_runs(options)


def plan(options: Namespace) -> int:
    """List the test plan."""
    from harness.cli.actions import plan

    return plan(options)


def doctor(options: Namespace) -> int:
    """Show which services a run would use."""
    from harness.cli.actions import doctor

    return doctor(options)


def serve(options: Namespace) -> int:
    """Run a server until Ctrl-C."""
    from harness.cli.actions import serve

    return serve(options)


def execute(options: Namespace) -> int:
    """Run a command against a new server."""
    from harness.cli.actions import execute

    return execute(options)


def init(options: Namespace) -> int:
    """Write the profile of a server."""
    from harness.cli.authoring import init

    return init(options)


def try_profile(options: Namespace) -> int:
    """Try a profile on its server."""
    from harness.cli.authoring import try_profile

    return try_profile(options)


def chaos(options: Namespace) -> int:
    """Inject faults drawn from a seed, or from one seed after the other."""
    if options.seeds is not None and (len(options.seeds) > 1 or options.lane):
        from harness.cli.chaos_seeds import chaos_seeds

        return chaos_seeds(options)
    from harness.cli.chaos import chaos

    return chaos(options)


def shrink(options: Namespace) -> int:
    """Make a failed run of chaos small."""
    from harness.cli.shrink import shrink_run

    return shrink_run(options)


def client(options: Namespace) -> int:
    """Judge a polling client."""
    from harness.cli.client import client

    return client(options)


def completion(options: Namespace) -> int:
    """Print what a shell completes the program with."""
    from harness.cli.completion import completion

    return completion(options)
