"""Why a row failed, told in the terminal when it ends: a run may go on for long after its first finding."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from harness.printable import printable
from harness.reports.paragraphs import paragraph
from harness.reports.plain_words import IN_PLAIN_WORDS
from harness.reports.sequence import told
from harness.reports.terminal import INDENT, EndedRow
from harness.verdict import Judgement, Verdict

SHOWN_EVENTS = 4


class StoriesAtOnce:
    """Tells of each failed row why it failed when it ends; a kind of finding is told in full only once."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], str] = {}

    def of(self, row: EndedRow, width: int, *, again: str = "") -> list[Text]:
        """Return the lines that tell why a row failed; `again` is the command that repeats it."""
        if row.verdict is not Verdict.FAIL:
            return []
        first, *others = row.broken or (None,)
        said = [_indented(row.reason, width)] if first is None else self._story(row.id, first, width)
        said += [_indented(f"{one.promise}: {_meaning(one)}", width) for one in others if one is not None]
        return [*said, Text(f"{' ' * INDENT}Again: {printable(again)}", style="dim")] if again else said

    def _story(self, row: str, broken: Judgement, width: int) -> list[Text]:
        """Return what the promise means, what happened, and its first events."""
        finding = broken.findings[0] if broken.findings else None
        kind = (broken.promise, finding.kind if finding else row)
        if (before := self._told.setdefault(kind, row)) != row:
            return [_indented(f"{broken.promise}: as in {before}", width, style="red")]
        lines = [_indented(f"{broken.promise}: {_meaning(broken)}", width, style="bold red")]
        if finding is None:
            return lines
        lines.append(_indented(broken.reason, width))
        events = (f"{' ' * INDENT}{printable(event)}" for event in told(finding)[:SHOWN_EVENTS])
        return lines + [Text(_cut(event, width), style="dim") for event in events]


def _meaning(broken: Judgement) -> str:
    return IN_PLAIN_WORDS.get(broken.promise, broken.reason)


def _indented(text: str, width: int, *, style: str = "") -> Text:
    return Text(paragraph(text, width, first=" " * INDENT, indent=INDENT), style=style)


def _cut(line: str, width: int) -> str:
    return line if cell_len(line) <= width else f"{set_cell_size(line, width - 3)}..."
