"""A run on disk and in memory: a row for each trial, groups of attempts, totals, and the history of all runs.

In: rows, from ``run`` or from a saved file. Out: the file, a summary, groups with their measures, the exit code.
May import: ``answer``, ``gemini``, ``text``, ``disk``.
"""
