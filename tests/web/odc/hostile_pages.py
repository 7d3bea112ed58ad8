"""Looking at pages in Chromium: whether texts of records are texts there, and nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page

from vopub.odc.rendering import symbol

SCRIPT = "window.hostile = number => { window.ran = (window.ran || []).concat(number) };"
"""What a string calls that managed to run."""
LOOK = r"""() => {
  const shape = [], texts = [], addresses = [], data = [];
  for (const element of document.querySelectorAll('*')) {
    const names = element.getAttributeNames().sort();
    shape.push([element.parentElement?.localName, element.localName, ...names].join(' '));
    for (const name of names) {
      const place = `${element.localName}@${name}`;
      texts.push([element.closest('.facets') ? 'facet' : place, element.getAttribute(name)]);
    }
    for (const name of ['href', 'src', 'action']) {
      if (element.hasAttribute(name)) addresses.push(new URL(element.getAttribute(name),
        document.baseURI).protocol);
    }
    if (element.localName === 'script' && element.type === 'application/ld+json')
      data.push(element.textContent);
  }
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (parent.localName === 'script') continue;
    const label = parent.getAttribute('aria-label') || '';
    const place = parent.closest('.facets') ? 'facet' : `${parent.localName} ${label}`.trim();
    texts.push([place, walker.currentNode.data]);
  }
  return {shape, texts, addresses, data, ran: window.ran || []};
}"""
ADDRESSES = {"http:", "https:", "mailto:"}
"""Where a link may lead and a picture may come from."""
TRUNCATED = re.compile(r"\.\.\.$|…$")
OTHERWISE = re.compile(r"^facet$|@href$|^pre (Lines|BibTeX)")
"""Where texts are not written as they are: in addresses, programs and BibTeX, nor in the same order
under other names."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page is made of."""

    path: str
    status: int
    shape: Counter[str]
    """How often each element is there, with the one that it is in and the names of attributes."""
    texts: list[tuple[str, str]]
    """Texts and values of attributes in order, each with the element that it is of."""
    data: list[Any]
    """What the page says to machines."""


@dataclass
class Looker:
    """A tab of a browser, and everything that must not happen in it.

    What the pages allow scripts to do is switched off, so that one that got in would run.
    """

    browser: Browser
    base: str
    wrong: list[str] = field(default_factory=list)
    looked: int = 0

    def __post_init__(self) -> None:
        context = self.browser.new_context(base_url=self.base, bypass_csp=True)
        context.add_init_script(SCRIPT)
        self.page: Page = context.new_page()
        self.page.on("dialog", self._dialog)
        self.page.on("console", lambda message: self._said(message.text))
        self.page.on("pageerror", lambda error: self._wrong(f"error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def open(self, path: str) -> Seen:
        """Open a page; return what it is made of."""
        answer = self.page.goto(path, wait_until="load")
        assert answer is not None, path
        found = self.page.evaluate(LOOK)
        self.looked += 1
        if found["ran"]:
            self._wrong(f"a script ran: {found['ran']}")
        if others := set(found["addresses"]) - ADDRESSES:
            self._wrong(f"leads to {others}")
        if "x-hostile" in answer.headers:
            self._wrong("a string became a header")
        data = [json.loads(text) for text in found["data"]]
        texts = [(place, text) for place, text in found["texts"]]
        return Seen(path, answer.status, Counter(found["shape"]), texts, data)

    def close(self) -> None:
        """Close the tab."""
        self.page.context.close()

    def _wrong(self, what: str) -> None:
        self.wrong.append(f"{self.page.url[:200]}: {what[:300]}")

    def _said(self, text: str) -> None:
        # Chromium says of each page with an error status that loading it failed.
        if not text.startswith("Failed to load resource: the server responded with a status of 4"):
            self._wrong(f"console: {text}")

    def _dialog(self, dialog: Any) -> None:
        self._wrong(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if not url.startswith(self.base):
            self._wrong(f"asked for {url}")


def differences(hostile: Seen, twin: Seen, strings: Mapping[str, str]) -> list[str]:
    """Say where a page shows hostile strings otherwise than as the texts that they are.

    Parameters
    ----------
    hostile, twin
        The same page, with the strings and with harmless ones in their places.
    strings
        The hostile string for each harmless one.
    """
    found = [f"{what} is there {n} more times" for what, n in (hostile.shape - twin.shape).items()]
    found += [f"{what} is missing {n} times" for what, n in (twin.shape - hostile.shape).items()]
    shown = Counter(hostile.texts)
    for (place, *ways), times in Counter(_expected(twin, strings)).items():
        if sum(shown[place, way] for way in set(ways)) < times:
            found.append(f"{place} is not {ways[0][:200]!r}")
    expected = _replaced(twin.data, _names(strings), strings)
    if _agents_alike(hostile.data) != _agents_alike(expected):
        found.append("says something else to machines")
    return [f"{hostile.path[:100]}: {what}" for what in found]


def _expected(twin: Seen, strings: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield where a page holds a string, and the text there: as it is, or as a symbol."""
    parsed = {_line_ends(key): text for key, text in strings.items()}
    names = _names(parsed)
    for place, text in twin.texts:
        if OTHERWISE.search(place) or TRUNCATED.search(text) or not names.search(text):
            continue
        plain = names.sub(lambda found: parsed[found[0]], text)
        math = names.sub(lambda found: symbol(parsed[found[0]]), text)
        yield place, _as_parsed(place, plain), _as_parsed(place, math)


def _names(strings: Mapping[str, str]) -> re.Pattern[str]:
    longest_first = sorted(strings, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _as_parsed(place: str, text: str) -> str:
    """Return a text as a reader of HTML has it: with one kind of line ends, without zeros."""
    in_data = "@" not in place and place != "title"
    return _line_ends(text).replace("\0", "" if in_data else "\N{REPLACEMENT CHARACTER}")


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _agents_alike(node: Any) -> Any:
    """Return data in which persons are as organisations: a text written 'Family, Given' is one."""
    if isinstance(node, list):
        return [_agents_alike(value) for value in node]
    if not isinstance(node, dict):
        return node
    found = {key: _agents_alike(value) for key, value in node.items()}
    if found.get("@type") in ("Person", "Organization"):
        found["@type"] = "Organization"
        if "affiliation" in found:
            found["parentOrganization"] = found.pop("affiliation")
    return found


def _replaced(node: Any, names: re.Pattern[str], strings: Mapping[str, str]) -> Any:
    """Return data with the hostile strings in the places of the harmless ones."""
    if isinstance(node, dict):
        pairs = {key: _replaced(value, names, strings) for key, value in node.items()}
        return {_replaced(key, names, strings): value for key, value in pairs.items()}
    if isinstance(node, list):
        return [_replaced(value, names, strings) for value in node]
    if isinstance(node, str):
        return names.sub(lambda found: strings[found[0]], node)
    return node
