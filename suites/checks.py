"""Own checks of the shipped suites: a bool, a string (the failure), or AssertionError."""


def one_word(result):
    words = result.text.split()
    return len(words) == 1 or f"expected one word, got {len(words)}: {result.text!r}"


def code_has_results(result):
    kinds = [kind for part in result.parts for kind in ("executableCode", "codeExecutionResult") if kind in part]
    pairs = len(kinds) // 2
    expected = ["executableCode", "codeExecutionResult"] * pairs
    return kinds == expected or f"expected a result after each piece of code, got {', '.join(kinds)}"


def one_id(result):
    ids = {chunk.get("responseId") for chunk in result.chunks}
    return len(ids) == 1 or f"expected one responseId in all events, got {len(ids)}"
