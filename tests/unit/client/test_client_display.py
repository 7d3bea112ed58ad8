from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from vopub.client.catalog import Listing
from vopub.client.display import Sheet, plain, show
from vopub.client.progress import bar

HOSTILE = (
    "<script>alert(1)</script> [bold]\x1b[31mred\x9b0m [/x] \u202etxt.exe\x07 & \"q\" 'a'\nnext"
)


def test_nothing_shown_is_taken_for_markup_or_commands() -> None:
    sheet = Sheet(HOSTILE, ("a", "b"), [(HOSTILE, "[link=http://x]y[/link]")], left_out=3)
    page = html.fragment_fromstring(sheet._repr_html_(), create_parent=True)
    assert page.xpath("//script") == []
    assert "<script>alert(1)</script> [bold]" in "".join(page.itertext())
    text = str(sheet)
    assert "[link=http://x]y[/link]" in text
    assert "… and 3 more" in text
    for character in "\x1b\x9b\x07\u202e":
        assert character not in text + sheet._repr_html_()


@given(st.text())
def test_plain_text_is_one_line_and_stays_so(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert len(once) == len(text)
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in once)


def test_a_long_list_is_cut_but_whole_for_programs() -> None:
    row = {"title": "t", "description": "d"}
    listing = Listing("All", [("resource", {**row, "identifier": f"r{i}"}) for i in range(100)])
    assert "… and 40 more" in repr(listing)
    assert "r99" not in repr(listing)
    assert len(listing.identifiers) == len(list(listing)) == 100
    assert listing[-1].identifier == "r99"
    assert listing[98:].identifiers == ["r98", "r99"]
    assert listing.as_json()[3]["identifier"] == "r3"
    assert "<td>r59</td>" in listing._repr_html_()


def test_showing_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert "IPython" not in sys.modules
    show(Sheet("Title", ("x",), [("y",)]))
    said = capsys.readouterr().out
    assert said.split() == ["Title", "x", "───", "y"]


def test_in_a_notebook_a_table_is_html(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the two calls of IPython that a notebook answers, and nothing else of it."""
    shown: list[Sheet] = []
    notebook = ModuleType("IPython")
    notebook.get_ipython = object  # type: ignore[attr-defined]
    notebook.display = SimpleNamespace(display=shown.append)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    sheet = Sheet("Title", ("x",), [("<y>",)])
    show(sheet)
    assert shown == [sheet]
    assert "<td>&lt;y&gt;</td>" in sheet._repr_html_()
    assert capsys.readouterr().out == ""
    notebook.get_ipython = lambda: None  # type: ignore[attr-defined]
    show(sheet)
    assert capsys.readouterr().out.split()[0] == "Title"


def test_a_bar_is_shown_where_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("events[1].csv", 4_000_000, wanted=True) as advance:
        advance(1_000_000)
        advance(4_000_000)
    said = capsys.readouterr()
    assert said.out == ""
    assert "events[1].csv" in said.err
    assert "4.0/4.0 MB" in said.err


@pytest.mark.parametrize("wanted", [False, None])
def test_no_bar_is_shown_where_nobody_looks(
    wanted: bool | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with bar("events.csv", 4_000_000, wanted=wanted) as advance:
        advance(1_000_000)
    assert capsys.readouterr().err == ""
