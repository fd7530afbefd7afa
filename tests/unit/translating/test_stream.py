import io

import pytest

from mtcli.config.schema import DecodingConfig
from mtcli.translating.stream import StreamOptions, StreamReport, translate_stream
from tests.unit.translating.fakes import FakeEngine, fake_translator


def translated(content, engine=None, num_hypotheses=None, max_src_length=40, **generation):
    sink = io.BytesIO()
    options = StreamOptions(DecodingConfig(**generation), num_hypotheses)
    translator = fake_translator(engine, max_src_length)
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
    content = b"".join(b"%03d\n" % i for i in range(200))
    assert translated(content, engine, batch_size=3)[0] == content
    sizes = [len(src_ids) for src_ids, _, _ in engine.calls]
    assert sizes == [3] * 32 + [3] * 32 + [3, 3, 2]


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
    "options",
    [
        StreamOptions(DecodingConfig(), is_line_buffered=True),
        StreamOptions(DecodingConfig(batch_size=1)),
    ],
    ids=["terminal", "batch_size=1"],
)
def test_each_line_is_answered_at_once(options):
    sink = CountingSink()
    source = OneAtATime(b"a\n\nb\n", sink)
    assert translate_stream(fake_translator(), source, sink, options).num_lines == 3
    assert sink.getvalue() == b"a\n\nb\n"
