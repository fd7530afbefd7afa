import pytest

from mtcli.config.load import load_config
from mtcli.config.schema.data import DelimitedSource, TextSource
from mtcli.data.sources import read_pairs
from mtcli.errors import DataError


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        (tmp_path / name).write_bytes(content.encode("utf-8"))
        return tmp_path / name

    return write


def test_sources_follow_one_another(write):
    src, tgt = write("a.en", "one\ntwo\r\n"), write("a.de", "eins\nzwei")
    tsv = write("b.tsv", "drei\tx\tthree\n")
    sources = [
        TextSource(src=src, tgt=tgt),
        DelimitedSource(kind="tsv", path=tsv, src_column=2, tgt_column=0),
    ]
    pairs = [("one", "eins"), ("two", "zwei"), ("three", "drei")]
    assert list(read_pairs(sources)) == pairs


def test_no_line_is_left_out_or_split(write):
    src = write("a.en", '\n"quoted\na\u2028b\x85c\n\ufeff \n')
    tgt = write("a.de", 'x\n"\n\x0c\n\t\n')
    assert list(read_pairs([TextSource(src=src, tgt=tgt)])) == [
        ("", "x"),
        ('"quoted', '"'),
        ("a\u2028b\x85c", "\x0c"),
        ("\ufeff ", "\t"),
    ]


@pytest.mark.parametrize(("num_src", "num_tgt"), [(3, 5), (5, 3), (0, 1), (4, 0)])
def test_different_numbers_of_lines_name_both_files_and_counts(write, num_src, num_tgt):
    src, tgt = write("a.en", "x\n" * num_src), write("a.de", "y\n" * num_tgt)
    with pytest.raises(DataError) as caught:
        list(read_pairs([TextSource(src=src, tgt=tgt)]))
    assert str(caught.value) == (
        f"{src} has {num_src} lines, but {tgt} has {num_tgt}\n"
        "hint: make every line of one file the translation of the same line of the other"
    )


def test_a_bad_byte_of_the_target_is_named_there(write, tmp_path):
    src = write("a.en", "x\ny\n")
    (tmp_path / "a.de").write_bytes(b"x\n\x80\n")
    with pytest.raises(DataError, match=r"a\.de, line 2: byte 1 is 0x80, which is not UTF-8"):
        list(read_pairs([TextSource(src=src, tgt=tmp_path / "a.de")]))


def test_an_empty_corpus_names_its_files(write):
    src, tgt = write("a.en", ""), write("a.de", "")
    tsv = write("b.tsv", "")
    with pytest.raises(DataError) as caught:
        list(read_pairs([TextSource(src=src, tgt=tgt), DelimitedSource(kind="tsv", path=tsv)]))
    assert str(caught.value) == (
        f"the corpus is empty: there are no sentence pairs in {src} and {tgt}, {tsv}"
    )


def test_one_empty_source_among_others_is_no_error(write):
    empty, full = write("a.tsv", ""), write("b.tsv", "a\tb\n")
    sources = [DelimitedSource(kind="tsv", path=path) for path in (empty, full)]
    assert list(read_pairs(sources)) == [("a", "b")]


def test_a_hub_source_reads_local_files_where_a_root_is_set(write, tmp_path):
    write("t.en", "a\n")
    write("t.de", "b\n")
    path = write(
        "c.yaml",
        "{src_lang: en, tgt_lang: de, run_dir: r, data: {train: [{kind: hub, name: no/such, "
        "split: train, src_field: en, tgt_field: de, local_src: t.en, local_tgt: t.de}]}}",
    )
    config = load_config(path, [f"data.root={tmp_path}"])
    assert list(read_pairs(config.data.train)) == [("a", "b")]
