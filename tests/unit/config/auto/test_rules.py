"""The rules of `preset: auto`: monotone, sound for every language, and open to the user's keys."""

import math
from dataclasses import replace

import pytest

from mtcli.config.auto.facts import TYPICAL, CorpusFacts, Machine, letters_per_sign
from mtcli.config.auto.rules import choose_recipe, choose_vocabulary
from mtcli.config.auto.sizes import REFERENCE, about, short
from mtcli.config.load import load_config
from mtcli.config.preset import merged

SIZES = [int(10 ** (3 + n / 12)) for n in range(6 * 12 + 1)]
"""Pairs, from a thousand to a billion."""

CPU = 4000.0
"""Target tokens per second of the reference shape on one core."""
MACHINES = {
    "no budget": Machine(),
    "ten minutes of one core": Machine(600.0, CPU),
    "a day of one core": Machine(86400.0, CPU),
    "an hour of a GPU": Machine(3600.0, 300_000.0, "cuda"),
    "a month of a GPU": Machine(30 * 86400.0, 300_000.0, "cuda"),
}
LANGUAGES = {  # characters of source and target, words of a pair, scripts, characters in all
    "captions": (62, 72, 24, ("Latin", "Latin"), 90),
    "long sentences": (140, 150, 50, ("Latin", "Latin"), 200),
    "Chinese": (26, 72, 13, ("Han", "Latin"), 5_000),
    "Japanese to Chinese": (30, 22, 2, ("Hiragana", "Han"), 6_000),
    "Thai": (60, 62, 13, ("Thai", "Latin"), 160),
    "Arabic": (55, 70, 22, ("Arabic", "Latin"), 140),
}


def facts(num_pairs, language="captions"):
    """A corpus whose lexicon and characters grow with it, as Heaps' law has it."""
    src, tgt, words, scripts, characters = LANGUAGES[language]
    num_words = words * min(num_pairs, 100_000)
    seen = min(characters, int(40 + characters * num_pairs / (num_pairs + 20_000)))
    weights = [letters_per_sign({script: 1.0}) for script in scripts]
    return CorpusFacts(
        num_pairs=num_pairs,
        src_letters=num_pairs * src * weights[0],
        tgt_letters=num_pairs * tgt * weights[1],
        num_words=num_words,
        num_word_types=int(8 * num_words**0.6) if words > 2 else num_words,
        num_characters=seen,
        num_frequent_characters=math.ceil(0.7 * seen),
        is_sampled=num_pairs > 100_000,
    )


def test_pairs_fit_the_positions_of_a_model_that_a_run_starts_from():
    free = choose_recipe(TYPICAL, Machine(), {"model": {"max_positions": 1024}})
    bound = choose_recipe(TYPICAL, Machine(), {"model": {"max_positions": 64}})
    assert free.values["data"]["max_length"] > 63
    assert bound.values["data"]["max_length"] == 63
    assert bound.values["decoding"]["max_length"] == 63
    assert bound.reasons["data", "max_length"] == "model.max_positions is 64"


def test_a_model_that_is_tuned_gets_a_tenth_of_the_rate_with_the_reason():
    start = {"training": {"init_from": "runs/demo"}}
    new, tuned = (choose_recipe(TYPICAL, Machine(), given) for given in ({}, start))
    for key in ("lr", "adam_lr"):
        assert tuned.values["optim"][key] == pytest.approx(new.values["optim"][key] / 10)
        assert "training.init_from: a tenth of a new model's" in tuned.reasons["optim", key]
    given = choose_recipe(TYPICAL, Machine(), {**start, "optim": {"lr": 0.5}})
    assert "lr" not in given.values["optim"]


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_more_pairs_never_mean_a_smaller_model_or_more_dropout(language, machine):
    recipes = [choose_recipe(facts(size, language), machine, {}).values for size in SIZES]
    rising = {
        "vocabulary": [r["tokenizer"]["vocab_size"] for r in recipes],
        "width": [r["model"]["d_model"] for r in recipes],
        "feed-forward width": [r["model"]["d_ff"] for r in recipes],
        "depth": [r["model"]["encoder_layers"] for r in recipes],
        "updates": [r["training"]["max_steps"] for r in recipes],
        "batch": [r["batch"]["tokens_per_update"] for r in recipes],
        "room for dropout": [1 - r["model"]["dropout"] for r in recipes],
        "room for sampling": [1 - r["tokenizer"]["sample_src"] for r in recipes],
    }
    for name, values in rising.items():
        assert values == sorted(values), name


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [2, 20, 200, 1000, 30_000, 10**6, 10**9])
def test_every_recipe_is_a_sound_config(tmp_path, size, language, machine):
    known = facts(size, language)
    recipe = choose_recipe(known, machine, {})
    user = {"src_lang": "en", "tgt_lang": "de", "run_dir": "r"}
    user |= {"data": {"train": [{"src": "a", "tgt": "b"}]}}
    config = load_config(merged(recipe.values, user), working_dir=tmp_path)
    pieces = config.tokenizer.vocab_size
    covered = known.num_characters
    if config.tokenizer.character_coverage < 1:
        covered = known.num_frequent_characters
    assert 260 + covered <= pieces <= 32_000
    if not known.is_sampled:  # else SentencePiece may find fewer
        assert pieces <= 260 + known.num_characters + known.num_word_types
    assert config.schedule.warmup_steps <= max(1, config.training.max_steps / 10)
    assert {(section, key) for section, keys in recipe.values.items() for key in keys} == set(
        recipe.reasons
    )
    assert all(recipe.reasons.values())


def test_a_corpus_of_signs_is_worth_as_much_as_its_translation():
    """The same pairs in Chinese have a third of the characters, and get the same model."""
    latin = choose_recipe(facts(200_000, "captions"), Machine(), {}).values
    han = choose_recipe(facts(200_000, "Chinese"), Machine(), {}).values
    assert han["model"] == latin["model"]
    assert han["tokenizer"]["vocab_size"] >= latin["tokenizer"]["vocab_size"]
    assert (han["tokenizer"]["character_coverage"], latin["tokenizer"]["character_coverage"]) == (
        0.9995,
        1.0,
    )


def test_a_budget_never_makes_a_model_larger():
    for size in SIZES:
        free = choose_recipe(facts(size), Machine(), {}).values
        bound = choose_recipe(facts(size), MACHINES["ten minutes of one core"], {}).values
        for section, key in (("model", "d_model"), ("tokenizer", "vocab_size")):
            assert bound[section][key] <= free[section][key]
        assert bound["model"]["dropout"] <= free["model"]["dropout"]
        assert (free["schedule"]["fit"], bound["schedule"]["fit"]) == ("steps", "budget")


def test_pieces_are_sampled_where_the_whole_recipe_fits():
    """Fewer updates do not learn sampled pieces, whatever shortens the run."""
    slow = MACHINES["ten minutes of one core"]
    for size, machine, given, sampling in (
        (1_500, Machine(), {}, 0.1),
        (1_500, slow, {}, 0.0),
        (1_500, Machine(), {"training": {"max_steps": 300}}, 0.0),
        (30_000, Machine(), {}, 0.0),
    ):
        recipe = choose_recipe(facts(size, "captions"), machine, given)
        assert recipe.values["tokenizer"]["sample_src"] == sampling
        assert ("learned slowly" in recipe.reasons["tokenizer", "sample_src"]) == (
            size == 1_500 and not sampling
        )


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ({"model": {"d_model": 96}}, ("model", "d_ff"), 192),
        ({"model": {"d_model": 96}}, ("model", "num_heads"), 4),
        ({"model": {"d_model": 100}}, ("model", "num_heads"), 5),
        ({"model": {"d_model": 512}}, ("optim", "adam_lr"), 0.002),
        ({"training": {"max_steps": 500}}, ("schedule", "warmup_steps"), 50),
        ({"training": {"max_epochs": 3}}, ("schedule", "warmup_steps"), 81),
        ({"training": {"ema_decay": 0.999}}, ("checkpoints", "average_last"), 1),
        ({"tokenizer": {"shared": False}}, ("model", "tied_embeddings"), "decoder"),
        ({"data": {"max_length": 6000}}, ("batch", "max_tokens"), 6001),
        ({"data": {"max_length": 300}}, ("decoding", "max_length"), 300),
        ({"tokenizer": {"shared": False}}, ("tokenizer", "vocab_size"), 6363),
        ({"validation": {"every_steps": 30}}, ("checkpoints", "every_steps"), 15),
        ({"tokenizer": {"vocab_size": "auto"}}, ("tokenizer", "vocab_size"), 9000),
    ],
)
def test_rules_go_by_what_the_user_set(given, key, value):
    recipe = choose_recipe(TYPICAL, Machine(), given)
    assert recipe.values[key[0]][key[1]] == value
    for section, keys in given.items():
        for name, of_user in keys.items():
            assert of_user == "auto" or name not in recipe.values.get(section, {})


def test_a_section_of_another_kind_takes_nothing():
    given = {"optim": {"kind": "adamw"}, "schedule": {"kind": "cosine"}}
    recipe = choose_recipe(TYPICAL, Machine(), given)
    assert recipe.values.keys().isdisjoint(given)
    same = choose_recipe(TYPICAL, Machine(), {"optim": {"kind": "muon", "lr": 0.01}})
    assert same.values["optim"].keys() == {"adam_lr", "clip_norm"}


@pytest.mark.parametrize(
    "given",
    [
        {"model": 5},
        {"model": {"d_model": "wide"}},
        {"model": {"d_model": -4, "num_heads": 0}},
        {"model": {"d_model": None}},
        {"batch": {"tokens_per_update": 0}},
        {"training": {"max_steps": None, "max_epochs": -1}},
        {"validation": {"every_steps": None}},
        {"tokenizer": ["auto"]},
    ],
)
def test_mistakes_of_the_user_are_left_to_the_loader(given):
    assert choose_recipe(TYPICAL, MACHINES["a day of one core"], given).values


@pytest.mark.parametrize(
    ("letters", "pieces"), [(10, 256), (768, 256), (769, 320), (2000, 704), (1e6, 1000)]
)
def test_long_texts_are_not_dropped(letters, pieces):
    recipe = choose_recipe(replace(TYPICAL, long_text_letters=letters), Machine(), {})
    assert recipe.values["data"]["max_length"] == pieces
    assert recipe.values["decoding"]["max_length"] == pieces


@pytest.mark.parametrize(("share", "drops"), [(0.0, False), (0.05, False), (0.2, True)])
def test_pairs_are_kept_once_where_many_are_doubled(share, drops):
    recipe = choose_recipe(replace(TYPICAL, doubled_share=share), Machine(), {})
    assert recipe.values["data"]["drop_duplicates"] is drops
    assert recipe.reasons["data", "drop_duplicates"] == (
        f"{share:.1%} of the pairs repeat an earlier one"
    )


def test_the_vocabulary_may_be_chosen_alone():
    recipe = choose_vocabulary(TYPICAL, Machine(), {"tokenizer": {"vocab_size": "auto"}})
    assert recipe.values == {"tokenizer": {"vocab_size": 9000}}
    assert recipe.reasons == {("tokenizer", "vocab_size"): "3.9 million characters of text"}


@pytest.mark.parametrize(
    ("number", "text"), [(12_345, "12,345"), (3.9e6, "3.9 million"), (2.5e9, "2.5 billion")]
)
def test_numbers_in_reasons_are_short(number, text):
    assert short(number) == text


def test_the_reference_shape_is_the_one_for_a_small_corpus():
    shape = choose_recipe(facts(10_000), Machine(), {}).values["model"]
    assert (shape["d_model"], shape["encoder_layers"], shape["d_ff"]) == (
        REFERENCE.d_model,
        REFERENCE.encoder_layers,
        REFERENCE.d_ff,
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.043, "0.043"), (1.0, "1"), (1.26, "1.3"), (12.6, "13"), (181.2, "180"), (4160, "4,200")],
)
def test_a_reason_has_no_exponent(number, text):
    assert about(number) == text
