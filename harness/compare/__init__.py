"""Compares two runs, or two values of an axis of one run: flips, verdicts, sweeps, gates; audits, fidelity, drift, scoreboards.

In: summaries and rows of saved runs, and recordings. Out: a document of plain values that ``report`` writes.
May import: ``results``, ``transport``, ``suite``, ``judge``, ``answer``, ``gemini``, ``text``, ``extensions``.
"""
