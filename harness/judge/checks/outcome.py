"""The outcome of a request: HTTP status, error, headers, finish reason, block reason, model version, safety ratings."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypedDict

from msgspec.structs import replace

from harness.answer.refusals import message_of
from harness.answer.reply import candidate_of
from harness.gemini import offers
from harness.judge.checks.parameters import Count, HttpStatus
from harness.judge.predicates import ABSENT, NumberPredicate, Predicate, TextPredicate, differs, or_absent
from harness.judge.registry import check
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import a_list, an_object

Probability = Literal["NEGLIGIBLE", "LOW", "MEDIUM", "HIGH"]
_PROBABILITIES: tuple[Probability, ...] = ("NEGLIGIBLE", "LOW", "MEDIUM", "HIGH")


class ErrorWords(TypedDict, total=False):
    """Fields of the API's error object."""

    status: Annotated[TextPredicate, offers.STATUSES, "the google.rpc name, such as INVALID_ARGUMENT"]
    code: Annotated[NumberPredicate, "the number in the body"]
    message: Annotated[TextPredicate, "the text of the message"]
    details: Annotated[Predicate, "the list of details, such as RetryInfo"]


class SafetyWords(TypedDict, total=False):
    """What the safety ratings must be."""

    present: Annotated[bool, "whether there are any ratings"]
    blocked: Annotated[bool, "whether a rating has blocked: true"]
    max: Annotated[Probability, "the highest probability that a rating may have"]


@check("finishReason")
def finish_reason(
    evidence: Evidence, expected: Annotated[TextPredicate, offers.expected("Candidate.FinishReason")]
) -> Iterator[Mismatch]:
    """The final ``finishReason`` of the first candidate.

    It is absent in an error answer, and if the prompt was blocked. With this check, the invariant ``finish-reason`` does not
    fail an answer that ended otherwise than with ``STOP``.

        finishReason: MAX_TOKENS
        finishReason: {in: [STOP, MAX_TOKENS]}
    """
    yield from differs("finishReason", or_absent(evidence.reply.finish_reason), expected)


@check("blockReason")
def block_reason(
    evidence: Evidence, expected: Annotated[TextPredicate, offers.expected("PromptFeedback.BlockReason")]
) -> Iterator[Mismatch]:
    """``promptFeedback.blockReason``: why the prompt was blocked. It is absent if the prompt was not blocked.

    blockReason: SAFETY
    blockReason: {present: false}
    """
    yield from differs("blockReason", or_absent(evidence.reply.block_reason), expected)


@check("http")
def http(evidence: Evidence, expected: HttpStatus) -> Iterator[Mismatch]:
    """The HTTP status. An expected status is not retried, and an expected status other than 200 does not fail the trial.

    http: 400
    http: {in: [429, 503]}
    """
    reason = message_of(evidence.reply.error).partition("\n")[0]
    for found in differs("HTTP status", evidence.exchange.status, expected):
        yield replace(found, message=f"{found.message}: {reason}" if reason else found.message)


@check("error")
def error(evidence: Evidence, expected: ErrorWords) -> Iterator[Mismatch]:
    """The error object of the answer, or of a stream that broke off. Fields that are not named may have any value.

    error: {status: INVALID_ARGUMENT, message: {icontains: thinking}}
    """
    found = evidence.reply.error
    if found is None:
        message = f"expected an error answer, got none (HTTP {evidence.exchange.status})"
        yield Mismatch("error", dict(expected), None, message)
        return
    fields = found if isinstance(found, Mapping) else {"message": found}
    for name, predicate in expected.items():
        yield from differs(f"error.{name}", fields.get(name, ABSENT), predicate)


@check("headers")
def headers(evidence: Evidence, expected: dict[str, TextPredicate]) -> Iterator[Mismatch]:
    """Response headers, by name; upper and lower case are the same. Recordings keep only some headers.

    headers: {content-type: {starts_with: text/event-stream}}
    """
    for name, predicate in expected.items():
        yield from differs(f"header {name.lower()}", evidence.exchange.headers.get(name.lower(), ABSENT), predicate)


@check("modelVersion")
def model_version(evidence: Evidence, expected: Annotated[TextPredicate, offers.MODEL_PREDICATE]) -> Iterator[Mismatch]:
    """``modelVersion``: the model that answered, as the API reports it.

    modelVersion: {starts_with: gemini-3}
    """
    yield from differs("modelVersion", or_absent(evidence.reply.model_version), expected)


@check("candidates")
def candidates(evidence: Evidence, expected: Count) -> Iterator[Mismatch]:
    """How many candidates the answer has.

    candidates: 1
    """
    yield from differs("candidates (count)", len(a_list(evidence.reply.response.get("candidates"))), expected)


@check("safetyRatings")
def safety_ratings(evidence: Evidence, expected: SafetyWords) -> Iterator[Mismatch]:
    """The safety ratings of the first candidate and of the prompt. Current models rarely send any.

    safetyRatings: {max: LOW, blocked: false}
    """
    ratings = list(_ratings(evidence.reply.response))
    if "present" in expected:
        wanted = {"length": {"min": 1}} if expected["present"] else {"length": 0}
        yield from differs("safetyRatings", [rating for _, rating in ratings], wanted)
    if "blocked" in expected:
        blocked = any(rating.get("blocked") is True for _, rating in ratings)
        yield from differs("safetyRatings (blocked)", blocked, expected["blocked"])
    if "max" in expected:
        allowed = list(_PROBABILITIES[: _PROBABILITIES.index(expected["max"]) + 1])
        for at, rating in ratings:
            if "probability" in rating:
                yield from differs(f"{at}.probability", rating["probability"], {"in": allowed})


def _ratings(response: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    owners = {"candidates[0]": candidate_of(response), "promptFeedback": an_object(response.get("promptFeedback"))}
    for where, owner in owners.items():
        for index, rating in enumerate(a_list(owner.get("safetyRatings"))):
            if isinstance(rating, Mapping):
                yield f"{where}.safetyRatings[{index}]", rating
