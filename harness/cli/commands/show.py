"""``show``: show the exact request of a trial, the origin of its parts, and the curl command for it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace

from harness.cli import from_options
from harness.cli import options as shared
from harness.errors import UsageError
from harness.gemini.providers import SIMULATOR_URL, Provider
from harness.model import Request, Step, Trial
from harness.results.rows import dumps
from harness.run.play import prepare
from harness.run.session import Plan

ABOUT = "show the exact request of a trial, the origin of its parts, and the curl command for it"
EXAMPLES = (
    "gemini-harness show two-trains",
    "gemini-harness show weather --model gemini-3.1-pro-preview",
)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("trial", metavar="TRIAL", help="a trial's id, or an unambiguous part of it")
    shared.suites(parser)
    shared.selection(parser, keyword=False)


def main(options: Namespace) -> int:
    plan = from_options.plan(options)
    trial = _found(plan, options.trial)
    request = prepare(trial, plan.config)
    provider = plan.config.find(trial.target.provider)
    sys.stdout.writelines(f"{line}\n" for line in _shown(trial, request, provider))
    return 0


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
        raise UsageError(f"{text!r} is part of {len(groups)} ids; give a longer part:\n{shown}")
    return plan.trials.find(text)


def _shown(trial: Trial, request: Request, provider: Provider) -> Iterator[str]:
    yield trial.id
    yield f"{trial.place}" + (f"  {trial.about}" if trial.about else "")
    yield f"cassette {trial.cassette}"
    yield ""
    yield f"{request.method} {request.url}"
    yield from (f"{name}: {value}" for name, value in request.headers.items())
    yield ""
    yield json.dumps(request.body, indent=2, ensure_ascii=False)
    yield ""
    yield "where it came from"
    origins = {**trial.steps[0].origins, "$.contents": f"the case's first turn, {trial.steps[0].place}"}
    longest = max(map(len, origins))
    yield from (f"  {path:{longest}}  {origin}" for path, origin in origins.items())
    for number, step in enumerate(trial.steps[1:], start=2):
        yield ""
        yield from _later(number, step)
    yield ""
    yield from _curl(request, provider)


def _later(number: int, step: Step) -> Iterator[str]:
    yield f"then request {number}: the answer goes back as it came, and ({step.place})"
    for content in step.contents:
        yield f"  {dumps(content)}"
    for name, value in (step.replies or {}).items():
        yield f"  the result of {name}: {dumps(value)}"


def _curl(request: Request, provider: Provider) -> Iterator[str]:
    if request.url.startswith(SIMULATOR_URL):
        yield f"# {SIMULATOR_URL} stands for a simulator that a run starts; `gemini-harness simulate` starts one and prints its address"
    yield f"curl {shlex.quote(request.url)} \\"
    for name, value in request.headers.items():
        yield f"  -H {shlex.quote(f'{name}: {value}')} \\"
    in_use = tuple(name for name in provider.keys if os.environ.get(name))
    provider = replace(provider, keys=in_use or provider.keys)
    if provider.key_header:
        yield f'  -H "{provider.key_header}" \\'
    if request.transport == "stream":
        yield "  --no-buffer \\"
    yield f"  --data-raw {shlex.quote(request.content.decode())}"
