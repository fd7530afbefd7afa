"""Scores of pairs: what no pair may do is get lost, and what no number may be is NaN."""

import io
import math

import pytest

from mtcli.config.schema.decoding import DecodingConfig
from mtcli.errors import DataError
from mtcli.streaming.scoring import Pair, read_file_pairs, read_tsv_pairs, score_line, score_stream
from mtcli.translating.loaded_model import LoadedModel
from mtcli.translating.scoring import PairScore, PairScorer
from tests.support.tokenizers import ToyTokenizer


class CountingEngine:
    """Says -length of the source for every target piece, and NaN where the source has an `n`."""

    max_positions = 11

    def __init__(self) -> None:
        self.batches: list[int] = []

    def score(self, src_ids, tgt_ids):
        self.batches.append(len(src_ids))
        n = ToyTokenizer().piece_to_id("n")
        assert all(0 <= len(ids) <= 10 for ids in [*src_ids, *tgt_ids])
        return [
            [math.nan if n in src else -float(len(src))] * (len(tgt) + 1)
            for src, tgt in zip(src_ids, tgt_ids, strict=True)
        ]

    def attention(self, src_ids, tgt_ids, layer=None, heads=None):
        raise NotImplementedError


def make_scorer(batch_size=3):
    engine, tokenizer = CountingEngine(), ToyTokenizer()
    generation = DecodingConfig(batch_size=batch_size)
    return PairScorer(LoadedModel(engine, tokenizer, tokenizer, generation, 40, "en")), engine


def test_every_pair_gets_its_score_in_its_place():
    scorer, engine = make_scorer()
    pairs = [("ab", "cde"), ("", ""), ("", "c"), ("a" * 11, "b"), ("n", "b"), ("abc", " "),
             ("a", "b" * 11), ("a" * 10, "b" * 10), (" \x00", "\u2028")]  # fmt: skip
    scores = scorer.score(pairs)
    assert [score.log_prob for score in scores] == [
        -8.0, 0.0, 0.0, -math.inf, -math.inf, -3.0, -math.inf, -110.0, 0.0
    ]  # fmt: skip
    assert [score.is_too_long for score in scores] == [i in (3, 6) for i in range(9)]
    assert [len(score.log_probs) for score in scores] == [4, 0, 2, 1, 2, 1, 1, 11, 0]
    assert engine.batches == [3, 2]
    assert scorer.score(pairs, batch_size=1) == scores
    assert engine.batches[2:] == [1] * 5
    assert scorer.score([]) == []


def test_texts_are_no_pairs():
    with pytest.raises(TypeError, match="must be pairs of source and target text, found 'ab'"):
        make_scorer()[0].score(["ab"])


def test_a_line_of_numbers():
    assert score_line(PairScore((-1.25, -0.5))) == b"-1.750000\n"
    assert score_line(PairScore((-1.25, -0.5)), per_token=True) == b"-1.250000 -0.500000\n"
    for per_token in (False, True):
        assert score_line(PairScore(()), per_token=per_token) == b"0.000000\n"
        assert score_line(PairScore((-0.0,)), per_token=per_token) == b"0.000000\n"
        assert score_line(PairScore((-math.inf,), True), per_token=per_token) == b"-inf\n"


def test_a_stream_has_a_line_for_every_pair():
    scorer, engine = make_scorer(batch_size=2)
    pairs = [Pair("a" * (i % 13), "b", i != 7) for i in range(150)]
    sink = io.BytesIO()
    report = score_stream(scorer, iter(pairs), sink)
    lines = sink.getvalue().decode().splitlines()
    assert len(lines) == report.num_pairs == 150
    assert lines[:3] == ["0.000000", "-2.000000", "-4.000000"]
    assert report.num_too_long == lines.count("-inf") == 22
    assert report.num_invalid == 1
    one = io.BytesIO()
    engine.batches.clear()
    score_stream(scorer, iter(pairs), one, batch_size=1, per_token=True)
    assert set(engine.batches) == {1}
    assert one.getvalue().decode().splitlines()[:3] == ["0.000000 0.000000", "-1.000000 -1.000000",
                                                        "-2.000000 -2.000000"]  # fmt: skip


def test_a_batch_size_of_one_answers_before_it_reads_on():
    scorer, _ = make_scorer()
    sink = io.BytesIO()

    def pairs():
        for number in range(3):
            assert len(sink.getvalue().splitlines()) == number
            yield Pair("a", "b")

    assert score_stream(scorer, pairs(), sink, batch_size=1).num_pairs == 3


def test_pairs_of_a_tsv():
    text = b"a\tb\r\n\t\n\n  \na \x85c\t\xff\nlast\tone"
    assert list(read_tsv_pairs(io.BytesIO(text), "x.tsv")) == [
        Pair("a", "b"), Pair("", ""), Pair("", ""), Pair("", ""),
        Pair("a \ufffdc", "\ufffd", False), Pair("last", "one"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "has"), [(b"a\tb\nc d\n", "1 column"), (b"a\tb\nc\td\te\n", "3 columns")]
)
def test_a_line_of_other_columns_is_the_users(text, has):
    with pytest.raises(DataError) as caught:
        list(read_tsv_pairs(io.BytesIO(text), "x.tsv"))
    assert str(caught.value) == (
        f"x.tsv, line 2 has {has}, but a pair has 2\nhint: write each line as source, tab, target;"
        " texts that hold tabs can be scored from two files, with `--src FILE` and `--tgt FILE`"
    )


def test_pairs_of_two_files():
    def read(src, tgt):
        return list(read_file_pairs(io.BytesIO(src), io.BytesIO(tgt), ("a.en", "a.de")))

    assert read(b"a\tb\n\nc", b"d\r\ne\n\xff\n") == [
        Pair("a\tb", "d"), Pair("", "e"), Pair("c", "\ufffd", False)
    ]  # fmt: skip
    assert read(b"", b"") == []
    for src, tgt, counts in ((b"a\nb\nc\n", b"d\n", (3, 1)), (b"a\n", b"d\ne", (1, 2))):
        with pytest.raises(DataError) as caught:
            read(src, tgt)
        assert str(caught.value) == (
            f"a.en has {counts[0]} lines, but a.de has {counts[1]}\n"
            "hint: line N of one file must belong to line N of the other"
        )
