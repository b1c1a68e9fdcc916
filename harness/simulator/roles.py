"""Who has which role in a text: *Ann is the manager of Bob*, *sold by Globex*, *author: J. Doe*."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from harness.simulator.mentions import NAME, Mention
from harness.simulator.words import by_word

_BEFORE = by_word("roles")
"""Role -> the words that stand in front of the name of one who has it."""
_LINK = rf"(?:'s name)?(?: (?:of|at|for) {NAME})?(?:\s*[:,=]|\s+(?:is|was|named|called|will be|ist|est|es))*\s+(?:named |called |is )?"
_TITLE = r"(?:(?:the|Mr|Mrs|Ms|Dr|Herrn?|Frau)\.? )?"


@lru_cache(maxsize=512)
def holder(role: str, text: str) -> Mention | None:
    """The name of the one who has a role (a word in lower case) in a text, and where it starts; None without one."""
    word = rf"(?i:{re.escape(role)})"
    patterns = [
        rf"(?P<name>{NAME})(?:,| is| was| as| works as|, who is| ist| est| es)? (?i:the |a |an |our |my |der |die |la |le |el )?(?:[\w-]+ ){{0,2}}?{word}\b",
        rf"\b{word}\b{_LINK}{_TITLE}(?P<name>{NAME})",
    ]
    if role in _BEFORE:
        patterns.append(rf"\b(?i:{_BEFORE[role]}) {_TITLE}(?P<name>{NAME})")
    for pattern in patterns:
        if found := re.search(pattern, text):
            return Mention(found.start("name"), found["name"].removesuffix("'s"))
    return None


def role_in(words: Sequence[str]) -> str:
    """The role that the words of a name stand for: *manager* of *manager name*."""
    return next((word for word in reversed(words) if word not in ("name", "full", "first", "last", "person", "id")), "")
