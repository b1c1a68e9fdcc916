"""For a pull request: GitHub tables, one file per kind of document.

In: a document. Out: Markdown.
May import: ``report`` and its content, ``compare``, ``results``, ``judge``, ``text``.
"""
