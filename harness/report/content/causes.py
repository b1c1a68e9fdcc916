"""Failures by their cause: groups that fail for one reason are shown as one entry, with the first two of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.model import Status
from harness.report import Report, View, words
from harness.report.content.failure import failures
from harness.results.groups import FirstFailure, Group
from harness.results.rows import RunRow, dumps
from harness.text.amounts import count

_SHOWN = 2
"""How many groups of a cause are shown, if not all are."""
_ADDRESS = re.compile(r"https?://([^/\s]+)\S*")
_TRIES = re.compile(r" (after|in)? ?\(?\d+ attempts?\)?")
_MISSING = {
    "no-recording": ("{} missing", "record them", "new_episodes"),
    "stale-recording": ("{} of requests that have changed since", "record them again", "stale"),
}
"""Cause -> its title with the number of recordings, and the record mode that mends it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Groups of one status that fail for the same reason, in the order of the run. ``remedy``: a command, with what it does."""

    status: Status
    groups: tuple[Group, ...]
    title: str
    remedy: str

    shown: tuple[Group, ...]

    @property
    def more(self) -> str:
        """The groups that are not shown, in a line; empty if there are none."""
        rest = self.groups[len(self.shown) :]
        named = ", ".join(group.id for group in rest[:3]) + (", ..." if len(rest) > 3 else "")
        return f"the same for {len(rest):,} more: {named}" if rest else ""


def causes(report: Report, groups: Iterable[Group], most: int | None = _SHOWN) -> list[Cause]:
    """The groups by what made them fail, each cause at the place of its first group. ``most``: how many groups of a cause are shown; None: all."""
    found: dict[object, list[Group]] = {}
    for group in groups:
        found.setdefault(_key(group), []).append(group)
    return [_cause(together, together[:most], report.run) for together in found.values()]


def _key(group: Group) -> object:
    trouble = group.trouble
    if trouble is None or group.status == "xpassed" or words.only_modes_disagree(group):
        return group.id
    if trouble.verdict is None:
        return group.status, trouble.cause if trouble.cause in _MISSING else _sentence(trouble)
    row = trouble.verdict
    if row.check.startswith("invariant:"):
        return group.status, group.target.partition("/")[0], row.check, row.message, dumps(row.expected)
    return group.status, group.case, row.check, row.at, words.place(row.place or group.place)


def _sentence(trouble: FirstFailure) -> str:
    """An error without what differs from trial to trial: addresses below the host, and how often it was tried."""
    return _TRIES.sub("", _ADDRESS.sub(r"\1", trouble.message))


def _cause(groups: Sequence[Group], shown: Sequence[Group], run: RunRow) -> Cause:
    first, *others = groups
    trouble = first.trouble
    if not others or trouble is None:
        return Cause(first.status, tuple(groups), "", f"again: {words.rerun(first, run)}", tuple(shown))
    if trouble.cause in _MISSING:
        title, what, mode = _MISSING[trouble.cause]
        number = f"{count(len(groups), 'recording')} are"
        command = words.same_command(run, "--record-mode", mode)
        return Cause(first.status, tuple(groups), title.format(number), f"{what}: {command}", tuple(shown))
    message = _sentence(trouble).partition("\n")[0]
    reason = words.printable(message) if trouble.verdict is None else words.shortened(words.reason(trouble), 200)
    failed = sum(group.attempts - group.passed for group in groups)
    cells = f" of {len(groups):,} cells" if failed > len(groups) else ""
    title = f"{count(failed, 'trial')}{cells}: {reason}"
    again = words.command("run", "--last-failed", run["id"])
    return Cause(first.status, tuple(groups), title, f"again, with all others that failed: {again}", tuple(shown))


@dataclass(frozen=True, slots=True)
class FailedCauses:
    """``shown``: the causes with the lines of their first groups. ``more``: the number of those that the view leaves out, as text.
    ``first_id``: what `explain` can be asked about the first of them; empty if nothing."""

    shown: list[tuple[Cause, list[tuple[Group, list[str]]]]]
    more: str
    first_id: str


def failed_causes(report: Report, view: View) -> FailedCauses:
    """What failed in a run, with as many causes, and texts as long, as the view shows."""
    wrong = [group for group in report.summary.groups.values() if group.status in words.WRONG]
    every = causes(report, wrong, _SHOWN if view.details else None)
    some = every[: view.details]
    details = failures(report, [group for cause in some for group in cause.shown], view.answer)
    shown = [(cause, list(_lines(cause, details))) for cause in some]
    left = len(every) - len(some)
    ids = (_id(cause.groups[0].trouble) for cause in some)
    return FailedCauses(shown, f"{left:,} more" if left else "", next(filter(None, ids), ""))


def _id(trouble: FirstFailure | None) -> str:
    if trouble is None:
        return ""
    return trouble.verdict.check.removeprefix("invariant:") if trouble.verdict else trouble.cause


def _lines(cause: Cause, details: dict[str, list[str]]) -> Iterator[tuple[Group, list[str]]]:
    """The groups that are shown, with what is known of each. What repeats the group before it is left out."""
    before: list[str] = []
    for group in cause.shown:
        found = [line for line in _details(group, details.get(group.id)) if not _repeats(line.strip(), cause)]
        yield group, found if found != before else []
        before = found


def _repeats(line: str, cause: Cause) -> bool:
    """Whether a line of a group says what the title or the remedy says for all groups."""
    trouble = cause.groups[0].trouble
    remedied = trouble is not None and trouble.cause in _MISSING and line.startswith("record it:")
    return bool(cause.title) and (remedied or cause.title.endswith(f": {line}"))


def _details(group: Group, lines: list[str] | None) -> list[str]:
    if lines is not None:
        apart = words.disagreement(group)
        return [*lines, f"  {apart}"] if apart else lines
    return [words.place(words.where(group)), *(f"  {line}" for line in words.why(group).splitlines())]
