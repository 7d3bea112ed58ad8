"""Templates of resource descriptors, and text in the form that DaCHS reads it in."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from vopub.errors import VopubError
from vopub.files import shipped

TEMPLATES = "rd_templates"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold at all, escaped or not."""


def render(
    template: str, variables: Mapping[str, Any], *, about: str, templates: Path | None = None
) -> str:
    """Write a descriptor.

    Parameters
    ----------
    template
        Name of the template.
    variables
        What it is filled with.
    about
        The resource that is described, for errors.
    templates
        Folder of the templates; default those that come with vopub.

    Raises
    ------
    VopubError
        If a template is missing or broken or uses a variable that does not exist, or text holds
        a character that XML cannot.
    """
    text = _fill(templates or shipped(TEMPLATES), template, variables)
    found = _NOT_XML.search(text)
    if found:
        before = text[: found.start()]
        line = before.count("\n") + 1
        raise VopubError(
            f"character {found.group()!r} cannot be written in XML"
            f" (after {before.splitlines()[-1][-40:].strip()!r})",
            where=f"descriptor of {about}, line {line}",
            hint="remove it from the description",
        )
    return text


def one_line(text: str) -> str:
    """Return a text with its line breaks as blanks; other spaces than XML's stay as they are."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, each on one line: DaCHS minds how lines are indented."""
    return [line for part in re.split(r"\n[ \t\r]*\n", text) if (line := one_line(part))]


def _meta(text: str) -> str:
    r"""Keep DaCHS from reading a backslash in metadata as the begin of a macro (``\schema``).

    It also refuses text whose lines are not indented alike.
    """
    lines = (line.strip(" \t\r") for line in str(text).split("\n"))
    return "\n".join(lines).replace("\\", "\\\\")


def _python(value: object) -> str:
    """Return a Python literal for code in a descriptor, where DaCHS expands macros, too."""
    return _meta(repr(value))


def _fill(folder: Path, template: str, variables: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(meta=_meta, python=_python)
    try:
        return environment.get_template(template).render(variables)
    except jinja2.TemplateNotFound as error:
        raise VopubError(f"there is no template {error.name!r}", where=folder) from error
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename}, line {error.lineno}"
        raise VopubError(f"template cannot be read: {error.message}", where=where) from error
    except jinja2.UndefinedError as error:
        raise VopubError(
            f"template uses what does not exist: {error.message}",
            where=_place_in_template(error, folder),
            hint="correct the name in the template",
        ) from error


def _place_in_template(error: jinja2.TemplateError, folder: Path) -> str:
    """Return the innermost template and line that an error came from."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f for f in frames if Path(f.filename).is_relative_to(folder)]
    return f"{places[-1].filename}, line {places[-1].lineno}" if places else str(folder)
