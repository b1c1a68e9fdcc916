"""The fixture ``gemini_harness``: answers to the test's own clients are judged and recorded as they come."""

from __future__ import annotations

import asyncio
import gzip
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.utils import formatdate
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from harness import audit
from harness.cli.main import main
from harness.errors import SecretOnTape, SuiteError, UsageError
from harness.run.listening import Listener
from harness.simulator import serve
from harness.transport import cassette
from tests.actions import ROOT
from tests.run.test_library import ANSWER, REQUEST, URL, WRONG_SUM

KEY = {"x-goog-api-key": "simulated"}
LIBRARIES = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]
pytest_plugins = ["pytester"]


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Listener:
    monkeypatch.chdir(tmp_path)
    listener = Listener()
    listener.install(monkeypatch.setattr)
    return listener


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Any:
    return import_module(request.param)


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with serve.start() as server:
        yield f"{server.url}/v1beta/models/gemini-3.8-flash"


def answering(library: Any, answer: Any = ANSWER, **options: Any) -> Any:
    return library.MockTransport(lambda _request: library.Response(200, json=answer, **options))


def test_an_answer_is_judged(listener: Listener, library: Any) -> None:
    with library.Client(transport=answering(library)) as client:
        assert client.post(URL, json=REQUEST).json() == ANSWER
    (answer,) = listener.answers
    assert answer.reply.text == "Oslo"
    assert answer.exchange.request.body == REQUEST
    listener.check()


def test_a_faulty_answer_fails_the_test(listener: Listener, library: Any) -> None:
    with library.Client(transport=answering(library, WRONG_SUM)) as client:
        client.post(URL, json=REQUEST)
    with pytest.raises(
        AssertionError, match=r"^usage-sum: totalTokenCount is \d+, but .* \(answer 1, \$\.usageMetadata"
    ):
        listener.check()
    listener.waive("usage-sum", "the gateway adds one")
    listener.check()


def test_an_unknown_invariant_is_not_waived(listener: Listener) -> None:
    with pytest.raises(UsageError, match=r"no invariant has the id 'usage-summ'; did you mean .usage-sum.\?"):
        listener.waive("usage-summ", "typo")


def test_a_wrong_expectation_names_no_file(listener: Listener) -> None:
    with pytest.raises(SuiteError) as fault:
        listener.expect({"finishReson": "STOP"})
    assert str(fault.value).splitlines() == [
        'expect: unknown key "finishReson"',
        '  "finishReson": "STOP"',
        '  did you mean "finishReason"?',
    ]


@pytest.mark.parametrize("status", [200, 429])
def test_an_expectation_that_judged_nothing_fails(listener: Listener, library: Any, status: int) -> None:
    replies = iter([library.Response(200, json=ANSWER), library.Response(status, json=ANSWER)])
    with library.Client(transport=library.MockTransport(lambda _: next(replies))) as client:
        client.post(URL, json=REQUEST)
        listener.expect({"finishReason": "STOP", "text": "Bergen"})
        if status != 200:
            client.post(URL, json=REQUEST)
    with pytest.raises(AssertionError, match=r"^expect\(finishReason, text\) judged no answer: "):
        listener.check()
    listener.expect({})


def test_checks_hold_for_later_answers(listener: Listener, library: Any) -> None:
    with library.Client(transport=answering(library)) as client:
        client.post(URL, json=REQUEST)
        listener.expect({"text": {"icontains": "bergen"}})
        client.post(URL, json=REQUEST)
    with pytest.raises(AssertionError, match=r"^text: expected text.* \(answer 2\)"):
        listener.check()


def test_other_requests_are_left_alone(listener: Listener, library: Any) -> None:
    with library.Client(transport=answering(library)) as client:
        client.get("https://example.com/a")
        client.post(f"{URL.removesuffix(':generateContent')}:countTokens", json={})
    assert listener.answers == []
    with pytest.raises(
        AssertionError,
        match=r"only 2 requests of other kinds, .*: GET example\.com/a, POST .*:countTokens; leave gemini_harness out of a test",
    ):
        listener.check()


def test_no_request_at_all_says_what_is_listened_to(listener: Listener) -> None:
    with pytest.raises(AssertionError, match=r"^no answer of Gemini was seen: it listens to httpx"):
        listener.check()


def test_a_replay_keeps_its_day_and_has_no_times(listener: Listener, library: Any, tmp_path: Path) -> None:
    listener.record("mine.yaml")
    listener.expect({"latency": {"max": "5s"}})
    transport = answering(library, headers={"date": "Fri, 20 Nov 2026 12:03:32 GMT"})
    with library.Client(transport=transport) as client:
        client.post(URL, json=REQUEST)
    with pytest.raises(AssertionError, match=r"latency: .*this recording has no times"):
        listener.check()
    listener.close()
    (read,) = cassette.read(tmp_path / "mine.yaml").interactions
    assert read.exchange.provenance.recorded_at == "2026-11-20T12:03:32+00:00"
    assert read.exchange.provenance.timing == "lost"
    assert json.loads(read.exchange.content) == ANSWER


def test_a_live_answer_has_its_times(listener: Listener, library: Any, tmp_path: Path) -> None:
    listener.record("mine.yaml")
    with library.Client(transport=answering(library, headers={"date": formatdate(usegmt=True)})) as client:
        client.post(URL, json=REQUEST)
    listener.close()
    (read,) = cassette.read(tmp_path / "mine.yaml").interactions
    assert read.exchange.provenance.timing == "recorded"


def test_a_refusal_that_passes_is_not_judged(listener: Listener, library: Any) -> None:
    replies = iter([library.Response(429, json={"error": {"code": 429}}), library.Response(200, json=ANSWER)])
    with library.Client(transport=library.MockTransport(lambda _: next(replies))) as client:
        client.post(URL, json=REQUEST)
        client.post(URL, json=REQUEST)
    listener.check()


def test_a_stream_keeps_its_chunks_and_times(listener: Listener, library: Any, simulator: str) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story about a lighthouse."}]}]}
    with (
        library.Client() as client,
        client.stream("POST", f"{simulator}:streamGenerateContent?alt=sse", json=body, headers=KEY) as response,
    ):
        lines = [line for line in response.iter_lines() if line]
    (answer,) = listener.answers
    assert len(answer.exchange.chunks) > 2
    assert answer.exchange.content.count(b"data:") == len(lines)
    times = [chunk.at for chunk in answer.exchange.chunks]
    assert times == sorted(times)
    assert answer.exchange.provenance.simulated
    listener.check()


def test_a_stream_that_is_left_early_is_not_judged(listener: Listener, library: Any, simulator: str) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story about a lighthouse."}]}]}
    with (
        library.Client() as client,
        client.stream("POST", f"{simulator}:streamGenerateContent?alt=sse", json=body, headers=KEY) as response,
    ):
        next(response.iter_lines())
    assert listener.answers == []


def test_an_async_client_is_listened_to(listener: Listener, library: Any, simulator: str) -> None:
    async def ask() -> None:
        async with library.AsyncClient(headers=KEY) as client:
            await client.post(f"{simulator}:generateContent", json=REQUEST)
            async with client.stream("POST", f"{simulator}:streamGenerateContent?alt=sse", json=REQUEST) as response:
                async for _ in response.aiter_bytes():
                    pass

    asyncio.run(ask())
    assert [answer.exchange.request.transport for answer in listener.answers] == ["unary", "stream"]
    listener.check()


def test_a_packed_answer_is_unpacked(listener: Listener, library: Any) -> None:
    class Packed(library.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            packed = gzip.compress(json.dumps(ANSWER).encode())
            yield packed[:40]
            yield packed[40:]

    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    transport = library.MockTransport(lambda _: library.Response(200, headers=headers, stream=Packed()))
    with library.Client(transport=transport) as client:
        assert client.post(URL, json=REQUEST).json() == ANSWER
    assert json.loads(listener.answers[0].exchange.content) == ANSWER
    listener.check()


def test_a_recording_becomes_a_suite(listener: Listener, library: Any, tmp_path: Path) -> None:
    listener.record("cassettes/mine.yaml")
    with library.Client(transport=answering(library)) as client:
        client.post(
            f"{URL}?key=AIza-not-to-be-kept-1234567890", json=REQUEST, headers={"x-goog-api-key": "SECRET-12345"}
        )
    listener.close()
    text = (tmp_path / "cassettes/mine.yaml").read_text()
    assert "SECRET" not in text
    assert "AIza" not in text
    assert len(audit("cassettes").exchanges) == 1
    assert main(["import", "cassettes/mine.yaml"]) == 0
    assert main(["run", "--strict"]) == 0


def test_a_recording_that_holds_the_key_is_refused(listener: Listener, library: Any, tmp_path: Path) -> None:
    listener.record("cassettes/mine.yaml")
    body = {"contents": [{"parts": [{"text": "my key is SECRET-12345"}]}]}
    with library.Client(transport=answering(library)) as client:
        client.post(URL, json=body, headers={"x-goog-api-key": "SECRET-12345"})
    with pytest.raises(SecretOnTape, match="Nothing was written"):
        listener.close()
    assert not (tmp_path / "cassettes").exists()


@pytest.fixture
def own(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """A test of somebody, which asks with httpx and gets this total of tokens."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(total: str, status: int = 200) -> pytest.RunResult:
        answer = {**ANSWER, "usageMetadata": {**ANSWER["usageMetadata"], "totalTokenCount": int(total)}}
        pytester.makepyfile(
            f"""
            import httpx

            def test_mine(gemini_harness):
                transport = httpx.MockTransport(lambda _: httpx.Response(200, json={answer!r}))
                with httpx.Client(transport=transport) as client:
                    assert client.post({URL!r}, json={REQUEST!r}).status_code == {status}
            """
        )
        return pytester.runpytest("-p", "no:cacheprovider")

    return run


def test_the_fixture_fails_the_test_of_a_faulty_answer(own: Callable[..., pytest.RunResult]) -> None:
    own("8").assert_outcomes(passed=1)
    broken = own("9")
    broken.assert_outcomes(failed=1)
    broken.stdout.fnmatch_lines(
        ["usage-sum: totalTokenCount is 9, *", "FAILED *::test_mine - Failed: usage-sum: totalTo*"]
    )
    broken.stdout.no_fnmatch_line("*listening.py*")


def test_a_test_that_fails_itself_shows_what_its_answers_break(own: Callable[..., pytest.RunResult]) -> None:
    broken = own("9", status=201)
    broken.assert_outcomes(failed=1)
    broken.stdout.fnmatch_lines(
        ["*assert 200 == 201", "*Captured gemini-harness call*", "usage-sum: totalTokenCount is 9, *"]
    )
    own("8", status=201).stdout.no_fnmatch_line("*Captured gemini-harness*")


def test_a_wrong_call_shows_the_line_of_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_typo(gemini_harness):
            gemini_harness.waive("usage-summ", "typo")

        def test_key(gemini_harness):
            gemini_harness.expect({"finishReson": "STOP"})
        """
    )
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["> *gemini_harness.waive(*", "> *gemini_harness.expect(*", "E *did you mean*"])
    result.stdout.no_fnmatch_line("*library.py*")


def google_genai() -> Path:
    """The folder with google-genai."""
    packages = ROOT / f".venv-clients/lib/python3.{sys.version_info.minor}/site-packages"
    if not (packages / "google/genai").is_dir():
        pytest.skip("google-genai is not here: `make clients` installs it")
    return packages


def test_the_page_holds_what_it_says(tmp_path: Path, simulator: str) -> None:
    packages = google_genai()
    page = (ROOT / "docs/library.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    (tmp_path / "test_own.py").write_text(code)
    environ = {
        "PYTHONPATH": str(packages),
        "PATH": "/usr/bin:/bin",
        "GOOGLE_GEMINI_BASE_URL": simulator.partition("/v1beta")[0],
        "GEMINI_API_KEY": "not-a-real-one",
    }
    harness = str(Path(sys.executable).parent / "gemini-harness")
    for command in (
        [harness, "init"],
        [harness, "run"],
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "test_own.py"],
        [harness, "audit", "tests/cassettes/my_code.yaml"],
    ):
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_clients_of_google_are_listened_to(tmp_path: Path, simulator: str) -> None:
    packages = google_genai()
    code = tmp_path / "test_mine.py"
    base = simulator.partition("/v1beta")[0]
    code.write_text(
        f"""
import asyncio
from google import genai
from harness import judge_reply

MODEL = "gemini-3.8-flash"


def client():
    return genai.Client(api_key="simulated", http_options={{"base_url": {base!r}}})


def test_unary(gemini_harness):
    gemini_harness.expect({{"text": {{"icontains": "oslo"}}}})
    own = client()
    answer = own.models.generate_content(model=MODEL, contents="What is the capital of Norway? One word.")
    assert judge_reply(answer, expect={{"text": "Oslo"}}).passed
    assert gemini_harness.answers[0].exchange.provenance.simulated


def test_stream(gemini_harness):
    own = client()
    list(own.models.generate_content_stream(model=MODEL, contents="Tell me a story about a lighthouse."))


def test_async(gemini_harness):
    async def ask():
        async with client().aio as own:
            await own.models.generate_content(model=MODEL, contents="hi")

    asyncio.run(ask())


def test_wrong(gemini_harness):
    gemini_harness.expect({{"text": {{"icontains": "bergen"}}}})
    own = client()
    own.models.generate_content(model=MODEL, contents="What is the capital of Norway? One word.")
"""
    )
    environ = {"PYTHONPATH": str(packages), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", str(code)]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert 'expected text containing "bergen"' in done.stdout
