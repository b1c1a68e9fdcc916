"""HTML pages: one self-contained file, which works offline and loads nothing.

In: blocks. Out: a page. Foreign text is escaped; the content security policy allows only the page's own style and script.
May import: ``report``, ``results``, ``text``.
"""
