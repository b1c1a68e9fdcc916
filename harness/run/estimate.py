"""What trials will cost, before anything is sent: at least, about, and at most, in US dollars.

*About* is what the same case cost before: on its cassette, else in the latest saved runs. *At most* is the longest answer that
its body allows (``maxOutputTokens``, else the model's limit; thoughts are part of it). Only what will really be asked counts,
not what a cassette answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from harness.answer import reply as replies
from harness.config import Config
from harness.errors import HarnessError, NoRecording, RunError, StaleRecording
from harness.gemini.models import catalogue, facts, generation
from harness.gemini.price_rates import Rates, Unpriced, dollars
from harness.gemini.prices import bill, price_list
from harness.model import Exchange, Json, Request, Slot, Step, Trial
from harness.results.load import load
from harness.run.play import prepare
from harness.text.jsontext import compact
from harness.transport.recorder import Player

_FEW_CHARACTERS, _MANY_CHARACTERS = 2, 4
"""Characters of a token: of digits and code, of prose."""
_BYTES_OF_MEDIA = 100
_TOKENS_OF_MEDIA = 1200
"""A picture takes up to 1,120 tokens whatever its size, sound 32 a second and video some 300: this is on the safe side of them."""
_SEARCHES = 5
"""Queries that one prompt may lead to from Gemini 3 on, where each is billed: nobody says how many it may be."""
_LARGEST_RUN = 64 * 1024 * 1024
"""Bytes of an earlier run that are worth reading for an estimate."""
_EARLIER_RUNS = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """Dollars of one trial: its first prompt alone, what it cost before (None: nothing earlier to go by), and at most."""

    least: float
    about: float | None
    most: float


@dataclass(slots=True)
class Estimates:
    """Estimates of trials, as they would be played under this record mode (``live``: everything is asked)."""

    config: Config
    record_mode: str = "none"
    live: bool = False
    _earlier: Mapping[str, float] | None = None
    _player: Player = field(init=False)

    def __post_init__(self) -> None:
        self._player = Player(self.config.providers, while_recording=True)

    @property
    def today(self) -> date:
        return datetime.now(UTC).date()

    def asks(self, trial: Trial) -> bool:
        """Whether anything of the trial will be asked live."""
        if trial.skip is not None or (self.record_mode == "none" and not self.live):
            return False
        if self.live or not trial.cassette.exists():
            return self.live or self.record_mode != "stale"
        if self.record_mode == "once":
            return False
        try:
            return self._lacks(trial)
        except HarnessError:
            return False

    def _lacks(self, trial: Trial) -> bool:
        """Whether a cassette that is there does not answer all of the trial."""
        recorded = self._player.tape(trial.cassette).interactions
        if self.record_mode == "all":
            return not recorded or any(interaction.exchange.own for interaction in recorded)
        try:
            self._player.find(prepare(trial, self.config), _slot(trial, 0))
        except StaleRecording:
            return True
        except NoRecording:
            return self.record_mode == "new_episodes"
        whole = all(self._recorded(trial, number) for number in range(len(trial.steps)))
        return (
            self.record_mode == "new_episodes"
            and not whole
            and any(interaction.exchange.own for interaction in recorded)
        )

    def of(self, trial: Trial) -> Estimate:
        """Raises Unpriced where something that the trial sends, or may get, has no known price."""
        request = prepare(trial, self.config)
        rates = self._rates(trial, request)
        least = dollars(rates, {"input_tokens": _tokens(request.body, _MANY_CHARACTERS)[0]}, price_list().units)
        return Estimate(least, self._before(trial), sum(self._steps_at_most(trial, request, rates)))

    def _rates(self, trial: Trial, request: Request) -> Rates:
        if _has_tool(request.body, "googleMaps", "google_maps"):
            raise Unpriced("grounding with Google Maps is billed, and its price is not known")
        tier = str((request.body or {}).get("serviceTier") or "standard").lower()
        return self.config.tariff(trial.target.provider).rates(request.model, self.today, tier)

    def _steps_at_most(self, trial: Trial, request: Request, rates: Rates) -> Iterator[float]:
        """The most of each request: later prompts hold all that was said before."""
        text, media = _tokens(request.body, _FEW_CHARACTERS)
        for number, step in enumerate(trial.steps):
            if number:
                said, shown = _tokens([step.contents, step.replies], _FEW_CHARACTERS)
                text, media = text + said, media + shown
            answer = longest_answer(trial.target.model, step)
            usage = _at_dearest(rates, min(text, _most_input(request)), media, answer)
            yield dollars(rates, {**usage, "web_searches": _searches(request)}, price_list().units)
            text += answer

    def _before(self, trial: Trial) -> float | None:
        """What the trial cost on its cassette, else on the average in earlier runs."""
        try:
            paid = [self._paid(trial, number) for number in range(len(trial.steps))]
        except HarnessError:
            paid = [None]
        known = [cost for cost in paid if cost is not None]
        return sum(known) if len(known) == len(paid) else self.earlier.get(trial.group)

    def _paid(self, trial: Trial, number: int) -> float | None:
        exchange = self._recorded(trial, number)
        if exchange is None:
            return None
        exchange = replace(exchange, provenance=replace(exchange.provenance, recorded_at=None))  # at the price of today
        return bill(exchange, replies.read(exchange), self.config.tariff(trial.target.provider)).dollars

    def _recorded(self, trial: Trial, number: int) -> Exchange | None:
        """What stands on tape in the place of this step, whatever it was asked."""
        slot = _slot(trial, number)
        if not slot.cassette.exists():
            return None
        found = self._player.tape(slot.cassette).at((slot.row, slot.repeat, slot.step))
        return found.exchange if found else None

    @property
    def earlier(self) -> Mapping[str, float]:
        """Group -> what an attempt cost on the average in the latest runs that say so."""
        if self._earlier is None:
            self._earlier = dict(_earlier(self.config.reports))
        return self._earlier


def _slot(trial: Trial, number: int) -> Slot:
    return Slot(trial.cassette, trial.row, trial.attempt - 1, number)


def _earlier(reports: Path) -> Iterator[tuple[str, float]]:
    runs = sorted(reports.glob("*/run.jsonl"))[-_EARLIER_RUNS:]
    for path in (file for file in runs if file.stat().st_size <= _LARGEST_RUN):
        paid: dict[str, list[float]] = {}
        try:
            for row in load(path).rows(turns=False):
                cost = row["measures"].get("cost_usd")
                if cost is not None and row["status"] != "error":
                    paid.setdefault(row["group"], []).append(cost)
        except (RunError, OSError):
            continue
        yield from ((group, sum(costs) / len(costs)) for group, costs in paid.items())


# --- the longest that may come ------------------------------------------------------------------------


def longest_answer(model: str, step: Step) -> int:
    """Tokens of the longest answer, thoughts included: as the body says, else the model's limit, else any model's."""
    said = step.body.get("generationConfig")
    said = said if isinstance(said, Mapping) else {}
    known = facts(model)
    limit = known.output_tokens if known else max(model.output_tokens for model in catalogue().models.values())
    if known and known.output_unary and step.transport == "unary":
        limit = known.output_unary
    asked = said.get("maxOutputTokens")
    tokens = asked if isinstance(asked, int) and asked > 0 else limit
    candidates = said.get("candidateCount")
    return tokens * (candidates if isinstance(candidates, int) and candidates > 1 else 1)


def _most_input(request: Request) -> int:
    known = facts(request.model)
    return known.input_tokens if known else max(model.input_tokens for model in catalogue().models.values())


def _at_dearest(rates: Rates, text: int, media: int, answer: int) -> dict[str, int]:
    """Usage in which what was shown is of the dearest kind, and so is the answer."""
    usage = {"input_tokens": text + media, "output_tokens": answer}
    if media and "input_audio_mtok" in rates:
        usage["input_audio_tokens"] = media
    for kind in ("image", "video", "audio"):
        if f"output_{kind}_mtok" in rates:
            return {**usage, f"output_{kind}_tokens": answer}
    return usage


def _tokens(value: Json, characters: int) -> tuple[int, int]:
    """(tokens of text, tokens of media) of a JSON value. Files elsewhere and caches may hold all that a model can read."""
    text, media = 0, 0
    for name, leaf in _leaves(value):
        if name in ("fileData", "file_data", "cachedContent", "cached_content"):
            media += max(known.input_tokens for known in catalogue().models.values())
        elif name in ("inlineData", "inline_data"):
            media += _TOKENS_OF_MEDIA + len(leaf) // _BYTES_OF_MEDIA
        else:
            plain = sum(character < "\x80" for character in leaf)
            text += len(leaf) - plain + -(-plain // characters)
    return text, media


def _leaves(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of all that a model reads; of media and files the whole under their own name."""
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


def _searches(request: Request) -> int:
    if not _has_tool(request.body, "googleSearch", "google_search", "googleSearchRetrieval"):
        return 0
    return 1 if (generation(request.model) or (3, 0)) < (3, 0) else _SEARCHES


def _has_tool(body: Any, *names: str) -> bool:
    tools = body.get("tools") if isinstance(body, Mapping) else None
    listed = tools if isinstance(tools, list) else []
    return any(isinstance(tool, Mapping) and not tool.keys().isdisjoint(names) for tool in listed)


# --- of a whole run -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Forecast:
    """What a run will cost. ``known`` trials have an *about*; ``unpriced`` says why others cannot be reckoned."""

    source: str
    trials: int = 0
    known: int = 0
    about: float = 0
    most: float = 0
    paid: bool = False
    """Whether any is asked of an endpoint that takes money: the simulator does not."""
    unpriced: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Why -> in how many trials, and what can be done."""


def forecast(trials: Iterable[Trial], estimates: Estimates) -> Forecast:
    """Of all trials that will be asked."""
    found = Forecast(estimates.config.price_source)
    for trial in trials:
        if not estimates.asks(trial):
            continue
        found.trials += 1
        found.paid |= not estimates.config.find(trial.target.provider).simulated
        try:
            one = estimates.of(trial)
        except Unpriced as unknown:
            times, _ = found.unpriced.get(str(unknown), (0, ""))
            found.unpriced[str(unknown)] = (times + 1, unknown.remedy)
            continue
        found.most += one.most
        found.known += one.about is not None
        found.about += one.about or 0
    return found
