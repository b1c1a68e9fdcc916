"""What documents say, composed as blocks for all formats: one file per kind of document, and the parts that they share.

In: a document. Out: blocks.
May import: ``report``'s own words and blocks, ``compare``, ``results``, ``suite``, ``judge``, ``answer``, ``gemini``, ``text``.
"""
