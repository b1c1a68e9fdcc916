"""Providers are rows, not code: who serves Gemini, where, and which key opens it. A dialect builds the request.

In: a provider, a model and a body. Out: a request without credentials, and the headers that carry them.
May import: ``text``, ``extensions``.

``build`` makes the request and never sends it; ``credentials`` makes the headers that are added last, on the wire only.
Another dialect is one file in this package (or a module named by an entry point in the group
``gemini_harness.dialects``) with one decorated function::

    @dialect("gemini")
    def build(provider, model, body, transport, expects_status) -> Request: ...
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from harness import extensions
from harness.errors import MissingKey, UsageError
from harness.model import Json, Request, Transport

Auth = Literal["x-goog-api-key", "bearer", "none"]
PriceList = Literal["google"]


@dataclass(frozen=True, slots=True)
class Provider:
    """One endpoint.

    ``keys`` are environment variables, the first one set wins. ``kind`` is what tables and cassettes call the source of
    an answer. ``record_host`` is the host under which exchanges are stored and matched; None: the real one.
    ``base_url_from`` names a variable that replaces ``base_url``. ``key`` is a fixed credential that is no secret.
    ``prices``: whose list prices hold, times ``price_factor``; None: what it charges is not known.
    """

    name: str
    base_url: str
    kind: str
    keys: tuple[str, ...] = ()
    auth: Auth = "x-goog-api-key"
    path: str = "/v1beta/models/{model}:{method}"
    dialect: str = "gemini"
    simulated: bool = False
    record_host: str | None = None
    base_url_from: str | None = None
    key: str | None = None
    prices: PriceList | None = None
    price_factor: float = 1.0

    @property
    def origin(self) -> tuple[str, str]:
        """Scheme and host with port: where credentials may go."""
        parts = urlsplit(self.base_url)
        return parts.scheme, parts.netloc.rpartition("@")[2]

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def source(self) -> str:
        """Who answers, as tables and cassettes say it: the kind, and the host unless it is that by which the kind is known. A row that
        is called ``import``, as recordings of others are, says of nobody that he answered."""
        known = self.simulated or HOSTS.get(self.kind) == self.host or self.kind.endswith(f" at {self.host}")
        return self.kind if known or self.kind == "import" else f"{self.kind} at {self.host}"

    @property
    def key_header(self) -> str | None:
        """The header that carries the key, for people to copy: the key is a shell variable, unless it is no secret."""
        if self.auth == "none":
            return None
        name = "Authorization: Bearer" if self.auth == "bearer" else "x-goog-api-key:"
        return f"{name} {self.key or '$' + next(iter(self.keys), 'KEY')}"


SIMULATOR_URL = "http://simulator.invalid"
"""Not an address: the wire serves it itself, from a simulator that it starts. ``SIMULATOR_BASE_URL`` names a running one."""


def _simulator(name: str, prefix: str) -> Provider:
    return Provider(
        name,
        SIMULATOR_URL + prefix,
        kind=name,
        simulated=True,
        record_host="simulator.invalid",
        base_url_from="SIMULATOR_BASE_URL",
        key="simulator",
        prices="google",
    )


ROWS: Mapping[str, Provider] = {
    row.name: row
    for row in (
        Provider(
            "google",
            "https://generativelanguage.googleapis.com",
            kind="google",
            keys=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            base_url_from="GOOGLE_GEMINI_BASE_URL",
            prices="google",
        ),
        Provider("cometapi", "https://api.cometapi.com", kind="cometapi", keys=("COMETAPI_KEY",)),
        Provider("cometapi-bearer", "https://api.cometapi.com", kind="cometapi", keys=("COMETAPI_KEY",), auth="bearer"),
        _simulator("simulator", ""),
        _simulator("simulator-gateway", "/gateway"),
    )
}
"""The providers that ship. A configuration adds rows and changes these."""

HOSTS: Mapping[str, str] = {row.kind: row.host for row in ROWS.values() if not row.simulated}
"""The kinds that everybody knows, and where they are."""
_MAKERS: Mapping[str, str] = {
    **{key: row.host for row in ROWS.values() for key in row.keys},
    "OPENAI_API_KEY": "api.openai.com",
    "ANTHROPIC_API_KEY": "api.anthropic.com",
    "OPENROUTER_API_KEY": "openrouter.ai",
}
"""Variables that hold a key of one maker, and where that is."""


def hazards(provider: Provider, environ: Mapping[str, str]) -> Iterator[str]:
    """What is risky about sending this provider its key: anybody may read it on the way, or it belongs to somebody else."""
    if provider.auth == "none" or provider.key or not provider.keys:
        return
    variable = next((name for name in provider.keys if environ.get(name, "").strip()), provider.keys[0])
    if provider.origin[0] == "http" and not is_this_machine(provider.host):
        yield (
            f"provider {provider.name!r} is at {provider.base_url}: {variable} goes there over plain http, where anybody on the way "
            "can read it; use https"
        )
    maker = _MAKERS.get(variable)
    if maker and not _is_within(provider.host, ".".join(maker.split(".")[-2:])):
        yield (
            f"provider {provider.name!r} is at {provider.base_url}, and is sent {variable}, which is a key of {maker}; name a variable "
            f"of its own under `keys` of [providers.{provider.name}]"
        )


def is_this_machine(host: str) -> bool:
    """Whether an address never leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return _is_within(host.lower().rstrip("."), "localhost")


def _is_within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


Dialect = Callable[[Provider, str, Json, Transport, frozenset[int]], Request]

_dialects: dict[str, Dialect] = {}


def dialect(name: str) -> Callable[[Dialect], Dialect]:
    """Register how requests are built for rows with ``dialect: name``. Raises ValueError for a name that is taken."""

    def register(function: Dialect) -> Dialect:
        if name in _dialects:
            raise ValueError(f"two dialects are called {name!r}")
        _dialects[name] = function
        return function

    return register


def build(
    provider: Provider,
    model: str,
    body: Json,
    transport: Transport,
    expects_status: frozenset[int] = frozenset(),
) -> Request:
    """The request for one step, without credentials; the body's bytes are made here, once. Sends nothing."""
    return _find(provider.dialect)(provider, model, body, transport, expects_status)


def _find(name: str) -> Dialect:
    if name not in _dialects:
        _load(name)
    if name not in _dialects:
        raise UsageError(f"no dialect is called {name!r}; there are: {', '.join(sorted(_dialects)) or 'none'}")
    return _dialects[name]


def _load(name: str) -> None:
    from importlib.util import find_spec

    if name.isidentifier() and find_spec(f"{__name__}.{name}"):
        importlib.import_module(f"{__name__}.{name}")
    else:
        extensions.load("dialects", name)


def credentials(provider: Provider, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The headers that prove who asks. Raises MissingKey, naming the variables that were looked at."""
    if provider.auth == "none":
        return {}
    key = provider.key or _key(provider, environ)
    return {"authorization": f"Bearer {key}"} if provider.auth == "bearer" else {"x-goog-api-key": key}


def _key(provider: Provider, environ: Mapping[str, str]) -> str:
    found = [name for name in provider.keys if environ.get(name, "").strip()]
    if not found:
        names = " or ".join(provider.keys)
        raise MissingKey(
            f"No key for provider {provider.name!r}: "
            + (f"set the environment variable {names}." if names else "its row in the configuration names no `keys`.")
        )
    if len(found) > 1:
        import logging

        logging.getLogger(__name__).warning("%s are both set; %s is used", " and ".join(found), found[0])
    key = environ[found[0]].strip()
    if not (key.isascii() and key.isprintable()):
        raise MissingKey(f"{found[0]} is no key: it holds a line break or other characters that no header can.")
    return key


def secrets(provider: Provider, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Variable name -> value for every key of this provider that is set: what must never reach a disk."""
    return {name: environ[name].strip() for name in provider.keys if environ.get(name, "").strip()}
