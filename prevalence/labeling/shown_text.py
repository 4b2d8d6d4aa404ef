"""What labelers are shown of a text: one normal form, nothing hidden, no personal data, no longer than the budget."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

REDACTION = "redaction/v1"
HEAD_SHARE = 0.7

# control characters but for the line feed and the tab; carriage returns have become line feeds by then
_CONTROLS = {code: None for code in (*range(0x20), 0x7F) if code not in (0x09, 0x0A)}
# what turns the direction of reading, or has no width: used to hide a violation or an instruction
_HIDDEN = (
    *(0x00AD, 0x061C, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFFF9, 0xFFFC),
    # tags, with which a whole text can be written that nobody sees
    *range(0xE0000, 0xE0080),
)
_VISIBLE = {code: f"<U+{code:04X}>" for code in _HIDDEN}
# halves of a character, which no file can hold
_VISIBLE |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def visible(text: str) -> str:
    """The same characters in one form: composed, lines that end in LF, hidden ones written out."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", lines.translate(_CONTROLS).translate(_VISIBLE))


def truncated(text: str, budget: int) -> str:
    """The head and the tail of a text that is too long, and between them how much is missing."""
    if len(text) <= budget:
        return text
    head = int(budget * HEAD_SHARE)
    tail = budget - head
    return f"{text[:head]}[... {len(text) - budget} characters removed ...]{text[len(text) - tail :]}"


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _is_card(text: str) -> bool:
    """Luhn's sum, which a number that is no card's has in one of ten cases."""
    digits = [int(digit) for digit in reversed(_digits(text))]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[1::2]]
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    bare = text.replace(" ", "")
    return 15 <= len(bare) <= 34 and int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1


def _is_address(text: str) -> bool:
    return all(int(part) <= 255 for part in text.split("."))


def _is_phone(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15


# Kinds in the order in which they are looked for: a number is an account's or a card's before it is a telephone's.
_KINDS: Mapping[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "EMAIL": (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), lambda text: True),
    "IBAN": (re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), _is_iban),
    "CARD": (re.compile(r"(?<![\w.])[0-9](?:[ -]?[0-9]){12,18}(?![\w])"), _is_card),
    "IP": (re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w.]*[0-9])"), _is_address),
    "PHONE": (re.compile(r"(?<![\w.])(?:\+[0-9]|\(?0[0-9])[0-9 ()/-]{5,20}[0-9](?!\w)"), _is_phone),
}


class Redaction:
    """Hides the personal data of one item: the same address has the same name in all of its components."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, str], str] = {}

    def __call__(self, text: str) -> str:
        for kind, (pattern, is_one) in _KINDS.items():
            text = pattern.sub(lambda found: self._name(kind, found.group(), is_one), text)  # noqa: B023
        return text

    def _name(self, kind: str, found: str, is_one: Callable[[str], bool]) -> str:
        if not is_one(found):
            return found
        count = sum(known == kind for known, _ in self.names)
        return self.names.setdefault((kind, found.lower()), f"<{kind}_{count + 1}>")


def residue(text: str) -> list[str]:
    """Kinds of personal data that a text still holds."""
    return [kind for kind, (pattern, is_one) in _KINDS.items() if any(map(is_one, pattern.findall(text)))]


_LINK = re.compile(r"(?i)\b(?:https?|ftp)://[^\s/?#]+|\bwww\.[^\s/?#]+")


def _defanged(found: re.Match[str]) -> str:
    scheme, separator, host = found.group().rpartition("://")
    return re.sub("(?i)t", "x", scheme) + separator + host.replace(".", "[.]")


def inert(text: str) -> str:
    """For people's tools: no markup and no link, whatever shows it. Angle brackets become their small sisters."""
    shown = _LINK.sub(_defanged, text).translate({ord("<"): "\u2039", ord(">"): "\u203a"})
    # a scheme that runs, in a tool that makes links of texts
    return re.sub(r"(?i)\b(javascript|data|vbscript|file):", r"\1[:]", shown)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(text: str) -> str:
    """A cell that no spreadsheet runs; `uncell` gives the text back."""
    return "'" + text if text.startswith((*_FORMULA, "'")) else text


def uncell(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text
