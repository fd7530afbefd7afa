import bz2
import gzip
import io
import lzma
import os
import random
import sys
import tarfile
import threading

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.errors import DataError
from mtcli.streaming.lines import LineReader
from mtcli.system.text_input import open_text, open_unpacked, text_of
from tests.support.packings import ENCODINGS, PACKINGS

TEXT = b"".join(b"line %d %x\n" % (n, n * 7919) for n in range(10_000))


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


def read(path):
    with open_text(path) as file:
        return file.read()


def piped(content, name="the pipe"):
    """The text of a pipe into which `content` is written."""
    reading, writing = os.pipe()

    def feed():
        with os.fdopen(writing, "wb") as sink:
            sink.write(content)

    threading.Thread(target=feed).start()
    return text_of(os.fdopen(reading, "rb"), name)


def read_piped(content):
    with piped(content) as text:
        return text.read()


@pytest.mark.parametrize("content", [b"", b"\n", b"a", b"a\n", b"BZh9 is a name\nPK\n", TEXT])
@pytest.mark.parametrize("packing", [None, *PACKINGS])
def test_content_of_files_pipes_and_memory(write, packing, content):
    packed = PACKINGS[packing](content) if packing else content
    path = write(packed)
    assert read(path) == content
    assert read_piped(packed) == content
    with text_of(io.BytesIO(packed), "memory") as text:
        assert text.read() == content
    with open_text(path) as file:
        assert list(file) == content.splitlines(keepends=True)
    with open_text(path) as file:
        assert [line.text.encode() + line.ending for line in LineReader(file)] == (
            content.splitlines(keepends=True)
        )


@pytest.mark.parametrize("packing", PACKINGS)
def test_members_one_after_the_other(write, packing):
    """As `cat a.gz b.gz`, pigz, bgzip and pzstd write them, also with zeros between."""
    members = [PACKINGS[packing](part) for part in (b"a\n", b"", TEXT, b"b")]
    assert read(write(b"".join(members))) == b"a\n" + TEXT + b"b"
    assert read_piped(b"".join(members)) == b"a\n" + TEXT + b"b"
    assert read(write(b"\0\0\0\0".join([*members, b""]))) == b"a\n" + TEXT + b"b"


@pytest.mark.parametrize(
    "packed",
    [
        *(bz2.compress(TEXT, level) for level in range(1, 10)),
        *(lzma.compress(TEXT, check=check) for check in (lzma.CHECK_NONE, lzma.CHECK_SHA256)),
        gzip.compress(TEXT, 0),
        zstandard.ZstdCompressor(write_checksum=True).compress(TEXT),
        bytes.fromhex("502a4d1804000000") + b"size" + zstandard.compress(TEXT),
        gzip.compress(lzma.compress(TEXT)),
    ],
    ids=len,  # the bytes hold the time, which differs between processes of pytest
)
def test_variants_of_the_formats(write, packed):
    assert read(write(packed)) == TEXT
    assert read_piped(packed) == TEXT


def test_what_unpacks_to_much_more_is_unpacked_piece_by_piece(write):
    content = b"a" * (1 << 23)
    for pack in PACKINGS.values():
        with open_text(write(pack(content))) as file:
            assert sum(len(chunk) for chunk in iter(lambda: file.read1(1 << 20), b"")) == 1 << 23


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("packing", [None, *PACKINGS])
def test_other_encodings_are_refused_by_name(write, packing, name):
    content = "The dog sleeps.\nNot now.\n".encode(ENCODINGS[name])
    content = PACKINGS[packing](content) if packing else content
    path = write(content)
    refused = (
        f"is in {name}, not UTF-8\nhint: convert it with `iconv -f {name} -t UTF-8`; training reads"
        f" it with `encoding: {name.lower()}`"
    )
    with pytest.raises(DataError) as caught:
        open_text(path)
    assert str(caught.value) == f"{path} {refused}"
    with piped(content) as text, pytest.raises(DataError) as caught:
        text.read()
    assert str(caught.value) == f"the pipe {refused}"


def test_encodings_with_a_mark_need_no_latin_text(write):
    for codec, name in (("utf-16", "UTF-16"), ("utf-32", "UTF-32")):
        with pytest.raises(DataError, match=f"is in {name}, not UTF-8"):
            open_text(write("狗在睡觉。\n".encode(codec)))
    for mark, name in ((b"\xfe\xff", "UTF-16"), (b"\x00\x00\xfe\xff", "UTF-32")):
        with pytest.raises(DataError, match=f"is in {name}, not UTF-8"):
            open_text(write(mark + b"rest"))


@pytest.mark.parametrize("name", sorted(ENCODINGS))
def test_an_encoding_that_is_asked_for_is_read(write, name):
    content = "gut\nschön\n".encode(ENCODINGS[name])
    with open_text(write(content), name.lower()) as file:
        assert file.read() == content
    with pytest.raises(DataError, match="not UTF-8"):
        open_text(write(content), "latin-1")


PDF, DOCX = b"%PDF-1.7\n" + bytes(9), b"PK\x03\x04 [Content_Types].xml word/document.xml"


@pytest.mark.parametrize(("content", "name"), [(PDF, "a PDF file"), (DOCX, "a DOCX document")])
def test_documents_are_refused_by_name_wherever_they_are(write, content, name):
    for packed in (content, gzip.compress(content)):
        with pytest.raises(DataError, match=f"is {name}\nhint: "):
            open_text(write(packed))
        with pytest.raises(DataError, match=f"^the pipe is {name}\nhint: "):
            read_piped(packed)
    with open_unpacked(write(gzip.compress(content))) as file:
        assert file.read() == content


def archive_of(path, tmp_path):
    with tarfile.open(tmp_path / "archive", "w") as tar:
        tar.add(path)
    return (tmp_path / "archive").read_bytes()


def test_archives_are_refused_by_name(write, tmp_path):
    tar = archive_of(write(TEXT), tmp_path)
    for content, what in [
        (b"PK\x03\x04rest", "a zip file"),
        (b"7z\xbc\xaf\x27\x1crest", "a 7z file"),
        (b"\x04\x22\x4d\x18rest", "an lz4 file"),
        (tar, "a tar archive"),
        (gzip.compress(tar), "a tar archive"),
    ]:
        path = write(content)
        with pytest.raises(DataError) as caught:
            open_text(path)
        assert str(caught.value) == (
            f"{path} is {what}, not text"
            "\nhint: unpack it, or pack it with gzip, xz, bzip2 or zstd instead"
        )


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("is_piped", [False, True])
def test_every_line_before_the_cut_is_read(write, packing, is_piped):
    generator = random.Random(0)
    content = b"".join(b"%x\n" % generator.getrandbits(80) for _ in range(20_000))
    # the library of bzip2 unpacks whole blocks, here of 100,000 bytes
    packed = bz2.compress(content, 1) if packing == "bzip2" else PACKINGS[packing](content)
    lines = []
    cut = packed[: len(packed) * 2 // 3]
    with piped(cut) if is_piped else open_text(write(cut)) as text, pytest.raises(DataError) as e:
        lines.extend(LineReader(text))
    where = "the pipe" if is_piped else write(b"")
    assert len(lines) > 8_000
    assert [line.text for line in lines] == content.decode().split("\n")[: len(lines)]
    assert str(e.value) == (
        f"{where}: damaged {packing} data after line {len(lines)} (it is cut off)"
        "\nhint: get the file again, or pack it again"
    )


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("damage", ["flipped", "trailing"])
def test_damage_is_one_sentence(write, packing, damage):
    packed = bytearray(PACKINGS[packing](TEXT))
    if damage == "flipped":
        packed[len(packed) // 2 : len(packed) // 2 + 8] = b"damaged!"
    else:
        packed += b"rubbish"
    path = write(bytes(packed))
    with pytest.raises(
        DataError, match=rf"damaged {packing} data after line \d+ \(.+\)\nhint: get"
    ):
        read(path)


def test_zstd_without_its_library_names_it(write, monkeypatch):
    path = write(zstandard.compress(b"a\n"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(DataError) as caught:
        open_text(path)
    assert str(caught.value) == (
        f"{path} is a zstd file, and `zstandard` is not installed"
        "\nhint: install it with `pip install 'zstandard>=0.23,<1'`, or unpack the file"
    )


@pytest.mark.parametrize("packing", [None, *PACKINGS])
@pytest.mark.parametrize("reads", [iter, LineReader])
def test_a_line_is_read_as_soon_as_it_has_arrived(packing, reads):
    """Each line is a member of its own: bzip2 and xz have no other way to flush."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb", buffering=0) as feeder:
        lines = reads(text_of(pipe, "the pipe"))
        for line in (b"a\n", b"B\n", b"the third line of three\n"):
            feeder.write(PACKINGS[packing](line) if packing else line)
            found = next(lines)  # would wait for ever
            assert (found if reads is iter else found.text.encode() + b"\n") == line


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([None, *PACKINGS]),
    st.lists(st.binary(max_size=9), max_size=6),
    st.lists(st.integers(1, 12), min_size=1),
)
def test_bytes_may_arrive_in_any_portions(packing, lines, sizes):
    content = b"a" + b"\n".join(lines).replace(b"\0", b"")
    packed = PACKINGS[packing](content) if packing else content

    class Trickle(io.RawIOBase):
        def __init__(self):
            self.rest, self.num_reads = packed, 0

        def readable(self):
            return True

        def readinto(self, target):
            size = min(len(target), sizes[self.num_reads % len(sizes)])
            self.num_reads += 1
            part, self.rest = self.rest[:size], self.rest[size:]
            target[: len(part)] = part
            return len(part)

    text = text_of(io.BufferedReader(Trickle()), "trickle")
    assert text.read() == content
