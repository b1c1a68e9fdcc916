"""A request as a curl command. The key is a shell variable, so that the command can be sent to others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from shlex import quote

_KEY_IN_ADDRESS = re.compile(r"([?&]key=)[^&]*")


def curl(
    url: str,
    body: str,
    *,
    method: str = "POST",
    headers: Mapping[str, str],
    key_headers: Sequence[str],
    stream: bool = False,
) -> list[str]:
    """The lines of the command. ``key_headers``: ``x-goog-api-key: $KEY``, which the shell fills in. ``body``: ``@FILE`` for a file."""
    named = "" if method == ("POST" if body else "GET") else f"-X {method} "
    address = _KEY_IN_ADDRESS.sub(r"\1KEY", url)
    data = f"  --data-binary {body}" if body.startswith("@") else f"  --data-raw {quote(body)}"
    parts = [
        f"curl {named}{quote(address)}",
        *(f"  -H {quote(f'{name}: {value}')}" for name, value in headers.items()),
        *(f'  -H "{header}"' for header in key_headers),
        *(["  --no-buffer"] if stream else []),
        *([data] if body else []),
    ]
    return [*(f"{part} \\" for part in parts[:-1]), parts[-1]]
