"""API keys. Any key is valid, except one that starts with the name of its error.

``invalid``, ``wrong``, ``bad-key``: not valid. ``expired``: expired. ``deleted``: not found. ``disabled``: the API is disabled in its
project. ``denied``: no permission. ``abroad``: the API is not available in its location. ``unbilled``: no free tier in its country.
``young``: too new for models that are closed to new keys.
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
    """Raise the API's error for a key that is missing or not valid."""
    if not key:
        raise refusal("key_missing")
    if found := _NAMES.match(key):
        raise refusal(_REFUSED[found[0].lower()], project=PROJECT)


def check_model(key: str, requested: str, model: ModelFacts) -> None:
    """Raise the API's 404 for a model that is closed to new keys, if the key starts with ``young``."""
    if model.closed_to_new_keys and key.lower().startswith("young"):
        raise refusal("model_closed", model=bare(requested))
