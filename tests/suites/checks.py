"""Own checks of the sample suite."""


def one_word(result):
    return len(result.text.split()) == 1 or f"expected one word, got {result.text!r}"
