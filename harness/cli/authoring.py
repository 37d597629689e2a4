"""`python -m harness try` and `init`: writing the profile of a server."""

from __future__ import annotations

import contextlib
import shlex
import sys
from argparse import Namespace

from harness.authoring.asking import command_of, draft_by_asking, draft_by_default
from harness.authoring.drafting import Draft
from harness.authoring.serving import served
from harness.authoring.starting import completed, draft_from, write_profile
from harness.authoring.steps import Step
from harness.authoring.trying import Trial
from harness.cli.console import console, line, say
from harness.errors import UsageError
from harness.printable import printable
from harness.program import PROGRAM
from harness.reports.paragraphs import paragraph
from harness.targets.profile import load_profile
from harness.targets.starting import require_startable

INDENT = 4


def try_profile(options: Namespace) -> int:
    """Walk one message through the server of a profile; return the exit code."""
    profile = load_profile(options.profile)
    require_startable(profile)
    with served(profile, say=say) as url, contextlib.closing(Trial(profile, url)) as trial:
        say(trial.shown(f"Trying the profile '{profile.name}' with the server at {url}"))
        for step in trial.steps():
            _show(step)
    say()
    count = len(trial.problems)
    if not count:
        say("Everything was read: the profile fits the server.", style="green")
        return 0
    exit_code = max(problem.exit_code for problem in trial.problems)
    said = "The server was not reached, or failed" if exit_code > 2 else "The profile does not fit the server"
    say(f"{said}: {count} problem{'s' * (count != 1)}, marked ! above.", style="red")
    return exit_code


def init(options: Namespace) -> int:
    """Write a profile from a document, a recording, or what is answered; return the exit code."""
    if options.output.exists() and not options.force:
        raise UsageError(f"The file {options.output} exists already: give --force, or another --output.")
    draft = draft_from(options.openapi, options.har)
    command = command_of(options.command_line)
    is_described = bool(options.openapi or options.har)
    if not is_described:
        given = {"name": options.name, "command": command, "url": options.url}
        draft.values = {key: value for key, value in given.items() if value}
        asks = not options.yes and sys.stdin.isatty()
        draft = _asked(draft) if asks else draft_by_default(draft)
    draft = completed(draft, name=options.name or "", command=command, url=options.url or "")
    source = f"from {(options.openapi or options.har).name}" if is_described else "without a document"
    write_profile(draft, options.output, source=source, force=options.force)
    say(f"Wrote {options.output}.")
    if draft.unclear:
        say("This could not be told:")
        for sentence in draft.unclear:
            _sentence("- ", f"{sentence}.", "")
    say(f"See whether it fits: {PROGRAM} try {shlex.quote(str(options.output))}")
    return 0


def _asked(draft: Draft) -> Draft:
    try:
        return draft_by_asking(input, say, draft)
    except EOFError:
        raise KeyboardInterrupt from None


def _show(step: Step) -> None:
    say()
    line(printable(step.title), style="bold")
    line(f"{'':{INDENT}}{printable(step.asked)}")
    if step.answered:
        line(f"{'':{INDENT}}{printable(step.answered)}", style="dim")
    for each in step.read:
        line(f"{'':{INDENT}}> {printable(each)}")
    for note in step.notes:
        _sentence("- ", note, "yellow")
    for problem in step.problems:
        _sentence("! ", problem.sentence, "bold red")


def _sentence(mark: str, sentence: str, style: str) -> None:
    first = f"{'':{INDENT}}{mark}"
    line(paragraph(sentence, console.width, first=first, indent=len(first)), style=style)
