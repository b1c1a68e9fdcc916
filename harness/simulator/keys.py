"""Keys: any is good, except those whose name says what is wrong with them.

``invalid...``, ``wrong...``, ``bad-key`` are not valid; ``expired...``, ``deleted...`` and ``disabled...`` say it themselves; ``denied...``
may not do what it asks; ``abroad...`` is used where the API is not offered, ``unbilled...`` where its free tier is not; ``young...`` came
too late for models that are closed to new keys.
"""

from __future__ import annotations

import re

from harness.gemini.models import ModelFacts, bare
from harness.simulator.errors import refusal

PROJECT = "000000000000"
_REFUSED = {
    "invalid": "key_invalid",
    "wrong": "key_invalid",
    "bad-key": "key_invalid",
    "expired": "key_expired",
    "deleted": "key_not_found",
    "disabled": "service_disabled",
    "denied": "permission",
    "abroad": "location",
    "unbilled": "billing",
}
_NAMES = re.compile("|".join(_REFUSED), re.IGNORECASE)


def check(key: str) -> None:
    """Raise what the API answers to a key that is missing or known to be bad."""
    if not key:
        raise refusal("key_missing")
    if found := _NAMES.match(key):
        raise refusal(_REFUSED[found[0].lower()], project=PROJECT)


def check_model(key: str, requested: str, model: ModelFacts) -> None:
    """Raise the 404 of a model that is closed to new keys, for a ``young...`` one."""
    if model.closed_to_new_keys and key.lower().startswith("young"):
        raise refusal("model_closed", model=bare(requested))
