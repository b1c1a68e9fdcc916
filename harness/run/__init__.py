"""Trials are played: prepare, send, read, judge; with a spending limit, resumed where a run was cut short, merged from shards.

In: suites on disk, a selection and the configuration. Out: results, in order.
May import: ``simulator``, ``compare``, ``results``, ``transport``, ``suite``, ``judge``, ``answer``, ``config``, ``gemini``, ``text``, ``disk``.

``session`` makes the plan that both fronts play, ``play`` plays a trial, ``estimate`` and ``budget`` count its cost.
"""
