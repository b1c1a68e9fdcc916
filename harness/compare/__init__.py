"""Compares two runs, or two values of an axis of one run: flips, verdicts on measures, sweeps, migrations, gates, fidelity.

In: summaries and rows of saved runs. Out: a comparison, sweeps or a migration, as plain values that ``report`` writes.
May import: ``results``, ``transport``, ``suite``, ``judge``, ``answer``, ``gemini``, ``text``, ``extensions``.
"""
