"""A suite's own checks, in Python."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from traceback import extract_tb, format_list
from types import ModuleType
from typing import Any

from harness.answer.outcome import Outcome, outcome
from harness.errors import SuiteError
from harness.judge.checks.parameters import FunctionRef
from harness.judge.registry import check
from harness.model import Evidence, Mismatch


@check("python")
def python(evidence: Evidence, expected: FunctionRef | list[FunctionRef]) -> Iterator[Mismatch]:
    """A function of your own, ``file.py:function``, the file beside the suite: ``def one_word(result): ...``.

    ``result`` is a plain object: text, thoughts, json, parts, function_calls, inline_data, finish_reason, block_reason,
    usage, grounding, response, chunks, error, status, headers, request, model, model_version, latency, ttft. It holds when
    the function returns True or None; False, a text (what is wrong) or an AssertionError is a failure; any other
    exception means that the check itself is broken. What it prints goes to stderr. It has no time limit; Ctrl-C (twice
    in a live run) ends it, and what ran is saved.

        python: checks.py:one_word
        python: [checks.py:one_word, checks.py:no_apology]
    """
    result = outcome(evidence)
    for reference in [expected] if isinstance(expected, str) else expected:
        failure = _asked(load(reference, evidence.folder), reference, result)
        if failure:
            yield Mismatch(reference, True, failure, failure)


def _asked(function: Callable[[Outcome], Any], reference: str, result: Outcome) -> str | None:
    try:
        with _theirs(reference):
            answer = function(result)
    except AssertionError as problem:
        return str(problem) or f"{extract_tb(problem.__traceback__)[-1].line or reference} is false"
    if answer is None or answer is True:
        return None
    if answer is False or isinstance(answer, str):
        return answer or f"{reference} returned False"
    if isinstance(answer, Coroutine):
        answer.close()
        raise SuiteError([f"{reference} is async; a check is a plain function"])
    raise SuiteError(
        [f"{reference} returned {answer!r}; a check returns True, None, False or a text that says what is wrong"]
    )


def load(reference: str, folder: Path) -> Callable[[Outcome], Any]:
    """The function that ``file.py:function`` names. SuiteError where there is none, or its file cannot be imported."""
    file, _, name = reference.rpartition(":")
    with _theirs(reference):
        found = getattr(_module((folder / file).resolve()), name, None)
    if not callable(found):
        raise SuiteError([f"{file} has no function {name!r}"])
    return found  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def _module(file: Path) -> ModuleType:
    if not file.is_file():
        raise SuiteError([f"there is no file {file}"])
    unique = f"{file.stem}_{sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(unique, file)
    if spec is None or spec.loader is None:
        raise SuiteError([f"{file} is not a Python file"])
    module = sys.modules[unique] = importlib.util.module_from_spec(spec)  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@contextmanager
def _theirs(reference: str) -> Iterator[None]:
    """Somebody else's code runs here. What it prints goes to stderr; SuiteError, with its own lines, for what it raises
    beside an AssertionError. Even ``sys.exit()`` ends the check only."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (AssertionError, SuiteError):
        raise
    except (Exception, SystemExit) as fault:
        raise SuiteError([f"{reference} broke: {type(fault).__name__}: {fault}\n{_lines(fault)}".rstrip()]) from fault


def _lines(fault: BaseException) -> str:
    frames = [frame for frame in extract_tb(fault.__traceback__) if not frame.filename.startswith(_NOT_THEIRS)]
    return "".join(format_list(frames))


_NOT_THEIRS = (str(Path(__file__).parents[2]), importlib.__path__[0], "<")
