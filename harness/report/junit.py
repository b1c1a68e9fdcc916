"""For CI servers: a test case per group, since most viewers merge equal names; attempts as k/n in the message."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TextIO
from xml.sax.saxutils import quoteattr

from harness.model import Status
from harness.report import Report, View, output, words
from harness.report.content.failure import failures
from harness.results.groups import Group
from harness.results.rows import GateRow
from harness.suite.axes import short_label

_ELEMENTS: dict[Status, str] = {
    "failed": "failure",
    "xpassed": "failure",
    "error": "error",
    "skipped": "skipped",
    "xfailed": "skipped",
}
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@output("junit", of="run")
def junit(report: Report, view: View, out: TextIO) -> None:
    """JUnit XML, for CI servers."""
    out.write('<?xml version="1.0" encoding="utf-8"?>\n')
    counted = _counted(list(report.summary.groups.values()), report)
    for name, number in _of_gates(report.gates).items():
        counted[name] += number
    counted.pop("skipped")
    out.write(f"<testsuites{_attributes(name='gemini-harness', **counted)}>\n")
    for suite, groups in report.summary.by_suite():
        out.writelines(_suite(suite, groups, report, view))
    if report.gates:
        out.writelines(_gates(report.gates))
    out.write("</testsuites>\n")


def _suite(suite: str, groups: Sequence[Group], report: Report, view: View) -> Iterator[str]:
    started = report.run["started"][:19]
    first = {"name": suite, "file": groups[0].place["file"], "timestamp": started, "hostname": "localhost"}
    yield f"  <testsuite{_attributes(**first, **_counted(groups, report))}>\n"
    yield "    <properties>\n"
    facts = {
        "run": report.run["id"],
        "record_mode": report.run["record_mode"],
        "provenance": words.provenance(report.summary),
        "simulated": str(words.simulated(report.summary)).lower(),
    }
    yield from (_property(name, value, 6) for name, value in facts.items())
    yield "    </properties>\n"
    told = failures(report, [group for group in groups if group.status in words.WRONG], view.answer)
    for group in groups:
        yield from _case(group, suite, report, told.get(group.id))
    yield "  </testsuite>\n"


def _case(group: Group, suite: str, report: Report, told: Sequence[str] | None) -> Iterator[str]:
    """``told``: the checks that failed it, where they did."""
    where = words.where(group)
    name = group.id.removeprefix(f"{suite}/")
    yield "    <testcase" + _attributes(
        classname=suite, name=name, file=where["file"], line=where["line"], time=f"{_time(group):.6f}"
    )
    yield ">\n      <properties>\n"
    yield from (_property(key, value, 8) for key, value in _facts(group))
    yield "      </properties>\n"
    element = _element(group, report)
    if element:
        yield _outcome(element, group, report, _body(group, report, told))
    yield "    </testcase>\n"


def _facts(group: Group) -> Iterator[tuple[str, str]]:
    yield "target", group.target
    yield from ((f"axis:{name}", short_label(name, value)) for name, value in group.axes.items())
    yield "attempts", f"{group.passed}/{group.attempts}"
    for measure in group.measures:
        middle = group.typical(measure)
        if middle is not None:
            yield measure, f"{middle:g}"
    if group.tally.warnings:
        yield "warnings", str(group.tally.warnings)


def _of_gates(gates: Sequence[GateRow]) -> dict[str, int]:
    crossed = [each["crossed"] for each in gates if each["asked"]]
    skipped = len(gates) - len(crossed)
    return {"tests": len(gates), "failures": crossed.count(True), "errors": crossed.count(None), "skipped": skipped}


def _gates(gates: Sequence[GateRow]) -> Iterator[str]:
    """What the run was held to, as a suite of its own."""
    yield f"  <testsuite{_attributes(name='gates', **_of_gates(gates))}>\n"
    for each in gates:
        yield f"    <testcase{_attributes(classname='gates', name=words.gate(each))}>\n"
        if each["crossed"] is not False:
            kind = "failure" if each["crossed"] else "error" if each["asked"] else "skipped"
            yield f"      <{kind}{_attributes(message=each['message'], type='gate')}/>\n"
        yield "    </testcase>\n"
    yield "  </testsuite>\n"


def _element(group: Group, report: Report) -> str | None:
    """What a gate forgives is *skipped*, as pytest writes a failure that was expected: servers fail a build for a *failure*, whatever
    the exit code says, and show of a test that passed nothing more."""
    return "skipped" if report.forgiven(group) else _ELEMENTS.get(group.status)


def _outcome(element: str, group: Group, report: Report, body: str) -> str:
    needs = words.needs(group)
    reason = group.xfail if group.status == "xfailed" else words.why(group)
    message = words.shortened(": ".join(filter(None, [needs, reason])), 300)
    forgiven = report.forgiven(group)
    if forgiven:
        allowed = f"failed, and forgiven, since {words.gate(forgiven)} holds: {message}"
        return f"      <skipped{_attributes(message=allowed, type='forgiven')}>{_text(body)}</skipped>\n"
    if element == "skipped":
        return f"      <skipped{_attributes(message=message)}/>\n"
    kind = group.trouble.verdict["check"] if group.trouble and group.trouble.verdict else group.status
    return f"      <{element}{_attributes(message=message, type=kind)}>{_text(body)}</{element}>\n"


def _body(group: Group, report: Report, told: Sequence[str] | None) -> str:
    lines = [words.place(words.where(group)), words.why(group)]
    if told is not None and group.trouble is not None:
        lines = [*told, *filter(None, [words.apart(group)]), f"in {group.trouble.trial}"]
    return "\n".join([*lines, f"again: {words.rerun(group, report.run)}"])


def _counted(groups: Sequence[Group], report: Report) -> dict[str, Any]:
    counts = Counter(_element(group, report) or "passed" for group in groups)
    return {
        "tests": len(groups),
        "failures": counts["failure"],
        "errors": counts["error"],
        "skipped": counts["skipped"],
        "time": f"{sum(map(_time, groups)):.6f}",
    }


def _time(group: Group) -> float:
    return group.measured("latency_s").total


def _property(name: str, value: str, indent: int) -> str:
    return f"{' ' * indent}<property{_attributes(name=name, value=value)}/>\n"


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(_legal(str(value)))}" for name, value in values.items())


def _text(value: str) -> str:
    return _legal(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _legal(text: str) -> str:
    """Characters that XML 1.0 cannot hold are spelled out."""
    return _FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
