"""Invariant 14: N lines in, N lines out, whatever the bytes."""

import io
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.config.schema import DecodingConfig
from mtcli.translating.stream import StreamOptions, translate_stream
from tests.unit.translating.fakes import FakeEngine, fake_translator

SPECIAL = [
    b"\n", b"\r\n", b"\r", b"\x00", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xe2\x80\xa9", b"\xef\xbb\xbf", b"\xff", b"\xe2\x80", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80",
    b" ", b"\xc2\xa0", b"\xe2\x80\x8b", b" ||| ", b"</s>", b"a. ", b"word, ",
]  # fmt: skip
CONTENT = st.lists(st.one_of(st.sampled_from(SPECIAL), st.binary(max_size=8))).map(b"".join)

ENGINES = {
    "repeats": lambda ids: ids,
    "is silent": lambda ids: (),
    "breaks lines": lambda ids: (
        tuple(ord(c) + 4 for c in "\n\r\x85\u2028") + ids + (ord("\n") + 4,)
    ),
}


def translate(content, engine, batch_size):
    sink = io.BytesIO()
    options = StreamOptions(DecodingConfig(batch_size=batch_size))
    translator = fake_translator(FakeEngine(answer=engine), max_src_length=16)
    return translate_stream(translator, io.BytesIO(content), sink, options), sink.getvalue()


def lines_of(content):
    """Lines as bytes with their endings, the obvious way."""
    lines = [line + b"\n" for line in content.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
@settings(max_examples=120)
@given(content=CONTENT, batch_size=st.sampled_from([1, 2, 64]))
def test_as_many_lines_as_came(engine, content, batch_size):
    report, output = translate(content, engine, batch_size)
    before, after = lines_of(content), lines_of(output)
    assert report.num_lines == len(before) == len(after)
    assert output.count(b"\n") - content.count(b"\n") in (0, 1)
    for old, new in zip(before[:-1], after[:-1], strict=True):
        assert old.endswith(b"\r\n") == new.endswith(b"\r\n")
    for old, new in zip(before, after, strict=True):
        new.decode("utf-8")  # output is valid unless the input line was blank
        if not old.strip(b" \t\r\n"):
            assert new == old


@settings(max_examples=120)
@given(content=CONTENT, batch_size=st.sampled_from([1, 2, 64]))
def test_an_answer_does_not_depend_on_the_other_lines(content, batch_size):
    _, output = translate(content, ENGINES["repeats"], batch_size)
    one_by_one = [translate(line, ENGINES["repeats"], 64)[1] for line in lines_of(content)]
    assert b"".join(one_by_one) == output


@pytest.mark.slow
def test_a_million_random_lines():
    generator = random.Random(1)
    noise = generator.randbytes(5_000_000).replace(b"\n", b"\r")
    lines = [noise[5 * i : 5 * i + generator.randrange(8)] for i in range(1_000_000)]
    content = b"\n".join(lines) + b"\n"
    started = time.monotonic()
    report, output = translate(content, ENGINES["repeats"], 1024)
    assert report.num_lines == output.count(b"\n") == 1_000_000
    assert time.monotonic() - started < 120
