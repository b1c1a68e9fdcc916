"""Failures by their cause: groups that fail for one reason are one entry, with the first two of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from harness.model import Status
from harness.report import Report, View, words
from harness.report.blocks import Block, Code, Heading, Item, Items, Level, Lines, Pair, Paragraph, Styled
from harness.report.content.failure import failed_by_checks, failed_lines
from harness.results.groups import FirstFailure, Group
from harness.results.rows import RunRow, dumps
from harness.text.amounts import count
from harness.text.grouping import grouped

_SHOWN = 2
"""How many groups of a cause are shown, if not all are."""
_ON_A_PAGE, _UNFOLDED = 100, 8
"""How many causes a page shows, and how many of them without a click. Its list of trials has all failures."""
_ADDRESS = r"https?://([^/\s]+)\S*?(?=[.:;,)]*(?:\s|$))"
_TRIES = r" (after|in)? ?\(?\d+ attempts?\)?"
_MISSING = {
    "no-recording": ("{} missing", "record them", "new_episodes"),
    "stale-recording": ("{} of requests that have changed since", "record them again", "stale"),
}
"""Cause -> its title with the number of recordings, and the record mode that mends it."""


class Cause(Struct, frozen=True):
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
    return re.sub(_TRIES, "", re.sub(_ADDRESS, r"\1", trouble.message))


def _reason(trouble: FirstFailure) -> str:
    if trouble.verdict is None:
        return words.printable(_sentence(trouble).partition("\n")[0])
    return words.shortened(words.reason(trouble), 200)


def _cause(groups: Sequence[Group], shown: Sequence[Group], run: RunRow) -> Cause:
    trouble = groups[0].trouble
    title, remedy = "", f"again: {words.rerun(groups[0], run)}"
    if len(groups) > 1 and trouble is not None and trouble.cause in _MISSING:
        title, what, mode = _MISSING[trouble.cause]
        title = title.format(f"{count(len(groups), 'recording')} are")
        remedy = f"{what}: {words.same_command(run, '--record-mode', mode)}"
    elif len(groups) > 1 and trouble is not None:
        known = [group.trouble for group in groups if group.trouble]
        reasons = [_reason(trouble) for trouble in known]
        failed = sum(map(Group.alike, groups, known))
        cells = f" of {len(groups):,} cells" if failed > len(groups) else ""
        first = ", the first" if len(set(reasons)) > 1 else ""
        title = f"{count(failed, 'trial')}{cells}{first}: {reasons[0]}"
        remedy = f"again, with all others that failed: {words.command('run', '--last-failed', run['id'])}"
    return Cause(groups[0].status, tuple(groups), title, remedy, tuple(shown))


def failures(report: Report, view: View) -> Iterator[Block]:
    """What failed in a run, cause by cause, with as many causes, and texts as long, as the view shows."""
    wrong = (group for group in report.summary.groups.values() if group.status in words.WRONG)
    most = _SHOWN if view.details else None
    every = [_cause(alike, alike[:most], report.run) for alike in grouped(wrong, _key).values()]
    limits = {"html": _ON_A_PAGE, "github": None}
    some = every[: limits.get(view.format, view.details)]
    if not some:
        return
    if view.format not in ("table", "github"):
        yield Heading("failures")
    shown = [group for cause in some for group in cause.shown]
    details = {} if view.page else failed_lines(report, shown, view.answer)
    last = {cause.remedy: cause for cause in some}.values()  # one command may cover several causes
    items = [
        _item(cause, details, report, view, remedy=view.format in ("html", "github") or cause in last) for cause in some
    ]
    yield from [Items(items, _UNFOLDED)] if view.page else [Items([item]) for item in items]
    if len(some) < len(every):
        yield Paragraph([f"and {len(every) - len(some):,} more: ", Code(words.whole_report(report, view))])
    if first := next(filter(None, (_id(cause.groups[0].trouble) for cause in some)), ""):
        yield Paragraph(["What is behind an id: ", Code(words.command("explain", first))])


def _item(cause: Cause, details: Mapping[str, list[str]], report: Report, view: View, *, remedy: bool) -> Item:
    forgiving = next(filter(None, map(report.forgiven, cause.groups)), None)
    level: Level = "warning" if forgiving or cause.status == "error" else "error"
    place = words.where(cause.groups[0])
    mark = [Styled(words.MARKS[cause.status], status=cause.status), " "]
    what, _, command = cause.remedy.partition(": ")
    more = [cause.more, f"forgiven: {words.gate(forgiving)}" if forgiving else ""]
    ending = [*(Paragraph([text]) for text in more if text), *([Paragraph([f"{what}: ", Code(command)])] * remedy)]
    if view.format == "github" and (known := _id(cause.groups[0].trouble)):
        ending.append(Paragraph(["what that is: ", Code(words.command("explain", known))]))
    if view.page:
        inside = [Item(_head(group), list(_mismatches(group, cause))) for group in cause.shown]
    else:
        inside = [Item(_head(group), lines) for group, lines in _lines(cause, details)]
    if cause.title:
        return Item([*mark, cause.title], [Items(inside), *ending], level, place)
    (alone,) = inside
    return Item([*mark, *alone.head], [*alone.blocks, *ending], level, place)


def _head(group: Group) -> list[str]:
    needs = words.needs(group)
    return [Styled(group.id, opens=group.id), *([f"  {needs}"] if needs else [])]


def _mismatches(group: Group, cause: Cause) -> Iterator[Block]:
    """The first failed check of a group, with both sides, for a page that has the whole trial besides."""
    known = group.trouble
    if known is None or known.verdict is None or not failed_by_checks(group):
        yield from (Paragraph([line]) for line in words.why(group).splitlines() if not _repeats(line, cause))
        return
    message, *sides = words.expected_and_actual(known.verdict, 600)
    at = known.verdict.at
    check = " ".join(dict.fromkeys([known.verdict.check, *([at] if at else [])]))
    more = f" (and {known.more:,} more of the same attempt)" if known.more else ""
    yield Paragraph([words.place(words.where(group)), "  ", Code(check), f" {message}{more}".rstrip()])
    if any(sides):
        yield Pair((["expected"], ["actual"]), (sides[0], sides[1]))
    if apart := words.disagreement(group):
        yield Paragraph([apart])


def _id(trouble: FirstFailure | None) -> str:
    if trouble is None:
        return ""
    return trouble.verdict.check.removeprefix("invariant:") if trouble.verdict else trouble.cause


def _lines(cause: Cause, details: Mapping[str, list[str]]) -> Iterator[tuple[Group, list[Block]]]:
    """The groups that are shown, with what is known of each. What repeats the group before it is left out."""
    before: list[str] = []
    for group in cause.shown:
        found = [line for line in _details(group, details.get(group.id)) if not _repeats(line.strip(), cause)]
        yield group, [Lines(found, failed_by_checks(group))] if found and found != before else []
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
