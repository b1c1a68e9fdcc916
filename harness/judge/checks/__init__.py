"""The checks that a suite may use under ``expect:``: one small function per check, one file per family.

In: the evidence of a turn and the check's parameter. Out: the mismatches.
May import: predicates, the registry, ``answer``, ``gemini``, ``text``.
"""
