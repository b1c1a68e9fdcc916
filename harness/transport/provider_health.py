"""When to stop sending requests to a provider: it refuses the key, it cannot be reached, or a model's daily quota is used up.

Three such trials, with no success in between, stop the requests to that provider. One answer about a daily quota stops
the requests for that model there. Other providers and models go on. A status that a case expects does not count.
"""

from __future__ import annotations

from collections import defaultdict, deque
from functools import partial

from msgspec import Struct, field

from harness.answer import reply as replies
from harness.answer.refusals import error_summary as error_text
from harness.errors import GivenUp, NoConnection
from harness.gemini.providers import Provider
from harness.model import Exchange, Request
from harness.transport.recorder import refuses_key
from harness.transport.retrying import is_daily

TRIALS_IN_A_ROW = 3
"""Failed trials in a row after which the provider gets no further requests."""


class _Failures(Struct):
    """Of one provider: the messages of the latest failed trials in a row, at most ``TRIALS_IN_A_ROW`` of each kind."""

    refused: deque[str] = field(default_factory=partial(deque, maxlen=TRIALS_IN_A_ROW))
    unreached: deque[str] = field(default_factory=partial(deque, maxlen=TRIALS_IN_A_ROW))
    spent: dict[str, str] = field(default_factory=dict)
    """Model -> message, for models whose daily quota is used up."""


class ProviderHealth:
    """What the answers of a run show about the providers: whether further requests make sense."""

    def __init__(self) -> None:
        self._known: defaultdict[str, _Failures] = defaultdict(_Failures)

    def check(self, provider: Provider, model: str) -> None:
        """Raises GivenUp if a request to this model would fail as the earlier ones did."""
        known = self._known[provider.name]
        if len(known.refused) == TRIALS_IN_A_ROW:
            raise GivenUp(
                f"not asked: {_refuses(provider)} in {TRIALS_IN_A_ROW} trials in a row ({known.refused[-1]}); {_remedy(provider)}"
            )
        if len(known.unreached) == TRIALS_IN_A_ROW:
            raise GivenUp(
                f"not asked: provider {provider.name!r} was not reached in {TRIALS_IN_A_ROW} trials in a row ({known.unreached[-1]}); "
                f"check that {provider.base_url} is its address, and that it is up"
            )
        if model in known.spent:
            raise GivenUp(
                f"not asked: the daily quota of {model} at provider {provider.name!r} is used up ({known.spent[model]}); "
                f"{_renewed(provider)}"
            )

    def was_unreached(self, provider: Provider) -> bool:
        """Whether the last trial did not reach the provider. A retry is then pointless: that trial already retried."""
        return bool(self._known[provider.name].unreached)

    def note_unreached(self, provider: Provider, fault: NoConnection) -> None:
        self._known[provider.name].unreached.append(str(fault))

    def note_answer(self, request: Request, exchange: Exchange) -> None:
        known = self._known[request.provider]
        known.unreached.clear()
        if exchange.status in request.expects_status:
            return
        if exchange.status < 400:
            known.refused.clear()
        elif refuses_key(exchange):
            known.refused.append(error_text(exchange, replies.read(exchange)))
        elif is_daily(exchange):
            known.spent[request.model] = error_text(exchange, replies.read(exchange))


def _renewed(provider: Provider) -> str:
    """When to go on. Google renews daily quotas at midnight Pacific time (ai.google.dev, "Rate limits")."""
    if not provider.host.endswith("googleapis.com"):
        return "go on when it is renewed"
    return "it is renewed at midnight Pacific time: go on then with `gemini-harness run --resume`"


def _refuses(provider: Provider) -> str:
    return f"provider {provider.name!r} refuses {'the key' if provider.keys else 'requests without a key'}"


def _remedy(provider: Provider) -> str:
    if not provider.keys:
        return "check `auth` and `keys` in its provider row"
    return "; ".join(filter(None, [f"put a valid key into {' or '.join(provider.keys)}", _other_header(provider)]))


def refused_key(provider: Provider) -> str:
    """How the key was sent that the provider refuses, and what to try: another key, or the other header."""
    if not provider.keys:
        return f"provider {provider.name!r} refuses the key: is it the right one?"
    header = "both headers" if provider.auth == "both" else provider.auth
    question = (
        f"provider {provider.name} refuses the key of {' or '.join(provider.keys)} in {header}: is it the right one?"
    )
    return "\n".join(filter(None, [question, _other_header(provider)]))


_OTHER_HEADERS = {"x-goog-api-key": "bearer", "bearer": "x-goog-api-key"}
"""Gateways differ in which header they read, and some read one of them only."""


def _other_header(provider: Provider) -> str:
    other = _OTHER_HEADERS.get(provider.auth)
    return (
        f'if it is, it may belong in the other header: auth = "{other}" in [providers.{provider.name}]' if other else ""
    )
