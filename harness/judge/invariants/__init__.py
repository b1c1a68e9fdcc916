"""The invariants: rules that every answer must satisfy. One small function per rule, one file per family.

In: the evidence of a turn. Out: the mismatches.
May import: the registry, ``answer``, ``gemini``, ``text``.

A rule that needs the request finds nothing if there is none. A rule about the answer finds nothing if the answer is not
complete, so that one fault is reported once: a 429 by ``http-status``, a truncation by ``stream-end`` or ``finish-reason``.
"""
