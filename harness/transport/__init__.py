"""A request becomes an exchange: live over the network, from a cassette, or live and recorded.

In: a request and its slot (cassette, row, attempt, step). Out: an exchange, or a HarnessError that says why there is none.
May import: ``suite``, ``answer``, ``config``, ``gemini``, ``text``, ``disk``.

A transport is anything with ``async send(Request, Slot) -> Exchange``: ``recorder.Player`` replays, ``wire.Wire`` sends live,
``recorder.Recorder`` does both and keeps the exchanges.
"""
