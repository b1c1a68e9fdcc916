"""Command-line options -> configuration, selection and plan."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from msgspec.structs import replace

from harness.config import MOST_IN_FLIGHT, Config, load
from harness.errors import UsageError
from harness.run import session
from harness.suite.matrix import Selection


def config(options: Namespace) -> Config:
    """The configuration of the current folder, overridden by the command line."""
    settings = load(Path())
    folders = {name: Path(value) for name in ("cassettes", "reports") if (value := getattr(options, name, None))}
    concurrency = getattr(options, "concurrency", None)
    if (concurrency or 0) > MOST_IN_FLIGHT:
        raise UsageError(f"--concurrency {concurrency}: at most {MOST_IN_FLIGHT:,}")
    given = [(name, getattr(options, name, None)) for name in ("cassettes", "repeat")]
    repeated = tuple(part for name, value in given if value for part in (f"--{name}", str(value)))
    outside = bool(getattr(options, "allow_outside_files", False))
    repeated += ("--allow-outside-files",) * outside
    given_variables = getattr(options, "var", None) or []
    repeated += tuple(part for text in given_variables for part in ("--var", text))
    variables = session.variables(given_variables)
    settings = replace(settings, **folders, repeated=repeated, outside_files=outside, variables=variables)
    max_cost = getattr(options, "max_cost", None)
    settings = replace(settings, max_cost=max_cost) if max_cost else settings
    return replace(settings, concurrency=concurrency) if concurrency else settings


def selection(options: Namespace, settings: Config) -> Selection:
    return Selection(
        targets=session.targets(options.target),
        providers=options.provider,
        models=options.model,
        keywords=getattr(options, "keyword", None) or "",
        tags=options.tag,
        repeat=options.repeat,
        shard=session.shard(options.shard),
        cassettes_dir=settings.cassettes,
    )


def plan(options: Namespace) -> session.Plan:
    settings = config(options)
    return session.plan(options.paths, selection(options, settings), settings)
