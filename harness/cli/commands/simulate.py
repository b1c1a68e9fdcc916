"""``simulate``: serve a simulated Gemini endpoint on this machine, until Ctrl-C."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from harness.cli import options as shared
from harness.errors import UsageError
from harness.simulator import faults, profiles, replay, rules, serve
from harness.simulator.catalogue import AS_OF
from harness.simulator.faults import EVERY
from harness.simulator.profiles import GOOGLE, PROFILES, Profile
from harness.simulator.serve import HOST, PORT
from harness.text.shape import nearest
from harness.transport.recordings import check_exist

ABOUT = "serve a simulated Gemini endpoint on this machine"
EXAMPLES = (
    "gemini-harness simulate",
    "gemini-harness simulate --port 0 --fault no-usage:0.1",
    "gemini-harness simulate --profile comet --as-of 2026-12-05",
)
_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s)?")


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--host", default=HOST, help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="the port (default: %(default)s; 0: any free one)")
    parser.add_argument(
        "--latency", type=seconds, default=0.0, metavar="TIME", help="wait before the first byte: 100ms, 2s"
    )
    parser.add_argument("--pace", type=seconds, default=0.0, metavar="TIME", help="wait between the chunks of a stream")
    parser.add_argument("--seed", default="", help="a text; another seed gives other answers")
    parser.add_argument("--vary", action="store_true", help="answer repetitions of a request differently")
    parser.add_argument("--strict-models", action="store_true", help="answer 404 for models that were shut down")
    parser.add_argument(
        "--as-of",
        type=shared.day,
        default=AS_OF,
        metavar="DATE",
        help="route retired models as on this day (default: %(default)s)",
    )
    parser.add_argument(
        "--profile", default=GOOGLE.name, metavar="NAME", help="answer as this endpoint does (default: %(default)s)"
    )
    parser.add_argument("--profiles", action="store_true", help="list the profiles and exit")
    parser.add_argument(
        "--rules", type=Path, metavar="FILE", help="a YAML file with fixed answers by model, text and configuration"
    )
    parser.add_argument(
        "--replay",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="answer only the requests of these recordings (repeatable)",
    )
    shared.repeatable(
        parser, "--fault", "NAME[:RATE]", "apply this fault to every answer, or to a share of them, 0 to 1 (repeatable)"
    )
    parser.add_argument(
        "--faults",
        action="store_true",
        help="list the faults, the invariants that find them, and the marks for prompts, and exit",
    )


def main(options: Namespace) -> int:
    """Serve until Ctrl-C, or list the faults or the profiles. Raises UsageError."""
    if options.faults or options.profiles:
        print(faults.listing() if options.faults else profiles.listing())
        return 0
    pinned = rules.load(options.rules) if options.rules else ()
    settings: dict[str, Any] = {name: getattr(options, name) for name in ("latency", "pace", "seed", "vary")}
    settings |= {"rules": pinned, "faults": dict(map(_rated, options.fault)), "strict": options.strict_models}
    settings |= {"as_of": options.as_of, "profile": _profile(options.profile)}
    check_exist(options.replay)
    settings["replay"] = replay.load(options.replay) if options.replay else None
    serve.serve(options.host, options.port, **settings)
    return 0


def seconds(text: str) -> float:
    """``100ms``, ``2s``, ``0.5``. Raises ArgumentTypeError for anything else, and for 10 and more without a unit."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ArgumentTypeError(f"{text!r} is not a time: write 100ms or 2s")
    if not found[2] and float(found[1]) >= 10:
        raise ArgumentTypeError(f"{text!r} has no unit: write {found[1]}ms or {found[1]}s")
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise UsageError(f"--profile: no profile is called {name!r}; {nearest(name, PROFILES)}")
    return PROFILES[name]


def _rated(text: str) -> tuple[Any, float]:
    name, _, rate = text.partition(":")
    if name not in EVERY:
        near = nearest(name, EVERY)
        raise UsageError(f"--fault: no fault is called {name!r}; {f'{near} ' * bool(near)}--faults lists them")
    try:
        share = float(rate or 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"--fault {text}: expected a rate from 0 to 1, not {rate!r}")
    return EVERY[name], share
