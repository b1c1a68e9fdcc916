"""Estimates what trials will cost before a request is sent: at least, about, and at most, in US dollars.

*About* is what the same case cost before: on its cassette, else in the latest saved runs, else by the tokens of the same question to
the same model at another provider. *At most* is the cost of the longest answer that its body allows (``maxOutputTokens``, else the
model's limit; thoughts are part of it). Only live requests count, not those that a cassette answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from glob import escape
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from harness.answer import reply as replies
from harness.config import Config
from harness.errors import HarnessError, RunError
from harness.gemini.models import catalogue, facts, generation
from harness.gemini.price_library import price_list
from harness.gemini.price_rates import BATCH, Rates, Unpriced, dollars
from harness.gemini.prices import bill, is_free
from harness.judge.registry import find_check
from harness.model import Exchange, Json, Step, Trial
from harness.results.load import load
from harness.run.conversation import expected_statuses, requests_of
from harness.run.play import as_played, prepare, slot_of
from harness.text.grouping import gathered
from harness.text.jsontext import an_object, compact
from harness.transport.recorder import Player

_FEW_CHARACTERS, _MANY_CHARACTERS = 2, 4
"""Characters of a token: in digits and code, and in prose."""
_BYTES_OF_MEDIA = 100
_TOKENS_OF_MEDIA = 1200
"""The upper estimate of a file: an image of any size takes up to 1,120 tokens; audio takes 32 a second, video about 300."""
_SEARCHES = 5
"""Queries that one prompt may cause from Gemini 3 on, where each is billed. An assumption: no limit is documented."""
_LARGEST_RUN = 64 * 1024 * 1024
"""Bytes of the largest earlier run that is read for an estimate."""
_EARLIER_RUNS = 3


class Estimate(Struct, frozen=True):
    """US dollars of one trial: its first prompt alone, what it cost before (None: not known), and its maximum.

    ``elsewhere``: the provider whose answer tells *about*, where that is not the trial's own.
    """

    least: float
    about: float | None
    most: float
    elsewhere: str | None = None


@dataclass
class Estimates:
    """Estimates of trials in this record mode. ``live``: every request is sent."""

    config: Config
    record_mode: str = "none"
    live: bool = False
    _player: Player = field(init=False)
    _bounds: tuple[Sequence[Step], tuple[float, float]] | None = field(init=False, default=None)
    """The steps that were looked at last, and what they cost at least and at most."""

    def __post_init__(self) -> None:
        self._player = Player(self.config.providers, while_recording=True, redaction=self.config.redact)

    def asks(self, trial: Trial) -> bool:
        """Whether any request of the trial will be sent live."""
        mode, trial = self.record_mode, as_played(trial, self.config)
        if trial.skip is not None or self.live or mode == "none":
            return trial.skip is None and self.live
        existed = trial.cassette.exists() or bool(trial.own and trial.own.exists())
        if mode == "once" or not existed:
            return not existed and mode != "stale"
        try:
            slot = slot_of(trial, next(_sent(trial)))
            if self._player.replayed(mode, prepare(trial, self.config), slot, existed=True) is None:
                return True
            whole = mode != "new_episodes" or all(self._recorded(trial, number) for number in _sent(trial))
            return not whole and bool(self._player.has_own(trial.cassette))
        except HarnessError:
            return False

    def of(self, trial: Trial) -> Estimate:
        """The estimate of a trial. Raises Unpriced if something that it sends, or may receive, has no known price.

        A refusal costs nothing, so a trial that expects nothing else needs no price.
        """
        try:
            if self._bounds is None or self._bounds[0] is not trial.steps:  # attempts of a group share their steps
                self._bounds = trial.steps, self._least_and_most(trial)
        except Unpriced:
            if not _costs_nothing(trial):
                raise
            return Estimate(0, 0, 0)
        least, most = self._bounds[1]
        about, elsewhere = self._on_cassette(trial), None
        if about is None:
            about = self.earlier.get(trial.group, 0 if _costs_nothing(trial) else None)
        if about is None:
            about, elsewhere = self._at_another_provider(trial)
        return Estimate(least, about, most, elsewhere)

    def _least_and_most(self, trial: Trial) -> tuple[float, float]:
        request = prepare(trial, self.config)
        for step in trial.steps:
            if step.call and not is_free(step.call.method, step.call.path):
                raise Unpriced(f"the price of {step.call} is not known")
        asked = [step for step in trial.steps if step.call is None]
        if not asked:
            return 0, 0
        if asked[0].sends and trial.steps[0].call is None:
            body = request.body
        else:
            body = {**asked[0].body, "contents": asked[0].contents}
        rates = self._rates(trial, request.model, body)
        least = dollars(rates, {"input_tokens": _tokens(body, _MANY_CHARACTERS)[0]}, price_list().units)
        return least, sum(self._steps_at_most(trial, asked, body, rates))

    def _rates(self, trial: Trial, model: str, body: Json) -> Rates:
        if _has_tool(body, "googleMaps", "google_maps"):
            raise Unpriced("grounding with Google Maps is billed, and its price is not known")
        in_batch = any(step.transport == "batch" for step in trial.steps)
        tier = BATCH if in_batch else str((body or {}).get("serviceTier") or "standard").lower()
        return self.config.tariff(trial.target.provider).rates(model, datetime.now(UTC).date(), tier)

    def _steps_at_most(self, trial: Trial, asked: Sequence[Step], body: Json, rates: Rates) -> Iterator[float]:
        """The maximum of each request. Later prompts contain all earlier turns."""
        model = trial.target.model
        text, media = _tokens(body, _FEW_CHARACTERS)
        for number, step in enumerate(asked):
            if number:
                more_text, more_media = _tokens([step.contents, step.replies, step.script], _FEW_CHARACTERS)
                text, media = text + more_text, media + more_media
            if not step.sends:
                continue
            answer = longest_answer(model, step)
            usage = _at_highest_price(rates, min(text, _most_input(model)), media, answer)
            yield dollars(rates, {**usage, "web_searches": _searches(model, step.body)}, price_list().units)
            yield from self._questions_at_most(model, step, rates, answer)
            text += answer

    def _questions_at_most(self, model: str, step: Step, rates: Rates, answer: int) -> Iterator[float]:
        """The maximum of what checks ask about an answer, if it costs as much as at the model itself. An assumption. A judge may
        answer at any length."""
        for line in step.expect:
            check = find_check(line.check)
            if check is not None and check.asking is not None:
                longest = longest_answer(model, replace(step, body={})) if check.asking.generates else 0
                usage = {"input_tokens": 2 * answer, "output_tokens": longest}
                yield dollars(rates, usage, price_list().units)

    def _at_another_provider(self, trial: Trial) -> tuple[float | None, str | None]:
        """(what the trial costs by the tokens that a recording of another provider counts, that provider); None if there is none.

        Attempts that were not recorded cost what the first one costs.
        """
        target = trial.cassette.name.removeprefix(trial.target.provider)
        for other in sorted(trial.cassette.parent.glob(f"*{escape(target)}")):
            for attempt in dict.fromkeys((trial.attempt, 1)):
                paid = self._on_cassette(replace(trial, cassette=other, attempt=attempt))
                if paid is not None:
                    return paid, other.name.removesuffix(target)
        return None, None

    def _on_cassette(self, trial: Trial) -> float | None:
        """What the trial costs by its recording; None without one, or if it is not whole."""
        try:
            paid = [self._paid(trial, number) for number in _sent(trial)]
        except HarnessError:
            return None
        known = [cost for cost in paid if cost is not None]
        return sum(known) if len(known) == len(paid) else None

    def _paid(self, trial: Trial, number: int) -> float | None:
        exchange = self._recorded(trial, number)
        if exchange is None:
            return None
        request = replace(
            exchange.request, transport=trial.steps[number].transport
        )  # a batch is recorded like a unary call
        exchange = replace(
            exchange, request=request, provenance=replace(exchange.provenance, recorded_at=None)
        )  # today's price
        return bill(exchange, replies.read(exchange), self.config.tariff(trial.target.provider)).dollars

    def _recorded(self, trial: Trial, number: int) -> Exchange | None:
        """The exchange in the slot of this step, even if its request is another."""
        slot = slot_of(trial, number)
        if not slot.cassette.exists():
            return None
        found = self._player.tape(slot.cassette).at(slot.position)
        return found.exchange if found else None

    @cached_property
    def earlier(self) -> Mapping[str, float]:
        """Group -> the average cost of an attempt, in the latest run with a known cost."""
        return dict(_earlier(self.config.reports))


def _sent(trial: Trial) -> Iterator[int]:
    """The numbers of the steps that send a request."""
    return (number for number, step in enumerate(trial.steps) if step.sends)


def _costs_nothing(trial: Trial) -> bool:
    """Whether every request of the trial is free by its kind, or is expected to be refused."""
    return all(_is_refused(step) or _is_free(step) for step in trial.steps if step.sends)


def _is_refused(step: Step) -> bool:
    """Whether a step expects an HTTP error and nothing else."""
    return min(expected_statuses(step.expect), default=0) >= 400


def _is_free(step: Step) -> bool:
    try:
        return step.call is not None and is_free(step.call.method, step.call.path)
    except Unpriced:
        return False


def _earlier(reports: Path) -> Iterator[tuple[str, float]]:
    runs = sorted(reports.glob("*/run.jsonl"))[-_EARLIER_RUNS:]
    for path in (file for file in runs if file.stat().st_size <= _LARGEST_RUN):
        try:
            costs = ((row.group, row.measures.get("cost_usd")) for row in load(path).rows() if row.status != "error")
            paid = gathered((group, cost) for group, cost in costs if cost is not None)
        except (RunError, OSError):
            continue
        yield from ((group, sum(costs) / len(costs)) for group, costs in paid.items())


# --- the longest answer -----------------------------------------------------------------------------


def longest_answer(model: str, step: Step) -> int:
    """Tokens of the longest possible answer, with thoughts: the body's limit, else the model's, else the highest of any model."""
    config = an_object(step.body.get("generationConfig"))
    known = facts(model)
    limit = known.output_tokens if known else max(model.output_tokens for model in catalogue().models.values())
    if known and known.output_unary and step.transport == "unary":
        limit = known.output_unary
    requested = config.get("maxOutputTokens")
    tokens = requested if isinstance(requested, int) and requested > 0 else limit
    candidates = config.get("candidateCount")
    return tokens * (candidates if isinstance(candidates, int) and candidates > 1 else 1)


def _most_input(model: str) -> int:
    known = facts(model)
    return known.input_tokens if known else max(model.input_tokens for model in catalogue().models.values())


def _at_highest_price(rates: Rates, text: int, media: int, answer: int) -> dict[str, int]:
    """Usage at the highest price: media and answer count as the most expensive kind."""
    usage = {"input_tokens": text + media, "output_tokens": answer}
    if media and "input_audio_mtok" in rates:
        usage["input_audio_tokens"] = media
    for kind in ("image", "video", "audio"):
        if f"output_{kind}_mtok" in rates:
            return {**usage, f"output_{kind}_tokens": answer}
    return usage


def _tokens(value: Json, characters: int) -> tuple[int, int]:
    """(tokens of text, tokens of media) of a JSON value. Addresses of files that are no pictures, and caches, count as a full context
    window."""
    text, media = 0, 0
    for name, leaf in _leaves(value):
        if name in ("fileData", "file_data") and '"image/' in leaf:
            media += _TOKENS_OF_MEDIA
        elif name in ("fileData", "file_data", "cachedContent", "cached_content"):
            media += max(known.input_tokens for known in catalogue().models.values())
        elif name in ("inlineData", "inline_data"):
            media += _TOKENS_OF_MEDIA + len(leaf) // _BYTES_OF_MEDIA
        else:
            plain = sum(character < "\x80" for character in leaf)
            text += len(leaf) - plain + -(-plain // characters)
    return text, media


def _leaves(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of everything that a model reads. Media and files come as a whole, with their name; texts without."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("inlineData", "inline_data", "fileData", "file_data", "cachedContent", "cached_content"):
                yield key, compact(item).decode()
            else:
                yield "", key
                yield from _leaves(item, key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item, name)
    elif value is not None:
        yield "", str(value)


def _searches(model: str, body: Json) -> int:
    if not _has_tool(body, "googleSearch", "google_search", "googleSearchRetrieval"):
        return 0
    return 1 if (generation(model) or (3, 0)) < (3, 0) else _SEARCHES


def _has_tool(body: Any, *names: str) -> bool:
    tools = body.get("tools") if isinstance(body, Mapping) else None
    listed = tools if isinstance(tools, list) else []
    return any(isinstance(tool, Mapping) and not tool.keys().isdisjoint(names) for tool in listed)


# --- of a whole run -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Forecast:
    """What a run will cost. ``known``: the number of trials with an *about*. ``unpriced``: why others have no estimate."""

    source: str
    trials: int = 0
    known: int = 0
    about: float = 0
    most: float = 0
    elsewhere: dict[str, int] = field(default_factory=dict)
    """Provider -> the number of trials whose *about* is by its answers, since their own provider has not answered yet."""
    batched: int = 0
    """The number of trials whose requests go in batches, at half the price."""
    paid: bool = False
    """Whether any request goes to an endpoint that costs money, that is, not to the simulator."""
    unpriced: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Reason -> (number of trials, remedy)."""
    pace: Pace | None = None


class Pace(Struct, frozen=True):
    """The requests that take longest at the limits of their provider: at most ``rpm`` requests a minute to one model."""

    provider: str
    model: str
    requests: int
    rpm: int

    @property
    def seconds(self) -> float:
        """At least; the first request waits for nothing."""
        return (self.requests - 1) * 60 / self.rpm


def _slowest(requests: Mapping[tuple[str, str], int], config: Config) -> Pace | None:
    """What decides how long a run takes; None where no limit is configured."""
    limits = {key: config.find(key[0]).limits_of(key[1]).rpm for key in requests}
    paces = [Pace(*key, requests[key], rpm) for key, rpm in limits.items() if rpm]
    return max(paces, key=lambda pace: pace.seconds, default=None)


def forecast(trials: Iterable[Trial], estimates: Estimates) -> Forecast:
    """The forecast for all trials with live requests."""
    found = Forecast(estimates.config.price_source)
    requests: Counter[tuple[str, str]] = Counter()
    for trial in trials:
        if not estimates.asks(trial):
            continue
        found.trials += 1
        requests[trial.target.provider, trial.target.model] += requests_of(trial)
        found.batched += any(step.transport == "batch" for step in trial.steps)
        found.paid |= not estimates.config.find(trial.target.provider).simulated
        try:
            estimate = estimates.of(trial)
        except Unpriced as unknown:
            times, _ = found.unpriced.get(str(unknown), (0, ""))
            found.unpriced[str(unknown)] = (times + 1, unknown.remedy)
            continue
        found.most += estimate.most
        found.known += estimate.about is not None
        found.about += estimate.about or 0
        if estimate.elsewhere:
            found.elsewhere[estimate.elsewhere] = found.elsewhere.get(estimate.elsewhere, 0) + 1
    found.pace = _slowest(requests, estimates.config)
    return found
