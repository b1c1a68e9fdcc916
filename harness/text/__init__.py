"""Reads and writes text: strict YAML with places, types that check a value, JSON and JSONPath, names and amounts.

In: text, and values read from it. Out: plain values, each with its place, or complaints.
May import: only ``model`` and ``errors``.
"""
