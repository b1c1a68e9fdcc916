"""The evidence for each shape of an answer: recordings of real traffic, else the official definition, else a report.

``test_recordings.py`` sends the requests of the public recordings to the simulator and compares: the
status is the same, and an answer has no key that no recorded answer has. Recordings are named by their public repository and the path in it.
"""

from __future__ import annotations

from typing import NamedTuple

EVIDENCE = {
    "recorded": "seen in recordings of real traffic",
    "defined": "by the official definition",
    "reported": "in issues, or in the code of others",
    "remembered": "without evidence: treat with care",
    "made up": "by this simulator",
}
"""The kinds of evidence, strongest first."""


class ShapeSource(NamedTuple):
    """One shape and its evidence. ``evidence`` is a key of ``EVIDENCE``. If it is ``recorded``, ``source`` names a repository with recordings."""

    shape: str
    evidence: str
    source: str


SOURCES = tuple(
    ShapeSource(*row)
    for row in (
        (
            "whole answer, key order, two-space indent",
            "recorded",
            "crewAIInc/crewAI lib/crewai/tests/cassettes/llms/google",
        ),
        (
            "thought parts first, counted apart",
            "recorded",
            "crewAIInc/crewAI test_gemini_agent_kickoff_structured_output_with_tools",
        ),
        (
            "answer eaten by thoughts",
            "recorded",
            "0xPlaygrounds/rig thought_text_matrix/text_response_is_none_when_the_turn_is_all_thought",
        ),
        (
            "events: CRLF, space after colon, none after comma",
            "recorded",
            "DataDog/dd-trace-js genai cassettes; 315 streams in all",
        ),
        ("JSON array of chunks", "recorded", "simonw/llm-gemini tests/cassettes (streams without alt=sse)"),
        (
            "signature on the first call, or on a last empty text",
            "recorded",
            "pydantic/pydantic-ai test_google cassettes; rig",
        ),
        (
            "call ids on 3.x only; finishMessage",
            "recorded",
            "pydantic/pydantic-ai test_google_instructions_only_with_tool_calls",
        ),
        (
            "grounding by search: chunks, supports in bytes",
            "recorded",
            "0x1eef/llm.rb google/web_search; braintrustdata/braintrust-sdk-javascript",
        ),
        ("grounding by pages, urlContextMetadata", "recorded", "pydantic/pydantic-ai test_google_model_web_fetch_tool"),
        (
            "grounding by maps",
            "recorded",
            "FirebaseExtended/vertexai-sdk-test-data unary-success-google-maps-grounding",
        ),
        ("code and its result with one id on 3.x", "recorded", "0xPlaygrounds/rig code_execution_matrix"),
        (
            "cached content in usage",
            "recorded",
            "0xPlaygrounds/rig cached_content_matrix; pydantic/pydantic-ai test_cache",
        ),
        (
            "toolCall and toolResponse, each signed",
            "recorded",
            "pydantic/pydantic-ai test_structured_output/test_native_output_with_builtin_tools",
        ),
        (
            "images, pages, seconds in tokens, by generation",
            "recorded",
            "pydantic/pydantic-ai test_multimodal_tool_return_matrix; crewAIInc/crewAI TestAgentMultimodalFileTypes",
        ),
        ("implicit caching in usage", "recorded", "0xPlaygrounds/rig prompt_caching; how much of a prompt: made up"),
        ("avgLogprobs, ratings, no index on 2.0; enums as numbers", "recorded", "tmc/langchaingo googleai/testdata"),
        ("logprobsResult, citationMetadata", "recorded", "google-gemini/generative-ai-js test-utils/mock-responses"),
        (
            "CONTINUATION and continuationToken",
            "defined",
            "google-genai 3.4.0 types; which bytes a token holds: made up",
        ),
        (
            "speech: audio/L16;codec=pcm;rate=24000",
            "remembered",
            "earlier speech models sent it; a WAV only where asked",
        ),
        ("JPEG images", "defined", "ImageResponseFormat.mimeType"),
        ("unknown query names, oneof clashes, safetySettings categories", "remembered", "texts are not recorded"),
        ("functions, code, search on image and speech models", "remembered", "texts by analogy with JSON mode's"),
        ("keys that say what is wrong with them", "made up", "this simulator"),
        ("several candidates", "recorded", "0xPlaygrounds/rig thought_text_matrix/text_response_across_two_candidates"),
        (
            "blocked candidate, ratings",
            "recorded",
            "google-gemini/generative-ai-js mock-responses/unary-failure-finish-reason-safety",
        ),
        (
            "MALFORMED_FUNCTION_CALL without content",
            "recorded",
            "braintrustdata/braintrust-sdk-javascript google-genai cassettes",
        ),
        (
            "models.list, countTokens, embeddings",
            "recorded",
            "0x1eef/llm.rb google/models; pydantic/pydantic-ai; simonw/llm-gemini",
        ),
        (
            "404 for unknown models, key_invalid, quota, capacity",
            "recorded",
            "0xPlaygrounds/rig error_envelope; crewAIInc/crewAI; ruby_llm",
        ),
        ("think_*, signature_missing, unknown_field, tool combinations", "reported", "quoted in public issues"),
        ("order of refusals: payload, key, model, arguments", "reported", "public issues; reports differ"),
        ("promptFeedback, safetySettings, image parts, files", "defined", "OpenAPI 20260413"),
        (
            "pages of caches, newest first; expireTime, also in the past; displayName",
            "recorded",
            "0xPlaygrounds/rig cached_content_matrix/edge_list_pagination, edge_expiry_in_the_past, edge_update_expiry_absolute",
        ),
        ("smallest cache, 100 requests in one batch of embeddings", "reported", "texts quoted in the code of others"),
        (
            "a batch that is done, and its file of answers",
            "recorded",
            "tidyverse/ellmer batch/state-capitals-gemini.json",
        ),
        (
            "batches with inline requests; states and times of a batch",
            "defined",
            "OpenAPI 20260413; how long they take: made up",
        ),
        ("gzip of whole answers", "recorded", "tidyverse/ellmer google-count-tokens; 44 whole answers in all"),
        (
            "a video of YouTube as pictures and sound",
            "recorded",
            "pydantic/pydantic-ai test_google_model_youtube_video_url_input",
        ),
        ("gateways: fields, errors, streams", "reported", "their sources and documents; CometAPI's page"),
        ("resumable upload headers", "reported", "sent by google-genai 3.4.0, which accepts the answers"),
        (
            "ranges of temperature, maxOutputTokens, candidateCount",
            "remembered",
            "texts of the refusals are not recorded",
        ),
        ("chat/completions: framing and [DONE]", "recorded", "jackmpcollins/magentic test_openai_chat_model_gemini"),
        (
            "chat/completions: keys of an answer, thoughts in the total only",
            "recorded",
            "pydantic/pydantic-ai test_compatible_api_with_tool_calls_without_id",
        ),
        ("chat/completions: refusals, efforts, other finish reasons", "reported", "public issues"),
        (
            "file search: stores, uploads, retrievedContext, its steps",
            "recorded",
            "pydantic/pydantic-ai test_google_model_file_search_grounding_gemini_3",
        ),
        (
            "tools of MCP servers: call and result in one answer",
            "recorded",
            "googleapis/js-genai server_side_MCP tests",
        ),
        ("Computer Use: names of actions, safety_decision", "reported", "the code of clients; which action: made up"),
        ("This model requires the use of the Computer Use tool.", "reported", "langchain-ai/langchain-google#1414"),
        ("computer_off, a store that is not empty", "remembered", "texts are not recorded"),
        ("403 and 400 for stores, 404 for documents", "reported", "google-genai 3.6.1 tests; the whole texts: made up"),
        (
            "pixels of images, by ratio, size and model",
            "reported",
            "Google's page on image generation, and live sizes of gemini-nano-banana-2.1; what is drawn: made up",
        ),
        ("text of maps chunks", "defined", "Maps.text; three places: made up"),
        (
            "thoughts by question, answer and model; room under maxOutputTokens",
            "recorded",
            "0xPlaygrounds/rig, pydantic/pydantic-ai: a fit to their medians",
        ),
        ("thoughts of a level relative to HIGH", "made up", "few recordings set a level"),
        ("the content of answers", "made up", "this simulator"),
    )
)
