"""What the mappings to XML have in common."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def in_xml(text: str) -> str:
    """Return text with what XML cannot hold (control characters) replaced."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    """Add an element with text and attributes; return it."""
    element = ET.SubElement(parent, name, {key: in_xml(v) for key, v in attributes.items()})
    element.text = in_xml(text) or None
    return element
