"""Names: words of an id, file names that are valid on any system, fields of the API, and names of secrets."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

_NOT_OF_IDS, _NOT_OF_FILES = re.compile(r"[^\w.+]+"), re.compile(r"[^\w.+=,-]+")


def slug(text: str) -> str:
    """The text as one word of an id: letters, digits and ``. _ + -``. Everything else becomes a hyphen."""
    return _NOT_OF_IDS.sub("-", text).strip("-")


@lru_cache(maxsize=1024)
def safe_filename(name: str, *, salt: str = "", max_bytes: int = 200) -> str:
    """The name as a file name that is valid on any system, with at most ``max_bytes`` bytes.

    A name that must be changed or cut ends with a hash of the original. With ``salt``, it always ends with a hash of the salt.
    """
    plain = _NOT_OF_FILES.sub("-", name).strip("-.") or "x"
    if plain == name and len(plain.encode()) <= max_bytes and not salt:
        return plain
    short = plain.encode()[: max_bytes - 9].decode(errors="ignore")
    return f"{short}-{hashlib.sha256((salt or name).encode()).hexdigest()[:8]}"


@lru_cache(maxsize=2048)
def snake(name: str) -> str:
    """A camelCase field name in snake_case, as in the API's messages."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


_SECRET = re.compile(
    r"""( (^|[_.-]|api|app|access|auth|secret|private|sign|signing|encryption|master|gateway|service|license)key
        | (?<!page)(?<!page[_-])token | secret | passw(or)?d | passphrase | credentials? | ^auth | authorization | cookie
        | [_-](pass|pwd|auth|pat|sig) )
        ([_-]?\d+ | [_-](prod|production|dev|test|staging|live|old|new|main|backup|base))? $""",
    re.IGNORECASE | re.VERBOSE,
)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether a variable, header or URL parameter with this name probably holds a secret: ``X_APIKEY``."""
    return _SECRET.search(name) is not None
