"""The extras of the package: what pyproject.toml says of them, and what is said where one is missing."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from harness.cli.command_line import in_order
from harness.cli.pages import doctor_page
from harness.errors import UsageError
from harness.extras import BROWSER, EXTRAS, LOAD, SERVER, installing, lacking, require
from harness.targets.profile import load_profile
from harness.targets.starting import require_startable

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(autouse=True)
def _from_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.extras._direct_url", lambda: None)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the distributions that this Python seems to have: those that the test puts in."""
    names = {"pollproof"}

    def distribution(name: str) -> str:
        if name not in names:
            raise metadata.PackageNotFoundError(name)
        return name

    def requires(name: str) -> list[str]:
        distribution(name)
        return [
            "redis>=8",
            'flask>=3; extra == "server"',
            "gunicorn>=27; extra == 'server'",
            "gevent>=26; extra == 'server' and sys_platform == 'no-such-system'",
            'locust>=2; extra == "load"',
        ]

    monkeypatch.setattr(metadata, "distribution", distribution)
    monkeypatch.setattr(metadata, "requires", requires)
    return names


def test_the_extras_that_can_be_missed_are_those_of_the_project() -> None:
    assert set(EXTRAS) < set(PROJECT["optional-dependencies"])
    (everything,) = map(Requirement, PROJECT["optional-dependencies"]["all"])
    assert everything.extras == set(EXTRAS)


def test_what_is_missing_is_named_and_what_another_system_needs_is_not(installed: set[str]) -> None:
    assert lacking(SERVER) == ["flask", "gunicorn"]
    installed.add("flask")
    assert lacking(SERVER) == ["gunicorn"]
    assert lacking(LOAD) == ["locust"]
    assert lacking(BROWSER) == []


def test_nothing_is_missed_where_the_project_is_not_installed(installed: set[str]) -> None:
    installed.clear()
    assert lacking(SERVER) == []


def test_the_reference_server_is_not_started_without_its_packages(installed: set[str]) -> None:
    with pytest.raises(UsageError) as caught:
        require_startable(load_profile("reference"))
    said = (
        "needs packages that this Python does not have (flask, gunicorn):"
        " run `python -m pip install 'pollproof[server]'`."
    )
    assert caught.value.exit_code == 2
    assert caught.value.sentence == f"The target 'reference' is the reference server, which {said}"
    installed |= {"flask", "gunicorn"}
    require_startable(load_profile("reference"))


def test_a_server_of_ones_own_needs_no_extra(installed: set[str]) -> None:
    require_startable(load_profile(str(ROOT / "examples" / "naive_server" / "naive.toml")))
    with pytest.raises(UsageError, match=r"^Locust needs packages"):
        require(LOAD, "Locust")


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ("venv/pyvenv.cfg", "python -m pip install 'pollproof[server]'"),
        ("uv/tools/pollproof/uv-receipt.toml", "uv tool install 'pollproof[server]'"),
        ("pipx/venvs/pollproof/pipx_metadata.json", "pipx install --force 'pollproof[server]'"),
        ("uv/archive-v0/x1y2/pyvenv.cfg", "uvx --from 'pollproof[server]' pollproof"),
    ],
)
def test_an_extra_is_added_with_what_made_the_environment(
    tmp_path: Path, environment: str, command: str
) -> None:
    file = tmp_path / environment
    file.parent.mkdir(parents=True)
    file.touch()
    assert installing(SERVER, prefix=file.parent) == command


@pytest.mark.parametrize(
    ("direct_url", "origin"),
    [
        (
            '{"url": "file:///home/ann/a%20b/pollproof", "dir_info": {"editable": true}}',
            "file:///home/ann/a%20b/pollproof",
        ),
        (
            '{"url": "file:///tmp/pollproof-0.1.0-py3-none-any.whl", "archive_info": {}}',
            "file:///tmp/pollproof-0.1.0-py3-none-any.whl",
        ),
        (
            '{"url": "https://git.example/pollproof", "vcs_info": {"vcs": "git"}}',
            "git+https://git.example/pollproof",
        ),
    ],
    ids=["checkout", "wheel", "repository"],
)
def test_an_extra_comes_from_where_the_package_came_from(
    monkeypatch: pytest.MonkeyPatch, direct_url: str, origin: str
) -> None:
    """An index may not have the package, or another of its name."""
    monkeypatch.setattr("harness.extras._direct_url", lambda: direct_url)
    command = installing(SERVER, prefix=Path("/nowhere"))
    assert command == f"python -m pip install 'pollproof[server] @ {origin}'"
    assert Requirement(command.split("'")[1]).extras == {SERVER}


def test_a_package_that_every_run_needs_is_named_with_what_gets_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run() -> int:
        raise ModuleNotFoundError("No module named 'rich'", name="rich")

    assert in_order(run, called="harness") == 2
    said = "harness: No module named 'rich', which is needed: run `python -m pip install pollproof`\n"
    assert capsys.readouterr().err == said


def test_the_doctor_says_what_adds_an_extra_and_what_needs_it() -> None:
    page = doctor_page([], 80, lacking={SERVER: ["flask", "gunicorn"], BROWSER: []})
    assert "\n".join(text for text, _ in page).splitlines() == [
        "[server]   not installed",
        "  add it with: python -m pip install 'pollproof[server]'",
        "  Without flask, gunicorn, the reference server cannot be started.",
        "[browser]  installed",
    ]
