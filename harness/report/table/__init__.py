"""For a terminal: blocks as plain text.

In: blocks. Out: plain text.
May import: ``report``, ``text``.

Tables fit the width of the view if possible: headers fold at hyphens, and columns that do not fit go into a further block of
the same rows.
"""
