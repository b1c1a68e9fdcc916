"""What every answer must satisfy without anyone asserting it: one small function per rule, one file per family.

In: the evidence of a turn. Out: the mismatches found.
May import: the registry, ``answer``, ``gemini``, ``text``.

A rule that needs the request is silent where there is none; a rule about the answer is silent where there is no whole
answer to judge, so that one fault is shown once: a 429 by ``http-status``, a cut by ``stream-end`` or ``finish-reason``.
"""
