from dataclasses import replace

import pytest

from mtcli.errors import ConfigError
from mtcli.translating.translator import Translation
from tests.support.fakes import FakeEngine, fake_translator, n_best_options


def ids(text):
    return tuple(ord(character) + 4 for character in text)


def test_texts_come_back_in_their_order():
    texts = ["a longer text", "b", "", "a middle", " ", "c"]
    engine = FakeEngine()
    assert fake_translator(engine, batch_size=2).translate(texts) == texts
    batches = [[len(ids) for ids in src_ids] for src_ids, _, _ in engine.calls]
    assert batches == [[13, 8], [1, 1]]


def test_nothing_gives_nothing():
    engine = FakeEngine()
    assert fake_translator(engine).translate([]) == []
    assert fake_translator(engine).translate(["", " \t", "\u2028", "\x00"]) == [
        "",
        " \t",
        "\u2028",
        "",
    ]
    assert engine.calls == []


def test_a_text_with_line_breaks_gives_one_line():
    assert fake_translator().translate(["a\nb\rc\x00d\x85"]) == ["a b cd"]


def test_outputs_cannot_break_lines():
    newline = FakeEngine(answer=lambda ids: (ord("\n") + 4, *ids, ord("\r") + 4))
    assert fake_translator(newline).translate(["a"]) == ["a"]


def test_defaults_are_those_of_the_model():
    engine = FakeEngine()
    generation = {"beam_size": 3, "length_penalty": 0.5, "normalization": "gnmt", "max_length": 30}
    translator = fake_translator(engine, **generation)
    translator.translate(["abcd"])
    (_, max_lengths, options) = engine.calls[0]
    assert max_lengths == [30]
    assert (options.beam_size, options.length_penalty, options.normalization) == (3, 0.5, "gnmt")
    translator.translate(
        ["abcd"], beam_size=1, length_penalty=0.0, normalization="none", max_length=7, batch_size=1
    )
    (_, max_lengths, options) = engine.calls[1]
    assert max_lengths == [7]
    assert (options.beam_size, options.length_penalty, options.normalization) == (1, 0.0, "none")


def test_the_output_limit_follows_each_source_and_the_model():
    engine = FakeEngine(max_positions=50)
    fake_translator(engine, max_src_length=45).translate(["a", "b" * 5, "c" * 30])
    assert engine.calls[0][1] == [50, 47, 35]


def test_a_long_text_is_translated_in_parts():
    engine = FakeEngine()
    translator = fake_translator(engine, max_src_length=20)
    text = "This is the first one. Here comes a second one. And a last one."
    answers = translator.begin([text, "short"]).result()
    assert [answer.num_parts for answer in answers] == [5, 1]
    assert [answer.is_over_limit for answer in answers] == [True, False]
    assert answers[0].translations[0].text == text
    assert all(len(ids) <= 20 for src_ids, _, _ in engine.calls for ids in src_ids)


@pytest.mark.parametrize(
    ("max_src_length", "max_positions", "limit"), [(3, 100, 16), (50, 100, 50), (99, 40, 39)]
)
def test_the_limit_of_a_line(max_src_length, max_positions, limit):
    translator = fake_translator(FakeEngine(max_positions), max_src_length)
    assert translator.max_src_length == limit
    answers = translator.begin(["x" * limit, "x" * (limit + 1)]).result()
    assert [answer.num_parts for answer in answers] == [1, 2]


def test_scores_are_made_where_somebody_sees_them():
    engine = FakeEngine()
    translator = fake_translator(engine, beam_size=2)
    translator.translate(["a"])
    translator.translate_n_best(["a"], 1)
    assert [options.with_scores for *_, options in engine.calls] == [False, True]


def test_n_best():
    translator = fake_translator(beam_size=3)
    assert translator.translate_n_best(["a", ""], 2) == [
        [Translation("a", -1.0, -0.25, ids("a")), Translation("a!", -2.0, -1.25, ids("a!"))],
        [Translation("", 0.0, 0.0, ())],
    ]


def test_n_best_of_a_text_in_parts():
    translator = fake_translator(beam_size=2)
    (found,) = translator.translate_n_best(["x" * 41], 2)
    assert found == [
        Translation("x" * 21 + " " + "x" * 20, -2.0, -0.25, ids("x" * 41)),
        Translation(
            "x" * 21 + "! " + "x" * 20 + "!", -4.0, -1.25, ids("x" * 21 + "!" + "x" * 20 + "!")
        ),
    ]
    assert translator.pieces(found[0].token_ids) == ["x"] * 41


def flags_of(text, answer=lambda ids: ids, *, is_complete=True, log_prob=-1.0):
    engine = FakeEngine(answer=answer, is_complete=is_complete, log_prob=log_prob)
    translator = fake_translator(engine)
    (found,) = translator.begin([text]).result()
    return found.flags


def test_progress_counts_sentences():
    told = []
    translator = fake_translator(batch_size=2)
    long = "This is the first one. Here comes a second one."
    translator.translate(["a", "b", long], progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 4), (4, 4)]


def test_flags():
    assert flags_of("a word") == ()
    assert flags_of("") == ("empty",)
    assert flags_of("\x00 ") == ("empty",)
    assert flags_of("a word", lambda ids: ()) == ("empty",)
    assert flags_of("a word " * 10) == ("split",)
    assert flags_of("a word", is_complete=False) == ("truncated",)
    assert flags_of("a word", lambda src_ids: ids("lost " * 9)) == ("repeated",)
    assert flags_of("abc", log_prob=-4.0) == ()  # of three pieces and EOS: -1 each
    assert flags_of("abc", log_prob=-4.1) == ("low_confidence",)
    assert flags_of("a word " * 10, lambda src_ids: (), is_complete=False, log_prob=-9.0) == (
        "empty", "split", "truncated", "low_confidence",
    )  # fmt: skip


def lost(src_ids):
    return ids("lost " * 9)


class MendingEngine(FakeEngine):
    """Repeats itself unless the beam is wide."""

    def translate(self, src_ids, max_lengths, options):
        found = super().translate(src_ids, max_lengths, options)
        if options.beam_size > 5:
            return [
                [hypothesis._replace(token_ids=ids("found")) for hypothesis in hypotheses]
                for hypotheses in found
            ]
        return found


def test_a_repetition_is_translated_once_more():
    engine = MendingEngine(answer=lambda src_ids: lost(0) if src_ids == ids("go") else src_ids)
    translator = fake_translator(engine, beam_size=5, batch_size=4)
    good, mended = translator.begin(["well", "go"], n_best_options(translator, 2)).result()
    assert good.translations[0].text == "well"
    assert [translation.text for translation in mended.translations] == ["found", "found"]
    assert mended.flags == good.flags == ()
    # the scores are comparable with those of the others: -1 and -2 over five pieces and EOS
    assert [t.score for t in mended.translations] == pytest.approx([-1 / 6, -2 / 6])
    assert [[len(src) for src in src_ids] for src_ids, _, _ in engine.calls] == [[4, 2], [2]]
    options = engine.calls[1][2]
    assert (options.beam_size, options.normalization, options.length_penalty) == (
        10, "average", 0.2,
    )  # fmt: skip


def test_a_repetition_that_stays_is_kept_and_flagged():
    engine = FakeEngine(answer=lost)
    translator = fake_translator(engine)
    (found,) = translator.begin(["go"]).result()
    assert found.translations[0] == Translation(("lost " * 9).strip(), -1.0, -0.25, lost(0))
    assert found.flags == ("repeated",)
    assert len(engine.calls) == 2


@pytest.mark.parametrize("change", [{"is_complete": False}, {"token_ids": ()}])
def test_a_second_translation_must_be_whole(change):
    class Worse(MendingEngine):
        def translate(self, src_ids, max_lengths, options):
            found = super().translate(src_ids, max_lengths, options)
            if options.beam_size == 5:
                return found
            return [[h._replace(**change) for h in hypotheses] for hypotheses in found]

    translator = fake_translator(Worse(answer=lost), beam_size=5)
    (found,) = translator.begin(["go"]).result()
    assert found.translations[0].text.startswith("lost lost")
    assert found.flags == ("repeated",)


def test_without_retries_a_repetition_is_only_flagged():
    engine = MendingEngine(answer=lost)
    translator = fake_translator(engine, beam_size=5)
    (found,) = translator.begin(["go"], replace(translator.options, retries=False)).result()
    assert found.flags == ("repeated",)
    assert len(engine.calls) == 1


def test_sentences_one_by_one():
    engine = FakeEngine()
    translator = fake_translator(engine, max_src_length=20)
    texts = ["one|two", "", "three", "|", "x" * 21 + "|y"]
    options = replace(translator.options, splitter=lambda text: list(filter(None, text.split("|"))))
    answers = translator.begin(texts, options).result()
    assert [answer.translations[0].text for answer in answers] == [
        "one two", "", "three", "", "x" * 11 + " " + "x" * 10 + " y",
    ]  # fmt: skip
    assert [answer.num_parts for answer in answers] == [2, 0, 1, 0, 3]
    assert [answer.is_over_limit for answer in answers] == [False, False, False, False, True]


def error_of(call):
    with pytest.raises(ConfigError) as info:
        call()
    return str(info.value)


def test_options_that_make_no_sense():
    t = fake_translator(beam_size=4)
    assert error_of(lambda: t.translate(["a"], beam_size=0)) == (
        "`beam_size` must be a whole number, at least 1, found `0`"
    )
    assert "`max_length` must be a whole number, at least 1, found `-3`" in error_of(
        lambda: t.translate([], max_length=-3)
    )
    assert "`batch_size` must be a whole number, at least 1, found `2.5`" in error_of(
        lambda: t.translate([], batch_size=2.5)
    )
    assert error_of(lambda: t.translate([], length_penalty=float("nan"))) == (
        "`length_penalty` must be a number between 0 and 10, found `nan`"
    )
    assert error_of(lambda: t.translate([], normalization="wu")) == (
        "`normalization` must be one of `average`, `gnmt`, `none`, found `wu`"
    )
    assert error_of(lambda: t.translate_n_best(["a"], 5)) == (
        "`n_best` is 5, but a beam of 4 finds at most 4 hypotheses\n"
        "hint: set `beam_size` to at least 5, or lower `n_best`"
    )
    assert "`n_best` must be a whole number, at least 1, found `0`" in error_of(
        lambda: t.translate_n_best(["a"], 0)
    )


def test_its_repr_names_model_and_search():
    assert repr(fake_translator(beam_size=3)) == "Translator(a model in memory, beam_size=3)"
