from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest

from vopub.errors import ServiceError
from vopub.model.resource import FileRole
from vopub.odc.file_types import USUAL

from .conftest import REMOTE_FILE, Centre, Product, make_record, parse_page, product, products

CONTENT = bytes(range(256)) * 40
KID = UUID("1da4d63c-fc6a-5e1c-a749-8d7a3efd9196")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@pytest.fixture(scope="module")
def address(kept_centre: Centre) -> str:
    """A published file with ``CONTENT``."""
    return publish(kept_centre, product("events.bin", CONTENT, "application/octet-stream"))


def publish(centre: Centre, *files: Product) -> str:
    record = make_record(files=list(files))
    centre.put(record, list(files))
    return f"/files/{record.kid}/{files[0].reference.name}"


def test_a_file_comes_back_with_its_headers(kept_centre: Centre, address: str) -> None:
    answer = kept_centre.http.get(address)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    headers = answer.headers
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["etag"] == f'"{sha256(CONTENT)}"'
    assert headers["repr-digest"] == content_digest(CONTENT)
    assert headers["content-disposition"] == 'attachment; filename="events.bin"'
    assert headers["content-type"] == "application/octet-stream"
    assert headers["cache-control"] == "public, no-cache"
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


def test_head_tells_the_same_without_the_bytes(kept_centre: Centre, address: str) -> None:
    head, get = kept_centre.http.head(address), kept_centre.http.get(address)
    assert head.content == b""
    assert head.headers == get.headers


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, len(CONTENT) - 1),
        ("bytes=-1", len(CONTENT) - 1, len(CONTENT) - 1),
        ("bytes=-300", len(CONTENT) - 300, len(CONTENT) - 1),
        ("bytes=-999999999", 0, len(CONTENT) - 1),
        ("bytes=5000-999999999999999999", 5000, len(CONTENT) - 1),
        (f"bytes=0-{len(CONTENT) - 1}", 0, len(CONTENT) - 1),
    ],
)
def test_a_range_is_sent_byte_for_byte(
    kept_centre: Centre, address: str, asked: str, first: int, last: int
) -> None:
    answer = kept_centre.http.get(address, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == CONTENT[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.headers["repr-digest"] == content_digest(CONTENT)
    head = kept_centre.http.head(address, headers={"Range": asked})
    assert (head.status_code, head.content) == (206, b"")


@pytest.mark.parametrize(
    "asked",
    [
        "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,5-6", "items=0-5",
        "bytes=0x1-5", "bytes=" + "9" * 5000 + "-", "bytes=1-2-3", "bytes=+1-5", "bytes=1_0-20",
        "bytes= 1-2", "\xff\xfe", "bytes=" + ",".join(["0-"] * 2000),
    ],
)  # fmt: skip
def test_a_range_that_is_not_understood_gets_the_whole_file(
    kept_centre: Centre, address: str, asked: str
) -> None:
    answer = kept_centre.http.get(address, headers=[(b"Range", asked.encode("latin-1"))])
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=999999999999-", "bytes=-0"])
def test_a_range_behind_the_end_gets_416(kept_centre: Centre, address: str, asked: str) -> None:
    answer = kept_centre.http.get(address, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert answer.json()["status"] == 416


def test_a_range_of_an_empty_file_gets_416(centre: Centre) -> None:
    address = publish(centre, product("empty.csv", b"", "text/csv"))
    assert centre.http.get(address).content == b""
    for asked in ("bytes=0-", "bytes=-1"):
        assert centre.http.get(address, headers={"Range": asked}).status_code == 416


def test_if_range_sends_the_range_of_the_same_bytes_only(kept_centre: Centre, address: str) -> None:
    etag = f'"{sha256(CONTENT)}"'
    same = kept_centre.http.get(address, headers={"Range": "bytes=5-9", "If-Range": etag})
    assert (same.status_code, same.content) == (206, CONTENT[5:10])
    moment = same.headers["last-modified"]
    for other in ('"other"', f"W/{etag}", "Sun, 22 Nov 2026 08:00:00 GMT", moment, "\t"):
        for asked in ("bytes=5-9", "bytes=999999999-"):
            answer = kept_centre.http.get(address, headers={"Range": asked, "If-Range": other})
            assert (answer.status_code, answer.content) == (200, CONTENT)


def test_what_a_reader_has_already_is_not_sent_again(kept_centre: Centre, address: str) -> None:
    etag = f'"{sha256(CONTENT)}"'
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = kept_centre.http.get(address, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    for known in ('"other"', "", ",,,"):
        assert kept_centre.http.get(address, headers={"If-None-Match": known}).status_code == 200


def test_exactly_these_bytes_can_be_asked_for_and_kept_forever(
    kept_centre: Centre, address: str
) -> None:
    pinned = kept_centre.http.get(address, params={"sha256": sha256(CONTENT)})
    assert pinned.content == CONTENT
    assert "immutable" in pinned.headers["cache-control"]
    assert kept_centre.http.get(address, params={"sha256": "0" * 64}).status_code == 404


def test_a_picture_is_shown_and_data_are_downloaded(centre: Centre) -> None:
    record = make_record()
    centre.put(record, products())
    picture = centre.http.get(f"/files/{record.kid}/skymap.svg").headers
    assert picture["content-disposition"].startswith("inline")
    assert picture["content-type"] == "image/svg+xml"
    table = centre.http.get(f"/files/{record.kid}/evts21_01.csv").headers
    assert table["content-disposition"].startswith("attachment")
    assert table["content-type"] == "text/csv; charset=utf-8"


def test_a_page_among_the_files_can_do_nothing(centre: Centre) -> None:
    hostile = b"<script>alert(1)</script>"
    centre.store.accepted = USUAL.with_more(["html=text/html"])
    address = publish(centre, product("x.html", hostile, "text/html", FileRole.PREVIEW))
    policy = centre.http.get(address).headers["content-security-policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Checksum-SHA256": sha256(CONTENT)},
        {"X-Checksum-SHA256": sha256(CONTENT).upper()},
        {"Content-Digest": content_digest(CONTENT)},
        {"Content-Digest": f"sha-512=:AAAA:, {content_digest(CONTENT)}"},
        {"X-Checksum-SHA256": sha256(CONTENT), "Content-Digest": content_digest(CONTENT)},
    ],
)
def test_a_file_is_taken_with_its_digest(centre: Centre, headers: dict[str, str]) -> None:
    answer = centre.http.put(f"/files/{KID}/a.bin", content=CONTENT, headers=headers)
    assert answer.status_code == 201
    assert answer.json() == {"name": "a.bin", "sha256": sha256(CONTENT), "size": len(CONTENT)}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Checksum-SHA256": ""},
        {"X-Checksum-SHA256": "abc"},
        {"X-Checksum-SHA256": "../" * 21 + "x"},
        {"X-Checksum-SHA256": "g" * 64},
        {"X-Checksum-SHA256": sha256(b"other")},
        {"Content-Digest": content_digest(b"other")},
        {"Content-Digest": "sha-256=:not base64:"},
        {"Content-Digest": "sha-512=:AAAA:"},
        {"X-Checksum-SHA256": sha256(CONTENT), "Content-Digest": content_digest(b"other")},
    ],
)
def test_a_file_without_its_digest_is_refused(centre: Centre, headers: dict[str, str]) -> None:
    answer = centre.http.put(f"/files/{KID}/a.bin", content=CONTENT, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]
    kept = [p for p in (centre.directory / "files").rglob("*") if p.is_file()]
    assert kept == []


def test_a_file_that_is_too_large_is_refused_announced_or_not(centre: Centre) -> None:
    large = b"x" * ((1 << 20) + 1)

    def pieces() -> Iterator[bytes]:
        yield large

    headers = {"X-Checksum-SHA256": sha256(large)}
    for content in (large, pieces()):
        answer = centre.http.put(f"/files/{KID}/a.bin", content=content, headers=headers)
        assert answer.status_code == 413
    fits = large[:-1]
    headers = {"X-Checksum-SHA256": sha256(fits)}
    answer = centre.http.put(f"/files/{KID}/a.bin", content=fits, headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%2Fb", "a%00b", "a b", "é.csv", "x" * 129])
def test_a_name_that_is_no_file_name_is_refused(centre: Centre, name: str) -> None:
    url = httpx.URL(f"http://odc.test/files/{KID}/{name}")
    headers = {"X-Checksum-SHA256": sha256(b"x")}
    assert centre.http.put(url, content=b"x", headers=headers).status_code in (404, 405, 422)
    assert not list((centre.directory / "files").iterdir())


def test_a_file_elsewhere_is_not_asked_for_but_led_to(centre: Centre) -> None:
    record = make_record(files=[], elsewhere=[REMOTE_FILE])
    centre.put(record, [])
    address = f"/files/{record.kid}/{REMOTE_FILE.name}"
    for ask in (centre.http.get, centre.http.head):
        answer = ask(address)
        assert (answer.status_code, answer.headers["location"]) == (307, REMOTE_FILE.url)
        assert answer.headers["cache-control"] == "no-cache"
    assert centre.http.get(f"{address}?sha256={REMOTE_FILE.sha256}").status_code == 307
    assert centre.http.get(f"{address}?sha256={'0' * 64}").status_code == 404
    assert centre.http.get(f"/files/{record.kid}/other.root").status_code == 404


def test_no_bytes_are_promised_of_a_file_elsewhere_without_a_checksum(centre: Centre) -> None:
    unknown = REMOTE_FILE.model_copy(update={"sha256": None, "size": None})
    record = make_record(files=[], elsewhere=[unknown])
    centre.put(record, [])
    address = f"/files/{record.kid}/{unknown.name}"
    assert centre.http.get(address).status_code == 307
    assert centre.http.get(f"{address}?sha256={REMOTE_FILE.sha256}").status_code == 404
    page = parse_page(centre.http.get(f"/resources/{record.kid}").text)
    text = " ".join(page.get_element_by_id("files").text_content().split())
    assert "kept elsewhere, on files.samples.km3net.invalid" in text
    assert text.count("not known") == 2
    assert "No checksum of this file is known" in text


def test_a_withdrawn_record_leads_nowhere(centre: Centre) -> None:
    record = make_record(files=[], elsewhere=[REMOTE_FILE])
    centre.put(record, [])
    centre.store.withdraw(record.kid, "wrong")
    assert centre.http.get(f"/files/{record.kid}/{REMOTE_FILE.name}").status_code == 410


def test_two_files_cannot_have_one_name_wherever_they_are(centre: Centre) -> None:
    here = product(REMOTE_FILE.name, CONTENT, "application/x-root")
    record = make_record(files=[here], elsewhere=[REMOTE_FILE])
    with pytest.raises(ServiceError, match="named more than once"):
        centre.put(record, [here])


def test_csv_leads_to_what_its_columns_mean(kept_centre: Centre) -> None:
    told = product("events.metadata.json", b"{}", "application/json")
    tables = [product(f"{name}.csv", b"ra\n1\n", "text/csv") for name in ("events", "others")]
    address = publish(kept_centre, *tables, told)
    links = kept_centre.http.get(address).links
    about = links["describedby"]
    assert about["url"].endswith(address.replace("events.csv", "events.metadata.json"))
    assert about["type"] == "application/json"
    assert kept_centre.http.get(about["url"]).content == b"{}"
    assert "collection" in links
    other = kept_centre.http.get(address.replace("events.csv", "others.csv"))
    assert set(other.links) == {"collection"}
