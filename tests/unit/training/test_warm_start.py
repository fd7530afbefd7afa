"""`training.init_from`: weights and tokenizer of another model, or a sentence why not."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from mtcli.bundle.model_folder import read_model
from mtcli.config.load import load_config
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.training.setup import train
from tests.support.small_run import write_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(load_config(write_run(folder), working_dir=folder))
    return folder / "run"


def tune(folder, trained, *overrides):
    path = write_run(folder)
    options = [f"training.init_from={trained}", "training.max_steps=1", "validation.every_steps=1"]
    train(load_config(path, [*options, *overrides], working_dir=folder))
    return folder / "run"


def distance(run, other):
    one, two = (
        load_file(run / "best/model.safetensors"),
        load_file(other / "best/model.safetensors"),
    )
    return {name: np.abs(one[name] - two[name]).max() for name in one}


def test_it_starts_from_the_weights_and_keeps_the_tokenizer(trained, tmp_path):
    # the first update moves each weight by at most the learning rate, here 1e-9
    run = tune(tmp_path, trained, "optim.lr=1e-9")
    assert max(distance(run, trained).values()) < 1e-7
    name = "best/tokenizer.model"
    assert (run / name).read_bytes() == (trained / name).read_bytes()


def test_an_exponential_average_starts_from_the_weights_too(trained, tmp_path):
    run = tune(tmp_path, trained, "optim.lr=1e-9", "training.ema_decay=0.9")
    assert max(distance(run, trained).values()) < 1e-7


def test_what_the_model_had_seen_counts(trained, tmp_path):
    run = tune(tmp_path, trained)
    before, after = (read_model(path / "best").card.training for path in (trained, run))
    assert after.num_tgt_tokens_computed == before.num_tgt_tokens + after.num_tgt_tokens
    lines = (run / "metrics.jsonl").read_text().split("\n")[:-1]
    assert json.loads(lines[-1])["total_tgt_tokens_computed"] == after.num_tgt_tokens_computed


def test_it_goes_on_without_the_model_that_it_started_from(trained, tmp_path):
    from shutil import copytree

    copy = tmp_path / "copy"
    copytree(trained / "best", copy)
    folder = tmp_path / "new"
    folder.mkdir()
    tune(folder, copy)
    copy.rename(tmp_path / "gone")
    options = [f"training.init_from={copy}", "training.max_steps=2"]
    outcome = train(load_config(folder / "config.yaml", options, working_dir=folder))
    assert outcome.reason == "reached step 2, the last one"


def test_another_architecture_is_refused_by_the_name_of_a_weight(trained, tmp_path):
    with pytest.raises(
        ConfigError, match=r"in_proj.bias` has shape \[20\] by the `model` section, but \[24\]"
    ):
        tune(tmp_path, trained, "model.decoder_d_ff=20")


def test_another_tokenizer_is_refused_unless_it_is_wanted(trained, tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    train(
        load_config(
            write_run(first), ["tokenizer.vocab_size=50", "training.max_steps=1"], working_dir=first
        )
    )
    other = first / "run/tokenizer/tokenizer.model"
    second, third = tmp_path / "second", tmp_path / "third"
    for folder in (second, third):
        folder.mkdir()
    with pytest.raises(
        ConfigError, match=r"(?s)is not that of .* set\s`training.init_tokenizer: any`"
    ):
        tune(second, trained, f"tokenizer.model={other}")
    run = tune(
        third, trained, f"tokenizer.model={other}", "training.init_tokenizer=any", "optim.lr=1e-9"
    )
    weights = load_file(run / "best/model.safetensors")
    assert weights["shared_embed.weight"].shape[0] == 50
    theirs = load_file(trained / "best/model.safetensors")
    for name in weights:
        if name != "shared_embed.weight":
            np.testing.assert_allclose(weights[name], theirs[name], atol=1e-7)


def test_two_tokenizers_do_not_fit_one(trained, tmp_path):
    with pytest.raises(
        ConfigError,
        match=r"(?s)has one tokenizer, but `tokenizer.shared` asks for two\nhint: .*shared: true",
    ):
        tune(tmp_path, trained, "tokenizer.shared=false", "model.tied_embeddings=decoder")


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(ModelFolderError, match="there is no such run folder or model folder"):
        tune(tmp_path, tmp_path / "nowhere")
