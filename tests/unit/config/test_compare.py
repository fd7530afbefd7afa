"""Which keys differ between two configs, and which of them make another run."""

from __future__ import annotations

import pytest

from mtcli.config.compare import (
    FREE_WITHIN_IDENTITY,
    IDENTITY_PREFIXES,
    differences,
    identity_differences,
)


def test_equal_configs_do_not_differ(load, smallest):
    assert differences(load(smallest), load(smallest)) == []
    assert identity_differences(load(smallest), load(smallest)) == []


def test_differences_are_dotted_and_in_the_order_of_the_schema(load, smallest):
    new = load(smallest, "training.max_steps=3", "model.norm=rms", "data.train[0].src=x", "seed=2")
    assert differences(load(smallest), new) == [
        "seed",
        "data.train[0].src",
        "model.norm",
        "training.max_steps",
    ]


def test_keys_that_only_one_kind_has_are_named(load, smallest):
    found = differences(load(smallest), load(smallest, "schedule.kind=cosine"))
    assert found == [
        "schedule.kind",
        "schedule.warmup_steps",
        "schedule.final_ratio",
        "schedule.fit",
    ]


def test_an_entry_more_is_named_once(load, smallest):
    new = load(smallest, "data.train[1]={src: x, tgt: y}")
    assert differences(load(smallest), new) == ["data.train[1]"]
    assert differences(new, load(smallest)) == ["data.train[1]"]


def test_lists_of_values_are_one_value(load, smallest):
    new = load(smallest, "optim.betas=[0.8, 0.98]", "tokenizer.user_symbols=[a, b]")
    assert differences(load(smallest), new) == ["tokenizer.user_symbols", "optim.betas"]


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("src_lang=fr", "src_lang"),
        ("tgt_lang=fr", "tgt_lang"),
        ("seed=2", "seed"),
        ("data.max_length=100", "data.max_length"),
        ("data.drop_identical=true", "data.drop_identical"),
        ("data.train[0].src=x", "data.train[0].src"),
        ("tokenizer.sample_src=0.1", "tokenizer.sample_src"),
        ("model.dropout=0.3", "model.dropout"),
        ("optim.kind=muon", "optim.kind"),
        ("batch.tokens_per_update=8192", "batch.tokens_per_update"),
        ("training.ema_decay=0.999", "training.ema_decay"),
    ],
)
def test_identity(load, smallest, override, key):
    assert identity_differences(load(smallest), load(smallest, override)) == [key]


@pytest.mark.parametrize(
    "override",
    [
        "run_dir=runs/b",
        "data.cache_dir=c",
        "data.prefetch_batches=2",
        "optim.lr=1e-3",
        "optim.weight_decay=0.1",
        "schedule.kind=cosine",
        "schedule.warmup_steps=5",
        "batch.max_tokens=8192",
        "training.max_steps=10",
        "training.max_epochs=10",
        "training.device=cpu",
        "training.precision=fp32",
        "training.label_smoothing=0",
        "training.log_every_steps=1",
        "validation.every_steps=10",
        "validation.patience=3",
        "decoding.beam_size=1",
        "checkpoints.keep_last=5",
    ],
)
def test_free_keys_differ_without_making_another_run(load, smallest, override):
    old, new = load(smallest), load(smallest, override)
    assert differences(old, new)
    assert identity_differences(old, new) == []


def test_a_root_that_leads_to_the_same_files_is_free(load, smallest, tmp_path):
    paths = [f"data.train=[{{src: {tmp_path / 'a'}, tgt: {tmp_path / 'b'}}}]"]
    old, new = load(smallest, *paths), load(smallest, *paths, "data.root=/elsewhere")
    assert differences(old, new) == ["data.root"]
    assert identity_differences(old, new) == []


def test_other_validation_data_is_free_but_held_out_pairs_are_not(load, smallest):
    held_out = load(smallest)
    given = load(smallest, "data.valid=[{src: a, tgt: b}]")
    other = load(smallest, "data.valid=[{src: c, tgt: b}, {kind: tsv, path: d}]")
    assert identity_differences(given, other) == []
    assert identity_differences(held_out, given) == ["data.valid"]
    assert identity_differences(given, held_out) == ["data.valid"]


def test_prefixes_are_keys(load, smallest):
    """A renamed key must not fall out of the identity unnoticed."""
    config = load(smallest)
    for prefix in (*IDENTITY_PREFIXES, *FREE_WITHIN_IDENTITY):
        section = config
        for name in prefix.split("."):
            section = getattr(section, name)


def test_a_prefix_is_no_mere_beginning(load, smallest):
    """`model` is not `model_of_something`: training.ema_decay must match whole names."""
    old = load(smallest)
    new = load(smallest, "batch.tokens_per_update=5000", "batch.max_tokens=5000")
    assert identity_differences(old, new) == ["batch.tokens_per_update"]
