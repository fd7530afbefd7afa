import io
import json
import os
import threading

import pytest

from mtcli.streaming.stream import StreamOptions, StreamReport, translate_stream
from tests.support.fakes import (
    BesideEngine,
    FakeEngine,
    fake_translator,
    n_best_options,
)
from tests.support.tokenizers import ToyTokenizer


def translated(
    content,
    engine=None,
    num_hypotheses=None,
    max_src_length=40,
    is_jsonl=False,
    num_done=0,
    **generation,
):
    sink = io.BytesIO()
    options = StreamOptions(
        lists_n_best=num_hypotheses is not None, is_jsonl=is_jsonl, num_done=num_done
    )
    translator = fake_translator(engine, max_src_length, **generation)
    translator.options = n_best_options(translator, num_hypotheses or 1)
    report = translate_stream(translator, io.BytesIO(content), sink, options)
    return sink.getvalue(), report


@pytest.mark.parametrize(
    "content", [b"", b"a", b"a\n", b"a\r\n\r\nb\n\n  \nc\t\n\x0c\n", b"\n", b" ", b"a\n\n"]
)
def test_an_engine_that_repeats_gives_the_input(content):
    assert translated(content)[0] == content.replace(b"c\t", b"c")


def test_a_last_line_with_an_empty_answer_is_still_a_line():
    silent = FakeEngine(answer=lambda ids: ())
    assert translated(b"a\nb", silent)[0] == b"\n\n"
    assert translated(b"a\nb\n", silent)[0] == b"\n\n"


def test_the_report_counts():
    content = "fine\ncaf\xe9\n".encode("latin-1") + b"\n" + b"x" * 50 + b"\n"
    output, report = translated(content, max_src_length=30)
    assert report == StreamReport(num_lines=4, num_over_limit=1, num_invalid=1)
    assert output == "fine\ncaf\ufffd\n\n".encode() + b"x" * 25 + b" " + b"x" * 25 + b"\n"


def test_n_best_lists_are_in_the_format_of_moses():
    output, _ = translated(b"ab\r\n\ncd", num_hypotheses=2, beam_size=2)
    assert output.decode().split("\n") == [
        "0 ||| ab ||| logprob= -1.0000 ||| -0.2500",
        "0 ||| ab! ||| logprob= -2.0000 ||| -1.2500",
        "1 |||  ||| logprob= 0.0000 ||| 0.0000",
        "2 ||| cd ||| logprob= -1.0000 ||| -0.2500",
        "2 ||| cd! ||| logprob= -2.0000 ||| -1.2500",
        "",
    ]


def test_n_best_indices_run_on_over_windows():
    content = b"".join(b"%d\n" % i for i in range(100))
    output, _ = translated(content, num_hypotheses=1, batch_size=2)
    indices = [int(line.split(b" ||| ")[0]) for line in output.splitlines()]
    assert indices == list(range(100))


def test_memory_is_bounded_by_windows():
    engine = FakeEngine()
    content = b"".join(b"%03d\n" % i for i in range(518))
    assert translated(content, engine, batch_size=3)[0] == content
    sizes = [len(src_ids) for src_ids, _, _ in engine.calls]
    assert sizes == [3] * (2 + 8 + 32 + 64) + [3] * 64 + [3, 3, 2]


def test_the_first_answers_come_after_two_batches():
    class Sink(io.BytesIO):
        def write(self, data):
            written.append(data.count(b"\n"))
            return super().write(data)

    written = []
    translator = fake_translator(FakeEngine(), batch_size=3)
    translate_stream(translator, io.BytesIO(b"a\n" * 1000), Sink(), StreamOptions())
    assert written == [6, 24, 96, 192, 192, 192, 192, 106]


def test_progress_counts_lines_and_never_goes_back():
    told = []
    translator = fake_translator(FakeEngine(), batch_size=3)
    source = io.BytesIO(b"a word\n" * 500)
    translate_stream(translator, source, io.BytesIO(), StreamOptions(), progress=told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (3, 500)


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(4000, [4000, 4000, 2000]), (9000, [9000, 1000])]
)
def test_windows_of_large_batches_are_bounded_by_their_lines(batch_size, sizes):
    engine = FakeEngine()
    content = b"a\n" * 10_000
    assert translated(content, engine, batch_size=batch_size)[0] == content
    assert [len(src_ids) for src_ids, _, _ in engine.calls] == sizes


class OneAtATime(io.BytesIO):
    """A source that has its next line only once the last one was answered."""

    def __init__(self, content, sink):
        super().__init__(content)
        self.sink, self.num_given = sink, 0

    def readline(self, size=-1):
        assert self.sink.num_flushed == self.num_given
        self.num_given += 1
        return super().readline(size)


class CountingSink(io.BytesIO):
    num_flushed = 0

    def flush(self):
        self.num_flushed = self.getvalue().count(b"\n")


@pytest.mark.parametrize(
    ("is_line_buffered", "generation"),
    [(True, {}), (False, {"batch_size": 1})],
    ids=["terminal", "batch_size=1"],
)
def test_each_line_is_answered_at_once(is_line_buffered, generation):
    sink = CountingSink()
    source = OneAtATime(b"a\n\nb\n", sink)
    options = StreamOptions(is_line_buffered=is_line_buffered)
    translator = fake_translator(**generation)
    assert translate_stream(translator, source, sink, options).num_lines == 3
    assert sink.getvalue() == b"a\n\nb\n"


class InWindows(OneAtATime):
    """A source that has the first line of a window only once the last window was answered."""

    def readline(self, size=-1):
        if self.num_given not in (0, 4, 20, 84, 212, 340):  # windows grow
            self.num_given += 1
            return io.BytesIO.readline(self, size)
        return super().readline(size)


def test_a_window_is_flushed_before_more_is_read():
    sink = CountingSink()
    source = InWindows(b"a\n" * 400, sink)
    translator = fake_translator(batch_size=2)
    assert translate_stream(translator, source, sink, StreamOptions()).num_lines == 400
    assert sink.getvalue() == b"a\n" * 400


def test_the_next_window_is_begun_before_the_last_is_asked_for(tmp_path):
    content = b"".join(b"%d\n" % i for i in range(320))
    (tmp_path / "lines").write_bytes(content)
    engine, sink = BesideEngine(), io.BytesIO()
    translator = fake_translator(engine, batch_size=2)
    with (tmp_path / "lines").open("rb") as source:
        translate_stream(translator, source, sink, StreamOptions())
    assert sink.getvalue() == content
    assert engine.events == [
        "begun",
        *(("settled", "begun", "asked for") * 4),
        "asked for",
    ]


def test_second_attempts_run_behind_the_next_window(tmp_path):
    """The first window has a repetition: it is written a turn later, the others are not."""
    content = b"".join(b"x\n" if i == 2 else b"%d\n" % i for i in range(400))
    (tmp_path / "lines").write_bytes(content)
    lost = tuple(ToyTokenizer().encode("x" * 20))
    engine = BesideEngine(answer=lambda ids: lost if len(ids) == 1 and ids[0] == lost[0] else ids)
    sink = io.BytesIO()
    with (tmp_path / "lines").open("rb") as source:
        report = translate_stream(
            fake_translator(engine, batch_size=2), source, sink, StreamOptions()
        )
    assert sink.getvalue() == content.replace(b"x", b"x" * 20)
    assert report.num_repeated == 1
    first, second = ["asked for", "begun"], ["asked for"]
    assert engine.events == [
        "begun",
        *("settled", "begun", *first),
        *("settled", "begun", *second, "asked for"),
        *(("settled", "begun", "asked for") * 3),
        "asked for",
    ]


def test_one_line_at_a_time_is_asked_for_before_the_next_is_read(tmp_path):
    (tmp_path / "lines").write_bytes(b"a\nb\n")
    engine, sink = BesideEngine(), io.BytesIO()
    options = StreamOptions(is_line_buffered=True)
    with (tmp_path / "lines").open("rb") as source:
        translate_stream(fake_translator(engine), source, sink, options)
    assert engine.events == ["begun", "asked for"] * 2


def test_an_answer_does_not_wait_for_input():
    """The first window is answered while the second is half there and its writer waits."""
    reading, writing = os.pipe()
    answered = threading.Event()

    class Sink(io.BytesIO):
        def flush(self):
            answered.set()

    was_answered = []

    def give_lines():
        os.write(writing, b"a\n" * 140)  # a window of 128, and less than another
        was_answered.append(answered.wait(20))
        os.write(writing, b"b\n" * 10)
        os.close(writing)

    writer, sink = threading.Thread(target=give_lines), Sink()
    writer.start()
    translator = fake_translator(BesideEngine(), batch_size=2)
    with os.fdopen(reading, "rb") as source:
        translate_stream(translator, source, sink, StreamOptions())
    writer.join()
    assert was_answered == [True]
    assert sink.getvalue() == b"a\n" * 140 + b"b\n" * 10


def test_json_lines():
    output, _ = translated(b"ab\x85\r\n \nc\xff", num_hypotheses=None, is_jsonl=True)
    assert output.decode().split("\n") == [
        '{"line": 1, "source": "ab\ufffd", "translation": "ab\ufffd", "score": -0.25,'
        ' "log_prob": -1.0, "pieces": ["a", "b", "\ufffd"], "flags": []}',
        '{"line": 2, "source": " ", "translation": " ", "score": 0.0, "log_prob": 0.0,'
        ' "pieces": [], "flags": ["empty"]}',
        '{"line": 3, "source": "c\ufffd", "translation": "c\ufffd", "score": -0.25,'
        ' "log_prob": -1.0, "pieces": ["c", "\ufffd"], "flags": []}',
        "",
    ]


def test_json_lines_hold_lists_and_number_on():
    output, _ = translated(b"a", num_hypotheses=2, beam_size=2, is_jsonl=True, num_done=7)
    (found,) = map(json.loads, output.splitlines())
    assert found["line"] == 8
    assert found["n_best"] == [
        {"translation": "a", "score": -0.25, "log_prob": -1.0, "pieces": ["a"]},
        {"translation": "a!", "score": -1.25, "log_prob": -2.0, "pieces": ["a", "!"]},
    ]


def test_a_json_object_is_one_line_whatever_the_pieces():
    controls = tuple(ord(c) + 4 for c in "\n\x85\u2028\x7f\x00")
    engine = FakeEngine(answer=lambda ids: (*controls, *ids), log_prob=float("-inf"))
    output, _ = translated(b"a\n", engine, is_jsonl=True)
    assert len(output.decode().splitlines()) == 1
    found = json.loads(output)
    assert found["pieces"] == ["\n", "\x85", "\u2028", "\x7f", "\x00", "a"]
    assert found["log_prob"] is None
    assert found["translation"] == "a"


def test_the_report_counts_doubts():
    engine = FakeEngine(answer=lambda ids: ids[:1] * 9, is_complete=False)
    _, report = translated(b"b\n\nc\n", engine)
    assert (report.num_truncated, report.num_repeated) == (2, 2)
