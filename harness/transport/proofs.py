"""When to stop asking a provider: its key is refused, its host is dead, or a model's quota of the day is used up.

Three trials that prove it, with no success in between, end the asking of that provider; a daily quota needs one, and ends the
asking of that model there. Others go on. What a case expects proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.answer import reply as replies
from harness.answer.refusals import error_summary
from harness.errors import GivenUp, NoConnection
from harness.gemini.providers import Provider
from harness.model import Exchange, Json, Request
from harness.transport.recorder import refuses_key

ENOUGH = 3
"""Trials that prove that others would end alike."""


@dataclass(slots=True)
class _Known:
    """Of one provider: what trials in a row were told that proves something, up to as many as are enough."""

    refused: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    spent: dict[str, str] = field(default_factory=dict)
    """Models whose quota of the day is used up, and what was told."""


class Proofs:
    """What the answers of a run prove of the providers that it asks."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def check(self, provider: Provider, model: str) -> None:
        """Raises GivenUp where the request would be in vain."""
        known = self._of(provider.name)
        if len(known.refused) == ENOUGH:
            raise GivenUp(
                f"not asked: {_refuses(provider)} in {ENOUGH} trials in a row ({known.refused[-1]}); {_mend(provider)}"
            )
        if len(known.unreached) == ENOUGH:
            raise GivenUp(
                f"not asked: provider {provider.name!r} was not reached in {ENOUGH} trials in a row ({known.unreached[-1]}); "
                f"see that {provider.base_url} is its address, and that it is up"
            )
        if model in known.spent:
            raise GivenUp(
                f"not asked: the daily quota of {model} at provider {provider.name!r} is used up ({known.spent[model]}); "
                "ask again when it is renewed"
            )

    def doubts(self, provider: Provider) -> bool:
        """Whether the last trial did not reach it: then waiting and trying again has been tried."""
        return bool(self._of(provider.name).unreached)

    def unreached(self, provider: Provider, fault: NoConnection) -> None:
        _prove(self._of(provider.name).unreached, str(fault))

    def answered(self, request: Request, exchange: Exchange) -> None:
        known = self._of(request.provider)
        known.unreached.clear()
        if exchange.status in request.expects_status:
            return
        if exchange.status < 400:
            known.refused.clear()
        elif refuses_key(exchange):
            _prove(known.refused, error_summary(exchange, replies.read(exchange)))
        elif is_daily(exchange):
            known.spent[request.model] = error_summary(exchange, replies.read(exchange))

    def _of(self, provider: str) -> _Known:
        return self._known.setdefault(provider, _Known())


def _prove(proofs: list[str], told: str) -> None:
    if len(proofs) < ENOUGH:
        proofs.append(told)


def _refuses(provider: Provider) -> str:
    return (
        f"provider {provider.name!r} refuses the key"
        if provider.keys
        else f"provider {provider.name!r} refuses who asks"
    )


def _mend(provider: Provider) -> str:
    return (
        f"put one that works into {' or '.join(provider.keys)}"
        if provider.keys
        else "see what its row says of `auth` and `keys`"
    )


def is_daily(exchange: Exchange) -> bool:
    """Whether a quota is used up that counts by the day."""
    quotas = [each for each in details(exchange) if str(each.get("@type", "")).endswith("QuotaFailure")]
    violated = [one for each in quotas for one in replies.objects_in(each.get("violations"))]
    return exchange.status == 429 and any("PerDay" in str(each.get("quotaId", "")) for each in violated)


def details(exchange: Exchange) -> list[dict[str, Json]]:
    """What the API's error says beside its message, however it is framed."""
    error = replies.read(exchange).error
    return replies.objects_in(error.get("details")) if isinstance(error, dict) else []
