"""Lines of a document are translated together, and each gets its own answer."""

import io
from dataclasses import replace

import pytest

from mtcli.bundle.card import DocumentFacts
from mtcli.errors import ConfigError
from mtcli.streaming.stream import StreamOptions, translate_stream
from mtcli.tokenizer.protocol import SEPARATOR
from mtcli.translating.documents import Fallbacks, sum_fallbacks
from mtcli.translating.whole_documents import (
    find_documents,
    named_documents,
    translate_documents,
)
from tests.support.fakes import FakeEngine, fake_translator
from tests.support.tokenizers import ToyTokenizer

SEPARATOR_ID = ToyTokenizer().piece_to_id(SEPARATOR)


def document_translator(engine=None, *, max_pieces=12, max_sentences=None, **keys):
    facts = DocumentFacts(max_pieces=max_pieces, max_sentences=max_sentences)
    changes = {"reads_documents": True}
    return fake_translator(engine or FakeEngine(), changes=changes, documents=facts, **keys)


def inputs_of(engine):
    """The texts that the engine got, with | for separators."""
    toy = ToyTokenizer()
    return sorted(
        "|".join(toy.decode(part) for part in split(ids))
        for src_ids, _, _ in engine.calls
        for ids in src_ids
    )


def split(ids):
    parts = [[]]
    for piece_id in ids:
        if piece_id == SEPARATOR_ID:
            parts.append([])
        else:
            parts[-1].append(piece_id)
    return parts


def test_lines_are_joined_within_documents_and_limits_and_come_back_one_by_one():
    engine = FakeEngine()
    texts = ["abc", "def", "ghij", "", "kl", "m" * 20, "no", "pq", " ", "r"]
    assert document_translator(engine).translate(texts) == texts
    assert inputs_of(engine) == ["abc|def|ghij"] * 1 + ["kl", "m" * 20, "no|pq", "r"]


@pytest.mark.parametrize(
    ("keys", "inputs"),
    [
        ({"max_pieces": 7}, ["abc|def", "ghij"]),
        ({"max_sentences": 2}, ["abc|def", "ghij"]),
        ({"max_sentences": 1}, ["abc", "def", "ghij"]),
    ],
)
def test_the_limits_are_those_of_the_model(keys, inputs):
    engine = FakeEngine()
    assert document_translator(engine, **keys).translate(["abc", "def", "ghij"]) == [
        "abc",
        "def",
        "ghij",
    ]
    assert inputs_of(engine) == inputs


def test_no_input_is_longer_than_the_positions():
    engine = FakeEngine(max_positions=9)
    document_translator(engine, max_pieces=100).translate(["abc", "def", "ghij"])
    assert inputs_of(engine) == ["abc|def", "ghij"]


def test_outputs_of_documents_may_be_longer_than_those_of_sentences():
    engine = FakeEngine()
    document_translator(engine, max_pieces=50, max_length=10).translate(["abcdef", "ghijkl"])
    assert engine.calls[0][1] == [3 * 13 + 32]


def only_first_sentence(ids):
    return tuple(split(ids)[0])


def one_more_sentence(ids):
    return (*ids, SEPARATOR_ID, 70) if SEPARATOR_ID in ids else ids


def an_empty_sentence(ids):
    return (*ids[: ids.index(SEPARATOR_ID)], SEPARATOR_ID) if SEPARATOR_ID in ids else ids


@pytest.mark.parametrize("answer", [only_first_sentence, one_more_sentence, an_empty_sentence])
def test_two_lines_with_another_number_of_sentences_are_translated_alone_and_counted(answer):
    engine = FakeEngine(answer=answer)
    translator = document_translator(engine)
    source, sink = io.BytesIO(b"ab\ncd\n\nef\n"), io.BytesIO()
    report = translate_stream(translator, source, sink, StreamOptions())
    assert sink.getvalue() == source.getvalue()
    assert (report.num_lines, report.fallbacks) == (4, (1, 1, 2))
    assert inputs_of(engine) == ["ab", "ab|cd", "cd", "ef"]


def test_what_was_cut_off_is_translated_one_by_one():
    engine = FakeEngine(is_complete=False)
    assert document_translator(engine).translate(["ab", "cd"]) == ["ab", "cd"]
    assert inputs_of(engine) == ["ab", "ab|cd", "cd"]


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_windows_end_where_documents_do(batch_size):
    engine = FakeEngine()
    lines = "".join(f"{'ab' * (1 + n % 2)}\n" if n % 5 else "\n" for n in range(60))
    translator = document_translator(engine, batch_size=batch_size, max_pieces=40)
    source, sink = io.BytesIO(lines.encode()), io.BytesIO()
    report = translate_stream(translator, source, sink, StreamOptions())
    assert sink.getvalue() == lines.encode()
    assert report.fallbacks == (12, 0, 0)
    assert set(inputs_of(engine)) == {"abab|ab|abab|ab", "ab|abab|ab|abab"}


def test_the_answer_of_a_line_has_its_own_text_and_the_flags_of_the_whole():
    translator = document_translator(FakeEngine(log_prob=-90.0))
    first, second = translator.begin(["ab", "cd"]).result()
    assert (first.translations[0].text, second.translations[0].text) == ("ab", "cd")
    assert first.translations[0].token_ids == tuple(ToyTokenizer().encode("ab"))
    assert first.flags == second.flags == ("low_confidence",)


def test_lists_of_sentences_come_back_with_their_context_and_what_it_took():
    engine = FakeEngine(answer=one_more_sentence)
    documents = [["abc", "def"], [], ["gh"], [" "], ["ij", "", "kl"]]
    translated = translate_documents(document_translator(engine), documents)
    assert translated.documents == documents
    assert translated.texts == ["abc", "def", "gh", " ", "ij", "", "kl"]
    assert translated.fallbacks == (1, 1, 2)
    assert inputs_of(engine) == ["abc", "abc|def", "def", "gh", "ij", "kl"]
    engine = FakeEngine()
    assert translate_documents(document_translator(engine), documents).fallbacks == (1, 0, 0)


def test_a_translator_takes_documents():
    engine = FakeEngine()
    documents, told = [["abc", "def"], ["gh"]], []
    translated = document_translator(engine).translate_documents(
        map(iter, documents), progress=lambda *done: told.append(done)
    )
    assert translated == documents
    assert inputs_of(engine) == ["abc|def", "gh"]
    assert told[-1] == (2, 2)


def test_a_translator_of_sentences_and_a_text_for_a_document_are_refused():
    with pytest.raises(ConfigError) as error:
        fake_translator().translate_documents([["abc"]])
    assert error.value.sentence == "a model in memory was not trained on documents"
    assert (
        error.value.hint == "set `data.documents` in a training config, or translate line by line"
    )
    with pytest.raises(ConfigError, match="`texts` must be a list of texts, found one text: 'abc'"):
        document_translator().translate_documents(["abc"])


def test_blank_lines_or_names_say_where_a_document_ends():
    assert find_documents(["a", "b", "", " ", "c"]) == [["a", "b"], ["", " "], ["c"]]
    assert named_documents(["a", "", "c", "d"], ["x", "x", "y", "x"]) == [["a", ""], ["c"], ["d"]]


@pytest.mark.parametrize("lines", [[], ["a"], ["a", "b", ""], ["", "a"], ["", ""]])
def test_lines_that_nothing_separates_are_no_documents(lines):
    assert find_documents(lines) is None


def only_up_to_two_sentences(ids):
    """A model that loses a sentence of three and more."""
    return ids if ids.count(SEPARATOR_ID) < 2 else ids[ids.index(SEPARATOR_ID) + 1 :]


def test_halves_of_a_group_keep_their_context():
    engine = FakeEngine(answer=only_up_to_two_sentences)
    texts = ["ab", "cd", "ef", "gh", "ij"]
    translated = translate_documents(document_translator(engine, max_pieces=40), [texts])
    assert translated.documents == [texts]
    assert inputs_of(engine) == ["ab|cd", "ab|cd|ef", "ab|cd|ef|gh|ij", "ef", "gh|ij"]
    assert translated.fallbacks == (1, 1, 1)


def test_fallbacks_of_parts_are_summed_and_told():
    total = sum_fallbacks([Fallbacks(3, 1, 2), Fallbacks(0, 0), Fallbacks(4, 2, 3)])
    assert total == (7, 3, 5)
    assert sum_fallbacks([]) == (0, 0, 0)
    assert total.in_words("pairs") == (
        "of 7 groups of pairs that were translated together, 3 came back with another number of"
        " sentences and were translated in smaller groups; pairs translated alone: 5"
    )


def test_without_documents_lines_are_translated_alone():
    engine = FakeEngine()
    translator = document_translator(engine)
    alone = replace(translator.options, reads_documents=False)
    translator.begin(["ab", "cd"], alone).result()
    assert inputs_of(engine) == ["ab", "cd"]
