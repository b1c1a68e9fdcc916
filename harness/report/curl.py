"""A request as a curl command. The key is a shell variable, so that the command can be sent to others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
    parts = list(_parts(url, body, method, headers, key_headers, stream=stream))
    return [*(f"{part} \\" for part in parts[:-1]), parts[-1]]


def _parts(
    url: str, body: str, method: str, headers: Mapping[str, str], key_headers: Sequence[str], *, stream: bool
) -> Iterator[str]:
    named = "" if method == ("POST" if body else "GET") else f"-X {method} "
    address = _KEY_IN_ADDRESS.sub(r"\1KEY", url)
    yield f"curl {named}{quote(address)}"
    yield from (f"  -H {quote(f'{name}: {value}')}" for name, value in headers.items())
    yield from (f'  -H "{header}"' for header in key_headers)
    if stream:
        yield "  --no-buffer"
    if body.startswith("@"):
        yield f"  --data-binary {body}"
    elif body:
        yield f"  --data-raw {quote(body)}"
