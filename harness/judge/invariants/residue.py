"""What models and the programs on the way leave in a text: escapes, tokens of chat templates, stop sequences, a second copy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice, pairwise

from harness.answer.reply import received
from harness.answer.structured import values_of, wants_enum, wants_json
from harness.gemini import media
from harness.gemini.schemas.request_schema import field, items_of
from harness.judge.invariants.request_fields import PROGRAMS, has_text, is_about, is_unfinished
from harness.judge.invariants.streaming import repeats
from harness.judge.registry import rule
from harness.model import Evidence, Json, Mismatch
from harness.text.jsontext import is_utf8, json_of, values_in

_ENTITY = r"&(?:quot|apos|lt|gt|amp|#39|#x27|#34|#60|#62);"
_RAW = r"[<>\"']"
_LATEX = r"(?!(?:abla|eq?|u|i|ot|ho|ight|m|imes|heta|au|ext|extbf|o|an|ilde|op)\b)"
_ESCAPE = rf"(?<![\\\s${{(\[-])\\(?:[nrt]{_LATEX}|\"|u[0-9a-f]{{4}})"
_NOT_OF_JSON = r"(?<!\\)(?:\\\\)*\\[^\"\\/bfnrtu]|\b[C-F]:\\"
"""An escape that JSON does not have, or a drive: the text has a formula, a pattern or a path."""
_FEWEST_ESCAPES = 2


@rule("escaped-text", "warn", of="answer", per_candidate=True)
def escaped_text(evidence: Evidence) -> Iterator[Mismatch]:
    r"""The text is not escaped once more than it should: ``&quot;`` for a quote, ``%20`` for a blank, or ``\n`` as two characters for
    the end of a line. Two and more are noticed, in a text without the plain characters, and in the arguments of calls. Users see them.

    Also: the whole text is no base64, HTML, or JSON or Python of an answer; lines end with one character, not with CR and LF, which the
    API does not write unless the prompt does; no argument of a call is a word in quotes; blanks stand between words, and headings and items of lists in lines of their own. Not
    checked where the request is about code or markup.

    right: {"candidates": [{"content": {"parts": [{"text": "\"Oslo\" & \"Bergen\""}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "&quot;Oslo&quot; &amp; &quot;Bergen&quot;"}]}}]}
    """
    found = [*_wrongly_escaped(evidence)]
    if found and not is_about(evidence, PROGRAMS):
        yield from found
    elif (code := _escaped_code(evidence.reply.text)) and not wants_json(evidence) and not is_about(evidence, "json"):
        yield Mismatch("text", "code", code[:200], "code in the text is escaped, or lost its indents: it does not run")


def _escaped_code(text: str) -> str | None:
    """The first block of code with entities in the place of its signs, with ends of lines as two characters, or of Python without indents."""
    for block in text[:_MOST_READ].split("```")[1::2]:
        is_code = re.match(_CODE, block) and not re.search(_RAW, block)
        is_line = "\n" not in block and re.match(_CODE_IN_A_LINE, block)
        is_flat = block.startswith("python\n") and re.search(_FLAT, block, re.MULTILINE)
        if is_line or is_flat or (is_code and len(_some(_ENTITY, block)) >= _FEWEST_ESCAPES):
            return block
    return None


_LANGUAGE = r"(?:python|java(?:script)?|typescript|js|ts|kotlin|swift|c|cpp|csharp|go|rust|ruby|php|sql|bash|sh|shell)"
_FLAT = r"^(?:def|class|if|for|while|with|try|else|elif)\b[^\n#'\"]*:\n(?=[^\s#`])"
_CODE, _CODE_IN_A_LINE = rf"{_LANGUAGE}\s", rf"{_LANGUAGE}\\n.*\\n"


def _wrongly_escaped(evidence: Evidence) -> Iterator[Mismatch]:
    text = evidence.reply.text
    found = [] if wants_json(evidence) else _escapes(text)
    called = [call.get("args") for call in evidence.reply.function_calls]
    calls, strings = json.dumps(called, ensure_ascii=False) if called else "", []
    entities: list[str] = []
    if called:
        strings = [value for value in values_in(called) if isinstance(value, str)]
        entities = [] if re.search(_PLAIN_IN_ARGS, calls) else re.findall(_ENTITY, calls)
        texts = (2 * re.findall(_BLANK_OF_ADDRESS, value) or _escapes(value) for value in strings)
        entities = entities or next((some for some in texts if len(some) >= _FEWEST_ESCAPES), [])
    thoughts = evidence.reply.thoughts
    for place, escapes, whole in (
        ("text", found, text),
        ("thoughts", _escapes(thoughts) if "\\" in thoughts or "&" in thoughts else [], thoughts),
        ("args", entities, calls),
    ):
        if len(escapes) >= _FEWEST_ESCAPES and not has_text(evidence, escapes[0]):
            message = f"the {place} holds {escapes[0]!r} as characters: it was escaped once too often"
            yield Mismatch(place, "plain characters", whole[:200], message)
    quoted = next((one for one in strings if re.fullmatch(r'"[^"\s]+"', one)), None)
    if quoted and not has_text(evidence, quoted) and not re.search(_SEARCH, str(evidence.reply.function_calls)):
        yield Mismatch("args", quoted[1:-1], quoted, f"the argument {quoted} has quotes: it was written as JSON twice")
    if "\r" in text and "\r\n" in text and not has_text(evidence, "\r"):
        yield Mismatch("text", "LF", "CR LF", "lines of the text end with CR and LF: something on the way changed them")
    if (what := _written_by_a_program(evidence)) and not is_about(evidence, _FORMATS):
        yield Mismatch("text", "plain text", text[:80], f"the whole text is {what} once too often")
    elif _is_glued(text):
        yield Mismatch("text", "lines", text[:200], "blanks or the ends of lines were lost: sentences run together")


def _written_by_a_program(evidence: Evidence) -> str:
    """What the whole text is, and how a program made it of the answer; empty if none did, or the answer may be in JSON mode."""
    text = evidence.reply.text
    if wants_json(evidence) or (not evidence.request_body and json_of(text) is not None):
        return ""
    if re.fullmatch(_HEX, text) and is_utf8(bytes.fromhex(text)):
        return "hexadecimal: it was encoded"
    plain = media.decoded(text) or b"\xff" if re.fullmatch(_BASE64, text) else b"\xff"
    if is_utf8(plain) and b"\0" not in plain and (b" " in plain or len(text) >= _SHORTEST_CODE):
        return "base64: it was encoded"
    if re.match(_OF_AN_ANSWER, text) or (text[:2] in ("b'", 'b"') and text[1] == text.rstrip()[-1]):
        return "JSON or Python of an answer: it was written"
    if text[:1] == text[-1:] == '"' and "\n" not in text and ("\\n" in text or '\\"' in text):
        return "a JSON text: it was written" if isinstance(json_of(text), str) else ""
    tag = re.match(_IN_A_TAG, text) if text[:1] == "<" else None
    is_envelope = tag and not has_text(evidence, tag[1])
    if is_envelope or re.match(_IN_AN_OBJECT, text) or (text[:1] == "{" and re.search(_OF_A_ROLE, text)):
        return "the envelope of an answer: it was written"
    is_page = text.count("<br>") > 2 and "\n" not in text.strip()
    return "HTML: it was written" if is_page or (text.startswith("<p>") and text.endswith("</p>")) else ""


_FORMATS = r"json|\{|\bobjects?\b|\blogs?\b|\bpages?\b|\bsite|quot"
_SEARCH = r"(?i)search|quer|find|grep|lookup|'q'"
_IN_A_TAG = r"(?is)(?:<!doctype[^>]*>\s*)?<(?=html|[^>]*(?:\b|_)(?:response|answer|output|result|text|content|message|completion|assistant|model|speak)\b)([a-z_]\w*)[^>]*>.*</\1>\s*\Z"
_IN_AN_OBJECT = r'\{"(?:response|answer|output|text|content|message)": ?"[^"]*"\}\s*\Z'
_OF_A_ROLE = r'"role": ?"(?:assistant|model)"'
_OF_AN_ANSWER = r"""\s*(?:map\[\w+:|(?:parts|candidates|content) ?\{\s|\{ ?'?(?:text|content|role|parts)'?: ?['\[]|<\w+ object [\w.]+ at 0x|<!\[CDATA\[|\{\\rtf1|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* \W?(?:INFO|DEBUG|WARN|ERROR)|=\?UTF-8\?B\?|\[\{(?:(['"])type\1: \1text\1|'text': )|\{(['"])(?:parts|choices|candidates)\2: \[\{\2(?:text|index|content)\2|data: [{\[]|\[?(?:Part|Content|Candidate|GenerateContentResponse)[({]\w+=|#<[A-Z]\w+(?:::\w+)* \w|(?:[a-z]\w*\.){2,}[A-Z]\w*@[0-9a-f]{6,8}\s*\Z)"""


def _is_glued(text: str) -> bool:
    """Whether words, sentences, headings or items of a list in one line have nothing between them."""
    if "\n" in text and " " in text:
        return False
    may_have_items = len(text) > _LONG and _has_one(text, _MARKS)
    if may_have_items and ("```" in text or len(_some(_GLUED, text, 3)) > 2):
        return True
    if " " in text:
        return bool(re.search(_JOINT, text)) and len(_some(_SENTENCES, text[:_MOST_READ], 4)) > 3
    has_sentences = re.search(r"[.!?](?:[A-Z]|\s*\Z)", text[:_MOST_READ])  # a list of keywords has none
    return bool(has_sentences) and len(_some(_WORDS_OF_SENTENCES, text[:_MOST_READ])) > 1


_JOINT = r"[.,:;!?]\*{0,2}[A-Z]"
"""What ``_SENTENCES`` have, found ten times as fast."""
_SENTENCES = r"[a-z'] [a-z]{2,}[.,:;!?]\*{0,2}(?:[A-Z][a-z]+|A) [a-z]"
_WORDS_OF_SENTENCES = r"(?<![a-z])[a-z]{16,}+(?:[.,!?']|(?<=[a-z]{20}))"
_MOST_READ = 100_000
"""Characters of a long text in which what is wrong shows."""


_BASE64 = r"[A-Za-z0-9+/]{20,}={0,2}"
_SHORTEST_CODE = 60
_HEX = r"(?:[0-9a-f]{2}){20,}+"
_LONG = 300
_PLAIN_IN_ARGS = r"[<>']"
_GLUED = r"[^\s#*] *(?:#{2,4} (?=\w)|[*-] {1,3}\*\*|\d\. {1,2}\*\*|```\w)"
"""What begins a line of Markdown, behind other text. It has one of the ``_MARKS``."""
_MARKS = ("##", "**", "```")


def _escapes(text: str) -> list[str]:
    """What stands in the text in the place of plain characters."""
    may_have = text.isascii() and _has_one(text, _SIGNS_OF_CODES)
    codes = _some(_CODES, re.sub("`[^`]*`", "", text[:_MOST_READ])) if may_have else []
    if codes:
        return codes * _FEWEST_ESCAPES
    if "\\" in text and "\n" not in text.strip() and len(lines := _some(_LINES, text)) >= _FEWEST_ESCAPES:
        return lines
    if "&" in text and not re.search(_RAW, text) and (entities := _some(_ENTITY, text)):
        return entities
    if "://" not in text and not re.search(_TWO_WORDS, text) and (blanks := _some(_IN_ADDRESS, text)):
        return blanks
    if text.count("=\n") >= max(_FEWEST_ESCAPES, text.count("=") / 2) and re.search(r"(?m)^[^\n=]* [^\n=]*=$", text):
        return ["=\n"] * _FEWEST_ESCAPES
    if text.count('\\"') > 3 and text.count('\\"') == text.count('"') and "`" not in text:
        return ['\\"', '\\"']
    if "\\" in text and "`" not in text and "\n" not in text.strip() and not re.search(_NOT_OF_JSON, text):
        return _some(_ESCAPE, text)
    return []


_CODES = (
    r"&#(?:1[3-9]\d|[2-9]\d\d|\d{4,6}|x[0-9a-f]{2,5});|(?<![\[-])\\(?:x[89a-f][0-9a-f]|u[0-9a-f]{4}|U000[0-9a-f]{5})|(?<=\w)u00[a-f][0-9a-f]"
    r"|=[CDE][0-9A-F]=[89AB][0-9A-F]|(?<=[.!?:*,])(?:/n)+(?=[A-Z*#\d-])"
)
"""Characters that are not ASCII, or end a line, as HTML, Python, JSON and e-mail write them."""
_LINES = r"[\w.,:;!?)*`]\\n(?:\\n|[*#-])"
"""Ends of lines as two characters, before lines of Markdown."""
_SIGNS_OF_CODES = ("&#", "\\", "u00", "=C", "=D", "=E", "/n")
_TWO_WORDS = r"\S\s+\S|\?\w+="


def _has_one(text: str, signs: Iterable[str]) -> bool:
    """Whether one of the signs stands in the text. Their first and last characters are looked for first, which takes a tenth of the time."""
    return any(sign in text for sign in signs if sign[0] in text and sign[-1] in text)


def _some(pattern: str, text: str, most: int = _FEWEST_ESCAPES) -> list[str]:
    """The first matches. A long text may have millions."""
    return [found[0] for found in islice(re.finditer(pattern, text), most)]


_BLANK_OF_ADDRESS = r"\A[^\s/:?&]*\w%20\w[^\s/:?&]*\Z"
_IN_ADDRESS = r"%20|%[CDE][0-9A-F]%|(?<![a-z])[a-z]{2,}+\+(?=(?:[a-z]{2,}\+){2}[a-z]{2})"


_OBJECT = r"\[(?:object \w+\]|([A-Z_]*(?:REDACTED|MASKED|FILTERED)[A-Z_]*\])(?s:(?=.*\[\1)))|%![a-z]\((?:MISSING\)|(?:string|int|float64|bool)=)"
_FEW_TOKENS = 2
"""A word has as many. Then the model wrote ``None`` (of these) or ``null`` (in German, zero)."""
_MISSING = (
    r"^Lorem ipsum dolor|^.{0,30}\b[Mm]ock(?:ed)? (?:response|answer|reply|completion).{0,9}$|^\{\{[^{}]*\}\}$|^\$\{[^{}]*\}$|(?<=[\w.!?])(?:undefined|NaN)$|(?<=[.!?])(?:None|null)$|^(?:None|null|undefined)(?=[A-Z])"
    r"|(?:\.{3}|…|(?=<truncated)) ?[\[(<](?:truncated|\+?\d[\d,]* (?:more )?(?:bytes|char(?:acter)?s))(?: (?:more|omitted|truncated))?[\])>]$"
)
_ENDS_OF_MISSING = ("undefined", "NaN", "None", "null", *"}])>")


@rule("missing-value", "warn", of="finished", per_candidate=True)
def missing_value(evidence: Evidence) -> Iterator[Mismatch]:
    """The text does not hold, or is, how a program writes a value that is missing: ``undefined``, ``None``, ``[object Object]``.
    Nor the mark of a log that shortens: ``... [truncated]``, nor twice one of a filter that hides: ``[REDACTED]``, ``##``. In JSON and
    arguments, the texts are not all ``string``, ``<city>`` or the like. Not checked for enums, for ``None`` and ``null`` where
    one word was counted, and where the request has the word or is about code, JSON or mathematics.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo.undefined"}]}}]}
    """
    calls = [call.get("args") for call in evidence.reply.function_calls]
    is_json, text = wants_json(evidence), evidence.reply.text
    values = (values_of(evidence) or values_in(json_of(text))) if is_json else ()
    hollow = _hollow([*values_in(calls), *(one for one in values if one != "None")]) if is_json or calls else ""
    is_type = re.search(_OF_A_TYPE, f"{calls}{text[:200]}")
    if hollow and not is_type and not is_about(evidence, f"{PROGRAMS}|placeholder|template|quot"):
        yield Mismatch("values", "what the model wrote", text[-60:], f"{hollow}: a program wrote it")
    if is_json or wants_enum(evidence):
        return
    masks = _some(_MASK, text, 3) if "#" in text or "***" in text or "<" in text else []
    if len(masks) == 3 and not is_about(evidence, f"{_HIDE}|{re.escape(masks[0])}"):
        yield Mismatch("text", "an answer", masks, f"{masks[0]!r} stands for digits or words: a filter hid them")
    text = (f"{text[:60]} {text[-60:]}" if len(text) > 120 else text).strip()  # a long text is not copied
    may_miss = (
        text.endswith(_ENDS_OF_MISSING) or text.startswith(("None", "null", "undefined", "Lorem")) or "ock" in text[:40]
    )
    whole = evidence.reply.text
    found = re.search(_OBJECT, whole) if "[" in whole or "%!" in whole else None
    found = found or (re.search(_MISSING, text) if may_miss else None)
    is_word = 0 < evidence.reply.count("candidatesTokenCount") <= _FEW_TOKENS
    word = found[0] if found else text if text in ("undefined", "NaN", *(() if is_word else ("None", "null"))) else ""
    if word and not is_about(evidence, f"{PROGRAMS}|{_HIDE}|json|math|divi|float|{re.escape(word)}"):
        yield Mismatch("text", "an answer", text[-60:], f"the text holds {word!r}: a program wrote a missing value")


_HIDE = r"mask|censor|redact|anonymi|classified|\bscp\b|rating|\bstars?\b|review|format|placeholder|template|variable|re-?use|filler|dummy|blindtext|lorem"
_MASK = r"(?<=[\w:,(~$#-] )(?:[$~]?#+(?:[.,:/-]#+)*(?=[ %,)!?;]|[.:]\s|\s*\Z)|(?<!\*)\*{4,}(?=[ .,;:!?)](?!\*)))|(?<=[\w)] )\*{4,}(?=\w* )|(?<=[a-z,] )[a-z]\*{4,}(?=[ .,;])|<(?:PERSON|NAME|EMAIL|PHONE|LOCATION)(?:_\d+)?>"


def _hollow(values: Iterable[Json]) -> str:
    """How the texts among the values of JSON or of arguments show that nothing was filled in; empty if they do not. All may be
    empty, where nothing was found or wanted, and a single one may be what was asked for: a type, a tag or a variable."""
    texts = [one for one in values if isinstance(one, str)]
    is_hollow = any(texts) and all(re.fullmatch(_UNFILLED if texts[1:] else _ONE_UNFILLED, one) for one in texts)
    return f"every text is {next(filter(None, texts), '')!r} or alike" if is_hollow else ""


_OF_A_TYPE = r"(?i)type['\"]: ?['\"]string"
_ONE_UNFILLED = r"NaN|nil|\[object Object\]|undefined|None|string|'.*'|\"[^\s\"]*\"|\*{2,4}|<(?!div|main|section|[abip]>|h\d|span|img|nav)[a-z_]+>"
_UNFILLED = rf"{_ONE_UNFILLED}|\s*|\*+|\.{{3}}|<[a-z_]+>|\{{\{{\s*\w+\s*\}}\}}|\$?\{{\w+\}}"


_CHAT_TEMPLATE = (
    r"<(?:end_of_turn|start_of_turn|eos|bos|pad|unk|/s|(?:ctrl|unused|extra_id_)\d+"
    r"|\|[a-z][a-z_]*\||\uff5c[^<>]{1,40}\uff5c)>|\[/?INST\]|<</?SYS>>|(?:data: |(?<![ \t]))\[DONE\]\s*$|(?<![\w`])data: \{\"(?=candidates|choices)|\nevent: \w+\ndata: |\n(?:User|Human):(?:\s*$| .*\n+(?:Assistant|AI|Model):)"
)
_SIGNS_OF_TEMPLATES = ("<", "INST]", "\nUser:", "\nHuman:", "data: ", "[DONE]")
_DIALOGUES = rf"{PROGRAMS}|dialog|conversation|transcript|interview|\bchat"


@rule("control-token", "warn", per_candidate=True)
def control_token(evidence: Evidence) -> Iterator[Mismatch]:
    """The text holds no token of a chat template, such as ``<end_of_turn>`` or ``<|im_end|>``, unless the request has it or is about
    such. Nor does it go on with a turn of the user or an event of a stream, or end with the end of one, or with the name of the one who speaks next. Servers of models cut them off.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo.<end_of_turn>"}]}}]}
    """
    text = evidence.reply.text
    found = re.search(_CHAT_TEMPLATE, text) if _has_one(text, _SIGNS_OF_TEMPLATES) else None
    is_meant = "<s>" in text or text.count("[DONE]") > 1 or re.match(r"\W*[A-Z]\w*:\W* \w", text)
    if found and not is_meant and not is_about(evidence, _DIALOGUES) and not has_text(evidence, found[0]):
        around = text[max(0, found.start() - 20) : found.end() + 20]
        yield Mismatch("text", "no control token", around, f"the text holds the control token {found[0]!r}")


_STATUS = r"\b[45]\d\d\b"
_TRANSLATE = r"translat|übersetz|tradu|перев|翻|訳|译|譯|번역"


@cache
def _error() -> re.Pattern[str]:
    """How a text begins that reports an error: its JSON, ``Error: 429``, the status line alone, or what Google and proxies write."""
    from http import HTTPStatus

    phrases = "|".join(status.phrase for status in HTTPStatus if status >= 400)
    return re.compile(
        r"\s*(?:\{\s*\"error\"\s*:\s*\{|\W{0,4}(?:[A-Z]\w+ ){0,2}[Ee]rror\b\W{0,3}(?:(?:code|status|HTTP)\W{1,2}){0,2}[45]\d\d\b(?! [a-z])"
        rf"|(?:[45]\d\d )?(?:{'|'.join(status.phrase for status in HTTPStatus if status >= 429)})\W*$"
        rf"|[45]\d\d (?:{phrases})\W*$"
        rf"|Error\b.{{0,40}}\b[45]\d\d (?:{phrases})\b"
        r"|upstream (?:request timeout|connect error)|Traceback \(most recent call|(?i:(?:<!doctype html[^>]*>\s*)?<html[^>]*>.{0,60}<title>)[45]\d\d|You exceeded your current quota"
        r"|(?:Error: |Sorry, )?(?:[Yy]our |[Tt]he )?(?:account |API |free |daily |monthly )?(?:balance|credits?|quota) (?:(?:is|are) (?:insufficient|exhausted|too low|used up)|(?:was|has been) (?:exceeded|exhausted|used up))"
        r"|(?:Insufficient (?:account )?(?:balance|credits?|quota)|(?:Rate|Request|Usage) limit (?:exceeded|reached)|[Nn]o available channel|Invalid API key)\b|(?:您的)?(?:账户|用户)?(?:余额|额度)不足"
        r"|(?:This|The|Your) (?:response|request|prompt|message|content) (?:was|has been) (?:blocked|filtered|flagged)\b|An internal error has occurred|(?:The |This )?(?:[Ss]ervice|[Ss]erver|[Mm]odel) is (?:currently )?(?:under maintenance|unavailable|loading|busy)|Connection (?:timed out|refused|reset)\b.?\s*\Z|Your API key (?:has|is|was)\b|[A-Z]\w+(?:Error|Exception): |'\w+' object has no attribute|(?:list|string) index out of range|The model is overloaded\.|Resource (?:has been )?exhausted(?:\.| \()|This model is currently experiencing)",
        re.DOTALL,
    )


@rule("error-as-text", "warn", of="finished", per_candidate=True)
def error_as_text(evidence: Evidence) -> Iterator[Mismatch]:
    """The text is an answer, not the error of an API that something on the way took for one: ``Error: 429 Too Many Requests``. Nor does it
    end with the JSON of an error, or with an advertisement and its address, which free gateways add.
    Not checked where the request is about errors or code, names a status, or wants a translation.

    right: {"candidates": [{"content": {"parts": [{"text": "Oslo"}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Error: 429 Too Many Requests"}]}}]}
    """
    start = evidence.reply.text[:200]
    may_report = "rror" in start or start.lstrip()[:1] not in ("{", "[")
    found = (_error().match(start) if may_report else None) or re.search(_ERROR_AT_END, evidence.reply.text[-400:])
    if found and not is_about(evidence, "|".join((_ABOUT_ERRORS, *re.findall("[A-Za-z]{5,}", found[0])))):
        yield Mismatch("text", "an answer", start, f"the text is an error of an API: {found[0][:60]!r}")
    end = evidence.reply.text[-300:].rpartition("\n\n")[2]
    is_ad = len(end) < min(300, len(evidence.reply.text)) and all(re.search(one, end) for one in (_AD, _LINK, _OF_AI))
    topics = rf"\bads?\b|market|promot|mail|letter|{_LINK}|made with"
    if is_ad and not evidence.reply.grounding and not is_about(evidence, topics):
        yield Mismatch("text", "the answer alone", end, f"the text ends with an advertisement: {end[:60]!r}")


_ABOUT_ERRORS = rf"{PROGRAMS}|json|status|\bapi\b|{_STATUS}|{_TRANSLATE}|\w\(|\[['\"]|\brais|exception|website|banner|notice|\bsms\b|\bnot found\b|\bnone\b|page shown|\bmessage (?:of|for|that|when|if)\b|notif|warning|\balert"
_ERROR_AT_END = r'\{"error": ?\{(?:[^{}]*"(?:message|code|status)": ?){2}[^{}]*\}\}\s*\Z'
_AD = r"(?i)(?:powered|generated) by|(?:messages|requests|credits) (?:left|remaining)|\badvert|\bad:|promo code|upgrade (?:to|your|now|at)|join our|free trial|\d ?% off|discount|sponsored|^\W?(?:tokens used|response generated|generated in)\b.*\d|\btop.?up\b|recharge|balance is low"
_OF_AI = r"(?i)\bapis?\b|\bai\b|gpt|llm|chatbot|openai|claude|deepseek|gemini|tokens?\b|prox(?:y|ies)\b|credits|requests|quota|messages left|\bt\.me/|generated in|response generated"
_LINK = r"(?i:tokens used|generated).*\d\.\d+s?\b|(?:messages|requests|credits) (?:left|remaining)|(?i:by |am )(?:\w+ )?(?i:gpt|openai|claude|deepseek)|https?://|\bwww\.|\b[a-z0-9-]+\.(?:com|ai|io|org|net|dev|app)\b|\bt\.me/"


@rule("stop-sequence", "error", of="answer", per_candidate=True, needs="stopSequences")
def stop_sequence(evidence: Evidence) -> Iterator[Mismatch]:
    """The text ends before a sequence of ``stopSequences``, and does not hold it. Otherwise the field was not passed on.

    asked: {"generationConfig": {"stopSequences": ["END"]}}
    right: {"candidates": [{"content": {"parts": [{"text": "Oslo. "}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "Oslo. END of the answer."}]}}]}
    """
    sequences = items_of(field(evidence.request_body, "generationConfig", "stopSequences"))
    for sequence in sequences:
        if isinstance(sequence, str) and sequence and (at := evidence.reply.text.find(sequence)) >= 0:
            around = evidence.reply.text[max(0, at - 20) : at + 60]
            message = f"the text goes on beyond the stop sequence {sequence!r}"
            yield Mismatch("text", f"nothing from {sequence!r} on", around, message)
            return


_SHORTEST_COPY = 40
_WORDS_READ, _START, _LONG_LINE = 10, 200, 100
_SHORTEST_PROMPT = 30
_AGAIN = (
    r"meditat|mantra|prayer|chant|speech|dramatic|emphasi|repeat|twice|\bagain\b|complete th|continue|go on|quote|\bcopy\b|\becho\b|chorus|\bsing\b|song|wiederhol|zwei ?mal|r[eé]p[eèé]t"
    r"|ripet|repit|deux fois|dos veces|duas vezes|due volte|повтор|дважды|반복|두 번|[二两兩2]\s?[回次遍度]|繰り返|[重反][复複覆]"
)
"""Words of a prompt that wants a text again, or more of it."""


@rule("prompt-repeated", "warn", of="answer", per_candidate=True)
def prompt_repeated(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer does not begin with the system instruction or a whole turn of the user (30 characters and more) and go on, or
    end there if that is a question or the instruction: servers cut the prompt off.
    Not checked where the request wants a text again, or more of it.

    asked: {"contents": [{"parts": [{"text": "What is the capital of Norway, and on which fjord does that city lie?"}]}]}
    right: {"candidates": [{"content": {"parts": [{"text": "Oslo, on the Oslofjord."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "What is the capital of Norway, and on which fjord does that city lie? Oslo, on the Oslofjord."}]}}]}
    """
    turns = [one for one in items_of(field(evidence.request_body, "contents")) if field(one, "role") != "model"]
    sent = (*turns, field(evidence.request_body, "systemInstruction"))
    prompts = [
        "".join(str(field(part, "text") or "") for part in items_of(field(one, "parts"))).strip() for one in sent
    ]
    text = evidence.reply.text.lstrip()
    repeated = [one for one in prompts if len(one) >= _SHORTEST_PROMPT and text.startswith(one)]
    is_repeated = any(len(one) < len(text) - 10 or one.endswith("?") or one == prompts[-1] for one in repeated)
    is_repeated = is_repeated and not is_unfinished(evidence)
    if is_repeated and not is_about(evidence, rf"{_AGAIN}|{_TRANSLATE}|correct|proofread"):
        yield Mismatch("text", "the answer alone", text[:200], "the answer begins with the whole prompt")


@rule("text-twice", "error", per_candidate=True)
def text_twice(evidence: Evidence) -> Iterator[Mismatch]:
    """The answer (40 characters and more) does not come twice in a row, nor a picture. A warning if it begins a second time, before the whole or cut
    after it, or each word, or a sentence of 40 characters and more, comes twice in a row. Another rule reports a stream that repeats its events, and loops.
    Not checked where the request wants a text again.

    right: {"candidates": [{"content": {"parts": [{"text": "The capital of Norway is Oslo, at the Oslofjord."}]}}]}
    wrong: {"candidates": [{"content": {"parts": [{"text": "The capital of Norway is Oslo, at the Oslofjord."}, {"text": "The capital of Norway is Oslo, at the Oslofjord."}]}}]}
    """
    words = re.findall(r"[^\W\d_]+", max(evidence.reply.text[:_START].splitlines() or [""], key=len))
    doubled = [one for one, after in pairwise(words) if one == after]
    if _WORDS_READ <= len(words) < 3 * len(doubled) and len(set(doubled)) > 3 and not is_about(evidence, _AGAIN):
        yield Mismatch("text", "each word once", words[:_WORDS_READ], "each word comes twice", "warn")
    thoughts = [str(part.get("text")) for part in received(evidence.reply) if part.get("thought")]
    again = next(_twice(thoughts), "")
    if again and not repeats(evidence):
        yield Mismatch("thoughts", "once", again[:200], "a thought comes twice in a row", "warn")
    pictures = [blob.get("data") for blob in evidence.reply.inline_data if str(blob.get("mimeType"))[:6] == "image/"]
    if len(pictures) > len(set(map(str, pictures))) and not repeats(evidence):
        yield Mismatch("inlineData", "another picture", len(pictures), "the same picture comes twice")
    if repeats(evidence) or len(evidence.reply.text) > _LONGEST_ANSWER:
        return
    text = evidence.reply.text.strip()
    half = text[: len(text) // 2].strip()
    is_pair = len(half) >= _SHORTEST_COPY and text[len(half) :].strip() == half
    is_again = is_pair or (len(evidence.reply.events) == 1 and _begins_again(text))
    message = f"the whole text of {len(half):,} characters comes twice" if is_pair else "the text begins again"
    if is_again and not _is_loop(text, half) and not is_about(evidence, _AGAIN):
        yield Mismatch("text", half[:200], text[:200], message, None if is_pair else "warn")
    elif not is_pair and (twice := _sentence_twice(text)) and not is_about(evidence, _AGAIN):
        yield Mismatch("text", "once", twice[:200], f"a sentence comes twice in a row: {twice[:60]!r}", "warn")


def _is_loop(text: str, half: str) -> bool:
    begin = text[:_SHORTEST_COPY]
    return len(set(half.split())) < 3 or -1 < text.find(begin, 1) < _SHORTEST_COPY or text.count(begin) > 2


_LONGEST_ANSWER = 1_000_000
"""Characters. No model writes more at once."""


def _twice(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces that come twice in a row."""
    return (one for one, after in pairwise(pieces) if one == after and len(one) >= _SHORTEST_COPY)


def _sentence_twice(text: str) -> str:
    """A paragraph or sentence that comes twice in a row, and nowhere else: more is a loop, and lines are verse. Empty if there is none."""
    paragraphs = [one.strip() for one in text[:_MOST_READ].split("\n\n")]
    if twice := next(_twice(paragraphs), ""):
        is_verse = "\n" in twice and max(map(len, twice.splitlines())) < _LONG_LINE
        return twice if text.count(twice) == 2 and not is_verse else ""
    if not re.search(r" (?<=[.!?] )", text):
        return ""  # no sentence stands before another
    sentences = map(str.strip, re.findall(r"[^.!?\n]++(?:[.!?]+|\n|\Z)", text[:_MOST_READ]))
    pairs = (one for one in _twice(sentences) if text.count(one) == 2)
    return next((one for one in pairs if f"{one} {one}" in text or f"{one}  {one}" in text), "")


def _begins_again(text: str) -> bool:
    """Whether a part of the text comes before or after the whole."""
    at = text.find(text[:_SHORTEST_COPY], _SHORTEST_COPY)
    first, second = text[:at].strip(), text[at:].strip()
    return at > 0 and (_is_start(first, second) or (second[-1] not in ".!?" and _is_start(second, first)))


def _is_start(part: str, whole: str) -> bool:
    """Whether the text begins with the part, and not as with a line of verse."""
    return whole.startswith(part) and not whole[len(part) :].lstrip(",;").startswith("\n")
