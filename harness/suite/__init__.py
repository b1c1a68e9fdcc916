"""A suite's text becomes cases, and cases become trials with the exact body of their requests.

In: the text of a suite, and a selection. Out: trials, one at a time, or every complaint at once.
May import: ``judge``, ``gemini``, ``text``.

``parse`` reads a suite into ``cases``; ``language`` says what may be written, ``template`` fills placeholders, ``body`` merges
requests, ``axes`` and ``matrix`` expand.
"""
