"""Keys of earlier releases are read as the keys that replaced them."""

import pytest

from mtcli.config.compare import identity_differences
from mtcli.config.provenance import explained_config
from mtcli.errors import ConfigError


def test_the_old_normalization_is_that_of_both_sides(load, smallest):
    config = load(smallest + "tokenizer: {normalization: nfkc}\n")
    assert config.tokenizer.src_normalization == config.tokenizer.tgt_normalization == "nfkc"
    for source, overrides in (
        (smallest, ["tokenizer.normalization=nfkc"]),
        (smallest + "tokenizer: {normalization: nmt_nfkc}\n", ["tokenizer.normalization=nfkc"]),
    ):
        assert load(source, *overrides) == config


def test_without_it_each_side_has_its_default(load, smallest):
    settings = load(smallest).tokenizer
    assert (settings.src_normalization, settings.tgt_normalization) == ("nmt_nfkc", "nfc")


@pytest.mark.parametrize("new", ["src_normalization", "tgt_normalization"])
def test_old_and_new_cannot_be_mixed(load, smallest, new):
    with pytest.raises(ConfigError) as caught:
        load(smallest + f"tokenizer: {{normalization: nfkc, {new}: nfc}}\n")
    assert "tokenizer.normalization" in str(caught.value)
    assert (
        "the old name of `src_normalization` and `tgt_normalization`,"
        f" and `{new}` is set as well; remove it" in str(caught.value)
    )


def test_a_wrong_value_is_reported_at_its_line(load, smallest):
    with pytest.raises(ConfigError) as caught:
        load(smallest + "tokenizer: {normalization: wu}\n")
    assert f"line {smallest.count(chr(10)) + 1:>3}" in str(caught.value)


def test_its_origin_is_explained(tmp_path, smallest):
    path = tmp_path / "my.yaml"
    path.write_text(smallest + "tokenizer:\n  normalization: nfkc\n")
    line = smallest.count("\n") + 2
    text = explained_config(path)
    for side in ("src", "tgt"):
        assert f"  {side}_normalization: nfkc  # my.yaml line {line}\n" in text


def test_a_run_of_an_earlier_release_resumes(load, smallest):
    """Its tokenizer is trained, and keeps its normalization."""
    old = load(smallest + "tokenizer: {normalization: nmt_nfkc}\n")
    assert identity_differences(old, load(smallest)) == []
