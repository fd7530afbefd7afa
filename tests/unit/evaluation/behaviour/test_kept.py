"""What counts as kept, whatever the language writes around it."""

import sys

import pytest

from mtcli.errors import ConfigError
from mtcli.evaluation.behaviour.case import Trial
from mtcli.evaluation.behaviour.judgements import (
    begins_with_capital,
    does_not_run_away,
    is_complete,
    is_translated,
    same_translation,
)
from mtcli.evaluation.behaviour.kept import (
    dates_kept,
    emails_kept,
    numbers_in,
    numbers_kept,
    placeholders_kept,
    tags_kept,
    urls_kept,
)
from mtcli.evaluation.behaviour.language import language_judge


def verdict(judge, source, answer, plain_answer=""):
    return judge(Trial(source, answer, plain_answer)).passed


@pytest.mark.parametrize(
    ("judge", "source", "answer", "passed"),
    [
        (numbers_kept, "1,234.50 euros", "1.234,50 Euro", True),
        (numbers_kept, "1,234.50 euros", "1 234,50 euros", True),
        (numbers_kept, "1234 houses", "\u0661\u0662\u0663\u0664", True),
        (numbers_kept, "1234 houses", "12345 Häuser", False),
        (numbers_kept, "1234 houses", "1243 Häuser", False),
        (numbers_kept, "12 and 34", "12 34", True),
        (numbers_kept, "7 houses", "sieben Häuser", True),  # one digit may become a word
        (dates_kept, "Sold (2026-03-14).", "Verkauft (14.03.2026).", True),
        (dates_kept, "Sold (2026-03-14).", "Verkauft (14. März 2026).", True),
        (dates_kept, "Sold (2026-03-14).", "Verkauft (14.04.2026).", True),  # see below
        (dates_kept, "Sold (2026-03-14).", "Verkauft (15.03.2026).", False),
        (dates_kept, "Sold (2026-03-14).", "Verkauft.", False),
        (urls_kept, "See https://a.example/b?c=1.", "Siehe https://a.example/b?c=1.", True),
        (urls_kept, "See https://a.example/b?c=1.", "Siehe https://a.example/b?c=2.", False),
        (emails_kept, "Ask j_doe@example.org.", "j_doe@example.org fragen", True),
        (emails_kept, "Ask j_doe@example.org.", "j_doe@example.com fragen", False),
        (placeholders_kept, "Hi {name}, %s", "%s, {name}", True),
        (placeholders_kept, "Hi {name}, %s %s", "%s, {name}", False),
        (placeholders_kept, "Hi {{ user }} %(count)d ${x}", "{{ user }} %(count)d ${x}", True),
        (placeholders_kept, "Hi {{ user }}", "{{ Nutzer }}", False),
        (placeholders_kept, "100 %sure", "anything", True),
        (tags_kept, "a <b>bold</b> word", "ein <b>fettes</b> Wort", True),
        (tags_kept, "a <b>bold</b> word", "ein <b>fettes Wort", False),
        (tags_kept, "a <b>bold</b> word", "ein </b>fettes<b> Wort", False),
        (tags_kept, "a <b>bold</b> word", "ein <b>fettes</b> <i>Wort</i>", False),
        (tags_kept, "a<br/>b, 1 < 2 > 1", "a<br/>b", True),
        (begins_with_capital, "The dog", "Der Hund", True),
        (begins_with_capital, "The dog", "„Der Hund“", True),
        (begins_with_capital, "The dog", "der Hund", False),
        (begins_with_capital, "The dog", "\u72d7", None),
        (begins_with_capital, "The dog", "", None),
        (is_translated, "The dog sleeps.", "the dog sleeps", False),
        (is_translated, "The dog sleeps.", "Der Hund schläft.", True),
        (is_translated, "Anna Smith", "Anna Smith", None),  # names stay
        (does_not_run_away, "Go!", "Geh, geh, geh, geh, geh!", False),
        (does_not_run_away, "Go, go, go, go, go!", "Geh, geh, geh, geh, geh!", True),
        (does_not_run_away, "Go!", "Ahhhh. 1,000,000,000,000,000", True),
        (does_not_run_away, "Go!", "x y " * 100, False),
    ],
)  # fmt: skip
def test_verdicts(judge, source, answer, passed):
    assert verdict(judge, source, answer) is passed


def test_a_month_may_be_a_new_word_only():
    """Of a date whose month is no number, a word must have come in for it."""
    source, plain = "Sold (2026-03-14).", "Verkauft."
    assert verdict(dates_kept, source, "Verkauft (14. März 2026).", plain) is True
    assert verdict(dates_kept, source, "Verkauft (14.04.2026).", plain) is False
    assert verdict(dates_kept, source, "Verkauft (14. 2026).", plain) is False


def test_case_and_final_marks_make_no_other_translation():
    assert verdict(same_translation, "", "DER HUND SCHLÄFT", "Der Hund schläft.") is True
    assert verdict(same_translation, "", "Eine Katze frisst", "Der Hund schläft.") is False
    assert verdict(same_translation, "", "", "Der Hund schläft.") is False
    assert verdict(same_translation, "", "Der Hund", "") is None


def test_lengths_of_long_answers():
    assert verdict(is_complete, "", "x" * 50, "y" * 100) is True
    assert verdict(is_complete, "", "x" * 49, "y" * 100) is False
    assert verdict(is_complete, "", "x" * 201, "y" * 100) is False
    assert verdict(is_complete, "", "x", "") is None


def test_languages():
    judge = language_judge("deu_Latn")  # which the library calls `de`
    assert verdict(judge, "", "Der alte Bauer kauft ein Fahrrad.") is True
    assert verdict(judge, "", "The old farmer buys a bicycle.") is False
    assert verdict(judge, "", "Le vieux fermier achète un vélo.") is False
    assert verdict(judge, "", "Anna 12") is True  # names are in no language
    assert verdict(judge, "", "12 + 3") is None


def test_a_language_that_the_library_does_not_know():
    with pytest.raises(ConfigError) as error:
        language_judge("tlh")
    assert str(error.value) == (
        "the check `language` does not know the language `tlh`\n"
        "hint: leave it out with `--skip language`"
    )


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(ConfigError) as error:
        language_judge("de")
    assert str(error.value) == (
        "the check `language` needs the library `py3langid`, which is not installed\n"
        "hint: install it with `pip install 'py3langid>=0.4,<1'`"
    )


def test_numbers_are_those_of_every_script():
    assert numbers_in("\u0967\u0968\u0969 and 1,234.5 and 7") == ["123", "12345"]
