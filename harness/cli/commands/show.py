"""``show``: show the exact request of a trial, the origin of its parts, and the curl command for it."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from harness.cli import from_options, request_code
from harness.cli import options as shared
from harness.errors import UsageError
from harness.gemini.providers import Provider
from harness.model import ApiCall, Request, Step, Trial
from harness.report.curl import curl
from harness.results.rows import dumps
from harness.run.play import prepare
from harness.run.session import Plan
from harness.suite import template

ABOUT = "show the exact request of a trial, the origin of its parts, and the command or code that sends it"
EXAMPLES = (
    "gemini-harness show two-trains",
    "gemini-harness show weather --model gemini-3.1-pro-preview",
    "gemini-harness show two-trains --python > ask.py",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("trial", metavar="TRIAL", nargs="?", help="a trial's id, or an unambiguous part of it; or -k")
    shared.suites(parser)
    shared.selection(parser)
    code = parser.add_mutually_exclusive_group()
    code.add_argument("--python", action="store_true", help="print code for google-genai that sends the same request")
    code.add_argument(
        "--js", action="store_true", help="print JavaScript for @google/genai that sends the same request"
    )


def main(options: Namespace) -> int:
    text = _wanted(options)
    plan = from_options.plan(options)
    trial = _found(plan, text)
    request = prepare(trial, plan.config)
    provider = plan.config.find(trial.target.provider)
    if options.python or options.js:
        sys.stdout.writelines(f"{'//' if options.js else '#'} {line}\n" for line in request_code.note(provider))
        write = request_code.javascript if options.js else request_code.python
        sys.stdout.write(write(request, provider))
        return 0
    sys.stdout.writelines(f"{line}\n" for line in _shown(trial, request, provider))
    return 0


def _wanted(options: Namespace) -> str:
    """The part of an id that is looked for. With ``-k`` all words are paths, as in commands that ``run`` prints. Raises UsageError."""
    if options.keyword:
        options.paths = [*filter(None, [options.trial]), *options.paths]
        return ""
    if not options.trial or options.trial.endswith((".yaml", ".yml")):
        words = f"gemini-harness show TRIAL {options.trial or 'PATH'}"
        raise UsageError(f"the trial comes first: {words}; `gemini-harness list` prints their ids")
    if "/" in (target := options.trial.partition("@")[2]) and not (options.target or options.provider):
        options.provider = [target.partition("/")[0]]
    return str(options.trial)


def _found(plan: Plan, text: str) -> Trial:
    """The trial with this id, or of the only group whose id contains the text. Raises UsageError with the nearest ids."""
    groups: dict[str, Trial] = {}
    for trial in plan.trials:
        if text in trial.id:
            groups.setdefault(trial.group, trial)
    if len(groups) == 1 or text in groups:
        return plan.trials.find(text) if "#" in text else groups.get(text) or next(iter(groups.values()))
    if groups and not any(trial.id == text for trial in groups.values()):
        shown = "\n".join(f"  {group}" for group in list(groups)[:10])
        how = f"{text!r} is part of" if text else "-k selects"
        raise UsageError(f"{how} {len(groups)} ids; give a longer part:\n{shown}")
    return plan.trials.find(text)


def _shown(trial: Trial, request: Request, provider: Provider) -> Iterator[str]:
    yield trial.id
    yield f"{trial.place}" + (f"  {trial.about}" if trial.about else "")
    yield f"cassette {trial.cassette}"
    yield ""
    yield f"{request.method} {request.url}"
    yield from (f"{name}: {value}" for name, value in request.headers.items())
    yield ""
    if request.body is not None:
        yield json.dumps(request.body, indent=2, ensure_ascii=False)
        yield ""
    first = next(number for number, step in enumerate(trial.steps) if step.sends)
    if trial.steps[first].call is None:
        yield from _origins(trial.steps[first])
        yield ""
    asked = trial.steps[first].call is None
    for number, step in enumerate(trial.steps[first + 1 :], start=first + 2):
        yield from _later(number, step, goes_on=asked)
        yield ""
        asked = asked or step.call is None
    yield from _curl(request, provider.as_accessed(trial.access), trial.steps[first].call)


def _origins(step: Step) -> Iterator[str]:
    yield "where it came from"
    origins = {**step.origins(), "$.contents": f"the case's first turn, {step.place}"}
    longest = max(map(len, origins), default=0)
    yield from (f"  {path:{longest}}  {origin}" for path, origin in origins.items())


def _later(number: int, step: Step, *, goes_on: bool) -> Iterator[str]:
    if step.call is not None:
        yield from _later_call(number, step, step.call)
        return
    what = "a scripted answer, for which nothing is sent" if step.script else "a request"
    before = "the answer goes back as it came, and " if goes_on else ""
    yield f"then turn {number}: {before}{what} ({step.place})"
    yield from (f"  {dumps(content)}" for content in [*step.contents, *(step.script or [])])
    replies = step.replies or {}
    pairs = (
        replies.items() if isinstance(replies, Mapping) else ((reply["name"], reply["response"]) for reply in replies)
    )
    yield from (f"  the result of {name}: {dumps(value)}" for name, value in pairs)
    if step.body != {}:
        yield from (f"  {name}: {dumps(value)}" for name, value in step.body.items() if template.has_references(value))


def _later_call(number: int, step: Step, call: ApiCall) -> Iterator[str]:
    when = "at the end, whatever happened" if step.cleanup else f"then turn {number}"
    yield f"{when}: {call} ({step.place})"
    if call.upload is not None:
        yield f"  the file {call.upload}"
    if call.body is not None:
        yield f"  {dumps(call.body)}"
    if call.poll is not None:
        yield f"  every {call.poll.every:g} s, for {call.poll.limit:g} s, until {dumps(call.poll.wanted)}"


def _curl(request: Request, provider: Provider, call: ApiCall | None) -> Iterator[str]:
    yield from (f"# {line}" for line in request_code.note(provider))
    if call is not None and call.upload is not None:
        yield f"# BODY stands for two parts: JSON, and the content of {call.upload}"
    in_use = tuple(name for name in provider.keys if os.environ.get(name))
    body = "@BODY" if call is not None and call.upload is not None else request.content.decode()
    yield from curl(
        request.url,
        body,
        method=request.method,
        headers=request.headers,
        key_headers=replace(provider, keys=in_use or provider.keys).key_headers,
        stream=request.transport == "stream",
    )
