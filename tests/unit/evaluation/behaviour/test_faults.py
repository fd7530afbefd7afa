"""Faults that are planted into a translator are found, each by the checks that look for it."""

import re
from functools import cache

import pytest

from mtcli.cli.check_rates import check_rates
from mtcli.errors import CheckFailedError
from mtcli.evaluation.behaviour.language import language_judge
from mtcli.evaluation.behaviour.outcomes import judge_cases
from mtcli.evaluation.behaviour.suite import NAMES, make_cases
from tests.support.fakes import FakeEngine, fake_translator
from tests.support.tokenizers import ToyTokenizer

SENTENCES = [
    "The old farmer buys a red bicycle in the market.",
    "My neighbour has painted 1250 doors green since Monday.",
    "Please close both windows when you leave the room!",
    "Have you already told your brother about the meeting?",
    "The museum shows paintings from the last three centuries.",
    "She opened the long letter slowly and read it twice.",
    "The road was closed because of construction work",
    "Many farmers in the region grow apples and pears.",
]
_TOKEN = re.compile(r"<[^>]*>[^<]*</[^>]*>|\{\{[^}]*\}\}|\S+")


@cache
def english_judge():
    """Its model takes a while to load."""
    return language_judge("en")


def reversed_words(text):
    """A language of its own: English words from last to first. Nothing gets lost."""
    body, marks, emoji = re.fullmatch(r"\s*(.*?)([.!?]*)(\W?)\s*", text, re.DOTALL).groups()
    answer = " ".join(reversed(_TOKEN.findall(body)))
    if text[:1].isupper() and not text.isupper():
        answer = answer[:1].upper() + answer[1:]
    return f"{answer}{marks}{emoji}"


def tallies_of(translation, names=NAMES, most=8):
    """How a model does that translates as `translation` says."""
    tokenizer = ToyTokenizer()
    engine = FakeEngine(
        10_000, lambda ids: tuple(tokenizer.encode(translation(tokenizer.decode(ids))))
    )
    translator = fake_translator(engine, max_src_length=9_000, beam_size=1)
    cases = make_cases(SENTENCES, names, most, english_judge())
    return judge_cases(cases, names, translator.translate)


FAULTS = {
    "none": (lambda text: reversed_words(text), set()),
    "drops numbers": (
        lambda text: re.sub(r"\d+", "", reversed_words(text)),
        {"numbers", "dates", "urls"},
    ),
    "changes numbers": (
        lambda text: re.sub(r"\d", "7", reversed_words(text)),
        {"numbers", "dates", "urls"},
    ),
    "lower-cases": (lambda text: reversed_words(text).lower(), {"capitals"}),
    "copies": (lambda text: text, {"copied"}),
    "says nothing": (lambda text: "", {"empty", "numbers", "markup", "one_word"}),
    "knows no capitals": (
        lambda text: "Anything at all" if text.isupper() else reversed_words(text),
        {"upper_case"},
    ),
    "knows no titles": (
        lambda text: "Anything at all" if text.istitle() else reversed_words(text),
        {"title_case"},
    ),
    "needs a full stop": (
        lambda text: reversed_words(text) if text[-1] in ".!?" else "Anything at all",
        {"final_stop"},
    ),
    "stumbles over typos": (
        lambda text: (
            reversed_words(text)
            if all(word in " ".join(SENTENCES) for word in re.findall(r"[A-Za-z]{4,}", text))
            else "Anything at all"
        ),
        {"typos"},
    ),
    "stumbles over marks": (
        lambda text: reversed_words(text) if not re.search(r"[.!?]{2}", text) else "Anything",
        {"repeated_marks"},
    ),
    "explains words": (
        lambda text: reversed_words(text) if " " in text else "This is what I call a dog",
        {"one_word"},
    ),
    "loses emoji": (lambda text: re.sub(r"[^\x00-\x7f]", "", reversed_words(text)), {"emoji"}),
    "stops early": (lambda text: reversed_words(text)[:200], {"long_input"}),
    "loops": (lambda text: reversed_words(text) + " and so on" * 5, {"runaway"}),
    "never ends": (
        lambda text: " ".join(f"word{n}" for n in range(len(text))) + reversed_words(text),
        {"runaway", "one_word"},
    ),
    "answers in German": (
        lambda text: "Der alte Bauer kauft heute ein rotes Fahrrad auf dem Markt.",
        {"language", "numbers"},
    ),
    "breaks tags": (
        lambda text: re.sub(r"<(\w+)[^>]*>(.*?)</\w+>", r"</\1>\2<\1>", reversed_words(text)),
        {"markup"},
    ),
    "translates placeholders": (
        lambda text: reversed_words(text).replace("{", "(").replace("%", "(").replace("$", ""),
        {"placeholders"},
    ),
    "hides addresses": (lambda text: re.sub(r"\S+@\S+", "", reversed_words(text)), {"emails"}),
}
EXACT = {
    "none", "lower-cases", "copies", "knows no capitals", "explains words",
    "loses emoji", "stops early", "breaks tags", "hides addresses", "stumbles over marks",
}  # fmt: skip
"""Faults that have no other effect."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_flagged(fault):
    translation, expected = FAULTS[fault]
    tallies = tallies_of(translation)
    assert [tally.name for tally in tallies] == list(NAMES)
    if fault != "says nothing":  # then there is nothing to compare with
        assert all(tally.rate is not None for tally in tallies)
    flagged = {tally.name for tally in tallies if tally.rate is not None and tally.rate < 0.6}
    if fault in EXACT:
        assert flagged == expected
        assert {t.name for t in tallies if t.rate == 1.0} >= set(NAMES) - flagged - {"typos"}
    else:
        assert flagged >= expected
    for tally in tallies:
        assert all(outcome.verdict.reason for outcome in tally.failures)


def test_spaces_around_a_text_must_change_nothing():
    cases = make_cases(SENTENCES, ["spaces"], 8, None)
    (kept,) = judge_cases(cases, ["spaces"], lambda texts: [f" {text.strip()}" for text in texts])
    (seen,) = judge_cases(cases, ["spaces"], lambda texts: [f"{len(text)}" for text in texts])
    assert (kept.rate, seen.rate) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("fault", "check"),
    [("drops numbers", "numbers"), ("lower-cases", "capitals"), ("copies", "copied")],
)
def test_a_lowest_rate_fails_on_a_fault(fault, check):
    check_rates(tallies_of(FAULTS["none"][0], (check,)), {"": 0.9})
    with pytest.raises(CheckFailedError, match=f"^a check failed: `{check}` passes . of 8 cases"):
        check_rates(tallies_of(FAULTS[fault][0], (check,)), {"": 0.9})
