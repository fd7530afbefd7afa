"""The least certain translations, for people to review."""

import math

import pytest

from mtcli.errors import ConfigError
from mtcli.streaming.lines import Line
from mtcli.streaming.review import Review, Worst, parse_worst
from mtcli.translating.answer import Answer, Translation


def line(text):
    blank = None if text.strip() else text.encode()
    return Line(text, b"\n", blank=blank, is_valid=True, num_bytes=len(text) + 1)


def answer(text, log_prob, *flags):
    translation = Translation(text, log_prob, log_prob)
    return Answer((translation,), 1, flags, is_over_limit=False, log_prob_per_piece=log_prob)


def reviewed(tmp_path, answers, worst):
    path = tmp_path / "review.tsv"
    with Review(path, worst) as review:
        for number, (src, found) in enumerate(answers, 1):
            review.add(number, line(src), found)
        count = review.write()
    rows = [row.split("\t") for row in path.read_text("utf-8").split("\n")[:-1]]
    assert rows[0] == ["line", "confidence", "reason", "source", "translation"]
    assert len(rows) == count + 1
    assert [file.name for file in tmp_path.iterdir()] == ["review.tsv"]
    return rows[1:]


@pytest.mark.parametrize(
    ("text", "worst"),
    [
        ("20%", Worst(share=0.2)), (" 0.5 %", Worst(share=0.005)), ("100%", Worst(share=1.0)),
        ("1", Worst(number=1)), ("250", Worst(number=250)),
    ],
)  # fmt: skip
def test_how_many(text, worst):
    assert parse_worst(text) == worst


@pytest.mark.parametrize("text", ["", "%", "0", "0%", "-3", "101%", "nan%", "1.5", "many", "5%%"])
def test_no_number_of_lines(text):
    with pytest.raises(ConfigError) as caught:
        parse_worst(text)
    assert str(caught.value) == (
        f"`{text}` is not a valid number of lines for `--worst`\n"
        "hint: use for example `20%` or `100`"
    )


@pytest.mark.parametrize(
    ("worst", "num_lines", "count"),
    [
        (Worst(share=0.2), 10, 2), (Worst(share=0.2), 11, 3), (Worst(share=0.01), 3, 1),
        (Worst(share=1.0), 7, 7), (Worst(share=0.5), 0, 0), (Worst(number=5), 3, 3),
        (Worst(number=5), 30, 5),
    ],
)  # fmt: skip
def test_shares_round_up(worst, num_lines, count):
    assert worst.count(num_lines) == count


def test_the_least_certain_come_first_with_their_reasons(tmp_path):
    answers = [
        ("sure", answer("sicher", math.log(0.9))),
        ("odd", answer("komisch", math.log(0.2), "repeated", "low_confidence")),
        ("so so", answer("naja", math.log(0.5))),
        ("gone", answer("", math.log(0.99), "empty")),
    ]
    assert reviewed(tmp_path, answers, Worst(number=3)) == [
        ["4", "0.000", "empty", "gone", ""],
        ["2", "0.200", "repeated,low_confidence", "odd", "komisch"],
        ["3", "0.500", "least_certain", "so so", "naja"],
    ]


def test_equals_stay_in_their_order_and_blank_lines_are_left_out(tmp_path):
    answers = [(text, answer("x", -1.0)) for text in ("a", "", "  ", "b", "c")]
    rows = reviewed(tmp_path, answers, Worst(share=0.5))
    assert [row[0] for row in rows] == ["1", "4"]


def test_a_row_stays_a_row(tmp_path):
    answers = [("a\tb\rc", answer("d\te", -1.0)), ("\ud800", answer("ü", -0.5))]
    rows = reviewed(tmp_path, answers, Worst(share=1.0))
    assert [row[3:] for row in rows] == [["a b c", "d e"], ["?", "ü"]]


def test_nothing_to_review(tmp_path):
    assert reviewed(tmp_path, [], Worst(share=0.2)) == []
