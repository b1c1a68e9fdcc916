"""A local Gemini endpoint: what it answers is simulated, how it answers is the real thing's way.

In: HTTP requests. Out: answers, and the times at which their bytes are sent.
May import: ``transport`` (to replay cassettes), ``gemini``, ``text``.

From the socket inwards: ``serve`` and ``http`` (uvicorn in a thread) > ``app.Simulator`` (ASGI, options, its turn) > ``routes``
(paths) and ``keys`` > ``generating`` (rules and faults on the way) > ``request`` (reads leniently) and ``refusing`` (refuses strictly,
with ``rulelines`` and ``schemas``) > ``answering`` (the pure core) > ``sending`` and ``profiles`` (framing) > ``traffic`` (keeps time).

What is said is chosen in ``saying``: what is known is in ``world`` and ``knowledge``, form in ``manners``, JSON in ``asjson``,
``structured``, ``reading`` and ``shapes``, calls in ``functions``, ``arguments`` and ``results``, tools of the server in ``builtin`` and
``grounding``, pictures and sound in ``images``, ``jpeg`` and ``speech``. Where it ends is in ``limits`` and ``continuing``, what it costs
in ``tokens``, ``media`` and ``prefixes``.

Every answer carries the header ``x-simulated: gemini-harness`` and a ``responseId`` that starts with ``sim``; ``modelVersion`` is the
real model's. A request can steer it: header ``x-simulator-seed`` (another answer), header ``x-simulator-fault: NAME`` or a mark in the
prompt, ``[simulate: fault NAME]``, ``[simulate: block SAFETY]``, ``[simulate: finish RECITATION]``. What each shape follows is said in
``provenance``.
"""
