"""TSV and CSV as people have them: each file is read right, or refused with the line."""

import csv
import gzip
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtcli.config.schema.data import DelimitedSource
from mtcli.data import delimited
from mtcli.data.delimited import describe_delimited, find_layout, read_delimited
from mtcli.data.dropped import Dropped
from mtcli.errors import DataError


@pytest.fixture
def source(tmp_path):
    """A source whose file holds a text, or bytes."""

    def write(content, kind="tsv", **keys):
        path = tmp_path / f"a.{kind}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return DelimitedSource(kind=kind, path=path, **keys)

    return write


def read(source):
    return list(read_delimited(source, Dropped()))


def refusal(source):
    with pytest.raises(DataError) as caught:
        read(source)
    return caught.value


def says(source):
    return list(describe_delimited(source, find_layout(source)))


# ------------------------------------------------------------------------------- numbers of columns


def test_columns_are_counted_from_0(source):
    assert read(source("drei\tx\tthree\n", src_column=2, tgt_column=0)) == [("three", "drei")]


@pytest.mark.parametrize("kind", ["tsv", "csv"])
def test_blank_lines_are_left_out_and_counted(source, kind):
    text = "\n\na\tb\n \n\n\t\nc\td\n\r\n\n".replace("\t", "\t" if kind == "tsv" else ",")
    dropped = Dropped()
    expected = [("a", "b"), ("c", "d")] if kind == "tsv" else [("a", "b"), ("", ""), ("c", "d")]
    assert list(read_delimited(source(text, kind), dropped)) == expected
    assert dropped.num_blank == (7 if kind == "tsv" else 6)
    assert dropped.num_unusable == 0


@pytest.mark.parametrize(
    ("line", "has"), [("x\ty\tz", "3 columns"), ("x", "1 column"), ("x\ty\t", "3 columns")]
)
def test_a_line_of_another_width_is_refused_with_the_first_and_the_count(source, line, has):
    broken = source(f"\na\tb\nc\td\n{line}\n\ne\tf\n{line}\n{line}\n")
    error = refusal(broken)
    assert error.sentence == (f"{broken.path} has 3 bad lines: line 4 has {has}, but line 2 has 2")
    assert error.hint == (
        "correct them, or drop them with `bad_lines: drop`; if texts with tabs are in quotes, set"
        " `quoting: true`"
    )
    dropped = Dropped()
    assert list(read_delimited(replace(broken, bad_lines="drop"), dropped)) == [
        ("a", "b"),
        ("c", "d"),
        ("e", "f"),
    ]
    assert list(dropped.warnings()) == [
        f"{broken.path}: dropped 3 bad lines; line 4 has {has}, but line 2 has 2"
    ]
    assert f"{broken.path} has 1 bad line: line 2 has" in str(refusal(source(f"a\tb\n{line}\n")))


def test_a_column_that_is_not_there_is_named(source):
    broken = source("a\tb\n", tgt_column=2)
    assert str(refusal(broken)) == (
        f"{broken.path}: `tgt_column` is 2, but it has 2 columns\nhint: count columns from 0"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("en;de\nA dog, big;Ein Hund\n", 'the lines have a semicolon each; set `delimiter: ";"`'),
        ("a,b\nc,d\n", 'the lines have a comma each; set `delimiter: ","`'),
        ("a|b\nc|d\n", 'the lines have a vertical bar each; set `delimiter: "|"`'),
        ("A dog runs.\nIt sees; a cat.\n", "separate the columns by a tab, or set `delimiter`"),
    ],
)
def test_one_column_says_what_separates_the_lines(source, text, hint):
    broken = source(text)
    assert str(refusal(broken)) == (
        f"{broken.path}: `tgt_column` is 1, but it has 1 column\nhint: {hint}"
    )


def test_one_column_of_csv_says_that_a_tab_would_fit(source):
    broken = source("a\tb\nc\td\n", "csv", delimiter=",")
    assert refusal(broken).hint == 'the lines have a tab each; set `delimiter: "\\t"`'


def test_an_empty_file_and_one_of_blank_lines_have_no_pairs(source):
    for text in ("", "\n\n", "\ufeff"):
        for kind in ("tsv", "csv"):
            assert read(source(text, kind)) == []
            assert says(source(text, kind)) == []


# ------------------------------------------------------------------------------------------ quoting


def test_quotes_are_part_of_a_tsv_unless_all_fields_have_them(source):
    text = '"a\tb"\n""\t\'\n'
    assert read(source(text)) == [('"a', 'b"'), ('""', "'")]
    assert says(source(text)) == []


def test_a_tsv_with_all_fields_in_quotes_is_noticed(source):
    quoted = source('"a ""b"""\t"c"\n"d"\t"e"\n')
    assert read(quoted) == [('a "b"', "c"), ("d", "e")]
    assert says(quoted) == [f"{quoted.path}: fields are in quotes, which are removed (`quoting`)"]
    assert read(replace(quoted, quoting=False)) == [('"a ""b"""', '"c"'), ('"d"', '"e"')]
    assert says(replace(quoted, quoting=False)) == says(replace(quoted, quoting=True)) == []


def test_quoted_fields_hold_delimiters_and_line_breaks(source):
    quoted = source('a,"b, ""c"""\n"d\n\ne",f\n', "csv")
    assert read(quoted) == [("a", 'b, "c"'), ("d\n\ne", "f")]
    assert read(source('a\t"b\tc"\nd\te\n', quoting=True)) == [("a", "b\tc"), ("d", "e")]


def test_line_numbers_count_the_lines_of_quoted_fields(source):
    broken = source('"a\nb",c\nd\n', "csv")
    assert "line 3 has 1 column, but line 1 has 2" in refusal(broken).sentence


@pytest.mark.parametrize("num_lines", [0, 3, 300])
def test_a_quote_that_is_never_closed_takes_its_own_line_alone(source, num_lines):
    rest = [f"e{number},f" for number in range(num_lines)]
    broken = source("\n".join(["a,b", '"c,d', *rest]) + "\n", "csv")
    error = refusal(broken)
    assert error.sentence == (
        f"{broken.path} has 1 bad line: line 2 has a quote that is not closed"
    )
    assert error.hint == (
        "correct them, or drop them with `bad_lines: drop`; if quotes are part of the texts, set"
        " `quoting: false`"
    )
    expected = [("a", "b"), *(tuple(line.split(",")) for line in rest)]
    assert read(replace(broken, bad_lines="drop")) == expected
    assert read(replace(broken, quoting=False))[1] == ('"c', "d")


def test_text_behind_a_closing_quote_is_refused(source):
    broken = source('a,b\n"c" d,e\n', "csv")
    assert "line 2 is not CSV: ',' expected after '\"'" in refusal(broken).sentence


def test_a_carriage_return_within_a_field_is_part_of_it(source):
    assert read(source("a\rb,c\x85\u2028d\r\n", "csv")) == [("a\rb", "c\x85\u2028d")]


_FIELD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\ufeff"))


@given(
    rows=st.lists(st.tuples(_FIELD, _FIELD, st.just("x")), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    quotes_all=st.booleans(),
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows, delimiter, quotes_all):
    file = io.StringIO()
    quoting = csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(file.getvalue().encode("utf-8"))
    source = DelimitedSource(kind="csv", path=path, delimiter=delimiter, header=False)
    assert read(source) == [row[:2] for row in rows]


# --------------------------------------------------------------------------------------- delimiters


@pytest.mark.parametrize(
    ("delimiter", "name"), [(";", "a semicolon"), ("\t", "a tab"), ("|", "a vertical bar")]
)
def test_the_delimiter_of_a_csv_is_found_and_said(source, delimiter, name):
    rows = [("en", "de"), ("A dog, a cat.", "Ein Hund, eine Katze."), ("Yes.", "Ja.")]
    text = "".join(f"{delimiter.join(row)}\n" for row in rows)
    found = source(text, "csv", src_column="en", tgt_column="de")
    assert read(found) == rows[1:]
    assert says(found) == [f"{found.path}: columns are separated by {name} (`delimiter`)"]
    assert says(replace(found, delimiter=delimiter)) == []


def test_a_comma_is_nothing_to_say_and_semicolons_in_texts_do_not_matter(source):
    usual = source("A dog; a cat.,Hund\nYes.,Ja; doch\n", "csv")
    assert read(usual) == [("A dog; a cat.", "Hund"), ("Yes.", "Ja; doch")]
    assert says(usual) == []


def test_two_delimiters_that_fit_are_not_guessed(source):
    unclear = source("a;b,c\nd;e,f\n", "csv")
    assert str(refusal(unclear)) == (
        f"{unclear.path}: a comma and a semicolon may separate its columns\nhint: set `delimiter`"
    )
    assert read(replace(unclear, delimiter=",")) == [("a;b", "c"), ("d;e", "f")]
    named = source("x;en,de\nd;e,f\n", "csv", src_column="x", tgt_column="en,de")
    assert read(named) == [("d", "e,f")]


def test_any_character_may_separate_columns(source):
    assert read(source("a\x1fb\n", delimiter="\x1f")) == [("a", "b")]


# -------------------------------------------------------------------------------------------- names


def test_columns_by_name(source):
    text = "id\ten\tde\n1\tA dog.\tEin Hund.\n"
    for keys in (
        {"src_column": "en", "tgt_column": "de"},
        {"src_field": "en", "tgt_field": "de"},
        {"src_column": "en", "tgt_column": 2},
    ):
        named = source(text, **keys)
        assert read(named) == [("A dog.", "Ein Hund.")]
        assert says(named) == []


@pytest.mark.parametrize("key", ["src_column", "src_field"])
def test_a_name_that_is_not_there_is_named_with_those_that_are(source, key):
    broken = source("source,target\na,b\n", "csv", **{key: "src"})
    assert str(refusal(broken)) == (
        f"{broken.path}: `{key}` is `src`, but the columns are source, target\n"
        "hint: name one of them, or count them from 0"
    )


def test_a_name_that_stands_twice_is_refused(source):
    broken = source("text,text\na,b\n", "csv", src_column="text")
    assert "the columns are text, text" in refusal(broken).sentence


def test_header_says_whether_the_first_row_is_a_pair(source):
    text = "en\tde\nA dog.\tEin Hund.\n"
    assert len(read(source(text, header=True))) == 1
    assert len(read(source(text, header=False))) == 2
    guessed = source(text)
    assert len(read(guessed)) == 1
    assert says(guessed) == [
        f"{guessed.path}: the first row, `en`, `de`, is read as a header (if it is a pair,"
        " set `header: false`)"
    ]


def test_columns_that_are_not_read_are_said(source):
    wide = source("Hi.\tHallo.\tCC-BY\n")
    assert read(wide) == [("Hi.", "Hallo.")]
    assert says(wide) == [
        f"{wide.path}: it has 3 columns, of which 0 is the source and 1 the target, counted from 0"
    ]


# ---------------------------------------------------------------------------- text, whatever it is


def test_csv_is_text_whatever_it_looks_like(source):
    text = 'n,tgt,src\n1,NA,"a, ""b"""\n2,null,007\n3,None,1e5\n,x\u2028y\x0cz,\n4,  ,2016-01-01\n'
    assert read(source(text, "csv", src_column="src", tgt_column="tgt")) == [
        ('a, "b"', "NA"),
        ("007", "null"),
        ("1e5", "None"),
        ("", "x\u2028y\x0cz"),
        ("2016-01-01", "  "),
    ]


def test_packed_files_and_byte_order_marks(source):
    assert read(source(gzip.compress(b"src,tgt\na,b\n"), "csv", src_column="src")) == [("a", "b")]
    assert read(source("\ufeffsrc,tgt\na,b\n", "csv", src_column="src")) == [("a", "b")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "windows-1252", "cp037"])
def test_other_encodings(source, encoding):
    text = "Grüße\tgreetings\r\nStraße\tstreet\n"
    assert read(source(text.encode(encoding), encoding=encoding)) == [
        ("Grüße", "greetings"),
        ("Straße", "street"),
    ]


def test_another_encoding_is_refused_with_the_key(source):
    broken = source("a,b\nGrüße,c\n".encode("windows-1252"), "csv")
    error = refusal(broken)
    assert error.sentence == (f"{broken.path}, line 2: byte 3 is 0xfc, which is not UTF-8")
    assert "`encoding: windows-1252`" in error.hint


def test_bytes_that_are_not_of_the_encoding_are_refused(source):
    broken = source(b"a\tb\nc\t\xff\n", encoding="ascii")
    assert "line 2: byte 3 is 0xff, which is not ascii" in refusal(broken).sentence
    broken = source(b"a\0\t\0b\0\n\0\0\xd8", encoding="utf-16-le")
    assert "is not utf-16-le" in refusal(broken).sentence


def test_a_long_file_is_looked_at_only_in_part(source, monkeypatch):
    monkeypatch.setattr(delimited, "_HEAD_LINES", 3)
    text = '"a"\t"b"\n' * 3 + "c\td\n"
    assert read(source(text))[-1] == ("c", "d")
