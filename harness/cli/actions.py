"""What each command of `python -m harness` does; each returns the exit code."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.checkers import PROMISES, is_made
from harness.cli import listing, streams
from harness.cli.console import console, line, say
from harness.cli.demands import promises_by_row
from harness.cli.documents import document_in
from harness.cli.live import beside_captures
from harness.cli.pages import doctor_page, plan_page
from harness.cli.progress import Progress
from harness.cli.time_left import durations_s
from harness.cli.watching import WORDS, Watching
from harness.client import Client, require
from harness.errors import CannotWrite, NotHere, UsageError, reason_of
from harness.extras import BROWSER, EXTRAS, LOAD, lacking
from harness.extras import require as require_extra
from harness.history.recorder import REMEDY
from harness.interrupts import INTERRUPTS
from harness.parts import PARTS
from harness.plan import PLAN_FILE, PlanRow, find_plan, read_plan, select
from harness.plan.drift import drift
from harness.plan.fitting import fitting
from harness.printable import printable
from harness.program import PROGRAM
from harness.reports.paragraphs import paragraph
from harness.reports.record import RowResult
from harness.reports.terminal import STYLES
from harness.reports.verdicts import VERDICTS, render_verdicts, write_verdicts
from harness.runner.alone import most_at_once
from harness.runner.folder import AGAIN, HISTORY, RESULTS, held, new_run
from harness.runner.judging import judge
from harness.stack import Found, Services, chromium, handed_on, locate, require_disks
from harness.stack import doctor as examine
from harness.stack.browser import NO_PLAYWRIGHT
from harness.stack.finding import SERVICES
from harness.stack.stores import services_for
from harness.targets.profile import REFERENCE, Profile, load_profile
from harness.targets.starting import require_free, require_startable, running_target
from harness.verdict import EXIT_CODES, Verdict

SOAK = "soak"
"""The section of the rows that last as long as `--minutes` says."""
BY_NAME = (SOAK, "deploys", "partitions", "redis-cluster")
"""Sections that are run only when a row of theirs or they themselves are named."""
LONGEST_ROW_S = 180.0
COMMAND_ENDS_WITHIN_S = 40.0
"""An interrupted load test first waits for what is on its way, for up to 30 seconds."""
DEMO_USERS = ("alice", "bob")
LOCUST = "locust"


def run(options: Namespace) -> int:
    """Run rows of the plan; run those again, one at a time, for which the machine was too busy."""
    profile = load_profile(options.target)
    require_startable(profile)
    wanted = _wanted(options)
    find_services(profile)
    jobs = 1 if any(store.port for store in profile.stores.values()) else options.jobs or most_at_once()
    if any(row.needs_chromium for row in wanted):
        find_chromium()
    with_seed(options)
    say(f"Test plan: {_rows(len(wanted))} against the target '{options.target}', seed {options.seed}")
    say()
    with results_folder(options):
        return in_two_tries(
            options, wanted, lambda rows, folder, at_once: _play(options, rows, at_once, folder), jobs
        )


def in_two_tries(
    options: Namespace,
    rows: Sequence[PlanRow],
    play: Callable[[Sequence[PlanRow], Path, int], tuple[int, list[str]]],
    jobs: int,
) -> int:
    """Run rows, and those again, one at a time, for which the machine was too busy; return the exit code.

    `play` is given the rows, the folder of the results, and how many to run side by side.
    """
    exit_code, too_busy = play(rows, options.reports, jobs)
    if not too_busy:
        return exit_code
    say()
    count = _rows(len(too_busy))
    say(f"The machine was too busy to judge {count}; once more, one at a time: {', '.join(too_busy)}")
    say()
    return play([row for row in rows if row.id in too_busy], options.reports / AGAIN, 1)[0]


@contextlib.contextmanager
def results_folder(options: Namespace, *, kept: Collection[str] = ()) -> Iterator[None]:
    """Hold the folder of the results while the run lasts, and give the run its id. Raise UsageError.

    At its end, print them for `--json`: also those of a run that was interrupted or could not go on.
    What `kept` names stays there from an earlier run.
    """
    options.run = new_run()
    options.took_s = durations_s(options.reports / RESULTS)  # of the run before, which is now cleared away
    with held(options.reports, options.run, kept=kept):
        try:
            yield
        finally:
            if getattr(options, "json", False):
                sys.stdout.write(document_in(options.reports))


def with_seed(options: Namespace) -> None:
    """Give a run without `--seed` a new seed."""
    if options.seed is None:
        options.seed = secrets.randbelow(2**32)


def find_services(profile: Profile) -> dict[str, Found]:
    """Return each service that a target needs, fetched if it is missing.

    Raise UsageError where it cannot be had, or this Python cannot start the target.
    """
    require_startable(profile)
    needed = services_for(profile.stores)
    return {service: locate(service, install=True, say=say) for service in SERVICES if service in needed}


def find_chromium() -> None:
    """Get Chromium if it is missing; where it cannot be had, say so: the rows that need it are skipped."""
    if lacking(BROWSER):
        say(NO_PLAYWRIGHT)
        return
    try:
        chromium.locate_chromium(install=True, say=say)
    except NotHere as error:
        say(error.sentence)


def _rows(count: int) -> str:
    return f"{count} row{'s' * (count != 1)}"


def _wanted(options: Namespace) -> list[PlanRow]:
    """Return the rows asked for that suit the target. Raise UsageError where none does."""
    profile = load_profile(options.target)  # a wrong one is reported before anything starts
    selected = select(read_plan(find_plan()), options.only, options.section)
    if not options.only and not options.section:
        selected = [row for row in selected if row.section not in BY_NAME]
    wanted, left_out = fitting(
        selected,
        profile,
        is_reference=options.target == REFERENCE,
        without_chromium=chromium.left_out(),
        why_no_disks=_why_no_disks() if any(row.needs_disks for row in selected) else "",
        promises=promises_by_row() if _makes_fewer_promises(profile) else {},
    )
    for reason, rows in left_out.items():
        say(f"Left out: {', '.join(row.id for row in rows)}: {reason}.")
    if not wanted:
        raise UsageError(f"None of the rows asked for suits the target '{options.target}'.")
    return wanted


def _why_no_disks() -> str:
    try:
        require_disks()
    except NotHere as error:
        return error.sentence.removesuffix(".")
    return ""


def _makes_fewer_promises(profile: Profile) -> bool:
    return not all(is_made(promise.name, profile.semantics) for promise in PROMISES)


def _play(options: Namespace, rows: Sequence[PlanRow], jobs: int, reports: Path) -> tuple[int, list[str]]:
    """Run these rows of the plan; see `run_rows`."""
    words = [*listing.files_of(rows), "--harness-plan", str(find_plan())]
    words += ["--harness-asked", asked_for(options, "soak" if options.section == SOAK else "run")]
    took_s = dict[str, float]()
    if "minutes" in options:
        words += ["--harness-minutes", str(options.minutes)]
        took_s = dict.fromkeys((row.id for row in rows), options.minutes * 60)
    jobs = min(jobs, sum(len(row.tests) or 1 for row in rows))
    if jobs > 1:
        _require_utf_8(Path.cwd(), reports, options.target)
        words += side_by_side(jobs)
    return run_rows(options, rows, words, reports, at_once=jobs, took_s=took_s)


def asked_for(options: Namespace, command: str) -> str:
    """Return the command line that runs the same rows again with the same random choices."""
    words = [*PROGRAM.split(), command, "--seed", str(options.seed)]
    words += [word for pattern in options.only for word in ("--only", pattern)]
    if options.section and command == "run":
        words += ["--section", options.section]
    if options.target != REFERENCE:
        words += ["--target", options.target]
    if options.workers is not None:
        words += ["--workers", str(options.workers)]
    if "minutes" in options:
        words += ["--minutes", f"{options.minutes:g}"]
    return shlex.join(words)


def side_by_side(jobs: int) -> list[str]:
    """Return pytest's arguments for several processes; each takes another row when one has ended."""
    return ["-n", str(jobs), "--dist", "load", "--maxschedchunk", "1"]


def _require_utf_8(*paths: Path | str) -> None:
    """Raise UsageError for a path that pytest-xdist, which runs rows side by side, cannot pass on."""
    for path in map(str, paths):
        try:
            path.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UsageError(
                f"The path {path} is not UTF-8, so rows cannot run side by side there:"
                " set PYTHONUTF8=1 if the locale is the reason, or give --jobs 1."
            ) from error


def run_rows(
    options: Namespace,
    rows: Sequence[PlanRow],
    what: Sequence[str],
    reports: Path,
    *,
    timeout_s: float = LONGEST_ROW_S,
    plugins: Sequence[object] = (),
    shown_on: Console = console,
    at_once: int = 1,
    took_s: Mapping[str, float] | None = None,
) -> tuple[int, list[str]]:
    """Run pytest with our own output; return the exit code, and the rows for which the machine was too busy.

    `what` are pytest's arguments that name what runs the rows; each may take `timeout_s` seconds. `took_s`
    says how long a row will take where that is known before; `at_once` of them run side by side.
    """
    words = [
        *what,
        *listing.isolated(),
        *("--timeout", str(timeout_s), f"--junitxml={reports / 'junit.xml'}"),
        *("--harness-target", options.target, "--harness-seed", str(options.seed)),
        *("--harness-reports", str(reports), "--harness-only", ",".join(row.id for row in rows)),
        *("--harness-run", options.run),
    ]
    if options.workers is not None:
        words += ["--harness-workers", str(options.workers)]
    expected_s = options.took_s | dict(took_s or {})
    watching = Watching(rows, reports / HISTORY, took_s=expected_s, at_once=at_once)
    with beside_captures(shown_on):
        progress = Progress(shown_on, watching, rows=len(rows))
        try:
            pytest_code = listing.pytest_main(words, [progress, *plugins])
        except OSError as error:
            raise CannotWrite(error.filename or reports, error, remedy=REMEDY) from error
        finally:
            progress.stop()
    exit_code = progress.exit_code(pytest_code)
    shown_on.print(Text(f"Report: {printable(str(reports / 'report.html'))}"), soft_wrap=True)
    return exit_code, progress.too_busy()


def soak(options: Namespace) -> int:
    """Run the long rows, which `run` leaves out unless its options name them."""
    return run(Namespace(**vars(options) | {"only": [], "section": SOAK, "jobs": 1}))


def check(options: Namespace) -> int:
    """Judge a recorded run again: print or write its verdicts, to the byte what the run wrote."""
    try:
        run = judge(options.file)
    except (OSError, ValueError) as error:
        raise UsageError(f"The history {options.file} cannot be judged: {reason_of(error)}.") from error
    rows, verdict = run.rows, run.verdict
    results = [RowResult(**vars(row), title=row.id, section="") for row in rows]
    if options.json or (options.reports is None and not options.quiet):
        sys.stdout.write(render_verdicts(results, verdict))  # ASCII, so to the byte what the run wrote
    if options.reports is not None:
        _write_verdicts(results, verdict, options.reports)
    if options.quiet:
        _insist_on_what_failed(results, verdict)
    return EXIT_CODES[verdict]


def _insist_on_what_failed(results: Sequence[RowResult], verdict: Verdict) -> None:
    for row in results:
        if row.verdict is Verdict.FAIL:
            console.insist(Text(_judged(row), style=STYLES[row.verdict]))
    counts = Counter(row.verdict for row in results)
    counted = ", ".join(f"{counts[one]} {WORDS[one]}" for one in WORDS if counts[one])
    console.insist(Text(f"{verdict.capitalize()}: {counted or 'no row was run'}.", style=STYLES[verdict]))


def _judged(row: RowResult) -> str:
    about = f"{row.verdict:<13} {row.reason}".rstrip()
    return paragraph(about, console.width, first=f"{printable(row.id):<9} ", indent=10)


def _write_verdicts(results: Sequence[RowResult], verdict: Verdict, folder: Path) -> None:
    try:
        write_verdicts(results, verdict, folder / VERDICTS)
    except OSError as error:
        raise UsageError(f"The verdicts cannot be written to {folder}: {reason_of(error)}.") from error
    for row in results:
        line(_judged(row))
    line(f"Verdicts: {printable(str(folder / VERDICTS))}")


def plan(options: Namespace) -> int:
    """List every row with what runs it; where they disagree, the exit code is 2.

    The tests that run rows are in a checkout alone. Elsewhere there is nothing to compare.
    """
    path = find_plan()
    rows = read_plan(path)
    runners = listing.collect(rows)
    for text, style in plan_page(rows, runners, console.width):
        line(text, style=style)
    if path != Path(PLAN_FILE):
        line(f"{len(rows)} rows, of which {sum(not row.tests for row in rows)} need no checkout")
        return 0
    disagreements = drift(rows, runners)
    for sentence in disagreements:
        streams.complain(sentence)
    agreed = "plan and tests agree" if not disagreements else f"{len(disagreements)} disagreements"
    line(f"{len(rows)} rows; {agreed}")
    return UsageError.exit_code if disagreements else 0


def doctor(options: Namespace) -> int:
    """Print for each part what was found and where, or why it is missing and the command that gets it."""
    found = examine(options.parts or PARTS, install=options.install, say=say)
    extras = {} if options.parts else {extra: lacking(extra) for extra in EXTRAS}
    for text, style in doctor_page(found, console.width, lacking=extras):
        line(text, style=style)
    needed = [row for row in found if not row.without or options.parts]
    return 0 if all(row.found for row in needed) else UsageError.exit_code


def serve(options: Namespace) -> int:
    """Run the server with demo users until Ctrl-C."""
    with _target(options, port=options.port) as (base_url, _):
        try:
            _say_who_may_sign_in(base_url)
            threading.Event().wait()
        except KeyboardInterrupt:
            INTERRUPTS.seen()
    line("Ended, with everything it started.")
    return 0


def _say_who_may_sign_in(base_url: str) -> None:
    line(f"\nThe server listens on {base_url}; these users can sign in:\n")
    for name in DEMO_USERS:
        password = secrets.token_urlsafe(9)
        require(Client(base_url, name, password).register(), f"registering {name}")
        line(f"  {name:<8} password {password}")
    line(f"\n  sign in  POST {base_url}/api/users/login")
    line(f"  send     POST {base_url}/api/users/messages")
    line(f"  poll     GET  {base_url}/api/users/messages/poll/{DEMO_USERS[0]}")
    line(f"  health   GET  {base_url}/health/ready\n\nEnd with Ctrl-C.\n")


def execute(options: Namespace) -> int:
    """Run a command against a new server, whose stores it may break; return the command's exit code.

    Programs that came with this Python's packages are found, too, when its environment is not active.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])
    _require_program(options.words[0], path)
    with _target(options, port=None) as (base_url, services):
        words = [word.replace("{base_url}", base_url) for word in options.words]
        try:
            env = {
                **os.environ,
                "PATH": path,
                handed_on.VARIABLE: handed_on.written(services.control_url, services.proxies),
            }
            process = subprocess.Popen(words, env=env)
        except OSError as error:
            raise UsageError(f"The command {words[0]!r} cannot be run: {reason_of(error)}.") from error
        code = _exit_code_of(process)
        return code if code >= 0 else 128 - code  # killed by a signal, as shells report it


def _exit_code_of(process: subprocess.Popen[bytes]) -> int:
    """Wait for a command; where it is interrupted, let it end in order before its server does."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        INTERRUPTS.seen()
        if INTERRUPTS.is_of_a_terminal:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(COMMAND_ENDS_WITHIN_S)  # the terminal has interrupted it, too
        process.terminate()
        raise
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(COMMAND_ENDS_WITHIN_S)
        process.kill()


def _require_program(word: str, path: str) -> None:
    """Raise UsageError for a word that names no program, before anything is started for it."""
    if shutil.which(word, path=path) is None:
        if word == LOCUST:
            require_extra(LOAD, "Locust")
        raise UsageError(f"The command {word!r} cannot be run: there is no such program.")


@contextlib.contextmanager
def _target(options: Namespace, *, port: int | None) -> Iterator[tuple[str, Services]]:
    profile = load_profile(options.target)
    require_startable(profile)
    if port is not None:
        require_free(port)
    with contextlib.ExitStack() as stack:
        services = stack.enter_context(Services(say=say, stores=profile.stores))
        log = options.reports / f"server-{os.getpid()}.log"
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(log, error, remedy="--reports FOLDER puts it elsewhere") from error
        target = running_target(profile, services, log=log, workers=options.workers, port=port)
        yield stack.enter_context(target).base_url, services
