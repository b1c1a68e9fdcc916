"""The rows and sentences of documents, shared by all formats: one file per kind of document.

In: a document. Out: rows and sentences.
May import: ``report``'s own words, ``compare``, ``results``, ``judge``, ``answer``, ``gemini``, ``text``.
"""
