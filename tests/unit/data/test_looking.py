"""Files are looked at: what they hold besides sentences, and the same text on both sides."""

import json

import pytest

from mtcli.config.schema.data import DelimitedSource, TextSource
from mtcli.data.looking import copied_sources, look_at
from mtcli.data.other_kinds import other_kind
from mtcli.errors import DataError


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (["a\tb", "", "c\td"], "holds 2 columns with tabs between them"),
        (["a\tb\tc"] * 2, "holds 3 columns with tabs between them"),
        ([json.dumps({"a": 1})] * 2, "holds JSON lines"),
        (["a\rb\rc\r"], "has one line, with 2 carriage returns (CR) and no line feed (LF)"),
    ],
)
def test_what_is_not_sentences_is_named(head, what):
    assert other_kind(head).what == what
    assert other_kind(head).hint


@pytest.mark.parametrize(
    "head",
    [
        [], [""], ["a\tb"], ["a\tb", "c"], ["a", "b"], ["a\r"], ["a\rb", "c"], ["{a}", "{b}"],
        ['{"a": 1}'], ['{"a": 1}', "b"], ["[1]", "[2]"], ["{" * 100_000] * 2,
    ],
)  # fmt: skip
def test_sentences_are_sentences(head):
    assert other_kind(head) is None


def test_a_text_source_with_a_table_is_refused(tmp_path):
    (tmp_path / "a").write_text("a\tb\nc\td\n")
    (tmp_path / "b").write_text("a\nb\n")
    with pytest.raises(DataError) as caught:
        list(look_at([TextSource(src=tmp_path / "b", tgt=tmp_path / "a")]))
    assert str(caught.value) == (
        f"{tmp_path / 'a'} holds 2 columns with tabs between them, not a sentence on each line\n"
        "hint: read it with `kind: tsv`, `path`, `src_column` and `tgt_column`"
    )
    assert list(look_at([TextSource(src=tmp_path / "b", tgt=tmp_path / "b")])) == []


def test_what_was_found_is_said_for_every_source(tmp_path):
    for name in ("a.tsv", "b.tsv"):
        (tmp_path / name).write_text("source\ttarget\na\tb\n")
    sources = [DelimitedSource(kind="tsv", path=tmp_path / name) for name in ("a.tsv", "b.tsv")]
    assert [said.partition(": ")[0] for said in look_at(sources)] == [
        str(source.path) for source in sources
    ]


def test_copies_are_found_by_place_and_by_content(tmp_path):
    for name, text in (("a", "x\ny\n"), ("b", "x\ny\n"), ("c", "x\nz\n"), ("d", ""), ("e", "")):
        (tmp_path / name).write_text(text)
    (tmp_path / "link").symlink_to("a")

    def said(src, tgt):
        return list(copied_sources([TextSource(src=tmp_path / src, tgt=tmp_path / tgt)]))

    assert said("a", "a") == [f"{tmp_path / 'a'} is both the source and the target"]
    assert said("a", "link") == [f"{tmp_path / 'a'} is both the source and the target"]
    assert said("a", "b") == [f"{tmp_path / 'a'} and {tmp_path / 'b'} hold the same text"]
    assert said("a", "c") == said("d", "e") == []
    table = DelimitedSource(kind="tsv", path=tmp_path / "a", src_column="x", tgt_column="x")
    assert list(copied_sources([table])) == [
        f"{tmp_path / 'a'}: column `x` is both the source and the target"
    ]
