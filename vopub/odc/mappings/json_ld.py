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
