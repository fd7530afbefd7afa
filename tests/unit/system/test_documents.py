import io
import zipfile

import pytest

from mtcli.system.documents import document_of

XML = b"<?xml version='1.0' encoding='UTF-8'?>\n"


def zipped(*names, content=b"x" * 50):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (XML + b'<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<!-- x > y -->\n<tmx version="1.4">', "TMX"),
        (XML + b"<!DOCTYPE tmx [<!ENTITY a 'b'>]>\n<tmx>", "TMX"),
        (b"\xef\xbb\xbf<tmx>", "TMX"),
        (b'\n <!DOCTYPE tmx SYSTEM "tmx14', "TMX"),  # cut off
        (XML + b'<xliff version="1.2">', "XLIFF"),
        (XML + b'<ns0:xliff xmlns:ns0="urn:x">', "XLIFF"),
        (XML + b"<html><head>", "HTML"),
        (b"<!DOCTYPE html>\n<p>", "HTML"),
        (b"<!doctype HTML PUBLIC '-//W3C//DTD'>", "HTML"),
        (b"<HTML lang=de>\n<HEAD>", "HTML"),
        (XML + b"<resources>", "XML"),
        (b'<refset setid="newstest" srclang="any">', "SGML"),
        (b"%PDF-1.7\n", "PDF"),
        (b"{\\rtf1\\ansi", "RTF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "Office"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"ARROW1\0\0", "Arrow"),
        (b"SQLite format 3\0\x10", "SQLite"),
        (zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), "XLSX"),
        (zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"), "DOCX"),
        (zipped("[Content_Types].xml", "ppt/presentation.xml"), "PPTX"),
        (zipped("[Content_Types].xml"), "Office"),
        (
            zipped("mimetype", content=b"application/vnd.oasis.opendocument.text"),
            "ODT",
        ),
        (
            zipped("mimetype", content=b"application/vnd.oasis.opendocument.spreadsheet"),
            "ODS",
        ),
        (zipped("mimetype", content=b"application/epub+zip"), "EPUB"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), "binary"),
        (bytes(64), "binary"),
    ],
)  # fmt: skip
def test_a_document_is_named(start, name):
    document = document_of(start)
    assert name in document.name
    assert document.name.startswith(("a ", "an "))
    assert document.hint
    assert not document.hint.endswith(".")


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"A dog runs.\n",
        b"<b>A dog</b> runs.\n",
        b"<html> is a tag.\n",
        b"<seg id=1> A dog runs. </seg>\n",
        b"<? what is that\n",
        b"PK is a brand.\n",
        b"PDF files are documents.\n",
        b"a\0b\n",
        b"\0\xff\n",
        "Ein Hund läuft über die Straße.\n".encode("latin-1") * 10,
        zipped("corpus.en"),  # an archive, which is for others to name
        b"\x1b[1mA dog\x1b[0m runs.\n" * 10,
    ],
)
def test_text_is_text(start):
    assert document_of(start) is None
