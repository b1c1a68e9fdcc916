"""Turns the bytes of an answer into one reply: events, then text, thoughts, calls, usage and grounding.

In: an exchange (status, headers, chunks with their times). Out: a reply. Data that cannot be read is listed in its faults.
May import: ``gemini``, ``text``.
"""
