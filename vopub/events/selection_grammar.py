"""Reading the text of a selection into its parts, without knowing any parameter.

::

    either     = both { "or" both }
    both       = one { "and" one }
    one        = "not" one | "(" either ")" | comparison
    comparison = operand operator operand { operator operand }
    operand    = name | number [ unit ] | "text"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SIGNS = ("<", "<=", ">", ">=", "==", "!=")
"""The operators that compare."""
DEEPEST = 50
"""How many ``not`` and ``(`` may stand inside each other."""
GRAMMAR = (
    "write <parameter> <operator> <number> <unit>, joined by 'and', 'or', 'not' and parentheses"
)

_POWER = r"\*\*(?:[-+]?\d+(?:\.\d+)?|\([-+]?\d+(?:[./]\d+)?\))"
_FACTOR = rf"[A-Za-z%]+(?:{_POWER})?"
_UNIT = rf"(?!(?:and|or|not)\b){_FACTOR}(?:[./*]{_FACTOR})*"
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s*(?P<unit>{_UNIT}))?
      | (?P<word>[A-Za-z_]\w*)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<sign>[<>=!~&|]+)
      | (?P<parenthesis>[()])
    )""",
    re.ASCII | re.VERBOSE,
)
_OTHER_WORDS = {"&": "and", "&&": "and", "|": "or", "||": "or", "!": "not", "~": "not"}
_KEYWORDS = frozenset({"and", "or", "not"})


class GrammarError(Exception):
    """Text that is no selection: what is wrong, where it is, and what to do."""

    def __init__(self, what: str, at: Token, hint: str = GRAMMAR) -> None:
        super().__init__(what)
        self.what, self.at, self.hint = what, at, hint


@dataclass(frozen=True, slots=True)
class Token:
    """A word, sign, number with its unit, or quoted text, and where it begins."""

    kind: str
    text: str
    start: int
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands with an operator between each two, such as ``30 deg < zenith < 90 deg``."""

    operands: tuple[Token, ...]
    signs: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """What must not hold."""

    part: Tree


@dataclass(frozen=True, slots=True)
class Junction:
    """Parts of which all (``and``) or any (``or``) must hold."""

    word: str
    parts: tuple[Tree, ...]


Tree = Chain | Negation | Junction
_Read = Callable[[], Tree]


def read_tree(text: str) -> Tree:
    """Return the parts of a selection.

    Raises
    ------
    GrammarError
        If it is none.
    """
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[Token]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:]
            start = len(text) - len(rest.lstrip())
            here = Token("unknown", rest.split()[0], start)
            raise GrammarError(f"cannot read {here.text!r}", here)
        kind = "number" if match["number"] is not None else str(match.lastgroup)
        tokens.append(Token(kind, match[kind], match.start(kind), match["unit"] or ""))
        position = match.end()
    return [*tokens, Token("end", "", len(text))]


class _Parser:
    """Goes through the tokens once, from left to right."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def whole(self) -> Tree:
        tree = self._joined("or")
        if self._here.kind != "end":
            raise self._unexpected("expected 'and' or 'or'")
        return tree

    @property
    def _here(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _is(self, kind: str, text: str) -> bool:
        return (self._here.kind, self._here.text) == (kind, text)

    def _joined(self, word: str) -> Tree:
        inner = self._one if word == "and" else lambda: self._joined("and")
        parts = [inner()]
        while self._is("word", word):
            self._take()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _one(self) -> Tree:
        if self._is("word", "not"):
            return Negation(self._deeper(self._one))
        if self._is("parenthesis", "("):
            inner = self._deeper(lambda: self._joined("or"))
            if not self._is("parenthesis", ")"):
                raise self._unexpected("expected ')'")
            self._take()
            return inner
        return self._chain()

    def _deeper(self, read: _Read) -> Tree:
        opening = self._take()
        self._depth += 1
        if self._depth > DEEPEST:
            what = f"more than {DEEPEST} 'not' and '(' inside each other"
            raise GrammarError(what, opening, "write it in several cuts")
        tree = read()
        self._depth -= 1
        return tree

    def _chain(self) -> Chain:
        operands, signs = [self._operand()], [self._sign()]
        operands.append(self._operand())
        while self._here.kind == "sign" and self._here.text not in _OTHER_WORDS:
            signs.append(self._sign())
            operands.append(self._operand())
        _check_direction(signs)
        return Chain(tuple(operands), tuple(signs))

    def _operand(self) -> Token:
        here = self._here
        is_name = here.kind == "word" and here.text not in _KEYWORDS
        if here.kind not in ("number", "text") and not is_name:
            raise self._unexpected("expected a parameter or a number")
        return self._take()

    def _sign(self) -> Token:
        here = self._here
        if here.kind != "sign" or here.text in _OTHER_WORDS:
            raise self._unexpected("expected an operator")
        if here.text not in SIGNS:
            what = f"unknown operator {here.text!r}"
            raise GrammarError(what, here, f"operators are {' '.join(SIGNS)}")
        return self._take()

    def _unexpected(self, expected: str) -> GrammarError:
        here = self._here
        word = _OTHER_WORDS.get(here.text) or here.text.lower()
        if word in _KEYWORDS and here.text not in _KEYWORDS:
            return GrammarError(f"unknown word {here.text!r}", here, f"write {word!r}")
        found = "the end" if here.kind == "end" else repr(f"{here.text} {here.unit}".strip())
        return GrammarError(f"{expected}, found {found}", here)


def _check_direction(signs: Sequence[Token]) -> None:
    """Refuse ``a < b > c``, ``a != b != c`` and the like, which hardly mean what they say."""
    directions = {sign.text[0] for sign in signs}
    if len(signs) > 1 and directions not in ({"<"}, {">"}):
        what = "a range has < and <= or > and >= all the way"
        raise GrammarError(what, signs[1], "join two comparisons by 'and'")
