"""The cases that are made of sentences."""

import re
import time
from pathlib import Path
from random import Random

import pytest

from mtcli.cli.choices import CHECKS as CHOICES
from mtcli.evaluation.behaviour import perturbations
from mtcli.evaluation.behaviour.case import PASSED, Trial
from mtcli.evaluation.behaviour.perturbations import LONG_CHARACTERS
from mtcli.evaluation.behaviour.suite import CHECKS, NAMES, OWN_CASES, checks_for, make_cases
from tests.unit.evaluation.behaviour.test_faults import SENTENCES

SCRIPTS = {
    "en": "The farmer buys a red bicycle.",
    "ru": "Фермер покупает красный велосипед.",
    "ar": "اشترى المزارع دراجة حمراء اليوم.",
    "zh": "农民今天买了一辆红色的自行车。",
    "ja": "農家の人は今日赤い自転車を買いました。",
    "hi": "किसान ने आज एक लाल साइकिल खरीदी।",
    "th": "ชาวนาซื้อจักรยานสีแดงวันนี้",
    "emoji": "\U0001f642",
    "marks": "...",
    "word": "Go",
}


def any_judge(trial):
    return PASSED


def test_the_options_know_every_check():
    assert (*NAMES, OWN_CASES) == CHOICES


@pytest.mark.parametrize("page", ["guides/check.md", "results/behaviour.md"])
def test_the_pages_name_every_check(page):
    text = (Path(__file__).parents[4] / "docs" / page).read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[a-z_`, ]+`) \|", text, re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", " ".join(cells))) >= set(NAMES)


def test_the_same_cases_every_time_and_as_many_as_there_are_sentences():
    cases = make_cases(SENTENCES * 2, NAMES, 5, any_judge)
    again = make_cases(SENTENCES * 2, NAMES, 5, any_judge)
    assert [case.source for case in cases] == [case.source for case in again]
    numbers = {name: sum(case.check == name for case in cases) for name in NAMES}
    assert numbers == dict.fromkeys(NAMES, 5) | {"long_input": 1}
    for case in cases:
        assert case.plain == () or set(case.plain) <= set(SENTENCES)
        assert case.source not in case.plain


def test_sentences_that_have_the_item_come_first():
    (case,) = make_cases(SENTENCES, ["numbers"], 1, None)
    assert case.plain == (SENTENCES[1],)
    assert "1250" not in case.source
    assert len(case.source) == len(SENTENCES[1])


def test_usual_sentences_come_first():
    cases = make_cases(["Hm.", "word " * 100, *SENTENCES], ["empty"], len(SENTENCES), None)
    assert {case.source for case in cases} == set(SENTENCES)


def test_blank_lines_make_no_cases():
    assert make_cases(["", " ", "\t"], NAMES, 5, any_judge) == []


def test_long_texts_are_long_even_of_a_single_sentence():
    (case,) = make_cases(SENTENCES[:1], ["long_input"], 50, None)
    assert LONG_CHARACTERS <= len(case.source) < LONG_CHARACTERS + 100
    assert case.source == " ".join(case.plain)


def test_without_a_judge_there_is_no_language_check():
    assert make_cases(SENTENCES, ["language"], 5, None) == []


def test_a_paraphraser_may_copy():
    assert set(NAMES) - set(checks_for("en", "en-GB")) == {"copied"}
    assert checks_for("en", "de") == list(NAMES)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_can_be_changed(script):
    sentence = SCRIPTS[script]
    changes = [check.change for check in CHECKS if check.change]
    for change in changes:
        for seed in range(20):
            changed = change(sentence, Random(seed))
            if changed is None:
                continue
            assert changed.strip()
            assert changed != sentence
            assert "\n" not in changed


@pytest.mark.parametrize(
    ("change", "sentence", "changed"),
    [
        (perturbations.upper_case, "Go home.", "GO HOME."),
        (perturbations.upper_case, "\u8d70\u3002", None),
        (perturbations.title_case, "I can't go home.", "I Can't Go Home."),
        (perturbations.without_final_stop, "Go home. ", "Go home"),
        (perturbations.without_final_stop, "\u8d70\u3002", "\u8d70"),
        (perturbations.without_final_stop, "Go home", None),
        (perturbations.without_final_stop, "...", None),
        (perturbations.with_typo, "Go on", None),
        (perturbations.with_typo, "A word", "A wrod"),
        (perturbations.one_word, "Go", None),
        (perturbations.one_word, "Go home", "home"),
        (perturbations.with_repeated_mark, "Go home?", "Go home??????"),
        (perturbations.with_repeated_mark, "Go home", "Go home!!!!!!"),
        (perturbations.with_markup, "12 + 3", None),
    ],
)
def test_changes(change, sentence, changed):
    assert change(sentence, Random(1)) == changed


def test_lines_that_are_no_sentences_make_no_cases():
    long = "word " * 500
    assert make_cases([long], NAMES, 5, any_judge) == []
    assert {case.source for case in make_cases([long, "Go home."], ["empty"], 5, None)} == {
        "Go home."
    }


@pytest.mark.parametrize(
    "unit", ["a", "1", ".", "<a", "<", "{", "{{ ", "%(", "a.", "https://", "@"]
)
def test_no_text_takes_long_to_look_at(unit):
    """A model may answer anything, so the time must not grow with the square of its length."""
    answer = unit * (60_000 // len(unit))
    start_s = time.process_time()
    for check in CHECKS:
        if check.judge is not None:
            assert check.judge(Trial("Go home.", answer, "")) is not None
        if check.items is not None:
            assert check.items(answer) is not None
    for change in (perturbations.with_date, perturbations.without_final_stop):
        assert change(f"{answer} x", Random(1)) != ""
    assert time.process_time() - start_s < 5
