"""What a suite may expect of an answer: one small function per check, one file per family.

In: the evidence of a turn and the check's parameter. Out: the mismatches found.
May import: predicates, the registry, ``answer``, ``gemini``, ``text``.
"""
