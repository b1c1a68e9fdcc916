"""A request becomes an exchange: live over the network, from a cassette, or live and recorded.

In: a request and its slot (cassette, row, attempt, step). Out: an exchange, or a HarnessError that says why none came.
May import: ``suite``, ``answer``, ``config``, ``gemini``, ``text``, ``disk``.

A transport is anything with ``async send(Request, Slot) -> Exchange``: ``recorder.Player`` replays, ``wire.Wire`` asks live,
``recorder.Recorder`` does both and keeps what came.
"""
