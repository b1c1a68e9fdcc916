"""For a pull request: blocks as GitHub's Markdown.

In: blocks. Out: Markdown.
May import: ``report``, ``text``.
"""
