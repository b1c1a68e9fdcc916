"""Media: the bytes are what their type says, and the modality that was asked for came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.answer.reply import an_object
from harness.gemini import media
from harness.judge.invariants.request_fields import each, field, is_finished
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch


@rule("inline-mime", "error")
def inline_mime(evidence: Evidence) -> Iterator[Mismatch]:
    """The first bytes of inline data agree with its ``mimeType``, for the types that can be told."""
    for index, blob in enumerate(evidence.reply.inline_data):
        if blob.get("data") and (found := media.mismatched_type(blob)) is not None:
            declared = media.mime_type(blob)
            message = f"mimeType is {declared}, the bytes are {found}"
            yield Mismatch(f"inlineData[{index}].mimeType", found, declared, message)


@rule("modality", "warn")
def modality(evidence: Evidence) -> Iterator[Mismatch]:
    """A requested IMAGE or AUDIO modality yields such a part; a draft among the thoughts is none."""
    if not is_finished(evidence):
        return
    kinds = _kinds(evidence.reply.inline_data)
    drafts = _kinds(an_object(part.get("inlineData")) for part in evidence.reply.parts if part.get("thought"))
    for wanted in each(field(evidence.request_body, "generationConfig", "responseModalities")):
        if str(wanted).upper() in ("IMAGE", "AUDIO") and str(wanted).upper() not in kinds:
            came = "only a draft came" if str(wanted).upper() in drafts else "none came"
            yield Mismatch("inlineData", wanted, sorted(kinds), f"{wanted} was asked for, {came}")


def _kinds(blobs: Iterable[Mapping[str, Json]]) -> set[str]:
    return {media.mime_type(blob).partition("/")[0].upper() for blob in blobs}
