"""Strings that break pages, queries, paths and headers if they are not taken for mere text.

Whatever runs calls ``hostile`` with the number of its string, which the page that is looked at
knows and counts.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from html import escape
from itertools import product
from urllib.parse import quote

ELEMENTS = (
    "<script>hostile({n})</script>", "<img src=x onerror=hostile({n})>",
    "<svg onload=hostile({n})>", "<svg/onload=hostile({n})//", "<body onload=hostile({n})>",
    '<iframe src="javascript:parent.hostile({n})">',
    '<iframe srcdoc="<script>parent.hostile({n})</script>">',
    "<details open ontoggle=hostile({n})>", "<video><source onerror=hostile({n})>",
    "<input autofocus onfocus=hostile({n})>", "<select autofocus onfocus=hostile({n})>",
    '<object data="data:text/html,<script>parent.hostile({n})</script>">',
    '<embed src="javascript:hostile({n})">', '<a href="javascript:hostile({n})">x{n}</a>',
    "<math><mtext><table><mglyph><style><img src=x onerror=hostile({n})>",
    '<base href="https://evil.invalid/{n}/">', "<style>*{{display:none}}</style>{n}",
    '<meta http-equiv=refresh content="0;url=https://evil.invalid/{n}">',
    "<link rel=stylesheet href=//evil.invalid/{n}>", "<template><script>hostile({n})</script>",
    "<form action=//evil.invalid/{n}><button>x</button></form>",
    '<noscript><p title="</noscript><img src=x onerror=hostile({n})>">',
    "<!--><img src=x onerror=hostile({n})>-->", "<![CDATA[<script>hostile({n})</script>]]>",
    "<?xml version='1.0'?><x{n}/>", "<plaintext>{n}", "<textarea>{n}", "<table><td>{n}",
    "<image href=x onerror=hostile({n})>", "<x onclick=hostile({n}) style=all:unset>",
)  # fmt: skip
ATTRIBUTES = (
    '" onmouseover="hostile({n})', "' autofocus onfocus='hostile({n})", "` onclick=hostile({n}) `",
    '" style="position:fixed;inset:0" onpointerenter="hostile({n})', "x onfocus=hostile({n}) a=",
    '"/onerror=hostile({n})//',
)  # fmt: skip
URLS = (
    "javascript:hostile({n})", "JaVaScRiPt:hostile({n})", "java\tscript:hostile({n})",
    "\x01javascript:hostile({n})", "data:text/html,<script>parent.hostile({n})</script>",
    "//evil.invalid/{n}", "https://evil.invalid/{n}'onclick='hostile({n})",
    "https://a@b:{n}@evil.invalid\\@good.invalid",
)  # fmt: skip
SCRIPTS = (
    '";hostile({n});//', "';hostile({n});//", '\\";hostile({n});//', "${{hostile({n})}}",
    "{{{{hostile({n})}}}}", "{{% include '/etc/passwd' %}}{n}",
    "{{{{ ''.__class__.__mro__[1].__subclasses__() }}}}{n}", "<%= {n}*7 %>",
    "{{{{constructor.constructor('hostile({n})')()}}}}", "\u2028hostile({n})\u2029",
    '{{"@context": {n}}}', "\\u003cscript\\u003ehostile({n})\\u003c/script\\u003e",
)  # fmt: skip
SQL = (
    "' OR '{n}'='{n}", "'; DROP TABLE resources; --{n}", '" OR "{n}"="{n}', "%' ESCAPE '{n}",
    "{n}) UNION SELECT digest FROM tokens --", "\\' OR {n}={n} --", "$$;SELECT pg_sleep({n})$$",
    '"a{n}" AND NOT "b"', "NEAR(a{n} b, 3)", "title:x{n} OR *", "a{n} & | ! <-> b:*", "_%{n}%_",
)  # fmt: skip
PATHS = (
    "../../../../etc/passwd{n}", "..\\..\\windows\\{n}", "%2e%2e%2f%2e%2e%2fetc%2f{n}",
    "....//....//{n}", "/etc/passwd{n}\0.csv", "file:///etc/passwd#{n}", "..%c0%af..%c0%af{n}",
    "~/.ssh/id_rsa{n}", "$(touch hostile{n})", "| id; `id` {n}", "C:\\con\\{n}",
)  # fmt: skip
HEADERS = (
    "x{n}\r\nX-Hostile: yes", "x\r\n\r\n<script>hostile({n})</script>", "x{n}\nSet-Cookie: a=b",
    "%0d%0aX-Hostile:%20{n}", "\u560d\u560aX-Hostile: {n}", 'x{n}"; filename="evil.html',
)  # fmt: skip
UNICODE = (
    "\u202eevil\u202c{n}", "\u2066a\u2069\u200f{n}", "a\u200bb\u200cc\u200d\ufeff{n}", "a\0b{n}",
    "\x1b[2J\x1b]0;owned\x07{n}", "\x08\x7f\x85{n}", "Z\u0351\u036b\u0343\u036a\u0302{n}",
    "👩\u200d🚀🏴\U000e0067\U000e007f{n}", "\uff1cscript\uff1ehostile\uff08{n}\uff09",
    "\ufffe\uffff\U0001ffff{n}",
    "\ud800{n}", "{n}\udfff<b>", "\u0130\u0131\u017fK{n}", "\ufdfd" * 20 + "{n}",
    "+ADw-script+AD4-hostile({n})",
    "A" * 5000 + "<img src=x onerror=hostile({n})>", "\x0c\x0b\xa0\u3000{n}",
    "\U0001d4bd\u2134\U0001d4c8\U0001d4c9\U0001d4be\U0001d4c1\u212f{n}",
)  # fmt: skip
VECTORS = (
    *ELEMENTS, *ATTRIBUTES, *URLS, *SCRIPTS, *SQL, *PATHS, *HEADERS, *UNICODE,
)  # fmt: skip
BREAKS = (
    "", '">', "'>", "</title>", "</textarea>", "</script>", "</style></pre></code>", "-->", "]]>",
    "</svg></math>", "</option></select>", "\\", "&quot;&gt;", "\n\n",
)  # fmt: skip
"""What would end the place where a string stands."""
DISGUISES: tuple[Callable[[str], str], ...] = (
    str, escape, lambda text: escape(escape(text)), lambda text: text.replace("<", "<\0"),
    lambda text: text.replace("<", "%3C").replace('"', "%22"), str.swapcase,
    lambda text: text.replace("<", "&#x3c;").replace("'", "&#39"),
    lambda text: text.replace(":", "&colon;").replace("(", "&lpar;"),
)  # fmt: skip


def hostile_strings(number: int) -> list[str]:
    """Return so many different strings, each time the same ones.

    Raises
    ------
    ValueError
        If there are not so many.
    """
    ways = list(product(VECTORS, BREAKS, DISGUISES))
    if number > len(ways):
        raise ValueError(f"there are {len(ways)} hostile strings, not {number}")
    random.Random(1).shuffle(ways)  # noqa: S311 - few of them are of all kinds too
    return [
        disguise(before + vector.format(n=place))
        for place, (vector, before, disguise) in enumerate(ways[:number])
    ]


def harmless(text: str, number: int) -> str:
    """Return a text of letters and digits, as long and with blanks at the same places.

    Pages that differ in more than the text do so because of what stands in it.
    """
    name = iter(f"q{number}z".ljust(len(text), "e"))
    return "".join(sign if sign.isspace() else next(name) for sign in text)


def sendable(text: str) -> bool:
    """Tell whether UTF-8 has the text."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def in_address(text: str) -> str:
    """Return the text as a part of an address, also one that UTF-8 does not have."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
