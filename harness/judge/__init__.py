"""Judges a reply: by the checks that its case expects, and by every invariant.

In: the evidence of a turn (request, exchange, reply) and expectations. Out: verdicts with their mismatches.
May import: ``answer``, ``gemini``, ``text``, ``extensions``.

``registry`` finds checks and invariants by their decorators. ``judging`` makes verdicts and has no side effects. ``recorded``
says what a recording is evidence of, without a suite.
"""
