"""Names that fit where they go: words of an id, names of files on any system."""

from __future__ import annotations

import hashlib
import re


def slug(text: str) -> str:
    """Text as one word of an id: letters, digits and ``. _ + -``; everything else becomes a hyphen."""
    return re.sub(r"[^\w.+]+", "-", text).strip("-")


def safe(name: str, *, salt: str = "", room: int = 200) -> str:
    """The name as a file name of any system, of at most ``room`` bytes. What is changed or cut gets a hash of the whole.

    With ``salt`` it gets a hash of that in any case.
    """
    plain = re.sub(r"[^\w.+=,-]+", "-", name).strip("-.") or "x"
    if plain == name and len(plain.encode()) <= room and not salt:
        return plain
    short = plain.encode()[: room - 9].decode(errors="ignore")
    return f"{short}-{hashlib.sha256((salt or name).encode()).hexdigest()[:8]}"


_SECRET = re.compile(
    r"""( (^|[_.-]|api|app|access|auth|secret|private|sign|signing|encryption|master|gateway|service|license)key
        | (?<!page)(?<!page[_-])token | secret | passw(or)?d | passphrase | credentials? | ^auth | authorization | cookie
        | [_-](pass|pwd|auth|pat|sig) )
        ([_-]?\d+ | [_-](prod|production|dev|test|staging|live|old|new|main|backup|base))? $""",
    re.IGNORECASE | re.VERBOSE,
)


def is_secret(name: str) -> bool:
    """Whether a variable, header or parameter of an address is named as one that holds a secret: ``X_APIKEY``."""
    return _SECRET.search(name) is not None
