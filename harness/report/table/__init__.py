"""For a terminal: plain text, one file per kind of document.

In: a document. Out: plain text.
May import: ``report`` and its content, ``compare``, ``results``, ``judge``, ``gemini``, ``text``.

Tables fit the width of the view if possible: headers fold at hyphens, and columns that do not fit go into a further block of
the same rows.
"""
