"""Templates of configuration files."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined

_ENVIRONMENT = Environment(
    loader=PackageLoader("vopub.site", "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    # Configuration files, not markup: what has to be quoted is quoted by filters of their syntax.
    autoescape=False,  # noqa: S701
)


def one_line(text: object) -> str:
    """Return a text on one line."""
    return " ".join(str(text).split())


def item(text: object) -> str:
    """Quote a value for Python's configparser, as DaCHS reads its settings with."""
    return one_line(text).replace("%", "%%")


def meta(text: object) -> str:
    r"""Quote a value for DaCHS's metadata files, where ``\`` begins a macro.

    DaCHS has no way to write a backslash that no macro begins with, so it becomes a slash of
    the same look. A format named at the beginning, as in ``raw:``, is kept as text by a space
    before the colon.
    """
    plain = one_line(text).replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}")
    return re.sub(r"^(rst|literal|raw):", r"\1 :", plain)


_ENVIRONMENT.filters.update({"item": item, "meta": meta})


def render(name: str, **values: object) -> str:
    """Render ``<name>.jinja``; a name in it that is not given is an error."""
    return _ENVIRONMENT.get_template(f"{name}.jinja").render(**values)
