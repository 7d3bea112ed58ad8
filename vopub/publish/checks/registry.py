"""Every rule by its code, and the functions that look whether it is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vopub.publish.checks.finding import ResourceLook, Rule, SettingsLook, Severity

ERROR: Final = Severity.ERROR
WARNING: Final = Severity.WARNING

RULES: Final[dict[str, Rule]] = {}
RESOURCE_LOOKS: Final[list[tuple[Rule, ResourceLook]]] = []
SETTINGS_LOOKS: Final[list[tuple[Rule, SettingsLook]]] = []


def declare(code: str, severity: Severity, title: str, *, release: bool = False) -> Rule:
    """Enter a rule.

    Raises
    ------
    ValueError
        If another rule has its code.
    """
    if code in RULES:
        raise ValueError(f"{code} is {RULES[code].title!r} already")
    RULES[code] = Rule(code, severity, title, release)
    return RULES[code]


def of_resource(
    code: str, severity: Severity, title: str
) -> Callable[[ResourceLook], ResourceLook]:
    """Enter the function that looks whether a resource keeps a new rule."""

    def enter(look: ResourceLook) -> ResourceLook:
        RESOURCE_LOOKS.append((declare(code, severity, title), look))
        return look

    return enter


def of_settings(
    code: str, severity: Severity, title: str, *, release: bool = False
) -> Callable[[SettingsLook], SettingsLook]:
    """Enter the function that looks whether the settings keep a new rule."""

    def enter(look: SettingsLook) -> SettingsLook:
        SETTINGS_LOOKS.append((declare(code, severity, title, release=release), look))
        return look

    return enter
