"""Providers as data: the endpoints that serve Gemini, their addresses and their keys. A dialect builds the request.

In: a provider, a model and a body. Out: a request without credentials, and the headers that carry them.
May import: ``text``, ``extensions``.

``build`` makes the request and does not send it. ``credentials`` makes the headers that are added when it is sent. A dialect is
one function decorated with ``dialect``, in a file of this package, or in a module named by an entry point in the group
``gemini_harness.dialects``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import quote, urlsplit

from msgspec import Struct, convert, field
from msgspec.structs import replace

from harness import __version__, extensions
from harness.errors import MissingKey, NotAvailable, UsageError
from harness.model import Access, ApiCall, Auth, Json, Request, Transport
from harness.text import safeyaml
from harness.text.jsontext import compact
from harness.text.shape import AtLeast, Spelled, nearest

PriceList = Literal["google"]
Count = Annotated[int, AtLeast(0, above=True)]
HEADER = r"(?:[a-z0-9]+-)+(?:key|token|secret|auth)"
"""The name of a header that holds a key, as far as it is known to be one wherever it is recorded."""
KeyPlace = Annotated[str, Spelled(f"bearer|both|none|{HEADER}", '"x-goog-api-key", "bearer", "both", "none" or the name of a header such as "x-corp-key"')]  # fmt: skip


class Limits(Struct, frozen=True):
    """Limits of requests: ``rpm`` requests a minute, ``tpm`` tokens a minute, ``concurrency`` requests in flight. None: no limit."""

    rpm: Count | None = None
    tpm: Count | None = None
    concurrency: Count | None = None


class Provider(Struct, frozen=True):
    """One endpoint.

    ``keys`` are environment variables; the first one that is set is used. ``kind`` is the name of the source in tables and
    cassettes. ``record_host`` is the host under which exchanges are stored and matched; None: the real host.
    ``base_url_from`` names an environment variable that replaces ``base_url``. ``key`` is a fixed key that is not secret.
    ``prices``: the list prices to use, times ``price_factor``; None: the prices are unknown. ``extra_body``: the endpoint takes
    Google's own fields in ``extra_body.google`` (dialect ``openai`` only).
    """

    name: str
    base_url: str
    kind: str
    keys: tuple[str, ...] = ()
    auth: KeyPlace = "x-goog-api-key"
    path: str = "/v1beta/models/{model}:{method}"
    dialect: str = "gemini"
    simulated: bool = False
    record_host: str | None = None
    base_url_from: str | None = None
    key: str | None = None
    prices: PriceList | None = None
    price_factor: Annotated[float, AtLeast(0, above=True)] = 1.0
    rpm: Count | None = None
    tpm: Count | None = None
    concurrency: Count | None = None
    extra_body: bool = False
    limits: Mapping[str, Limits] = field(default_factory=dict)
    """Model, or a pattern such as ``gemini-3*`` -> its limits, which replace those of the row. They count for each model."""

    def limits_of(self, model: str) -> Limits:
        """The limits of a model: its own, else those of the first pattern that fits, else those of the row."""
        from fnmatch import fnmatchcase

        fits = (limits for name, limits in self.limits.items() if fnmatchcase(model, name))
        return self.limits.get(model) or next(fits, Limits(self.rpm, self.tpm, self.concurrency))

    @property
    def origin(self) -> tuple[str, str]:
        """Scheme, and host with port. Credentials are sent only there."""
        parts = urlsplit(self.base_url)
        return parts.scheme, parts.netloc.rpartition("@")[2]

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def source(self) -> str:
        """The source of an answer in tables and cassettes: the kind, and the host if it is not the well-known host of the kind. For
        ``import`` (recordings of other tools) only the kind."""
        known = self.simulated or HOSTS.get(self.kind) == self.host or self.kind.endswith(f" at {self.host}")
        return self.kind if known or self.kind == "import" else f"{self.kind} at {self.host}"

    @property
    def key_headers(self) -> Sequence[str]:
        """The key headers, for a command to copy. The key is a shell variable, unless it is not secret."""
        return [f"{name}: {value}" for name, value in self._headers(self.key or "$" + next(iter(self.keys), "KEY"))]

    def as_accessed(self, access: Access) -> Provider:
        """The provider whose key is shown in that way."""
        provider = replace(self, auth=access.auth) if access.auth else self
        return replace(provider, key=WRONG_KEY) if access.wrong_key else provider

    def headers(self, key: str) -> Mapping[str, str]:
        """The headers that carry a key."""
        return {name.lower(): value for name, value in self._headers(key)}

    def _headers(self, key: str) -> Iterator[tuple[str, str]]:
        if self.auth in ("x-goog-api-key", "both"):
            yield "x-goog-api-key", key
        if self.auth in ("bearer", "both"):
            yield "Authorization", f"Bearer {key}"
        if self.auth not in get_args(Auth):
            yield self.auth, key


WRONG_KEY = "wrong-key"
"""A key that no provider knows."""

SIMULATOR_URL = "http://simulator.invalid"
"""Not a real address: the transport starts a simulator and sends to it. ``SIMULATOR_BASE_URL`` names a running one."""


_FILE = Path(__file__).parents[1] / "providers.yaml"
ROWS: Mapping[str, Provider] = {
    name: convert({"name": name, "kind": name, **row}, Provider) for name, row in safeyaml.shipped(_FILE).items()
}
"""The providers that ship, from ``providers.yaml``. The configuration can add rows and change these."""

GOOGLE_MODELS: str = f"{ROWS['google'].base_url}/v1beta/models"
"""Where Google serves models. ``/MODEL:METHOD`` follows in the address of a call."""
HOSTS: Mapping[str, str] = {row.kind: row.host for row in ROWS.values() if not row.simulated}
"""Kind -> well-known host."""
_KEY_HOSTS: Mapping[str, str] = {
    **{key: row.host for row in ROWS.values() for key in row.keys},
    "OPENAI_API_KEY": "api.openai.com",
    "ANTHROPIC_API_KEY": "api.anthropic.com",
    "OPENROUTER_API_KEY": "openrouter.ai",
}
"""Environment variable -> the host to which its key belongs."""


def hazards(provider: Provider, environ: Mapping[str, str]) -> Iterator[str]:
    """Warnings about sending the key to this provider: the connection is not encrypted, or the key belongs to another host."""
    if provider.auth == "none" or provider.key or not provider.keys:
        return
    variable = next((name for name in provider.keys if environ.get(name, "").strip()), provider.keys[0])
    if provider.origin[0] == "http" and not is_this_machine(provider.host):
        yield (
            f"provider {provider.name!r} is at {provider.base_url}: {variable} is sent over plain http, where others can "
            "read it; use https"
        )
    key_host = _KEY_HOSTS.get(variable)
    if key_host and not _is_within(provider.host, ".".join(key_host.split(".")[-2:])):
        yield (
            f"provider {provider.name!r} is at {provider.base_url}, and is sent {variable}, which is a key of {key_host}; name another "
            f"variable under `keys` of [providers.{provider.name}]"
        )


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine (loopback)."""
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return _is_within(host.lower().rstrip("."), "localhost")


def _is_within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


@lru_cache(500)
def is_chat(url: str) -> bool:
    """Whether this is the address of chat completions, the OpenAI-compatible dialect."""
    return urlsplit(url).path.endswith("/chat/completions")


def native_body(request: Request) -> Mapping[str, Json] | None:
    """The body of a request as checks and invariants read it, a chat completion as a native one; None if it is no JSON object."""
    if not isinstance(request.body, dict) or not is_chat(request.url):
        return request.body if isinstance(request.body, dict) else None
    from harness.gemini import native_request

    return native_request.native_body(request.body)


Dialect = Callable[[Provider, str, Json, Transport, frozenset[int]], Request]

_dialects: dict[str, Dialect] = {}


def dialect(name: str) -> Callable[[Dialect], Dialect]:
    """Register a function that builds requests, for providers with ``dialect: name``. Raises ValueError for a name in use."""

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
    """The request for one step, without credentials. Sends nothing. The body is encoded here, and only here."""
    return dialect_of(provider)(provider, model, body, transport, expects_status)


def dialect_of(provider: Provider) -> Dialect:
    """The function that builds its requests. Raises UsageError where nothing registers one of that name."""
    name = provider.dialect
    if name not in _dialects:
        ours = extensions.modules_in(__path__)
        if name in ours:
            importlib.import_module(f"{__name__}.{name}")
        else:
            extensions.load("dialects", name)
        if name not in _dialects:
            near = nearest(name, sorted({*_dialects, *ours}))
            raise UsageError(f"providers.{provider.name}.dialect: no dialect is called {name!r}; {near}")
    return _dialects[name]


def posted(
    provider: Provider, model: str, path: str, body: Json, transport: Transport, expects_status: frozenset[int]
) -> Request:
    """A request with a JSON body, unchanged: compact UTF-8, with the keys in their order."""
    return Request(
        provider=provider.name,
        model=model,
        method="POST",
        url=provider.base_url.rstrip("/") + path,
        headers={"accept": "*/*", "content-type": "application/json", "user-agent": f"gemini-harness/{__version__}"},
        body=body,
        content=compact(body),
        transport=transport,
        expects_status=expects_status,
    )


def api_request(
    provider: Provider,
    model: str,
    call: ApiCall,
    upload: tuple[str, bytes] | None = None,
    expects_status: frozenset[int] = frozenset(),
) -> Request:
    """The request for a call of the API, without credentials. Sends nothing.

    ``call.path`` is below the provider's version (``/v1beta/``), or an absolute path or address if it starts with a slash or a
    scheme. ``upload`` is the MIME type and the content of a file; it goes with the body as one multipart upload. Raises UsageError
    for a provider whose addresses have no version.
    """
    root, version = provider.base_url.rstrip("/"), provider.path.partition("models/")
    if provider.dialect == "openai":
        raise NotAvailable(f"the OpenAI-compatible dialect has no call {call}")
    if not version[1]:
        raise UsageError(f"provider {provider.name!r} takes no other calls: its path {provider.path} has no models/")
    path = quote(call.path, safe="/-._~:?=&%+,*@$!")
    address = path if "://" in call.path else f"{root}{path}" if path.startswith("/") else f"{root}{version[0]}{path}"
    headers = {"accept": "*/*", "user-agent": f"gemini-harness/{__version__}"}
    content = b"" if call.body is None else compact(call.body)
    if content:
        headers["content-type"] = "application/json"
    if upload is not None:
        separator = "&" if "?" in path else "?"
        address = f"{root}/upload{version[0]}{path}{separator}uploadType=multipart"
        headers |= {"x-goog-upload-protocol": "multipart", "content-type": f"multipart/related; boundary={_BOUNDARY}"}
        content = _multipart(content or b"{}", *upload)
    return Request(
        provider=provider.name,
        model=model,
        method=call.method,
        url=address,
        headers=headers,
        body=None if upload else call.body,
        content=content,
        transport="stream" if ":stream" in path else "unary",
        expects_status=expects_status,
    )


_BOUNDARY = "gemini-harness-4f1c8b0e9d7a"


def _multipart(about: bytes, mime: str, data: bytes) -> bytes:
    """Two parts: JSON about the file, and the file."""
    heads = ("application/json; charset=UTF-8", mime)
    parts = (
        f"--{_BOUNDARY}\r\nContent-Type: {head}\r\n\r\n".encode() + part + b"\r\n"
        for head, part in zip(heads, (about, data), strict=True)
    )
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


def credentials(provider: Provider, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with the key. Raises MissingKey, which names the environment variables that may hold it."""
    if provider.auth == "none":
        return {}
    return provider.headers(provider.key or _key(provider, environ))


def _key(provider: Provider, environ: Mapping[str, str]) -> str:
    found = secrets(provider, environ)
    if not found:
        names = " or ".join(provider.keys)
        raise MissingKey(
            f"No key for provider {provider.name!r}: "
            + (f"set the environment variable {names}." if names else "its row in the configuration names no `keys`.")
        )
    if len(found) > 1:
        import logging

        logging.getLogger(__name__).warning("%s are both set; %s is used", " and ".join(found), next(iter(found)))
    name, key = next(iter(found.items()))
    if not (key.isascii() and key.isprintable()):
        raise MissingKey(
            f"{name} is not a valid key: it has a line break or other characters that a header cannot have."
        )
    return key


def secrets(provider: Provider, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Variable name -> value for every key of this provider that is set. These values must never be written to disk."""
    return {name: environ[name].strip() for name in provider.keys if environ.get(name, "").strip()}
