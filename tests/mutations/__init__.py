"""Faults that are put into real answers, and lawful changes: are the first noticed, and the second left alone?

``python -m tests.mutations`` prints a table. A *class* is a kind of fault, and all classes weigh the same, however many answers
they fit. A mutation is one function that changes a draft of a real exchange in place (``faults_*.py``, ``lawful.py``,
``readings.py``); adding one edits nothing else.
"""
