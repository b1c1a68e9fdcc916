"""The bytes of an answer become one reply: events, then text, thoughts, calls, usage and grounding.

In: an exchange (status, headers, chunks with their times). Out: a reply; what does not fit stays visible in it.
May import: ``gemini``, ``text``.
"""
