"""The command line of `pollproof-server`: all that can be set is in the environment."""

from __future__ import annotations

import argparse
from importlib import metadata

from reference_server.config import SETTINGS

DISTRIBUTION = "pollproof"


def parser() -> argparse.ArgumentParser:
    """Return the parser, whose help lists the settings."""
    lines = ["settings, as variables of the environment:"]
    for setting in SETTINGS:
        default = "required" if setting.default is None else f"default: {setting.default}"
        lines += [f"  {setting.name} ({default})", f"      {setting.meaning}"]
    program = argparse.ArgumentParser(
        prog="pollproof-server",
        description="Run the reference server until a signal stops it.",
        epilog="\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    program.add_argument("--version", action="version", version=f"{DISTRIBUTION} {_version()}")
    return program


def _version() -> str:
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "of a checkout that is not installed"
