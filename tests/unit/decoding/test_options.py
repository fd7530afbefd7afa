"""Search options: penalties, and what is refused."""

import math

import pytest

from mtcli.decoding.options import Sampling, SearchOptions
from mtcli.errors import ConfigError


def options(**changes) -> SearchOptions:
    return SearchOptions(**{"beam_size": 4, "bos_id": 2, "eos_id": 3, **changes})


@pytest.mark.parametrize(
    ("normalization", "alpha", "length", "want"),
    [
        ("average", 1.0, 7, 7.0),
        ("average", 0.5, 16, 4.0),
        ("average", 0.0, 16, 1.0),
        ("gnmt", 1.0, 7, 2.0),
        ("gnmt", 2.0, 13, 9.0),
        ("gnmt", 0.6, 1, 1.0),
        ("none", 1.0, 7, 1.0),
    ],
)
def test_penalties(normalization, alpha, length, want):
    made = options(normalization=normalization, length_penalty=alpha)
    assert made.penalty(length) == pytest.approx(want, rel=1e-15)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"beam_size": 0}, "`beam_size` must be a whole number, at least 1, found `0`"),
        ({"num_hypotheses": 0}, "`n_best` must be a whole number, at least 1, found `0`"),
        ({"max_length": 0}, "`max_length` must be a whole number, at least 1, found `0`"),
        (
            {"num_hypotheses": 5},
            "`n_best` is 5, but a beam of 4 finds at most 4 hypotheses\n"
            "hint: set `beam_size` to at least 5, or lower `n_best`",
        ),
        (
            {"length_penalty": -0.5},
            "`length_penalty` must be a number between 0 and 10, found `-0.5`",
        ),
        (
            {"length_penalty": math.nan},
            "`length_penalty` must be a number between 0 and 10, found `nan`",
        ),
        (
            {"length_penalty": 11.0},
            "`length_penalty` must be a number between 0 and 10, found `11.0`",
        ),
        (
            {"normalization": "wu"},
            "`normalization` must be one of `average`, `gnmt`, `none`, found `wu`",
        ),
        (
            {"stop": "soon"},
            "`stop` must be one of `full`, `optimal`, `ctranslate2`, `marian`, found `soon`",
        ),
        ({"forbidden_ids": (0, 3)}, "eos_id (3) is in forbidden_ids: nothing could end"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(changes, sentence):
    with pytest.raises(ConfigError) as caught:
        options(**changes)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": 2**63}, "`seed` must be a 64-bit whole number, found `9223372036854775808`"),
        ({"temperature": 0.0}, "`temperature` must be a number above 0, found `0.0`"),
        ({"temperature": float("nan")}, "`temperature` must be a number above 0, found `nan`"),
        ({"top_k": 0}, "`top_k` must be at least 1, found `0`"),
        ({"top_p": 0.0}, "`top_p` must be above 0 and at most 1, found `0.0`"),
        ({"top_p": 1.5}, "`top_p` must be above 0 and at most 1, found `1.5`"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, sentence):
    with pytest.raises(ConfigError) as caught:
        Sampling(**changes)
    assert str(caught.value) == sentence
