"""Invariant 14: N lines in, N lines out, whatever the bytes."""

import io
import json
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtcli.streaming.lines import read_lines
from mtcli.streaming.resume import find_resume_point, skip_lines
from mtcli.streaming.stream import StreamOptions, translate_stream
from mtcli.tokenizer.invisible import without_invisible
from mtcli.translating.controls import without_controls
from mtcli.translating.sentences import load_splitter
from tests.support.fakes import (
    BesideEngine,
    FakeEngine,
    fake_translator,
    n_best_options,
)

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
    "loops": lambda ids: ids[:3] * 9,
}
BATCH_SIZES = st.sampled_from([1, 2, 64])
SPLITTER = load_splitter("en")
MODES = {
    "text": {},
    "line-buffered": {"is_line_buffered": True},
    "split-sentences": {"changes": {"splitter": SPLITTER}},
    "parts of lines": {"max_line_bytes": 8},
    "parts of lines, split": {"max_line_bytes": 8, "changes": {"splitter": SPLITTER}},
    "jsonl of parts": {"is_jsonl": True, "max_line_bytes": 64},
    "n-best of parts": {"num_hypotheses": 2, "max_line_bytes": 64},
    "no-retry": {"changes": {"retries": False}},
    "n-best": {"num_hypotheses": 2},
    "jsonl": {"is_jsonl": True},
    "jsonl n-best of sentences": {
        "is_jsonl": True,
        "num_hypotheses": 3,
        "changes": {"splitter": SPLITTER},
        "is_line_buffered": True,
    },
}


def stream_options(num_hypotheses=None, changes=None, **mode):
    return StreamOptions(lists_n_best=num_hypotheses is not None, **mode)


def translate(content, engine, batch_size, num_done=0, **mode):
    sink = io.BytesIO()
    options = stream_options(num_done=num_done, **mode)
    translator = fake_translator(
        FakeEngine(answer=engine), 16, mode.get("changes"), batch_size=batch_size
    )
    translator.options = n_best_options(translator, mode.get("num_hypotheses", 1))
    return translate_stream(translator, io.BytesIO(content), sink, options), sink.getvalue()


def translate_piped(content, batch_size):
    """The same through a pipe and an engine that works beside the reader."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    sink = io.BytesIO()
    with os.fdopen(reading, "rb") as source:
        translator = fake_translator(BesideEngine(), max_src_length=16, batch_size=batch_size)
        return translate_stream(translator, source, sink, StreamOptions()), sink.getvalue()


@given(CONTENT, BATCH_SIZES)
def test_a_pipe_gives_what_a_file_in_memory_gives(content, batch_size):
    assert translate_piped(content, batch_size) == translate(
        content, ENGINES["repeats"], batch_size
    )


def lines_of(content):
    """Lines as bytes with their endings, the obvious way."""
    lines = [line + b"\n" for line in content.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def check_text(before, output, **mode):
    after = lines_of(output)
    assert len(after) == len(before)
    for old, new in zip(before, after, strict=True):
        new.decode("utf-8")  # output is valid unless the input line was blank
        if old.endswith(b"\n"):
            assert old.endswith(b"\r\n") == new.endswith(b"\r\n")
        if not old.strip(b" \t\r\n"):
            assert new == old


def check_n_best(before, output, **mode):
    entries = lines_of(output)
    assert all(entry.endswith(b"\n") for entry in entries)
    indices = [int(entry.decode().split(" ||| ")[0]) for entry in entries]
    assert indices == sorted(indices)
    assert sorted(set(indices)) == list(range(len(before)))


def check_jsonl(before, output, **mode):
    text = output.decode("utf-8")
    # one object a line for those who break lines at more than LF, too
    assert text.splitlines() == text.split("\n")[:-1]
    objects = [json.loads(line) for line in text.splitlines()]
    assert [found["line"] for found in objects] == list(range(1, len(before) + 1))
    for old, found in zip(before, objects, strict=True):
        content = old.removesuffix(b"\n")
        if old.endswith(b"\r\n"):
            content = content[:-1]
        assert found["source"] == without_controls(content.decode("utf-8", "replace"))
        if not found["source"].strip():
            assert found["translation"] == found["source"]
            assert found["flags"] == ["empty"]
        if "num_hypotheses" in mode:
            best = {"translation": found["translation"].strip(), "score": found["score"]}
            assert best.items() <= found["n_best"][0].items()
        else:
            assert "n_best" not in found


CHECKS = {"text": check_text, "n_best": check_n_best, "jsonl": check_jsonl}


def check(content, output, mode):
    layout = stream_options(**mode).layout
    CHECKS[layout](lines_of(content), output, **mode)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
@settings(max_examples=40)
@given(content=CONTENT, batch_size=BATCH_SIZES)
def test_as_many_answers_as_lines(engine, mode, content, batch_size):
    report, output = translate(content, engine, batch_size, **mode)
    assert report.num_lines == len(lines_of(content))
    check(content, output, mode)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
@settings(max_examples=40)
@given(content=CONTENT, batch_size=BATCH_SIZES)
def test_an_answer_does_not_depend_on_the_other_lines(mode, content, batch_size):
    for engine in (ENGINES["repeats"], ENGINES["loops"]):
        _, output = translate(content, engine, batch_size, **mode)
        one_by_one = [
            translate(line, engine, 64, number, **mode)[1]
            for number, line in enumerate(lines_of(content))
        ]
        assert b"".join(one_by_one) == output


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(content=CONTENT, batch_size=BATCH_SIZES, data=st.data())
def test_an_output_cut_anywhere_is_completed(tmp_path, mode, content, batch_size, data):
    for engine in (ENGINES["repeats"], ENGINES["breaks lines"]):
        _, whole = translate(content, engine, batch_size, **mode)
        cut = data.draw(st.integers(0, len(whole)))
        path = tmp_path / "output"
        path.write_bytes(whole[:cut])
        layout = stream_options(**mode).layout
        done = find_resume_point(path, layout)
        assert done.num_bytes <= cut
        source = io.BytesIO(content)
        skip_lines(source, done.num_lines, "output")
        _, rest = translate(source.read(), engine, batch_size, done.num_lines, **mode)
        assert whole[: done.num_bytes] + rest == whole


@settings(max_examples=200)
@given(content=CONTENT)
def test_reading_and_writing_lose_no_byte_that_matters(content):
    lines = list(read_lines(io.BytesIO(content)))
    assert sum(line.num_bytes for line in lines) == len(content)
    assert [line.num_bytes for line in lines] == [len(line) for line in lines_of(content)]


@pytest.mark.slow
def test_a_million_random_lines():
    generator = random.Random(1)
    noise = generator.randbytes(5_000_000).replace(b"\n", b"\r")
    lines = [noise[5 * i : 5 * i + generator.randrange(8)] for i in range(1_000_000)]
    content = b"\n".join(lines) + b"\n"
    report, output = translate(content, ENGINES["repeats"], 1024)
    assert report.num_lines == output.count(b"\n") == 1_000_000
    for old, new in zip(lines, output.split(b"\n"), strict=False):
        text = without_controls(old.removesuffix(b"\r").decode("utf-8", "replace"))
        ending = b"\r" if old.endswith(b"\r") else b""
        # a line of invisible characters alone is not blank, but there is nothing to translate
        seen = without_invisible(text, "src").strip().encode()
        assert new == (seen + ending if text.strip() else old)
