"""What the mappings to JSON-LD have in common."""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]


def filled(node: Node) -> Node:
    """Return a node without what is empty: JSON-LD says nothing by leaving out."""
    return {key: value for key, value in node.items() if value not in (None, "", [], {}, ())}


def nodes(value: Any) -> list[Node]:
    """Return the nodes of a property, of which JSON-LD may write one alone."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def at(node: Any, *path: str, default: Any = "") -> Any:
    """Return what stands at a path of keys; ``default`` if nothing does."""
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
        if node is None:
            return default
    return node


def value(record: Node, field: str) -> Any:
    """Return a field of a record in JSON, by its dotted name; None if it is not there."""
    return at(record, *field.split("."), default=None)


def nested(fields: dict[str, Any]) -> Node:
    """Return fields by dotted name as a record in JSON, without those that are not there."""
    record: Node = {}
    for name, content in fields.items():
        if content is None or content == "":
            continue
        *outer, last = name.split(".")
        node = record
        for key in outer:
            node = node.setdefault(key, {})
        node[last] = content
    return record
