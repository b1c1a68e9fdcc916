"""The check ``python``: it runs a Python function that stands beside the suite."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.answer.outcome import Outcome, outcome
from harness.errors import SuiteError
from harness.judge.checks.parameters import FunctionRef
from harness.judge.registry import check
from harness.model import Evidence, Mismatch


@check("python")
def python(
    evidence: Evidence, expected: FunctionRef | list[FunctionRef] | dict[FunctionRef, dict[str, Any]]
) -> Iterator[Mismatch]:
    """A Python function of your own: ``file.py:function``, in a file beside the suite.

    The function takes one argument, such as ``def one_word(result): ...``. ``result`` has the attributes text, thoughts,
    json, parts, function_calls, inline_data, finish_reason, block_reason, usage, grounding, response, chunks, error, status,
    headers, request, model, model_version, latency and ttft. The check passes if the function returns True or None. It
    fails on False, on a text that says what is wrong, and on an AssertionError. Any other exception is an error of the
    check itself. What the function prints goes to stderr. It has no time limit; Ctrl-C (twice in a live run) ends it, and
    the trials that are done are saved. Under its name may stand further arguments, such as what a row expects.

        python: checks.py:one_word
        python: [checks.py:one_word, checks.py:no_apology]
        python: {checks.py:same_sum: {total: 12.5}}
    """
    result = outcome(evidence)
    references = [expected] if isinstance(expected, str) else expected
    for reference in references:
        arguments = references[reference] if isinstance(references, dict) else {}
        failure = _call(partial(load(reference, evidence.folder), **arguments), reference, result)
        if failure:
            yield Mismatch(reference, True, failure, failure)


def _call(function: Callable[[Outcome], Any], reference: str, result: Outcome) -> str | None:
    try:
        with _running_user_code(reference):
            answer = function(result)
    except AssertionError as problem:
        from traceback import extract_tb

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
    """The function that ``file.py:function`` names. Raises SuiteError if there is none, or the file cannot be imported."""
    file, _, name = reference.rpartition(":")
    with _running_user_code(reference):
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
    module = sys.modules[unique] = importlib.util.module_from_spec(spec)  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@contextmanager
def _running_user_code(reference: str) -> Iterator[None]:
    """Run the user's code in this context. What it prints goes to stderr.

    AssertionError passes through. Any other exception, ``sys.exit()`` too, becomes a SuiteError with the user's lines.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (AssertionError, SuiteError):
        raise
    except (Exception, SystemExit) as fault:
        from traceback import extract_tb, format_list

        frames = [frame for frame in extract_tb(fault.__traceback__) if not frame.filename.startswith(_HARNESS_FRAMES)]
        lines = "".join(format_list(frames))
        raise SuiteError([f"{reference} broke: {type(fault).__name__}: {fault}\n{lines}".rstrip()]) from fault


_HARNESS_FRAMES = (str(Path(__file__).parents[2]), importlib.__path__[0], "<")
