"""Plays trials: prepare, send, read, judge; with a spending limit. Resumes runs that were cut short, and merges shards.

In: suites on disk, a selection and the configuration. Out: results, in order.
May import: ``simulator``, ``compare``, ``results``, ``transport``, ``suite``, ``judge``, ``answer``, ``config``, ``gemini``, ``text``, ``disk``.

``session`` makes the plan that both fronts play, ``play`` plays a trial, ``estimate`` and ``budget`` compute costs.
"""
