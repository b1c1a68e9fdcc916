"""The configuration of a folder: ``[tool.gemini-harness]`` in ``pyproject.toml``, or the same in ``harness.toml``, where the name
of the table may be left out. ``docs/providers.md`` describes every setting.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypedDict, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from msgspec import Struct, convert, field, to_builtins
from msgspec.structs import replace

from harness.errors import UsageError
from harness.gemini.price_library import price_list
from harness.gemini.prices import OwnPrice, Tariff
from harness.gemini.providers import ROWS, Provider
from harness.text import shape
from harness.text.credentials import credential_kind, credentials_in, resembles_key
from harness.text.personal import NO_REDACTION, PersonalPattern, Redaction
from harness.text.project import Missing, Unreadable, read
from harness.text.shape import AtLeast, ShapeFinding, Spelled, TypeLabel, nearest
from harness.text.yamltext import Path as Route

MOST_IN_FLIGHT = 10_000
Seconds = Annotated[float, AtLeast(0, above=True, most=10_000_000)]


class Timeouts(Struct, frozen=True):
    """Seconds. ``gap`` counts between two chunks and before the first; ``wait`` caps what a server asks for."""

    connect: Seconds = 10
    gap: Seconds = 300
    total: Seconds = 900
    wait: Seconds = 60


class Config(Struct, frozen=True):
    """The settings of a folder. ``file``: where they were read; None: all are defaults."""

    folder: Path = Path()
    file: Path | None = None
    provider: str = "google"
    providers: Mapping[str, Provider] = field(default_factory=lambda: ROWS)
    suites: Path = Path("suites")
    cassettes: Path = Path("cassettes")
    reports: Path = Path("reports")
    concurrency: Annotated[int, AtLeast(0, above=True, most=MOST_IN_FLIGHT)] = 8
    attempts: Annotated[int, AtLeast(0, above=True, most=1_000)] = 3
    max_body_bytes: Annotated[int, AtLeast(0, above=True, most=2**40)] = 64 * 1024 * 1024
    max_cost: Annotated[float, AtLeast(0, above=True)] | None = None
    definition: Path | None = None
    timeouts: Timeouts = Timeouts()
    prices: Mapping[str, OwnPrice] = field(default_factory=dict)
    redact: Redaction = NO_REDACTION
    """What is taken out of everything that is written."""
    outside_files: bool = False
    """Whether suites may read files outside of their project. Only the command line can allow it."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Values of ``${var.name}`` in suites. Only the command line gives them."""
    repeated: tuple[str, ...] = ()
    """Command-line options that override the file. A printed command has to repeat them."""

    def find(self, provider: str) -> Provider:
        """The row of the provider with this name. Raises UsageError with the nearest name."""
        try:
            return self.providers[provider]
        except KeyError:
            raise UsageError(no_provider(provider, self.providers)) from None

    def tariff(self, provider: str) -> Tariff:
        """The prices at this provider. Raises UsageError as ``find`` does."""
        return Tariff(self.find(provider), self.prices)

    def passed_over(self, folder: Path) -> Path | None:
        """The configuration that applies in that folder, if it is another one. Raises UsageError where it cannot be read."""
        own = self.file and self.file.parent.resolve() / self.file.name
        found = next((file for file in _files(folder.resolve()) if file == own or _table(file) is not None), None)
        return None if found == own else found

    @property
    def price_source(self) -> str:
        """The source of the prices, in words."""
        return f"{price_list().source}{' and the configuration' if self.prices else ''}"


def load(folder: Path, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration of ``folder``: the nearest file in it or above it, else the defaults.

    Folders in the result are relative to the current directory. ``environ`` gives base URLs (default: the environment of
    the process). Raises one UsageError for all unknown keys and values of the wrong type.
    """
    variables = os.environ if environ is None else environ
    for file in _files(folder):
        table = _table(file)
        if table is not None:
            return with_definition(_config(file.parent, file, table, variables))
    return with_definition(_config(folder, None, {}, variables))


def _files(folder: Path) -> Iterator[Path]:
    """Where a configuration may stand, the nearest first."""
    for place in (folder, *folder.resolve().parents):
        yield from (place / "harness.toml", place / "pyproject.toml")


def with_definition(config: Config) -> Config:
    """The configuration, whose definition of the API the rules use from now on. Until that file is written, they use the one that ships."""
    if config.definition is None and "harness.gemini.definition" not in sys.modules:
        return config  # the one that ships is what it begins with, and its import takes milliseconds
    from harness.gemini import definition

    file = config.definition if config.definition and config.definition.exists() else None
    try:
        definition.use(file)
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else fault
        raise UsageError(
            f"{file}, which {config.file} names as the definition of the API, cannot be used: {reason}; "
            "remove it, then write it with `gemini-harness drift --update`"
        ) from fault
    return config


def _table(file: Path) -> Mapping[str, Any] | None:
    """The settings that a file holds; None if it holds none. Raises UsageError if it cannot be read."""
    try:
        text = read(file).decode("utf-8-sig")
    except Missing:
        return None
    except (Unreadable, UnicodeDecodeError) as fault:
        raise UsageError(f"{file}: cannot be read: {fault}") from fault
    if file.name == "pyproject.toml" and "gemini-harness" not in text:
        return None
    return _parsed(file, text)


@lru_cache(maxsize=8)  # the same file is looked for from the current folder, and from that of the suites
def _parsed(file: Path, text: str) -> Mapping[str, Any] | None:
    import tomllib

    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(
            f"{file}: not valid TOML: {fault}{'; is a text in quotes?' * ('value' in str(fault))}"
        ) from fault
    table = whole.get("tool", {}).get("gemini-harness") if isinstance(whole.get("tool", {}), dict) else None
    if file.name == "pyproject.toml":
        return table if isinstance(table, dict) else None
    if not isinstance(table, dict):
        return whole
    plain = {key: value for key, value in whole.items() if key != "tool" or len(value) > 1}
    if twice := sorted(plain.keys() & table.keys()):
        raise UsageError(f"{file}: {twice[0]} is both at the top and under [tool.gemini-harness]: keep one")
    return {**plain, **table}


def _config(folder: Path, file: Path | None, table: Mapping[str, Any], environ: Mapping[str, str]) -> Config:
    found = shape.findings(table, _settings(Config)) if table else []
    complaints = [_complaint(finding, table) for finding in found]
    wrong = {_whole(finding.path) for finding in found}
    settings = dict(shape.without(table, wrong))
    timeouts = convert(settings.pop("timeouts", {}), Timeouts)
    tables = settings.pop("providers", {})
    rows = dict(_rows(tables, complaints))
    prices = _prices(settings.pop("prices", {}), rows, complaints)
    redact = Redaction(tuple(_patterns(settings.pop("redact", {}), complaints)))
    provider = settings.setdefault("provider", Config().provider)
    if provider not in rows and not any(complaint.startswith(f"providers.{provider}.") for complaint in complaints):
        complaints.append(f"provider: {no_provider(provider, rows)}")
    if complaints:
        raise UsageError("\n".join(f"{file}: {complaint}" for complaint in complaints))
    for name in ("suites", "cassettes", "reports", *(["definition"] if "definition" in settings else [])):
        settings[name] = folder / settings.get(name, name)
    providers = {name: _addressed(row, environ, priced="prices" in tables.get(name, {})) for name, row in rows.items()}
    return Config(
        folder=folder, file=file, providers=providers, timeouts=timeouts, prices=prices, redact=redact, **settings
    )


def no_provider(name: str, known: Mapping[str, Provider]) -> str:
    """The message for an unknown provider, with the nearest name that is known."""
    return f"no provider is called {name!r}; {nearest(name, sorted(known))}".rstrip("; ")


# --- what may stand in a table ----------------------------------------------------------------------------


class _Redacted(TypedDict, total=False):
    pattern: str
    replacement: str


_TEXT = Annotated[str, Spelled(r"(.|\n)+", "text that is not empty")]
_IN_TOML: Mapping[Any, Any] = {
    str: _TEXT,
    Path: _TEXT,
    tuple[str, ...]: Annotated[list[str], TypeLabel("a list of names")],
    Redaction: dict[str, Annotated[str | _Redacted, TypeLabel("a regular expression, or {pattern, replacement}")]],
}
_NO_SETTINGS = ("name", "folder", "file", "outside_files", "variables", "repeated")


@cache
def _settings(kind: type[Struct]) -> Any:
    """The settings in the table of ``kind``, as a type that ``shape`` checks. None of them must be there."""
    hints = get_type_hints(kind, include_extras=True)
    settings = {name: _in_toml(hint) for name, hint in hints.items() if name not in _NO_SETTINGS}
    return TypedDict(kind.__name__, settings, total=False)  # type: ignore[operator]


def _in_toml(hint: Any) -> Any:
    """The type of a setting in TOML, which has neither null nor paths."""
    inner = get_args(hint)
    if hint in _IN_TOML:
        return _IN_TOML[hint]
    if get_origin(hint) is Mapping:
        return dict[str, _in_toml(inner[1])]  # type: ignore[misc]
    if NoneType in inner:
        return _in_toml(inner[0])
    return _settings(hint) if isinstance(hint, type) and issubclass(hint, Struct) else hint


def _whole(path: Route) -> Route:
    """What is left out for something wrong at that path: some rows and lists are of use as a whole only."""
    if path[0] in ("prices", "redact"):
        return path[:2]
    return path[:-1] if isinstance(path[-1], int) or path[-1] == "base_url" else path


def _complaint(finding: ShapeFinding, table: Any) -> str:
    """The finding in words. A text that may be a key by mistake is not shown, nor a hint that is written as YAML."""
    message = "unknown key" if finding.key else finding.message.replace("a mapping", "a table")
    value = table
    for step in finding.path:
        value = value[step]
    if isinstance(value, str) and (finding.path[-1] == "keys" or resembles_key(value)):
        message = message.replace(shape.shown(value), "text")
    hint = "" if finding.hint.startswith("write ") else finding.hint
    return f"{'.'.join(map(str, finding.path))}: {message}{f', {hint}' if hint else ''}"


def _rows(tables: Mapping[str, Mapping[str, Any]], complaints: list[str]) -> Iterator[tuple[str, Provider]]:
    """The providers that ship, with those of the configuration."""
    yield from ROWS.items()
    for name, row in tables.items():
        known = ROWS.get(name)
        if known or "base_url" in row:
            made = _row(name, row, known)
            complaints += [f"providers.{name}.{fault}" for fault in list(_faults(row, known)) or _misplaced(made)]
            yield name, made
        else:
            complaints.append(f"providers.{name}.base_url: missing")


def _faults(row: Mapping[str, Any], known: Provider | None) -> Iterator[str]:
    """What is wrong with the settings of a provider, and what must not stand in a file."""
    if not _is_address(row.get("base_url", "http://a")):
        yield f"base_url: expected {_ADDRESS}, got {_plain(row['base_url'])!r}"
    elif key := next((key for key in ("base_url", "path") if _holds_key(row.get(key, ""))), None):
        yield f"{key}: it contains a key; remove it, {_BY_VARIABLE}"
    yield from (f"keys: {_no_variable(name)}" for name in row.get("keys", ()) if name and _no_variable(name))
    if row.get("key") and not row.get("simulated", known is not None and known.simulated):
        yield "key: a key does not belong in a file; name its environment variable under `keys`"


def _misplaced(row: Provider) -> Iterator[str]:
    """A part of the path that the address has too, and a path of another dialect. Both are answered with a 404."""
    last = urlsplit(row.base_url).path.rstrip("/").rpartition("/")[2]
    if ":" in last or last == "completions":
        yield "base_url: it is the address of a call; write only what stands before its version, and the rest as path"
    elif last and row.path.startswith(f"/{last}/"):
        yield f"base_url: it ends with /{last}, and path begins with that: remove it here"
    if row.dialect == "openai" and "{" in row.path:
        yield f'path: expected that of chat completions, such as "/v1/chat/completions", got {row.path!r}'


def _row(name: str, row: Mapping[str, Any], known: Provider | None) -> Provider:
    if "base_url" in row and not (known and known.simulated):
        row = {"prices": None, **row}  # another host has prices of its own
    before = to_builtins(known) if known else {"name": name, "kind": name}
    moved = convert({**before, **row}, Provider)
    return moved if known is None or "kind" in row else _labelled(moved, known)


def _prices(
    tables: Mapping[str, Mapping[str, Any]], rows: Mapping[str, Provider], complaints: list[str]
) -> dict[str, OwnPrice]:
    needed = OwnPrice.__struct_fields__[: -len(OwnPrice.__struct_defaults__)]
    for name, row in tables.items():
        complaints += [f"prices.{name}.{key}: missing" for key in needed if key not in row]
        provider, slash, _ = name.rpartition("/")
        if slash and provider not in rows:
            complaints.append(f"prices.{name}: {no_provider(provider, rows)}")
    return {name: convert(row, OwnPrice) for name, row in tables.items() if row.keys() >= {*needed}}


def _patterns(table: Mapping[str, Any], complaints: list[str]) -> Iterator[PersonalPattern]:
    """The patterns of ``redact``: a regular expression, or a table of that and its replacement."""
    for name, value in table.items():
        row = {"pattern": value} if isinstance(value, str) else value
        if not row.get("pattern"):
            complaints.append(f"redact.{name}.pattern: missing")
            continue
        found = PersonalPattern(name, row["pattern"], row.get("replacement", f"[{name}]"))
        complaints += [f"redact.{name}: {found.complaint}"] if found.complaint else []
        yield found


_ADDRESS = "http://... or https://..., with no name, password, ? or # in it"
_BY_VARIABLE = "and name the environment variable that holds it under `keys`"


def _is_address(text: str) -> bool:
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        return False
    try:
        parts = urlsplit(text)
        valid = parts.port is None or parts.port > 0
    except ValueError:  # a port that is no number or too large, or a faulty IPv6 address
        return False
    bare = "@" not in parts.netloc and not parts.query and not parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and bare and valid


def _plain(text: str) -> str:
    """The address without credentials, query and fragment."""
    return re.split("[?#]", text.rpartition("@")[2])[0]


def _holds_key(address: str) -> bool:
    return any(credentials_in(address.replace("&", "?"))) or credential_kind(address) is not None


def _no_variable(name: str) -> str | None:
    """The fault in the name of an environment variable; None if there is none. Does not show the text: it may be a key."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and not resembles_key(name):
        return None
    return f"expected names of environment variables, got {len(name)} characters that are not a name; a key does not belong in a file"


def _addressed(row: Provider, environ: Mapping[str, str], *, priced: bool) -> Provider:
    """The row at the address that the environment names, if any. Its answers are labelled with that host. Its prices are
    not known, unless the configuration gives them (``priced``)."""
    address = environ.get(row.base_url_from, "").strip() if row.base_url_from else ""
    if not address:
        return row
    if not _is_address(address):
        raise UsageError(f"{row.base_url_from}: expected {_ADDRESS}, got {_plain(address)!r}")
    if row.simulated:
        return replace(row, base_url=address.rstrip("/") + urlsplit(row.base_url).path)
    same = urlsplit(address).hostname == urlsplit(row.base_url).hostname
    return _labelled(replace(row, base_url=address, prices=row.prices if same or priced else None), row)


def _labelled(moved: Provider, row: Provider) -> Provider:
    """The row at another address, labelled with its host if that differs too. A simulator keeps its label."""
    if moved.simulated or moved.host == row.host:
        return moved
    return replace(moved, kind=f"{row.kind.partition(' at ')[0]} at {moved.host}")
