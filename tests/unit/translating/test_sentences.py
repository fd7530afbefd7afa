import builtins
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtcli.errors import ConfigError
from mtcli.translating.sentences import load_splitter

LANGS = ["en", "de-DE", "zh-Hans", "ar", "hy", "xx", "EN", ""]


@pytest.mark.parametrize(
    ("lang", "sentences"),
    [
        ("en", ["Mr. Ek went home.", "He slept.", '"Why?" she asked.', "See p. 55."]),
        ("de-DE", ["Das ist z. B. gut.", "Am 3. Mai kam er.", "Ja!"]),
        ("xx", ["One is here.", "Two is not."]),
    ],
)
def test_sentences(lang, sentences):
    assert load_splitter(lang)(" ".join(sentences)) == sentences


def test_chinese_has_no_spaces():
    assert load_splitter("zh-Hans")("你好。我是谁？好") == ["你好。", "我是谁？", "好"]


def test_white_space_of_several_bytes_after_an_initial():
    assert load_splitter("en")("B\u3000. So it\u00a0is.") == ["B\u3000.", "So it\u00a0is."]


PARTS = ["a", "B", ".", "?", "!", " ", "\u3000", "\u00a0", "。", "…", '"', "'", "»", "(", ")", "1",
         "\u200b", "\u0301", "\U0001f600", "-", "*", "•", "Mr", "z. B.", "\t"]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PARTS)).map("".join) | st.text(max_size=60), st.sampled_from(LANGS))
def test_nothing_is_lost(text, lang):
    sentences = load_splitter(lang)(text)
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)
    assert "".join("".join(sentences).split()) == "".join(text.split())


def test_a_splitter_that_changes_the_text_is_not_followed(monkeypatch):
    monkeypatch.setattr("sentencex.segment", lambda lang, text: ["O", "ne."])
    assert load_splitter("en")("One. Two.") == ["One.", "Two."]
    assert load_splitter("en")("One. two") == ["One. two"]
    assert load_splitter("en")(" ") == []


class PanicException(BaseException):
    """As pyo3 names its own."""


def fail(error):
    def segment(lang, text):
        raise error

    return segment


def test_a_splitter_that_panics_loses_nothing(monkeypatch, caplog):
    monkeypatch.setattr("sentencex.segment", fail(PanicException("end byte index 42")))
    assert load_splitter("en")(" One. Two.") == ["One.", "Two."]
    assert caplog.messages == [
        "sentencex cannot split a line, so its sentences are found by their marks: end byte index"
        " 42"
    ]
    monkeypatch.setattr("sentencex.segment", fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        load_splitter("en")("One. Two.")


def test_the_package_that_is_missing_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "sentencex":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "sentencex", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError) as info:
        load_splitter("en")
    assert str(info.value) == (
        "`--split-sentences` needs the package `sentencex`, which is not installed\n"
        "hint: run `pip install 'sentencex>=1.0.32,<2'`"
    )
