"""The command line: arguments in, text on stdout and an exit code out.

In: the arguments and the current folder. Out: an exit code; results go to stdout, everything else to stderr.
May import: everything but the pytest plugin.

``main`` finds the command, ``options`` holds the options that commands share, ``printing`` writes documents as ``--format`` says.
"""
