"""What a folder says about itself, and every complaint about it at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.config import Config, Timeouts, load
from harness.errors import UsageError
from harness.gemini.providers import ROWS


def toml(folder: Path, text: str, name: str = "harness.toml") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    config = load(tmp_path, {})
    assert (config.provider, config.suites, config.concurrency) == ("google", tmp_path / "suites", 8)
    assert config.providers == ROWS


def test_everything_can_be_said(tmp_path: Path) -> None:
    toml(
        tmp_path,
        """
        provider = "mine"
        suites = "checks"
        concurrency = 32
        [timeouts]
        gap = 20
        [providers.mine]
        base_url = "https://gateway.example/gemini"
        keys = ["MY_KEY"]
        auth = "bearer"
        [providers.cometapi]
        auth = "bearer"
        """,
    )
    config = load(tmp_path, {})
    assert (config.suites, config.concurrency) == (tmp_path / "checks", 32)
    assert config.timeouts == Timeouts(gap=20.0)
    mine = config.find("mine")
    assert (mine.name, mine.kind, mine.keys, mine.auth, mine.simulated) == (
        "mine",
        "mine",
        ("MY_KEY",),
        "bearer",
        False,
    )
    assert config.find("cometapi").keys == ("COMETAPI_KEY",)
    assert config.find("cometapi").auth == "bearer"


def test_a_pyproject_above_is_found_and_others_are_passed_by(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    toml(tmp_path / "a", '[tool.ruff]\nline-length = 3 # not "gemini-harness"', "pyproject.toml")
    toml(tmp_path, '[tool.gemini-harness]\nprovider = "simulator"', "pyproject.toml")
    config = load(inner, {})
    assert (config.provider, config.reports) == ("simulator", tmp_path.resolve() / "reports")


def test_every_complaint_comes_at_once(tmp_path: Path) -> None:
    toml(
        tmp_path,
        """
        provider = "gogle"
        concurency = 4
        attempts = true
        timeouts = {conect = 1, total = -1}
        [providers.mine]
        auth = "basic"
        [providers.other]
        base_url = "gateway.example"
        key = "hunter2"
        """,
    )
    with pytest.raises(UsageError) as refused:
        load(tmp_path, {})
    file = tmp_path / "harness.toml"
    assert str(refused.value).splitlines() == [
        f'{file}: concurency: unknown key, did you mean "concurrency"?',
        f"{file}: attempts: expected a whole number above 0 and at most 1,000, got true",
        f'{file}: timeouts.conect: unknown key, did you mean "connect"?',
        f"{file}: timeouts.total: expected a number above 0 and at most 10,000,000, got the number -1",
        f'{file}: providers.mine.auth: expected "x-goog-api-key", "bearer", "both", "none" or the name of a header such as "x-corp-key", got the text "basic"',
        f"{file}: providers.mine.base_url: missing",
        f"{file}: providers.other.base_url: expected http://... or https://..., with no name, password, ? or # in it, got 'gateway.example'",
        f"{file}: providers.other.key: a key does not belong in a file; name its environment variable under `keys`",
        f"{file}: provider: no provider is called 'gogle'; did you mean \"google\"?",
    ]


def test_words_of_other_tools_name_ours_and_a_faulty_provider_is_named_once(tmp_path: Path) -> None:
    toml(
        tmp_path, 'retries = 3\nprovider = "mine"\n[providers.mine]\nurl = "https://g.example"\napi_key_env = "MY_KEY"'
    )
    with pytest.raises(UsageError) as refused:
        load(tmp_path, {})
    assert str(refused.value).replace(f"{tmp_path / 'harness.toml'}: ", "").splitlines() == [
        'retries: unknown key, did you mean "attempts"?',
        'providers.mine.url: unknown key, did you mean "base_url"?',
        'providers.mine.api_key_env: unknown key, did you mean "keys"?',
        "providers.mine.base_url: missing",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("provider = simulator", "not valid TOML: Invalid value (at line 1, column 12); is a text in quotes?"),
        ('suites = ""', 'suites: expected text that is not empty, got the text ""'),
        ("reports = 2026-11-29", "reports: expected text that is not empty, got the value 2026-11-29"),
        ("max_cost = inf", "max_cost: expected a number above 0, got the number inf"),
        ("timeouts = 3", "timeouts: expected a table with connect, gap, total, wait, got the number 3"),
        ("redact = 'x'", 'redact: expected a table, got the text "x"'),
        ("[providers.google]\nkeys = [1, 'A']", "providers.google.keys.0: expected text, got the number 1"),
        ("[providers.google]\nrpm = 3.5", "providers.google.rpm: expected a whole number above 0, got the number 3.5"),
        ("[providers.google]\nname = 'x'", "providers.google.name: unknown key, "),
        ("[providers.mine]\nbase_url = 3", "providers.mine.base_url: expected text"),
        ("[providers]\ngoogle = 4", "providers.google: expected a table with base_url, kind, "),
    ],
)
def test_a_wrong_type_is_a_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    toml(tmp_path, text)
    with pytest.raises(UsageError) as refused:
        load(tmp_path, {})
    assert str(refused.value).startswith(f"{tmp_path / 'harness.toml'}: {complaint}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("text", "reason"), [("a = ", "not valid TOML"), ("\udcff", "cannot be read")])
def test_a_broken_file_is_no_traceback(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "harness.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=reason):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("environ", "name", "base_url", "kind"),
    [
        (
            {"GOOGLE_GEMINI_BASE_URL": "https://proxy.example/gw"},
            "google",
            "https://proxy.example/gw",
            "google at proxy.example",
        ),
        (
            {"GOOGLE_GEMINI_BASE_URL": "https://generativelanguage.googleapis.com/"},
            "google",
            "https://generativelanguage.googleapis.com/",
            "google",
        ),
        (
            {"SIMULATOR_BASE_URL": "http://127.0.0.1:1/"},
            "simulator-gateway",
            "http://127.0.0.1:1/gateway",
            "simulator-gateway",
        ),
    ],
)
def test_the_environment_may_move_a_provider(
    tmp_path: Path, environ: dict[str, str], name: str, base_url: str, kind: str
) -> None:
    row = load(tmp_path, environ).find(name)
    assert (row.base_url, row.kind) == (base_url, kind)
    assert row.prices == (None if " at " in kind else "google"), "another host has prices of its own"


@pytest.mark.parametrize(
    "address", ["localhost", "http://a\nb", "http://a b", "http://a:99999", "http://a:b", "http://[1"]
)
def test_a_wrong_address_in_the_environment_names_the_variable(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError, match=r"GOOGLE_GEMINI_BASE_URL: expected http"):
        load(tmp_path, {"GOOGLE_GEMINI_BASE_URL": address})


def test_a_file_as_windows_saves_it_is_read(tmp_path: Path) -> None:
    toml(tmp_path, '\N{BOM}provider = "simulator"\r\nconcurrency = 2\r\n')
    assert load(tmp_path, {}).concurrency == 2


def test_an_unknown_provider_has_a_nearest_name() -> None:
    with pytest.raises(UsageError, match="'simulater'; did you mean \"simulator\""):
        Config().find("simulater")


README = """
[tool.gemini-harness.providers.my-gateway]
base_url = "https://gateway.example/gemini"
keys = ["MY_GATEWAY_KEY"]
"""


def test_harness_toml_takes_the_same_settings_as_pyproject(tmp_path: Path) -> None:
    toml(tmp_path, f'provider = "my-gateway"\n[timeouts]\ngap = 20\n{README}')
    config = load(tmp_path, {})
    assert (config.provider, config.find("my-gateway").keys) == ("my-gateway", ("MY_GATEWAY_KEY",))
    assert config.timeouts == Timeouts(gap=20.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"[providers.google]\nauth = 'bearer'\n{README}", "providers is both at the top and under"),
        (f"{README}\n[tool.gemini-harnes]\nprovider = 'x'", "tool: unknown key"),
        ("tool = 3", "tool: unknown key"),
        ("[tool.gemini-harness]\nconcurency = 3", 'concurency: unknown key, did you mean "concurrency"'),
    ],
)
def test_but_nothing_in_it_is_passed_over(tmp_path: Path, text: str, reason: str) -> None:
    toml(tmp_path, text)
    with pytest.raises(UsageError, match=reason):
        load(tmp_path, {})


@pytest.mark.parametrize(("stated", "prices"), [('prices = "google"', "google"), ('auth = "bearer"', None)])
def test_configured_prices_apply_at_another_address(tmp_path: Path, stated: str, prices: str | None) -> None:
    toml(tmp_path, f"[providers.google]\n{stated}\n")
    assert load(tmp_path, {"GOOGLE_GEMINI_BASE_URL": "https://proxy.example/gw"}).find("google").prices == prices


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('base_url = "https://g.example/v1beta"', "base_url: it ends with /v1beta, and path begins with that"),
        (
            'base_url = "https://g.example/v1beta/models/gemini-2.5-flash:generateContent"',
            "base_url: it is the address of",
        ),
        ('base_url = "https://g.example"\ndialect = "openai"', "path: expected that of chat completions, such as"),
    ],
)
def test_an_address_that_no_endpoint_has_is_refused(tmp_path: Path, row: str, complaint: str) -> None:
    toml(tmp_path, f"[providers.mine]\n{row}\n")
    with pytest.raises(UsageError, match=f"providers.mine.{re.escape(complaint)}"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('keys = ["KEY"]', "keys: expected names of environment variables, got 45 characters that are not a name"),
        ('keys = "KEY"', "keys: expected a list of names, got text"),
        ('auth = "Bearer KEY"', "auth: expected"),
        ('key = "KEY"', "key: a key does not belong in a file; name its environment variable"),
        (
            'base_url = "https://gateway.example/v1?key=KEY"',
            "base_url: expected http://... or https://..., with no name",
        ),
        ('base_url = "https://gateway.example/KEY/v1"', "base_url: it contains a key; remove it"),
        ('base_url = "https://me:KEY@gateway.example"', "base_url: expected http://... or https://..., with no name"),
        ('path = "/v1beta/models/{model}:{method}&api_key=hunter2hunter2"', "path: it contains a key; remove it"),
        ('path = "/v1/{model}:{method}?token=hunter2hunter2"', "path: it contains a key; remove it"),
    ],
)
def test_a_key_in_a_file_is_refused_and_not_shown(tmp_path: Path, row: str, complaint: str) -> None:
    key = "sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF"
    base = "" if "base_url" in row else 'base_url = "https://gateway.example"\n'
    toml(tmp_path, f"[providers.mine]\n{base}{row.replace('KEY', key)}\n")
    with pytest.raises(UsageError) as refused:
        load(tmp_path, {})
    assert f"providers.mine.{complaint}" in str(refused.value)
    assert "sk-" not in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert refused.value.exit_code == 4
