"""Command-line options -> configuration, selection and plan."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from msgspec.structs import replace

from harness.config import MOST_IN_FLIGHT, Config, load
from harness.errors import UsageError
from harness.run import session
from harness.suite.matrix import Selection


def config(options: Namespace, folder: Path = Path()) -> Config:
    """The configuration of the folder, overridden by the command line."""
    given = {name: value for name, value in vars(options).items() if value}
    limits = {name: given[name] for name in ("concurrency", "max_cost") if name in given}
    if given.get("concurrency", 0) > MOST_IN_FLIGHT:
        raise UsageError(f"--concurrency {given['concurrency']}: at most {MOST_IN_FLIGHT:,}")
    folders = {name: Path(given[name]) for name in ("cassettes", "reports") if name in given}
    outside, texts = "allow_outside_files" in given, given.get("var", [])
    repeated = [part for name in ("cassettes", "repeat") if name in given for part in (f"--{name}", str(given[name]))]
    repeated += ["--allow-outside-files"] * outside
    repeated += [part for text in texts for part in ("--var", text)]
    variables = session.variables(texts)
    changes = {"repeated": tuple(repeated), "outside_files": outside, "variables": variables}
    return replace(load(folder), **folders, **limits, **changes)


def selection(options: Namespace, settings: Config) -> Selection:
    """Which trials the options choose. A command may lack any of them."""
    given = vars(options)
    return Selection(
        targets=session.targets(given.get("target", [])),
        providers=given.get("provider", []),
        models=given.get("model", []),
        keywords=given.get("keyword") or "",
        tags=given.get("tag", []),
        repeat=given.get("repeat"),
        shard=session.shard(given.get("shard")),
        cassettes_dir=settings.cassettes,
    )


def plan(options: Namespace) -> session.Plan:
    settings = config(options)
    return session.plan(options.paths, selection(options, settings), settings)
