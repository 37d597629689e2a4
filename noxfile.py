"""The sessions of nox: `python3 -m nox -l` lists them. Each installs what it needs by itself."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"  # uv where it is present
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

SCHEMAS = {
    "github-actions": ["action.yml"],
    "github-workflows": sorted(map(str, Path(".github/workflows").glob("*.yml"))),
    "dependabot": [".github/dependabot.yml"],
    "citation-file-format": ["CITATION.cff"],
    "compose-spec": ["deploy/compose.yaml"],
}

# Sessions start hundreds of processes. Without bytecode, each compiles the project again, for up to 10 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

LOCK, OF_RELEASES, OF_NOX = ".ci/requirements.txt", ".ci/release.txt", ".ci/nox.txt"
LOCKS = {
    LOCK: ["pyproject.toml", "--extra", "dev"],
    OF_RELEASES: ["--group", "release"],
    OF_NOX: ["--group", "nox"],
    ".ci/server.txt": ["deploy/requirements.txt"],
}
"""What each lock file has, as uv's arguments: what sessions install, what makes releases, nox, the image."""
QUICK = ("-m", "not e2e")
"""Which tests are run by `tests`: the others take their time."""
LOCKED = bool(os.environ.get("CI") or os.environ.get("LOCKED"))
"""Whether sessions install what the lock file has, checked by its hashes: so it is in CI.

Elsewhere pyproject.toml's ranges count: a Python that the locked versions do not know can have others.
"""


def install(session: nox.Session, extras: str) -> None:
    """Install the project with extras; in place, so that a run sees the checkout's files."""
    if LOCKED:
        session.install("--require-hashes", "-r", LOCK)
        session.install("--no-deps", "--no-build-isolation", "-e", ".")  # the lock file has what builds it
    else:
        session.install("-e", f".[{extras}]")


@nox.session
def lock(session: nox.Session) -> None:
    """Write the lock files of CI anew: `-- --upgrade` takes the newest that pyproject.toml allows."""
    session.install("uv>=0.9,<1")
    words = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate"]
    for file, what in LOCKS.items():
        output = ["--no-emit-index-url", "--quiet", "--output-file", file, *session.posargs]
        session.run("uv", "pip", "compile", *what, *words, *output)


@nox.session
def audit(session: nox.Session) -> None:
    """Look up the known vulnerabilities of what the lock files have, or of other files: `-- FILE …`."""
    session.install("--require-hashes", "-r", OF_RELEASES)
    for file in session.posargs or LOCKS:
        words = [
            "--strict",
            "--require-hashes",
            "--disable-pip",
        ]  # strict: what cannot be looked up is no pass
        session.run("pip-audit", *words, "--requirement", file)


@nox.session
def dist(session: nox.Session) -> None:
    """Build the sdist and the wheel into dist/, and list what the wheel brings along into sbom/."""
    session.install("--require-hashes", "-r", OF_RELEASES)
    for folder in ("dist", "sbom"):
        shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--no-isolation")
    (wheel,) = Path("dist").glob("*.whl")
    place = Path(session.create_tmp()).resolve()
    versions, python = place / "versions.txt", place / "environment" / "bin" / "python"
    locked = [line.removesuffix("\\") for line in Path(LOCK).read_text(encoding="utf-8").splitlines()]
    versions.write_text("\n".join(line for line in locked if "--hash" not in line), encoding="utf-8")
    session.run("python", "-m", "venv", "--clear", str(python.parents[1]))
    words = ["-m", "pip", "install", "--quiet", "--constraint", str(versions)]
    session.run(str(python), *words, f"pollproof[all] @ {wheel.resolve().as_uri()}", external=True)
    Path("sbom").mkdir()
    bill = Path("sbom", f"{wheel.name.split('-py3')[0]}.cdx.json")
    words = ["--pyproject", "pyproject.toml", "--output-reproducible", "--output-file", str(bill)]
    session.run("cyclonedx-py", "environment", *words, str(python))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types, and which package imports which."""
    install(session, "dev")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports")
    for schema, files in SCHEMAS.items():
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    session.run("zizmor", "--offline", "--no-progress", "--quiet", ".github", "action.yml")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site of docs/ into build/site, without network; a broken link is an error."""
    install(session, "docs")
    session.run("python", "-m", "documentation.links")
    session.run("python", "-m", "documentation.site", "build/site")


@nox.session
def deploy(session: nox.Session) -> None:
    """Validate the files of deploy/ against the schemas of Kubernetes and Compose."""
    install(session, "dev")
    # Not in `dev`: the schemas are 17,000 files.
    session.install("kubernetes-validate>=1.37,<2", "compose-spec>=0.2.1,<0.3")
    session.run("python", "-m", "pytest", "tests/unit/deploy")
    for version in ("1.29", "1.37"):  # the oldest that is meant, and the newest that is known
        session.run("kubernetes-validate", "-k", version, "--strict", "deploy/kubernetes.yaml")
    read = "import sys, compose_spec as c; c.PyCompose.from_yaml(open(sys.argv[1], encoding='utf-8').read())"
    session.run("python", "-c", read, "deploy/compose.yaml")


@nox.session
def types_js(session: nox.Session) -> None:
    """Check the types of the polling client and the chat page with TypeScript from npm; needs Node."""
    install(session, "dev")
    test = ["python", "-m", "pytest", "tests/unit/browser/test_types.py"]
    session.run("npx", "--yes", "--package", "typescript@5", "--", *test, external=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the unit tests, then those of each part on real services. Takes pytest's arguments."""
    ready_for_tests(session)
    if session.posargs:
        pytest(session, *session.posargs)
        return
    pytest(session, "tests", "--ignore", "tests/edge", "--ignore", "tests/benchmarks", *QUICK, workers=2)
    pytest(session, "tests/edge", *QUICK, workers=5)


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the tests end to end, without those that are rows of the plan. Takes pytest's arguments."""
    ready_for_tests(session)
    if session.posargs:
        pytest(session, *session.posargs)
        return
    pytest(session, "tests/edge", "tests/simulation", "-m", "e2e and not plan", workers=3)


def ready_for_tests(session: nox.Session) -> None:
    """Install the project and the services: before the tests, which are timed.

    Tests whose services cannot be had are skipped, or fail in CI.
    """
    install(session, "dev")
    session.run("python", "-m", "harness", "doctor", "--install", success_codes=[0, 2])


def pytest(session: nox.Session, *words: str, workers: int = 0) -> None:
    """Run tests in so many processes, each with its own services; more than cores where tests mostly wait."""
    parallel = ["-n", str(workers), "--dist", "worksteal", "--durations", "20", "--durations-min", "5"]
    session.run("python", "-m", "pytest", *words, *(parallel if workers else []))


@nox.session
def doctor(session: nox.Session) -> None:
    """Show which services and which browser are here; `-- --install chromium` gets Chromium where it may."""
    install(session, "dev")
    session.run("python", "-m", "harness", "doctor", *session.posargs)


@nox.session
def agreement(session: nox.Session) -> None:
    """Compare the checkers with naive oracles on new random histories: `-- --examples 100000`."""
    install(session, "dev")
    examples = session.posargs[-1] if session.posargs else "100000"
    test = "tests/unit/harness/agreement/test_agreement.py"
    session.run("python", "-m", "pytest", "-s", test, env={"AGREEMENT_EXAMPLES": examples})


@nox.session
def coverage(session: nox.Session) -> None:
    """Check that the unit tests take every branch of the policy and the checkers (see pyproject.toml)."""
    install(session, "dev")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "tests/unit", "-n", "2", "--dist", "worksteal")
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Judge a history of a million events, or `-- --events 50000`, within limits of time and memory.

    The limits are 2.75 times what parsing it takes, and a gigabyte.
    """
    install(session, "dev")
    events = session.posargs[-1] if session.posargs else "1000000"
    session.run("python", "-m", "pytest", "tests/benchmarks", env={"BENCHMARK_EVENTS": events})


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the reference server costs, beside its limits: `-- --quick`, `-- --compare FILE`, …

    `-- --help` shows the options. The figures are written to reports/latest/bench.json.
    """
    install(session, "dev")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def capacity(session: nox.Session) -> None:
    """Find how many pollers the reference server carries, and what gives out first: `-- --quick`, …

    `-- --help` shows the options. The curve is written to reports/latest/capacity.json.
    """
    install(session, "dev")
    session.run("python", "-m", "benchmarks.capacity", *session.posargs)


@nox.session
def plan(session: nox.Session) -> None:
    """Run the test plan against the reference server. Takes the arguments of `harness run`."""
    install(session, "dev")
    session.run("python", "-m", "harness", "run", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Keep a chat open and check that nothing grows; for two minutes, or `-- --minutes 60`."""
    install(session, "dev")
    session.run("python", "-m", "harness", "soak", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Inject faults drawn from a seed into the reference server. Takes the arguments of `harness chaos`."""
    install(session, "dev")
    session.run("python", "-m", "harness", "chaos", *session.posargs)


@nox.session
def client(session: nox.Session) -> None:
    """Judge this project's polling client. Takes the arguments of `harness client`."""
    install(session, "dev")
    session.run("python", "-m", "harness", "client", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Run servers and clients with planted bugs, each to be caught. Options: those of `-m tests.mutants`."""
    install(session, "dev")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def load(session: nox.Session) -> None:
    """Run 100 users for a minute against the reference server; see docs/load.md. Takes Locust's arguments."""
    install(session, "server,load")
    run = session.posargs or ["--users", "100", "--spawn-rate", "20", "--run-time", "60s"]
    locust = ["locust", "-f", "loadtests/locustfile.py", "--headless", "--only-summary", *run]
    session.run("python", "-m", "harness", "exec", "--", *locust, "--host", "{base_url}")


@nox.session
def serve(session: nox.Session) -> None:
    """Run the reference server for yourself, with two demo users, until Ctrl-C."""
    install(session, "dev")
    session.run("python", "-m", "harness", "serve", *session.posargs)


@nox.session
def strangers(session: nox.Session) -> None:
    """Judge systems that are not part of this project, and write docs/strangers.md. Takes their names.

    What does not come from PyPI is left out where it is missing, with the command that installs it.
    """
    of_pypi = ["moto[server]>=5.2,<6", "boto3>=1.40,<2", "matrix-synapse>=1.163,<2"]
    session.install("-e", ".", *of_pypi, "kinto[postgresql]>=26.5,<27")
    session.run("python", "-m", "strangers", *session.posargs)


@nox.session
def model(session: nox.Session) -> None:
    """Try the server's core in every order of its steps, within bounds: see docs/model.md."""
    install(session, "dev")
    session.run("python", "-m", "tests.simulation", *session.posargs)
