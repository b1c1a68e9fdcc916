"""A local Gemini endpoint. The content of its answers is made up; their form follows the real API.

In: HTTP requests. Out: answers, and the times at which their bytes are sent.
May import: ``transport`` (to replay cassettes), ``gemini``, ``text``.

A request passes: ``serve`` and ``http`` (uvicorn in a thread) > ``app.Simulator`` (ASGI app with the settings of ``state``) > ``routes``
(paths) and ``keys`` > ``generating`` (applies rules and faults) > ``request`` (normalises the body) and ``refusals`` (the API's errors, by
``harness.gemini.request_rules``) > ``answering`` (pure) > ``wire_format`` and ``profiles`` (framing) > ``traffic`` (sends on time).

``model_output`` chooses the content. ``background`` is what was written around a question; ``mentions`` finds values in a text, and ``prompt_reading`` the
value for a name, for calls and JSON alike. Facts are in ``world_facts`` and ``knowledge``, tables of words in ``words``, style rules in ``style``. JSON is
made by ``json_mode``, ``structured``, ``schema_resolution`` and ``regex_samples``; calls by ``functions``, ``arguments`` and ``function_results``; output of
built-in tools by ``builtin_tools``, ``grounding`` and ``computer``; media by ``images`` and ``speech``, and read by ``media_contents``; log probabilities by
``logprobs``. ``resources`` holds what callers keep (``caches``, ``files``, ``batches``, ``stores``), in pages of ``shelf``; ``resource_routes`` and
``uploads`` serve it. ``openai`` is the compatible endpoint, by ``openai_request`` and ``openai_answer``. ``gateways`` has what gateways change. ``limits``
and ``continuation`` decide where an answer ends. ``tokens``, ``media`` and ``implicit_cache`` count its tokens.

Every answer has the header ``x-simulated: gemini-harness`` and a ``responseId`` that starts with ``sim``; ``modelVersion`` is that of the
real model. A request can steer its answer: header ``x-simulator-seed`` (another answer), header ``x-simulator-fault: NAME``, or a marker in
the prompt: ``[simulate: fault NAME]``, ``[simulate: block SAFETY]``, ``[simulate: finish RECITATION]``. ``provenance`` lists the evidence for
each shape.
"""
