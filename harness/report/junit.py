"""For CI servers: a test case per group of a run, with its attempts as k/n in the message. Most viewers would merge attempts by name."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO
from xml.sax.saxutils import escape, quoteattr

from harness.errors import HarnessError, SuiteError
from harness.model import Status
from harness.report import Report, View, output, words
from harness.report.content.failure import failed_lines
from harness.results.groups import Group
from harness.results.rows import GateRow
from harness.suite.axes import short_label
from harness.text.yamltext import Complaint

if TYPE_CHECKING:
    from harness.compare.comparison import Comparison, Comparisons

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
    counted = _group_counts(list(report.summary.groups.values()), report)
    for name, number in _gate_counts(report.gates).items():
        counted[name] += number
    counted.pop("skipped")
    out.write(f"<testsuites{_attributes(name='gemini-harness', **counted)}>\n")
    for suite, groups in report.summary.by_suite():
        out.writelines(_suite(suite, groups, report, view))
    if report.gates:
        out.writelines(_gate_suite(report.gates))
    out.write("</testsuites>\n")


@output("junit", of="comparison")
def compared_junit(document: Comparison | Comparisons, _view: View, out: TextIO) -> None:
    """JUnit XML, for CI servers."""
    out.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="gemini-harness">\n')
    for comparison in document.comparisons:
        out.writelines(_compared(comparison))
    out.write("</testsuites>\n")


def _compared(comparison: Comparison) -> Iterator[str]:
    """A case for the bottom line, and one for each gate. A case fails only where the exit code says so."""
    gates = [gate.to_json() for gate in comparison.gates]
    wrong = "failure" if comparison.breaks else "" if comparison.judged else "error"
    bottom = {"tests": 1, "failures": int(wrong == "failure"), "errors": int(wrong == "error"), "skipped": 0}
    counts = {name: number + bottom[name] for name, number in _gate_counts(gates).items()}
    line = str(comparison.conclusion)
    yield f"  <testsuite{_attributes(name=f'{comparison.candidate} against {comparison.reference}', **counts)}>\n"
    simulated = _property("simulated", str(comparison.simulated).lower(), 6)
    yield f"    <properties>\n{simulated}    </properties>\n"
    yield f"    <testcase{_attributes(classname='comparison', name='bottom line')}>\n"
    yield (
        f"      <{wrong}{_attributes(message=line)}/>\n" if wrong else f"      <system-out>{_text(line)}</system-out>\n"
    )
    yield "    </testcase>\n"
    yield from _gate_cases(gates)
    yield "  </testsuite>\n"


def error_document(error: HarnessError, hidden: Callable[[str], str]) -> str:
    """JUnit XML for a command that could not begin: an error for each complaint. ``hidden`` takes secrets out of a text."""
    complaints = error.complaints if isinstance(error, SuiteError) else (error,)
    counts = _attributes(name="gemini-harness", tests=len(complaints), failures=0, errors=len(complaints), time=0)
    cases = []
    for one in complaints:
        place, message = (one.place, one.message) if isinstance(one, Complaint) else (None, str(one))
        about = {"name": place, "file": place.file, "line": place.line} if place else {"name": "the command begins"}
        wrong = (
            f"<error{_attributes(message=hidden(message), type=type(error).__name__)}>{_text(hidden(str(one)))}</error>"
        )
        cases.append(f"<testcase{_attributes(classname='gemini-harness', **about)}>{wrong}</testcase>\n")
    suite = f"<testsuite{counts}>\n{''.join(cases)}</testsuite>\n"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites{counts}>\n{suite}</testsuites>\n'


def _suite(suite: str, groups: Sequence[Group], report: Report, view: View) -> Iterator[str]:
    started = report.run["started"][:19]
    first = {"name": suite, "file": groups[0].place.file, "timestamp": started, "hostname": "localhost"}
    yield f"  <testsuite{_attributes(**first, **_group_counts(groups, report))}>\n"
    yield "    <properties>\n"
    facts = {
        "run": report.run["id"],
        "record_mode": report.run["record_mode"],
        "provenance": words.provenance(report.summary),
        "simulated": str(words.simulated(report.summary)).lower(),
    }
    yield from (_property(name, value, 6) for name, value in facts.items())
    yield "    </properties>\n"
    details = failed_lines(report, [group for group in groups if group.status in words.WRONG], view.answer)
    for group in groups:
        yield from _case(group, suite, report, details.get(group.id))
    yield "  </testsuite>\n"


def _case(group: Group, suite: str, report: Report, details: Sequence[str] | None) -> Iterator[str]:
    """``details``: the lines of the failed checks; None where no check failed it."""
    where = words.where(group)
    name = group.id.removeprefix(f"{suite}/")
    yield "    <testcase" + _attributes(
        classname=suite, name=name, file=where.file, line=where.line, time=f"{_time(group):.6f}"
    )
    yield ">\n      <properties>\n"
    yield from (_property(key, value, 8) for key, value in _facts(group))
    yield "      </properties>\n"
    element = _element(group, report)
    if element:
        yield _outcome(element, group, report, _body(group, report, details))
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


def _gate_counts(gates: Sequence[GateRow]) -> dict[str, int]:
    crossed = [gate["crossed"] for gate in gates if gate["asked"]]
    skipped = len(gates) - len(crossed)
    return {"tests": len(gates), "failures": crossed.count(True), "errors": crossed.count(None), "skipped": skipped}


def _gate_suite(gates: Sequence[GateRow]) -> Iterator[str]:
    yield f"  <testsuite{_attributes(name='gates', **_gate_counts(gates))}>\n"
    yield from _gate_cases(gates)
    yield "  </testsuite>\n"


def _gate_cases(gates: Sequence[GateRow]) -> Iterator[str]:
    for gate in gates:
        yield f"    <testcase{_attributes(classname='gates', name=words.gate(gate))}>\n"
        if gate["crossed"] is not False:
            kind = "failure" if gate["crossed"] else "error" if gate["asked"] else "skipped"
            yield f"      <{kind}{_attributes(message=gate['message'], type='gate')}/>\n"
        yield "    </testcase>\n"


def _element(group: Group, report: Report) -> str | None:
    """The JUnit element of a group; None if it passed.

    A forgiven group is *skipped*, as pytest writes an expected failure. Servers fail a build for a *failure*, whatever the exit
    code is, and show no message for a test that passed.
    """
    return "skipped" if report.forgiven(group) else _ELEMENTS.get(group.status)


def _outcome(element: str, group: Group, report: Report, body: str) -> str:
    needs = words.needs(group)
    reason = group.xfail if group.status == "xfailed" else words.why(group)
    message = words.one_line(": ".join(filter(None, [needs, reason])), 300)
    forgiven = report.forgiven(group)
    if forgiven:
        allowed = f"failed, but forgiven because {words.gate(forgiven)} holds: {message}"
        return f"      <skipped{_attributes(message=allowed, type='forgiven')}>{_text(body)}</skipped>\n"
    if element == "skipped":
        return f"      <skipped{_attributes(message=message)}/>\n"
    trouble = group.trouble
    kind = (trouble.verdict.check if trouble.verdict else trouble.cause) if trouble else ""
    return f"      <{element}{_attributes(message=message, type=kind or group.status)}>{_text(body)}</{element}>\n"


def _body(group: Group, report: Report, details: Sequence[str] | None) -> str:
    lines = [words.place(words.where(group)), words.why(group)]
    if details is not None and group.trouble is not None:
        lines = [*details, *filter(None, [words.disagreement(group)]), f"in {group.trouble.trial}"]
    return "\n".join([*lines, f"again: {words.rerun(group, report.run)}"])


def _group_counts(groups: Sequence[Group], report: Report) -> dict[str, Any]:
    counts = Counter(_element(group, report) or "passed" for group in groups)
    return {
        "tests": len(groups),
        "failures": counts["failure"],
        "errors": counts["error"],
        "skipped": counts["skipped"],
        "time": f"{sum(map(_time, groups)):.6f}",
    }


def _time(group: Group) -> float:
    return math.fsum(group.values("latency_s"))


def _property(name: str, value: str, indent: int) -> str:
    return f"{' ' * indent}<property{_attributes(name=name, value=value)}/>\n"


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(_legal(str(value)))}" for name, value in values.items())


def _text(value: str) -> str:
    return escape(_legal(value))


def _legal(text: str) -> str:
    """The text with escapes for the characters that XML 1.0 does not allow."""
    return _FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
