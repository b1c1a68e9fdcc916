"""``models``: what is known of models, on paper and as JSON, as of a day; and ``check --ends-within``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.gemini.models import catalogue

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*argv: str) -> tuple[int, str, str]:
        code = main(argv)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def test_one_model_is_shown_in_full(run: Run) -> None:
    code, out, _ = run("models", "gemini-4-carbon", "--as-of", "2026-11-28")
    assert code == 0
    assert out.splitlines()[:6] == [
        "gemini-4-carbon",
        "  stage     ga, released 2026-11-10",
        "  thinking  levels LOW, MEDIUM, HIGH; by default medium; no budgets",
        "  tokens    at most 1,048,576 in, 65,536 out (32,768 without a stream)",
        "  $ per 1M  2 in, 10 out, 0.1 cached; 14 per 1,000 searches",
        "            from 2026-12-01: 4 in, 20 out, 0.2 cached; 14 per 1,000 searches",
    ]
    assert "no free tier (paid_only)" in " ".join(out.split())


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("gemini-2.5-pro", "deprecated, ends 2026-12-01, from then on gemini-3.8-flash answers for it"),
        ("gemini-2.5-pro", "on Vertex ended 2026-10-20"),
        ("gemini-2.5-pro", "budgets 128 to 32768, or -1 (dynamic); by default dynamic; no levels"),
        ("gemini-2.5-pro", "1.25 (2.5 above 200,000 tokens) in"),
        ("gemini-3.5-flash-lite", "by default minimal; budgets above 0 are taken too"),
        ("gemini-flash-latest", "gemini-flash-latest = gemini-3.8-flash stage"),
        ("gemini-3.8-flash", "aliases gemini-flash-latest answers for gemini-3.7-flash"),
        ("gemini-3.8-live", "3 audio in, 12 audio out"),
        ("gemma-4-31b-it", "$ per 1M free"),
        ("gemma-4-31b-it", "function_calling, image_in, structured_output, text_out (more may work)"),
        ("gemini-2.5-flash-image", "no thinkingConfig is taken"),
        ("gemini-2.0-flash-preview-image-generation", "$ per 1M not known"),
        ("gemini-2.5-flash-preview-tts", "replacement gemini-3.8-flash-tts"),
    ],
)
def test_a_block_has_what_is_known_of_a_model(run: Run, model: str, part: str) -> None:
    _, out, _ = run("models", model, "--as-of", "2026-11-28")
    assert part in " ".join(out.split())


def test_prices_and_stages_are_those_of_the_day(run: Run) -> None:
    _, before, _ = run("models", "gemini-2.5-*", "--as-of", "2026-11-30")
    _, after, _ = run("models", "gemini-2.5-*", "--as-of", "2026-12-01")
    assert re.search(r"gemini-2.5-pro +ends 2026-12-01 ", before)
    assert re.search(r"gemini-2.5-pro +routed ", after)
    _, out, _ = run("models", "gemini-4-argon", "--as-of", "2026-12-01")
    assert "$ per 1M  4 in, 0.2 cached, 20 out" in out
    assert "from 20" not in out


def test_all_models_fit_into_eighty_columns(run: Run) -> None:
    code, out, _ = run("models")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert all(name[:16] in out for name in (*catalogue().models, *catalogue().aliases))


def test_the_longest_block_fits_into_eighty_columns(run: Run) -> None:
    for name in catalogue().models:
        assert max(map(len, run("models", name)[1].splitlines())) <= 80


def test_models_are_one_json_document(run: Run) -> None:
    _, out, _ = run("models", "gemini-4-*", "gemini-pro-latest", "--format", "json", "--as-of", "2026-11-28")
    models = {row["name"]: row for row in json.loads(out)["models"]}
    assert list(models) == [
        "gemini-4-hydrogen",
        "gemini-4-neon",
        "gemini-4-carbon",
        "gemini-4-argon",
        "gemini-pro-latest",
    ]
    assert models["gemini-4-neon"]["thinking"]["levels"] == ["LOW", "MEDIUM", "HIGH", "XHIGH"]
    assert models["gemini-4-neon"]["restrictions"].keys() >= {"no_prefill", "candidate_count_one"}
    assert [row["from"] for row in models["gemini-4-argon"]["prices"]] == ["2026-11-28", "2026-12-01"]
    assert models["gemini-pro-latest"]["model"] == "gemini-3.1-pro-preview"
    assert models["gemini-pro-latest"]["prices"][0]["rates"]["input_mtok"] == {"base": 2.0, "tiers": [[200_000, 4.0]]}


def test_features_narrow_the_models_down(run: Run) -> None:
    _, out, _ = run("models", "--feature", "image_out", "--feature", "google_search", "--format", "json")
    found = {row["name"] for row in json.loads(out)["models"]}
    assert "gemini-3-pro-image" in found
    assert "gemini-3.1-flash-lite-image" not in found


def test_nothing_has_all_of_these_features(run: Run) -> None:
    assert run("models", "--feature", "image_out", "--feature", "embed") == (
        5,
        "",
        "none of these models has image_out and embed\n",
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["gemini-3.8-flsh"], "no model 'gemini-3.8-flsh' in the catalogue; did you mean \"gemini-3.8-flash\"?\n"),
        (["gpt*"], "no model 'gpt*' in the catalogue\n"),
        (["--feature", "imge_out"], "--feature: no model has 'imge_out'; did you mean \"image_out\"?\n"),
        (["--as-of", "soon"], "argument --as-of: expected a day such as 2026-12-01, got 'soon'\n"),
        (["--format", "junit"], "no format 'junit' for a catalogue; known here: html, json, markdown, table\n"),
    ],
)
def test_a_mistake_is_named(run: Run, argv: list[str], message: str) -> None:
    code, out, err = run("models", *argv)
    assert (code, out) == (4, "")
    assert message in err


def test_configured_prices_are_shown(run: Run, folder: Path) -> None:
    (folder / "harness.toml").write_text('[prices."gemini-3.8-flash"]\ninput = 9\noutput = 10\n')
    _, out, _ = run("models", "gemini-3.8-flash", "--as-of", "2026-11-28")
    assert "$ per 1M     9 in, 10 out\n" in out
    assert "from 2027" not in out


# --- check --ends-within ------------------------------------------------------------------------------

SUITE = """\
suite: ends
defaults: {model: [gemini-2.5-pro, gemini-3.8-flash]}
cases:
- {id: a, prompt: hi}
- {id: b, prompt: hi, model: gemini-2.5-pro}
- {id: c, prompt: hi, model: gemini-3.1-flash-image}
- {id: d, prompt: hi, model: gemini-2.5-flash, skip: not now}
"""


@pytest.fixture
def suite(folder: Path) -> Path:
    (folder / "suites").mkdir()
    path = folder / "suites" / "ends.yaml"
    path.write_text(SUITE)
    return path


def test_models_that_end_soon_are_named_with_their_places(run: Run, suite: Path) -> None:
    code, out, _ = run("check", "--ends-within", "60d", "--as-of", "2026-11-01")
    assert code == 1
    life = "gemini-2.5-pro: deprecated, ends 2026-12-01, from then on gemini-3.8-flash answers for it"
    assert out.splitlines() == [
        f"{life}; closed to new keys; asked in suites/ends.yaml:2:19, suites/ends.yaml:5:30",
        "1 suite, 4 cases, 5 trials: 1 model to replace",
    ]


def test_a_replacement_is_named_where_nothing_is_routed(run: Run, suite: Path) -> None:
    suite.write_text(
        "suite: s\ncases:\n- id: a\n  prompt: hi\n  model: gemini-2.5-flash-preview-tts\n"
        "  request: {generationConfig: {responseModalities: [AUDIO]}}\n"
    )
    code, out, _ = run("check", str(suite), "--ends-within", "8w", "--as-of", "2026-10-01")
    assert code == 1
    assert "ends 2026-11-17; replacement: gemini-3.8-flash-tts; asked in" in out


@pytest.mark.parametrize(("within", "as_of", "code"), [("29d", "2026-11-01", 0), ("30d", "2026-11-01", 1)])
def test_the_last_day_counts(run: Run, suite: Path, within: str, as_of: str, code: int) -> None:
    assert run("check", "--ends-within", within, "--as-of", as_of)[0] == code


def test_what_has_ended_already_counts_too(run: Run, suite: Path) -> None:
    code, out, _ = run("check", "--ends-within", "0d", "--as-of", "2027-01-01")
    assert code == 1
    assert out.startswith("gemini-2.5-pro: retired 2026-12-01, since then gemini-3.8-flash answers for it")


def test_a_span_that_is_none_is_refused(run: Run, suite: Path) -> None:
    code, _, err = run("check", "--ends-within", "two months")
    assert code == 4
    assert "expected days or weeks, such as 60d or 8w, got 'two months'" in err
