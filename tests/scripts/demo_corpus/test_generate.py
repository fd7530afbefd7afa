"""What the corpus promises: size, no duplicates, unseen combinations, no lookup, same bytes."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import sacrebleu

from mtcli.workflows import demo
from scripts.demo_corpus.generate import (
    SEED,
    SIZES,
    corpus_files,
    generate,
    is_held_out,
)

ROOT = Path(__file__).parents[3]
SMALL = {"train": 200, "valid": 20, "test": 40}


def test_the_committed_and_the_shipped_corpus_are_the_generators_output_byte_for_byte(splits):
    generated = corpus_files(splits)
    assert demo.corpus_files() == generated
    for name, content in generated.items():
        assert (ROOT / "data" / "demo" / name).read_bytes() == content, name


def test_splits_have_their_sizes(splits):
    assert {name: len(pairs) for name, pairs in splits.items()} == SIZES
    assert SIZES == {"train": 20_000, "valid": 500, "test": 500}


@pytest.mark.parametrize("side", ["src", "tgt"])
def test_no_sentence_comes_twice_in_or_across_splits(splits, side):
    sentences = [getattr(pair, side) for pairs in splits.values() for pair in pairs]
    assert len(set(sentences)) == len(sentences)


def test_the_same_seed_gives_the_same_pairs_and_another_gives_others():
    assert generate(7, SMALL) == generate(7, SMALL)
    assert generate(7, SMALL) != generate(8, SMALL)


def test_test_pairs_do_not_depend_on_the_size_of_the_training_split(splits):
    small = generate(SEED, {**SIZES, "train": 10})
    assert small["test"] == splits["test"]


@pytest.mark.parametrize("name", ["valid", "test"])
def test_a_third_of_the_pairs_hold_words_never_combined_in_training(splits, name):
    seen = frozenset().union(*(pair.combinations for pair in splits["train"]))
    unseen = [pair for pair in splits[name] if pair.combinations - seen]
    assert len(unseen) >= 0.3 * len(splits[name])


def test_the_words_of_unseen_combinations_are_themselves_seen(splits):
    seen = frozenset().union(*(pair.combinations for pair in splits["train"]))
    heads = {(kind, head) for kind, head, _ in seen}
    nouns = {noun for _, _, noun in seen}
    for pair in splits["test"]:
        for kind, head, noun in pair.combinations - seen:
            assert (kind, head) in heads
            assert noun in nouns


def test_training_holds_no_combination_that_is_held_out(splits):
    seen = frozenset().union(*(pair.combinations for pair in splits["train"]))
    assert not [combination for combination in seen if is_held_out(combination, SEED)]


def test_the_derivation_record_names_words_of_the_sentence(splits):
    """The record is checked against the text: its adjective and its noun stand in the English."""
    checked = 0
    for pair in splits["test"]:
        words = set(re.findall(r"\w+", pair.src.lower()))
        for kind, head, noun in pair.combinations:
            if kind == "adjective" and head in words:
                checked += 1
                assert words & {noun, noun + "s", noun + "es", "it", "them", "they"} or noun in (
                    *("child", "man", "woman", "policeman", "mouse"),
                    *("city", "story", "party"),
                )
    assert checked > 300


def _feature_ids(sentences: list[str], ids: dict[object, int]) -> list[np.ndarray]:
    """Per sentence the ids of its words and word pairs."""
    rows = []
    for sentence in sentences:
        words = ["<s>", *re.findall(r"\w+|[^\w\s]", sentence)]
        features = {*words, *pairwise(words)}
        rows.append(np.array([ids.setdefault(feature, len(ids)) for feature in features]))
    return rows


def nearest(queries: list[str], sentences: list[str]) -> list[int]:
    """For each query the sentence with the highest Dice overlap of words and word pairs."""
    ids: dict[object, int] = {}
    rows, query_rows = _feature_ids(sentences, ids), _feature_ids(queries, ids)
    sizes = np.array([len(row) for row in rows])
    flat = np.concatenate(rows)
    owners = np.repeat(np.arange(len(rows)), sizes)[np.argsort(flat, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=len(ids)))])
    found = []
    for row in query_rows:
        hits = np.concatenate([owners[starts[i] : starts[i + 1]] for i in row])
        overlap = np.bincount(hits, minlength=len(rows))
        found.append(int(np.argmax(2 * overlap / (sizes + len(row)))))
    return found


def test_copying_the_nearest_training_translation_scores_under_50_bleu(splits):
    train, test = splits["train"], splits["test"]
    copied = nearest([pair.src for pair in test], [pair.src for pair in train])
    hypotheses = [train[index].tgt for index in copied]
    score = sacrebleu.corpus_bleu(hypotheses, [[pair.tgt for pair in test]]).score
    assert 5 < score < 50  # under 5 would mean that the search is broken


def test_the_nearest_sentence_of_a_training_sentence_is_itself(splits):
    sentences = [pair.src for pair in splits["train"][:500]]
    assert nearest(sentences[:50], sentences) == list(range(50))


def test_sentences_look_like_sentences(splits):
    for pairs in splits.values():
        for pair in pairs:
            for text in (pair.src, pair.tgt):
                assert re.fullmatch(r"[A-ZÄÖÜ][\wäöüÄÖÜß' ,]*[.?!]", text), text
                assert not re.search(r"  | ,|,,|,[.?!]", text), text
            assert pair.src[-1] == pair.tgt[-1]
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", pair.src.lower()), pair.src
            uncontracted = r"\b(in|an|zu|von) dem\b|\b(in|an) das\b|\bzu der\b"
            assert not re.search(uncontracted, pair.tgt.lower()), pair.tgt
            assert 4 <= len(pair.src.split()) <= 15


def test_subordinate_clauses_stand_behind_a_comma(splits):
    conjunction = re.compile(r"(?<![,]) (weil|dass|ob|obwohl|bevor|aber|deshalb|um)\b(?! \w+ Uhr)")
    for pair in splits["train"]:
        assert not conjunction.search(pair.tgt), pair.tgt


def test_every_construction_is_frequent(splits):
    counts = Counter(pair.construction for pair in splits["train"])
    assert len(counts) >= 20
    assert min(counts.values()) >= 100
