"""A local Gemini endpoint: what it answers is simulated, how it answers is the real thing's way.

``answering.answer`` is the pure core (a request body in, an ``Answer`` out); ``app.Simulator`` is a thin ASGI shell around it,
``serve.start`` a server in a thread. Every answer carries the header ``x-simulated: gemini-harness`` and a ``responseId``
that starts with ``sim``. Which recordings each shape follows is said in ``provenance.py``.
"""
