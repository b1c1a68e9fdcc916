"""A local Gemini endpoint: what it answers is simulated, how it answers is the real thing's way.

From the socket inwards: ``serve`` (uvicorn in a thread) > ``app.Simulator`` (ASGI, options) > ``routes`` (paths, keys) > ``generating``
(rules and faults on the way) > ``request`` (reads leniently, refuses strictly) > ``answering`` (the pure core) > ``sending`` and
``profiles`` (framing). What is known is in ``world`` and ``knowledge``, form in ``manners``, JSON in ``structured``.

Every answer carries the header ``x-simulated: gemini-harness`` and a ``responseId`` that starts with ``sim``; ``modelVersion`` is the
real model's. A request can steer it: header ``x-simulator-seed`` (another answer), header ``x-simulator-fault: NAME`` or a mark in the
prompt, ``[simulate: fault NAME]``, ``[simulate: block SAFETY]``, ``[simulate: finish RECITATION]``. What each shape follows is said in
``provenance``.
"""
