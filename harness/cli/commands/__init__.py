"""The commands, a file each, found by their file names.

In: parsed options. Out: an exit code.
May import: everything but the pytest plugin.

A file has ``ABOUT`` (one line), ``EXAMPLES``, ``add_options(parser)`` and ``main(options) -> int``. A Python keyword as a name ends
with ``_``, as in ``import_``; any other ``_`` is a hyphen.
"""
