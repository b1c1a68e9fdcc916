"""Parses a suite into cases, and expands cases to trials with the exact body of their requests.

In: the text of a suite, and a selection. Out: trials, one at a time, or every complaint at once.
May import: ``judge``, ``gemini``, ``text``.

``parse`` reads a suite into ``cases``; ``language`` defines its keys, ``template`` fills placeholders, ``body`` merges
requests, ``axes`` and ``matrix`` expand cases.
"""
