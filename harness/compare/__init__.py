"""Compares two runs, or two values of an axis of one run: flips, verdicts on measures, sweeps, migrations and gates.

In: summaries and rows of saved runs. Out: a comparison, sweeps or a migration, as plain values that ``report`` writes.
May import: ``results``, ``suite``, ``judge``, ``gemini``, ``text``.
"""
