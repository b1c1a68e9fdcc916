"""What documents say in rows and sentences, whatever the format: one file per kind of document.

In: a document. Out: rows and sentences that every format writes.
May import: ``report``'s own words, ``compare``, ``results``, ``judge``, ``answer``, ``text``.
"""
