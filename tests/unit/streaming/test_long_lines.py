"""Lines that are read in parts: one line out, bounded memory, and a count."""

import io
import json
import os
import tracemalloc

import pytest

from mtcli.errors import DataError, MtcliError
from mtcli.streaming.lines import LineReader, read_lines
from mtcli.streaming.resume import find_resume_point, skip_lines
from mtcli.streaming.review import Review, Worst
from mtcli.streaming.scoring import read_file_pairs, read_tsv_pairs, score_stream
from mtcli.streaming.stream import StreamOptions, translate_stream
from mtcli.system.stream_errors import StreamError
from mtcli.translating.scoring import PairScore
from tests.support.fakes import FakeEngine, fake_translator, n_best_options

SENTENCE = b"It is one. "


def translated(content, engine=None, review=None, num_hypotheses=1, **options):
    sink = io.BytesIO()
    translator = fake_translator(engine, batch_size=2, beam_size=2)
    translator.options = n_best_options(translator, num_hypotheses)
    options = StreamOptions(**{"max_line_bytes": 30, **options})
    report = translate_stream(translator, io.BytesIO(content), sink, options, review)
    return sink.getvalue(), report


@pytest.mark.parametrize("is_piped", [False, True])
def test_a_long_line_is_read_in_parts(is_piped):
    content = b"a\n" + SENTENCE * 5 + b"\r\nb\n" + SENTENCE * 4
    if is_piped:
        reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)
        source = os.fdopen(reading, "rb")
    else:
        source = io.BytesIO(content)
    with source:
        lines = list(LineReader(source, 30))
    assert "".join(line.text + line.ending.decode() for line in lines).encode() == content
    assert [line.is_continued for line in lines] == [
        *(False, True, True, False), *(False, True, False),
    ]  # fmt: skip
    assert [line.num_bytes for line in lines] == [2, 22, 22, 13, 2, 22, 22]


def test_the_reader_holds_no_more_than_a_line():
    class Endless(io.RawIOBase):
        left = 40_000_000

        def readable(self):
            return True

        def readinto(self, target):
            number = min(len(target), self.left)
            target[:number] = b"a" * number
            self.left -= number
            return number

    tracemalloc.start()
    try:
        num_bytes = sum(len(line.text) for line in LineReader(io.BufferedReader(Endless())))
        assert num_bytes == 40_000_000
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def test_a_part_is_answered_before_the_rest_of_its_line_is_there():
    sizes: list[int] = []

    class Sink(io.BytesIO):
        def flush(self):
            sizes.append(len(self.getvalue()))

    sink = Sink()
    content = SENTENCE * 1000
    translator = fake_translator(batch_size=1)
    translate_stream(translator, io.BytesIO(content), sink, StreamOptions(max_line_bytes=30))
    assert len(set(sizes)) == 500
    assert sink.getvalue() == content.strip()


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""])
def test_one_line_comes_out(ending, is_last):
    rest = b"" if is_last or not ending else b"next\n"
    content = SENTENCE * 7 + ending + rest
    output, report = translated(content)
    assert output == (SENTENCE * 7).strip() + ending + rest
    assert (report.num_cut, report.num_over_limit) == (1, 1)
    assert report.num_lines == content.count(b"\n") + (not ending)


def test_doubts_of_a_part_are_doubts_of_its_line():
    content = SENTENCE * 2 + b"caf\xe9. " + SENTENCE * 3 + b"\nb\n"
    _, report = translated(content, FakeEngine(is_complete=False))
    assert (report.num_lines, report.num_invalid, report.num_truncated) == (2, 1, 2)


@pytest.mark.parametrize("blank", [b" ", b"\0", b"\t \xc2\xa0"])
def test_a_blank_line_is_copied_however_long_it_is(blank):
    content = blank * 100 + b"\na\n" + blank * 40
    assert translated(content)[0] == content
    line = json.loads(translated(blank * 100 + b"\n", is_jsonl=True)[0])
    assert line["flags"] == ["empty"]
    assert line["translation"] == line["source"] == (blank * 100).decode().replace("\0", "")


def test_white_space_before_a_text_is_kept_and_behind_it_is_not():
    spaces = b" " * 100
    assert translated(spaces + b"one" + spaces + b"two" + spaces + b"\n")[0] == (
        b" " * 90 + b"one two\n"
    )


def test_an_empty_answer_is_a_line():
    silent = FakeEngine(answer=lambda ids: ())
    assert translated(SENTENCE * 9, silent)[0] == b"\n"
    assert translated(SENTENCE * 9 + b"\na\n", silent)[0] == b"\n\n"


def test_a_json_object_holds_the_whole_line():
    content = b"a\n" + SENTENCE * 5 + b"\nb\n"
    output, report = translated(content, is_jsonl=True, lists_n_best=True, num_hypotheses=2)
    first, long, last = map(json.loads, output.splitlines())
    assert [first["line"], long["line"], last["line"]] == [1, 2, 3]
    assert long["source"] == (SENTENCE * 5).decode()
    assert long["translation"] == (SENTENCE * 5).decode().strip()
    assert len(long["pieces"]) > 40
    assert long["log_prob"] == -3
    assert long["flags"] == ["split"]
    assert [entry["log_prob"] for entry in long["n_best"]] == [-3, -6]
    assert report.num_cut == 1


def test_an_n_best_list_holds_the_whole_line():
    output, _ = translated(b"a\n" + SENTENCE * 5 + b"\nb\n", lists_n_best=True, num_hypotheses=2)
    indices = [line.split(b" ||| ")[0] for line in output.splitlines()]
    assert indices == [b"0", b"0", b"1", b"1", b"2", b"2"]
    assert output.splitlines()[2].split(b" ||| ")[1] == (SENTENCE * 5).strip()


def test_a_review_has_one_row_for_the_line(tmp_path):
    with Review(tmp_path / "review.tsv", Worst(share=1.0)) as review:
        translated(b"a\n" + SENTENCE * 5 + b"\nb\n", review=review)
        assert review.write() == 3
    rows = (tmp_path / "review.tsv").read_text().splitlines()[1:]
    assert sorted(row.split("\t")[0] for row in rows) == ["1", "2", "3"]
    assert any((SENTENCE * 5).decode().strip() == row.split("\t")[4] for row in rows)


@pytest.mark.parametrize(
    ("options", "most", "what"),
    [
        ({"has_prefixes": True}, "30", "a line with a prefix"),
        ({"is_jsonl": True}, "480", "a line whose answer is written at once"),
        ({"has_alignments": True}, "480", "a line whose answer is written at once"),
    ],
)
def test_what_must_be_answered_at_once_has_a_longest_length(options, most, what):
    content = b"a\n" + SENTENCE * 3 + b"\n" if most == "30" else SENTENCE * 60 + b"\n"
    before = b"first\n"
    sink = io.BytesIO()
    with pytest.raises(DataError) as caught:
        translate_stream(
            fake_translator(),
            io.BytesIO(before + content.removeprefix(b"a\n") + b"last\n"),
            sink,
            StreamOptions(max_line_bytes=30, **options),
        )
    assert caught.value.sentence.startswith(
        f"line 2 of the input has more than {most} bytes, the most that {what}"
    )
    assert caught.value.hint == "split it, or raise `--max-line-bytes`"
    assert sink.getvalue().count(b"\n") == 1


def test_resuming_skips_long_lines_and_counts_long_answers(tmp_path):
    long = b"x" * 3_000_000
    source = io.BytesIO(long + b"\nb\n" + long)
    skip_lines(source, 1, "output")
    assert source.readline() == b"b\n"
    source.seek(0)
    skip_lines(source, 3, "output")
    source.seek(0)
    with pytest.raises(DataError, match="answers 4 lines, but the input has 3"):
        skip_lines(source, 4, "output")
    (tmp_path / "output").write_bytes(long + b"\nb\n" + long)
    assert find_resume_point(tmp_path / "output", "text") == (2, len(long) + 3)


def test_a_pair_that_is_too_long_to_read_has_no_probability():
    long = b"x" * 2_000_000
    (short, too_long, last) = read_tsv_pairs(io.BytesIO(b"a\tb\n" + long + b"\tb\nc\td\n"), "NAME")
    assert (short[:2], last[:2]) == (("a", "b"), ("c", "d"))
    assert too_long.is_too_long
    pairs = list(
        read_file_pairs(io.BytesIO(b"a\n" + long), io.BytesIO(b"b\nc\n"), ("ONE", "OTHER"))
    )
    assert [pair.is_too_long for pair in pairs] == [False, True]

    class Scorer:
        batch_size = 2

        def score(self, pairs, **_):
            return [PairScore((-1.0,)) for _ in pairs]

    sink = io.BytesIO()
    report = score_stream(Scorer(), [short, too_long, last], sink)
    assert sink.getvalue() == b"-1.000000\n-inf\n-1.000000\n"
    assert (report.num_pairs, report.num_too_long) == (3, 1)


def test_of_a_line_that_is_too_long_the_first_part_is_read():
    lines = list(read_lines(io.BytesIO(b"a\n" + SENTENCE * 9 + b"\nb\n"), 30))
    assert [(line.text, line.is_continued) for line in lines] == [
        ("a", False), ((SENTENCE * 2).decode(), True), ("b", False),
    ]  # fmt: skip


class Broken(io.BytesIO):
    def readline(self, size=-1):
        raise OSError(5, "Input/output error")

    def write(self, data):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("is_source", [True, False])
def test_errors_of_streams_are_told_from_others(is_source):
    source, sink = (Broken(), io.BytesIO()) if is_source else (io.BytesIO(b"a\n"), Broken())
    with pytest.raises(StreamError, match="Input/output" if is_source else "No space left"):
        translate_stream(fake_translator(), source, sink, StreamOptions())


def test_errors_of_the_engine_are_not_those_of_streams():
    def fail(ids):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space") as caught:
        translated(b"a\n", FakeEngine(answer=fail))
    assert not isinstance(caught.value, StreamError)


def test_a_review_that_cannot_be_kept_is_told(tmp_path, monkeypatch):
    with Review(tmp_path / "review.tsv", Worst(number=1)) as review:
        review._rows.close()
        monkeypatch.setattr(review, "_rows", Broken())
        with pytest.raises(
            MtcliError, match=r"cannot keep the translations to review, for .*review"
        ):
            translated(b"a\n", review=review)
