"""What `pip install 'pollproof[EXTRA]'` adds to the harness, and whether this Python has it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError
from harness.program import SHORT_NAME

SERVER, BROWSER, LOAD = "server", "browser", "load"
EXTRAS: Mapping[str, str] = {
    SERVER: "the reference server cannot be started",
    BROWSER: "no pages can be opened",
    LOAD: "the load test cannot be run",
}
"""What is not possible without each."""


def lacking(extra: str) -> list[str]:
    """Return the packages of an extra that this Python does not have.

    None are known where the harness is used without having been installed.
    """
    from importlib import metadata  # both take a while, and are rarely needed

    from packaging.requirements import Requirement

    def is_asked(requirement: Requirement) -> bool:
        """Return whether it is one because of this extra, on this machine."""
        marker = requirement.marker
        return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})

    def is_here(name: str) -> bool:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            return False
        return True

    try:
        requirements = [Requirement(line) for line in metadata.requires(SHORT_NAME) or []]
    except metadata.PackageNotFoundError:
        return []
    return [each.name for each in requirements if is_asked(each) and not is_here(each.name)]


def require(extra: str, what: str) -> None:
    """Raise UsageError where this Python lacks an extra; `what`, which begins the sentence, needs it."""
    if missing := lacking(extra):
        raise UsageError(
            f"{what} needs packages that this Python does not have ({', '.join(missing)}):"
            f" run `{installing(extra)}`."
        )


def installing(extra: str, *, prefix: Path = Path(sys.prefix)) -> str:
    """Return the command that adds an extra to the environment at `prefix`, by what made it."""
    wanted = f"'{SHORT_NAME}[{extra}]{origin_of(_direct_url())}'"
    if (prefix / "uv-receipt.toml").exists():
        return f"uv tool install {wanted}"
    if (prefix / "pipx_metadata.json").exists():
        return f"pipx install --force {wanted}"
    if any(part.startswith("archive-v") for part in prefix.parts):  # in uv's cache, for one call of uvx
        return f"uvx --from {wanted} {SHORT_NAME}"
    return f"python -m pip install {wanted}"


def origin_of(direct_url: str | None) -> str:
    """Return ' @ URL' of the folder, file or repository that a package came from; '' for an index.

    `direct_url` is the JSON document that pip and uv write beside a package that no index had (PEP 610).
    """
    if direct_url is None:
        return ""
    told = json.loads(direct_url)
    version_control = f"{told['vcs_info']['vcs']}+" if "vcs_info" in told else ""
    return f" @ {version_control}{told['url']}"


def _direct_url() -> str | None:
    from importlib import metadata

    try:
        return metadata.Distribution.from_name(SHORT_NAME).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
