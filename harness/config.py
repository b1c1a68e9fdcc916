"""The configuration of a folder: ``[tool.gemini-harness]`` in ``pyproject.toml``, or the same in ``harness.toml``, where the name
of the table may be left out.

provider = "google"              the default provider
suites = "suites"                folders, relative to the file
cassettes = "cassettes"
reports = "reports"
concurrency = 8                  requests in flight
attempts = 3                     per request, if a retry can help
max_body_bytes = 67108864        a longer answer is cut off
definition = "definition.json"   what the API's definition was renewed to (`drift --update`); default: the one that ships
max_cost = 5.00                  US dollars that one run may spend on live answers

[tool.gemini-harness.timeouts]   seconds
connect = 10
gap = 300                        between two chunks, and before the first
total = 900
wait = 60                        the longest wait that a server may ask for before the next attempt

[tool.gemini-harness.providers.my-gateway]
base_url = "https://gateway.example/gemini"
keys = ["MY_GATEWAY_KEY"]        environment variables, the first one set wins
auth = "bearer"                  or "x-goog-api-key", "both", "none"
prices = "google"                it charges Google's list prices (without this: costs are not known)
price_factor = 0.8               ... times this
rpm = 60                         requests a minute; also tpm (tokens a minute) and concurrency (requests in flight)

[tool.gemini-harness.providers.my-gateway.limits."gemini-3*"]    the same for some models
rpm = 15

[tool.gemini-harness.prices."my-model"]          or "my-gateway/my-model": at that provider only
input = 0.30                     dollars per million tokens
output = 2.50
cached = 0.03                    default: as input
search = 14                      dollars per thousand searches

[tool.gemini-harness.redact]     personal data: regular expressions, replaced by [email] and ACME-0 in all that is written
email = '[\\w.+-]+@[\\w-]+(\\.[\\w-]+)+'
customer = {pattern = 'ACME-[1-9]\\d*', replacement = "ACME-0"}
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from harness.errors import UsageError
from harness.gemini.prices import OwnPrice, Tariff, price_list
from harness.gemini.providers import ROWS, Limits, PriceList, Provider
from harness.model import Auth
from harness.text.credentials import credential_kind, credentials_in, resembles_key
from harness.text.personal import NO_REDACTION, PersonalPattern, Redaction
from harness.text.project import Missing, Unreadable, read

MOST_IN_FLIGHT = 10_000


class Timeouts(Struct, frozen=True):
    """Seconds. ``gap`` counts between two chunks and before the first; ``wait`` caps what a server asks for."""

    connect: float = 10
    gap: float = 300
    total: float = 900
    wait: float = 60


class Config(Struct, frozen=True):
    """The settings of a folder. ``file``: where they were read; None: all are defaults."""

    folder: Path = Path()
    file: Path | None = None
    provider: str = "google"
    providers: Mapping[str, Provider] = field(default_factory=lambda: ROWS)
    suites: Path = Path("suites")
    cassettes: Path = Path("cassettes")
    reports: Path = Path("reports")
    concurrency: int = 8
    attempts: int = 3
    max_body_bytes: int = 64 * 1024 * 1024
    max_cost: float | None = None
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
            known = ", ".join(sorted(self.providers))
            raise UsageError(
                f"no provider is called {provider!r}{_nearest(provider, self.providers) or f'; there are: {known}'}"
            ) from None

    def tariff(self, provider: str) -> Tariff:
        """The prices at this provider. Raises UsageError as ``find`` does."""
        return Tariff(self.find(provider), self.prices)

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
    for place in (folder, *folder.resolve().parents):
        for name in ("harness.toml", "pyproject.toml"):
            table = _table(place / name)
            if table is not None:
                return with_definition(_config(place, place / name, table, variables))
    return with_definition(_config(folder, None, {}, variables))


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
    try:
        text = read(file).decode("utf-8")
    except Missing:
        return None
    except (Unreadable, UnicodeDecodeError) as fault:
        raise UsageError(f"{file}: cannot be read: {fault}") from fault
    if file.name == "pyproject.toml" and "gemini-harness" not in text:
        return None
    import tomllib

    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(f"{file}: not valid TOML: {fault}") from fault
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
    complaints: list[str] = []
    plain = {key: value for key, value in table.items() if key not in _TABLES}
    settings = _typed(
        Config,
        plain,
        "",
        complaints,
        but=("folder", "file", "outside_files", "variables", "repeated", *_TABLES),
        also=_TABLES,
    )
    timeouts = _typed(Timeouts, _mapping(table, "timeouts", complaints), "timeouts.", complaints)
    tables = _mapping(table, "providers", complaints)
    rows = _rows(tables, complaints)
    prices = _prices(_mapping(table, "prices", complaints), rows, complaints)
    settings["redact"] = Redaction(tuple(_patterns(_mapping(table, "redact", complaints), complaints)))
    settings.setdefault("provider", Config().provider)
    if settings["provider"] not in rows:
        name = settings["provider"]
        complaints.append(f"provider: no provider is called {name!r}{_nearest(str(name), rows)}")
    if complaints:
        raise UsageError("\n".join(f"{file}: {complaint}" for complaint in complaints))
    for name in ("suites", "cassettes", "reports"):
        settings[name] = folder / settings.get(name, name)
    if "definition" in settings:
        settings["definition"] = folder / settings["definition"]
    providers = {name: _addressed(row, environ, priced="prices" in tables.get(name, {})) for name, row in rows.items()}
    return Config(
        folder=folder, file=file, providers=providers, timeouts=Timeouts(**timeouts), prices=prices, **settings
    )


_TABLES = ("timeouts", "providers", "prices", "redact")


def _mapping(table: Mapping[str, Any], key: str, complaints: list[str]) -> Mapping[str, Any]:
    value = table.get(key, {})
    if isinstance(value, dict):
        return value
    complaints.append(f"{key}: expected a table, got {_word(value)}")
    return {}


def _typed(
    what: type,
    table: Mapping[str, Any],
    at: str,
    complaints: list[str],
    but: Iterable[str] = (),
    also: Iterable[str] = (),
) -> dict[str, Any]:
    """The settings of ``table`` as fields of ``what``. Leaves out the faulty ones, and adds a complaint about each."""
    wanted = {name: kind for name, kind in what.__annotations__.items() if name not in but}
    values = {}
    for key, value in table.items():
        if key not in wanted:
            complaints.append(f"{at}{key}: unknown key{_nearest(key, {*wanted, *also})}")
            continue
        try:
            values[key] = _value(wanted[key], value)
        except ValueError as fault:
            complaints.append(f"{at}{key}: {fault}")
            continue
        if key in _MOST and values[key] > _MOST[key]:
            complaints.append(f"{at}{key}: expected at most {_MOST[key]:,}, got {_word(value)}")
    return values


_MOST = {
    "concurrency": MOST_IN_FLIGHT,
    "attempts": 1_000,
    "max_body_bytes": 2**40,
    **dict.fromkeys(Timeouts.__annotations__, 10_000_000),
}


def _value(kind: str, value: Any) -> Any:
    if kind in ("int", "int | None") and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if kind in ("float", "float | None") and _is_number(value) and value > 0:
        return float(value)
    if kind in ("Dollars", "Dollars | None") and _is_number(value) and value >= 0:
        return float(value)
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind in _CHOICES and value in _CHOICES[kind]:
        return value
    if kind == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if kind in ("str", "str | None", "Path", "Path | None") and isinstance(value, str) and value:
        return Path(value) if kind.startswith("Path") else value
    raise ValueError(f"expected {_WORDS.get(kind, 'text')}, got {_word(value, shown=kind not in _OF_KEYS)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


_CHOICES: Mapping[str, tuple[str, ...]] = {"Auth": get_args(Auth), "PriceList | None": get_args(PriceList)}
_WORDS = {
    "int": "a whole number above 0",
    "int | None": "a whole number above 0",
    "float": "a number above 0",
    "float | None": "a number above 0",
    "Dollars": "dollars, 0 or more",
    "Dollars | None": "dollars, 0 or more",
    "bool": "true or false",
    "tuple[str, ...]": "a list of names",
    **{kind: " or ".join(f'"{choice}"' for choice in choices) for kind, choices in _CHOICES.items()},
}


_OF_KEYS = ("tuple[str, ...]", "str | None")
"""Kinds of settings whose value may be a key by mistake: messages do not show it."""


def _word(value: Any, *, shown: bool = True) -> str:
    words = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}
    detail = f" ({value!r})" if shown and not resembles_key(str(value)) else ""
    return f"{words.get(type(value), 'a value')}{detail}"


def _rows(tables: Mapping[str, Any], complaints: list[str]) -> dict[str, Provider]:
    rows = dict(ROWS)
    for name in tables:
        at = f"providers.{name}."
        table = dict(_mapping(tables, name, complaints))
        limits = _limits(table.pop("limits", {}), f"{at}limits", complaints)
        row = _typed(Provider, table, at, complaints, but=("name", "limits"), also=("limits",))
        row |= {"limits": limits} if limits else {}
        if name not in rows and "base_url" not in row:
            complaints.append(f"{at}base_url: missing")
            continue
        if not _is_address(row.get("base_url", "http://a")):
            complaints.append(f"{at}base_url: expected {_ADDRESS}, got {_plain(row['base_url'])!r}")
        elif _holds_key(row.get("base_url", "")) or _holds_key(row.get("path", "")):
            key = "base_url" if _holds_key(row.get("base_url", "")) else "path"
            complaints.append(f"{at}{key}: it contains a key; remove it, {_BY_VARIABLE}")
        complaints += [f"{at}keys: {_no_variable(name)}" for name in row.get("keys", ()) if _no_variable(name)]
        if row.get("key") and not row.get("simulated", name in rows and rows[name].simulated):
            complaints.append(f"{at}key: a key does not belong in a file; name its environment variable under `keys`")
        if "base_url" in row and not (name in rows and rows[name].simulated):
            row.setdefault("prices", None)  # another host has prices of its own
        if name in rows:
            moved = replace(rows[name], **row)
            rows[name] = moved if "kind" in row else _labelled(moved, rows[name])
        else:
            rows[name] = Provider(**{"name": name, "kind": name, **row})
    return rows


def _limits(tables: Any, at: str, complaints: list[str]) -> dict[str, Limits]:
    """Model -> its limits, from ``limits`` of a provider's table."""
    if not isinstance(tables, dict):
        complaints.append(f"{at}: expected a table, got {_word(tables)}")
        return {}
    return {
        model: Limits(**_typed(Limits, _mapping(tables, model, complaints), f"{at}.{model}.", complaints))
        for model in tables
    }


def _prices(tables: Mapping[str, Any], rows: Mapping[str, Provider], complaints: list[str]) -> dict[str, OwnPrice]:
    found = {}
    for name in tables:
        at = f"prices.{name}."
        before = len(complaints)
        row = _typed(OwnPrice, _mapping(tables, name, complaints), at, complaints)
        needed = OwnPrice.__struct_fields__[: -len(OwnPrice.__struct_defaults__)]
        if len(complaints) == before:
            complaints += [f"{at}{name}: missing" for name in needed if name not in row]
        provider, slash, _ = name.rpartition("/")
        if slash and provider not in rows:
            complaints.append(f"prices.{name}: no provider is called {provider!r}{_nearest(provider, rows)}")
        if len(complaints) == before:
            found[name] = OwnPrice(**row)
    return found


def _patterns(table: Mapping[str, Any], complaints: list[str]) -> Iterator[PersonalPattern]:
    """The patterns of ``redact``: a regular expression, or a table of that and its replacement."""
    for name, value in table.items():
        row = {"pattern": value} if isinstance(value, str) else value
        if not isinstance(row, dict) or not all(isinstance(text, str) for text in row.values()):
            complaints.append(
                f"redact.{name}: expected a regular expression, or {{pattern, replacement}}, got {_word(value)}"
            )
        elif unknown := [key for key in row if key not in ("pattern", "replacement")]:
            complaints.append(
                f"redact.{name}.{unknown[0]}: unknown key{_nearest(unknown[0], ('pattern', 'replacement'))}"
            )
        elif not row.get("pattern"):
            complaints.append(f"redact.{name}.pattern: missing")
        else:
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


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), 1)
    return f", did you mean {close[0]!r}?" if close else ""
