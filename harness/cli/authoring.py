"""`python -m harness try` and `init`: writing the profile of a server."""

from __future__ import annotations

import contextlib
from argparse import Namespace

from harness.authoring.serving import served
from harness.authoring.steps import Step
from harness.authoring.trying import Trial
from harness.cli.console import console, line, say
from harness.printable import printable
from harness.reports.paragraphs import paragraph
from harness.targets.profile import load_profile

INDENT = 4


def try_profile(options: Namespace) -> int:
    """Walk one message through the server of a profile; return the exit code."""
    profile = load_profile(options.profile)
    with served(profile, say=say) as url, contextlib.closing(Trial(profile, url)) as trial:
        say(f"Trying the profile '{profile.name}' with the server at {url}")
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
