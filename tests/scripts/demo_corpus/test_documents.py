"""Documents whose pronouns the sentence before decides."""

from collections import Counter
from pathlib import Path

import pytest

from scripts.demo_corpus.documents import (
    PRONOUNS,
    SEED,
    SENTENCES,
    SIZES,
    document_files,
    generate,
    pronoun_accuracy,
    pronoun_lines,
)
from scripts.demo_corpus.generate import is_held_out
from scripts.demo_corpus.nouns import NOUNS

COMMITTED = Path(__file__).parents[2] / "data" / "documents"
ARTICLES = {
    "er": ("der", "den", "ein", "einen"), "ihn": ("der", "den", "ein", "einen"),
    "sie": ("die", "eine"), "es": ("das", "ein"),
}  # fmt: skip


@pytest.fixture(scope="module")
def splits():
    return generate(SEED, {**SIZES, "train": 30})


@pytest.fixture(scope="module")
def pronouns():
    rows = (COMMITTED / "test.pronouns.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [(int(number), pronoun) for number, pronoun in (row.split("\t") for row in rows)]


def test_the_committed_test_documents_are_the_generators_output_byte_for_byte(splits):
    files = document_files(splits)
    for name in ("test.en", "test.de", "test.pronouns.tsv"):
        assert (COMMITTED / name).read_bytes() == files[name], name


def test_documents_have_their_size_and_a_blank_line_between_two():
    for lang in ("en", "de"):
        text = (COMMITTED / f"test.{lang}").read_text(encoding="utf-8")
        documents = [document.splitlines() for document in text.split("\n\n")]
        assert [len(lines) for lines in documents] == [SENTENCES] * SIZES["test"]


def test_a_pronoun_has_the_gender_of_the_noun_in_the_sentence_before(pronouns):
    lines = (COMMITTED / "test.de").read_text(encoding="utf-8").splitlines()
    genders = {noun.german: noun.gender for noun in NOUNS}
    for number, pronoun in pronouns:
        before = lines[number - 2].rstrip(".?!").split()
        wanted = {"er": "m", "ihn": "m", "sie": "f", "es": "n"}[pronoun]
        named = [
            noun
            for article, *rest in zip(before, before[1:], [*before[2:], ""], strict=False)
            for noun in rest
            if article.lower() in ARTICLES[pronoun] and genders.get(noun) == wanted
        ]
        assert named, (lines[number - 2], lines[number - 1])


def test_the_genders_are_about_equally_frequent(pronouns):
    counts = Counter("er" if pronoun == "ihn" else pronoun for _, pronoun in pronouns)
    assert len(pronouns) > 150
    assert min(counts.values()) / len(pronouns) > 0.27


def test_a_guess_is_right_in_a_third_and_the_references_always(pronouns):
    lines = (COMMITTED / "test.de").read_text(encoding="utf-8").splitlines()
    assert pronoun_accuracy(lines, pronouns) == 1.0
    assert pronoun_accuracy([""] * len(lines), pronouns) == 0.0
    assert pronoun_accuracy(["Er und sie."] * len(lines), pronouns) == 0.0
    for guess in PRONOUNS:
        assert pronoun_accuracy([f"{guess.title()}, ja."] * len(lines), pronouns) < 0.45


def test_english_does_not_say_which_pronoun_it_is(splits):
    lines = [line for lines in splits["test"] for line in lines if line.pronoun is not None]
    assert all("it" in line.src.lower().rstrip(".").split() for line in lines)


def test_training_has_no_combination_of_words_that_is_held_out(splits):
    def unseen(name):
        lines = [line for lines in splits[name] for line in lines]
        return [
            line for line in lines if any(is_held_out(c, SEED) for c in line.combinations)
        ], lines

    assert unseen("train")[0] == []
    held_out, lines = unseen("test")
    assert len(held_out) > 0.1 * len(lines)


def test_the_same_seed_gives_the_same_documents_whatever_the_size_of_training():
    sizes = {"train": 2, "valid": 1, "test": 2}
    first = generate(5, sizes)
    assert first == generate(5, sizes)
    assert first["test"] == generate(5, {**sizes, "train": 0})["test"]
    assert first != generate(6, sizes)
    assert pronoun_lines([[], first["test"][0]])[0][0] > 1
