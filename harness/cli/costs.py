"""What a run will cost, announced before its first request."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.config import Config
from harness.errors import MissingKey, UsageError
from harness.gemini.providers import credentials, secrets
from harness.model import Json, Target, Trial
from harness.run import session
from harness.run.session import RecordPolicy
from harness.suite.matrix import Expansion
from harness.text import amounts

if TYPE_CHECKING:
    from harness.run.estimate import Forecast


_REASONS = 8
"""The most reasons that are named for an unknown cost."""


def announce(
    config: Config, trials: Iterable[Trial], targets: Sequence[Target], policy: RecordPolicy, *, quiet: bool
) -> None:
    """What is known before the first live request, on stderr: what is risky, what it will cost, and which models end.

    Raises MissingKey if no provider has its key, UsageError for a ceiling if a price is not known. The forecast takes a tenth of the
    time of a short run, so it is made only where somebody reads it, or for a ceiling.
    """
    if not policy.asks:
        return
    rows = [config.find(target.provider) for target in targets]
    ceiling, forecast = config.max_cost, None
    if ceiling or (not quiet and any(not row.simulated for row in rows)):
        forecast = forecast_of(config, trials, policy)
        if ceiling and forecast.unpriced:
            reasons = "\n".join(_unpriced(forecast, remedies=True))
            raise UsageError(f"--max-cost cannot be kept:\n{reasons}\nNo request was sent.")
    check_keys(config, trials, targets, policy)
    sys.stderr.writelines(f"{warning}\n" for warning in session.hazards(targets, config))
    if forecast and forecast.trials and (forecast.paid or ceiling) and not quiet:
        sys.stderr.writelines(f"{line}\n" for line in lines(forecast))
    if not quiet:
        sys.stderr.writelines(f"{warning}\n" for warning in session.endings(targets, config))


def check_keys(config: Config, trials: Iterable[Trial], targets: Sequence[Target], policy: RecordPolicy) -> None:
    """Raises MissingKey if a request would be sent with a key, and no provider has its own."""
    rows = [config.find(target.provider) for target in targets]
    keyless = not any(row.auth == "none" or row.key or secrets(row, os.environ) for row in rows)
    if keyless and forecast_of(config, (trial for trial in trials if not trial.access.wrong_key), policy).trials:
        try:
            credentials(rows[0], os.environ)
        except MissingKey as fault:
            raise MissingKey(f"{fault}{_stated(trials, rows[0].name)}") from None


def _stated(trials: Iterable[Trial], provider: str) -> str:
    """A line on cases that are asked at this provider, and at none that ``--provider`` names; empty if it names none."""
    chosen = trials.selection.providers if isinstance(trials, Expansion) else ()
    if not chosen or provider in chosen:
        return ""
    return f"\nThe cases say `provider: {provider}` themselves, which --provider does not change: take it out of them."


def forecast_of(config: Config, trials: Iterable[Trial], policy: RecordPolicy) -> Forecast:
    from harness.run.estimate import Estimates, forecast

    return forecast(trials, Estimates(config, policy.record_mode, live=policy.live))


def lines(forecast: Forecast) -> Iterator[str]:
    """``asks 3 trials: about $0.04, at most $1.20``, and the source of the prices."""
    if not forecast.trials:
        yield "costs nothing: no request will be sent live"
        return
    unknown = sum(times for times, _ in forecast.unpriced.values())
    if unknown < forecast.trials:
        yield f"asks {amounts.count(forecast.trials, 'trial')}: {_amounts(forecast, unknown)}"
    yield from _unpriced(forecast)
    pace = forecast.pace
    if pace is not None and pace.seconds:
        asked = f"{amounts.count(pace.requests, 'request')} to {pace.model} at {pace.provider}"
        yield f"takes at least {amounts.duration(pace.seconds)}: {asked}, at most {pace.rpm:,} a minute"


def _amounts(forecast: Forecast, unknown: int) -> str:
    priced = forecast.trials - unknown
    some = f" for {forecast.known:,} of them" if forecast.known < priced else ""
    source = (
        f" by answers of {' and '.join(forecast.elsewhere)}"
        if forecast.elsewhere
        else " by earlier answers" * bool(some)
    )
    about = f"about ${amounts.dollars(forecast.about)}{some}{source}, " if forecast.known else ""
    but = f" without {amounts.count(unknown, 'trial')} of unknown price" if unknown else ""
    batched = f"; {forecast.batched:,} in batches, at half the price" if forecast.batched else ""
    made_up = "" if forecast.paid else "; SIMULATED, so nothing is really paid"
    return f"{about}at most ${amounts.dollars(forecast.most)}{but} ({forecast.source}{batched}{made_up})"


def _unpriced(forecast: Forecast, *, remedies: bool = False) -> Iterator[str]:
    reasons = sorted(forecast.unpriced.items(), key=lambda reason: -reason[1][0])
    for why, (times, remedy) in reasons[:_REASONS]:
        more = f"\n  {remedy}" if remedies and remedy else ""
        yield f"cost of {amounts.count(times, 'trial')} unknown: {why}{more}"
    if left := [times for _, (times, _) in reasons[_REASONS:]]:
        yield f"cost of {amounts.count(sum(left), 'trial')} unknown, for {amounts.count(len(left), 'more reason')}"


def row(forecast: Forecast) -> dict[str, Json]:
    """The forecast as JSON. ``about_usd`` is null if no trial was answered before, ``at_most_usd`` if no price is known,
    ``seconds_at_least`` if no limit of a provider is."""
    unknown = sum(times for times, _ in forecast.unpriced.values())
    return {
        "asked": forecast.trials,
        "about_usd": round(forecast.about, 12) if forecast.known else None,
        "about_of": forecast.known,
        "about_by": forecast.elsewhere,
        "at_most_usd": round(forecast.most, 12) if unknown < forecast.trials else None,
        "unknown": unknown,
        "why": {why: times for why, (times, _) in forecast.unpriced.items()},
        "prices": forecast.source,
        "seconds_at_least": (forecast.pace and forecast.pace.seconds) or None,
    }
