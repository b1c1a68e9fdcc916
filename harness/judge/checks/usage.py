"""Token counts: a check for every ``...TokenCount`` of ``usageMetadata``, with the same name; and their parts by modality."""

from collections.abc import Iterator
from typing import Annotated, Final, TypedDict

from harness.judge.predicates import NumberPredicate, differs, is_number, or_absent
from harness.judge.registry import check
from harness.model import Evidence, Mismatch
from harness.text.jsontext import objects_in

COUNTS: Final = {
    "promptTokenCount": "Tokens of the prompt, cached ones included.",
    "cachedContentTokenCount": "Tokens of the prompt that came from a cache. Implicit caching is not guaranteed.",
    "candidatesTokenCount": "Tokens of the answer, without thinking.",
    "thoughtsTokenCount": "Tokens of thinking. They are counted even if the request does not ask for thoughts.",
    "toolUsePromptTokenCount": "Tokens that built-in tools add to the prompt.",
    "totalTokenCount": "All tokens: prompt, answer, thinking and tool use.",
}


def _register(name: str, about: str) -> None:
    def count(evidence: Evidence, expected: NumberPredicate) -> Iterator[Mismatch]:
        yield from differs(name, evidence.reply.count(name), expected)

    count.__name__ = name
    count.__doc__ = f"{about}\n\nAn absent count is 0. In a stream, the count of the last chunk is used.\n\n    {name}: {{min: 1, max: 8000}}"
    check(name)(count)


for _name, _about in COUNTS.items():
    _register(_name, _about)


class ModalityWords(TypedDict, total=False):
    """Tokens by modality. A modality that the answer does not list has 0."""

    TEXT: Annotated[NumberPredicate, "tokens of text"]
    IMAGE: Annotated[NumberPredicate, "tokens of images"]
    VIDEO: Annotated[NumberPredicate, "tokens of video"]
    AUDIO: Annotated[NumberPredicate, "tokens of sound"]
    DOCUMENT: Annotated[NumberPredicate, "tokens of documents, such as PDF"]


class TokensDetailsWords(TypedDict, total=False):
    """Which counts are split by modality."""

    prompt: Annotated[ModalityWords, "`promptTokensDetails`"]
    candidates: Annotated[ModalityWords, "`candidatesTokensDetails`; Gemini API sends them for few models of text"]
    cache: Annotated[ModalityWords, "`cacheTokensDetails`"]
    toolUse: Annotated[ModalityWords, "`toolUsePromptTokensDetails`"]


@check("tokensDetails")
def tokens_details(evidence: Evidence, expected: TokensDetailsWords) -> Iterator[Mismatch]:
    """The token counts by modality: ``promptTokensDetails`` and the others of ``usageMetadata``, or of a ``countTokens`` answer.

    A modality that is not listed has 0 tokens.

        tokensDetails: {prompt: {TEXT: {min: 1}, IMAGE: {min: 258}}, candidates: {AUDIO: 0}}
    """
    for part, modalities in expected.items():
        field = f"{'toolUsePrompt' if part == 'toolUse' else part}TokensDetails"
        details = objects_in((evidence.reply.usage or evidence.reply.response).get(field))
        for modality, predicate in modalities.items():  # type: ignore[attr-defined]
            counts = [detail.get("tokenCount", 0) for detail in details if detail.get("modality") == modality]
            yield from differs(f"{field} {modality}", sum(filter(is_number, counts)), predicate)


@check("totalTokens")
def total_tokens(evidence: Evidence, expected: NumberPredicate) -> Iterator[Mismatch]:
    """``totalTokens`` of a ``countTokens`` answer: the tokens of the prompt that was counted.

    totalTokens: {min: 5, max: 20}
    """
    yield from differs("totalTokens", or_absent(evidence.reply.response.get("totalTokens")), expected)
