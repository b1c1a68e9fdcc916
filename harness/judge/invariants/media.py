"""Media: the bytes match their type, and the requested modality is in the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.answer.reply import an_object
from harness.gemini import media
from harness.judge.invariants.request_fields import field, is_finished, items_of
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch


@rule("inline-mime", "error")
def inline_mime(evidence: Evidence) -> Iterator[Mismatch]:
    """The first bytes of inline data agree with its ``mimeType``, for types that have known first bytes."""
    for index, blob in enumerate(evidence.reply.inline_data):
        if blob.get("data") and (found := media.mismatched_type(blob)) is not None:
            declared = media.mime_type(blob)
            message = f"mimeType is {declared}, the bytes are {found}"
            yield Mismatch(f"inlineData[{index}].mimeType", found, declared, message)


@rule("modality", "warn")
def modality(evidence: Evidence) -> Iterator[Mismatch]:
    """If IMAGE or AUDIO output is requested, the answer has such a part. A draft among the thoughts does not count."""
    if not is_finished(evidence):
        return
    kinds = _kinds(evidence.reply.inline_data)
    drafts = _kinds(an_object(part.get("inlineData")) for part in evidence.reply.parts if part.get("thought"))
    for wanted in items_of(field(evidence.request_body, "generationConfig", "responseModalities")):
        if str(wanted).upper() in ("IMAGE", "AUDIO") and str(wanted).upper() not in kinds:
            got = "got only a draft" if str(wanted).upper() in drafts else "got none"
            yield Mismatch("inlineData", wanted, sorted(kinds), f"{wanted} was requested, {got}")


def _kinds(blobs: Iterable[Mapping[str, Json]]) -> set[str]:
    return {media.mime_type(blob).partition("/")[0].upper() for blob in blobs}
