"""Own checks of the shipped suites: a bool, a string (the failure), or AssertionError."""


def one_word(result):
    words = result.text.split()
    return len(words) == 1 or f"expected one word, got {len(words)}: {result.text!r}"
