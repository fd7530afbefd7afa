"""`mtcli average --weights`: the point between models, and what it refuses."""

import dataclasses
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from mtcli.bundle.model_folder import read_model, write_model
from mtcli.cli.app import app
from mtcli.config.load import load_config
from mtcli.errors import ConfigError, ModelFolderError
from mtcli.training.setup import train
from mtcli.workflows.interpolate import interpolate_models
from tests.support.model_folder import card_of, untrained_model, write_tiny_model
from tests.support.small_run import write_run
from tests.support.tokenizers import WORDS, train_on_words


@pytest.fixture
def models(tmp_path):
    train_on_words(tmp_path / "tokenizer.model")
    for seed, name in enumerate(("base", "tuned", "third"), 1):
        write_tiny_model(tmp_path / name, tmp_path / "tokenizer.model", seed=seed)
    return [tmp_path / "base", tmp_path / "tuned", tmp_path / "third"]


def weights(folder):
    return load_file(folder / "model.safetensors")


def run(*args):
    return CliRunner().invoke(app, ["average", *map(str, args)])


def test_each_weight_is_the_sum_of_its_shares(models, tmp_path):
    shares = (0.2, 0.5, 0.3)
    interpolate_models(models, shares, tmp_path / "mixed")
    parts = [weights(model) for model in models]
    mixed = weights(tmp_path / "mixed")
    assert mixed.keys() == parts[0].keys()
    for name, got in mixed.items():
        want = sum(s * p[name].astype(np.float64) for s, p in zip(shares, parts, strict=True))
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9, err_msg=name)
    assert read_model(tmp_path / "mixed").scores == ()


@pytest.mark.parametrize(("shares", "equal_to"), [((1.0, 0.0), 0), ((0.0, 1.0), 1)])
def test_the_ends_are_the_models_themselves(models, tmp_path, shares, equal_to):
    interpolate_models(models[:2], shares, tmp_path / "mixed")
    want = weights(models[equal_to])
    for name, got in weights(tmp_path / "mixed").items():
        np.testing.assert_array_equal(got, want[name])


def test_another_dropout_is_no_other_architecture(models, tmp_path):
    """A model is often tuned with more dropout; its card is kept, because it is the last."""
    tuned = rewritten(models[1], tmp_path / "other", dropout=0.4)
    interpolate_models([models[0], tuned], (0.5, 0.5), tmp_path / "mixed")
    assert read_model(tmp_path / "mixed").card.architecture.dropout == 0.4


def rewritten(model, path, **changes):
    """A copy of a model folder with another architecture in its card."""
    bundle = read_model(model)
    architecture = dataclasses.replace(bundle.card.architecture, **changes)
    card = dataclasses.replace(bundle.card, architecture=architecture)
    files = {"tokenizer.model": bundle.src_tokenizer_path}
    write_model(path, bundle.weights(), card, files, bundle.generation)
    return path


def test_the_command(models, tmp_path):
    base, tuned, _ = models
    result = run("-m", base, "-m", tuned, "--weights", "0.6,.4", "--output", tmp_path / "mixed")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'mixed'}: 0.6 of {base} and 0.4 of {tuned}\n"
    again = run("-m", base, "-m", tuned, "--weights", "0.6,0.4", "--output", tmp_path / "mixed")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "already exists\nhint: give another folder to `--output`" in again.stderr


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ("0.6;0.4", "`0.6;0.4` is not a valid list of numbers for `--weights`\nhint: use"),
        ("1", "`--weights` needs one number for each model: found 1 for 2 models"),
        ("0.2,0.3,0.5", "`--weights` needs one number for each model: found 3 for 2 models"),
        ("0.6,0.5", "the numbers of `--weights` must add up to 1, found a sum of 1.1\nhint: use"),
        ("-0.5,1.5", "`--weights` must be numbers from 0 to 1, found -0.5"),
    ],
)
def test_wrong_weights(models, tmp_path, shares, message):
    output = tmp_path / "mixed"
    result = run("-m", models[0], "-m", models[1], "--weights", shares, "--output", output)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert not output.exists()


def test_one_model_and_two_ways(models, tmp_path):
    one = run("-m", models[0], "--weights", "1", "--output", tmp_path / "mixed")
    assert "`--weights` needs at least two models\nhint: name them" in one.stderr
    both = run("-m", "a", "-m", "b", "--weights", "1,0", "--last", "2", "--output", "c")
    assert both.exit_code == 2
    assert "`--last`, `--best` and `--steps` those of one run; give only one" in both.stderr


def test_other_shapes_and_other_tokenizers_are_refused(models, tmp_path):
    base = models[0]
    norm = rewritten(base, tmp_path / "norm", activation="gelu")
    with pytest.raises(ModelFolderError, match=r"architectures, `activation` is gelu and relu"):
        interpolate_models([base, norm], (0.5, 0.5), tmp_path / "mixed")
    model = untrained_model()
    other = tmp_path / "other"
    bundle = read_model(base)
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    train_on_words(tmp_path / "other.model", tuple(word[::-1] for word in WORDS))
    files = {"tokenizer.model": tmp_path / "other.model"}
    write_model(other, arrays, card_of(model), files, bundle.generation)
    with pytest.raises(ModelFolderError, match="different tokenizers, so their embeddings are of"):
        interpolate_models([base, other], (0.5, 0.5), tmp_path / "mixed")
    with pytest.raises(ConfigError, match=r"`--validate` needs the validation pairs of a run"):
        interpolate_models([base, models[1]], (0.5, 0.5), tmp_path / "mixed", validates=True)
    assert not (tmp_path / "mixed").exists()


def test_it_is_validated_on_the_pairs_of_the_last_run(tmp_path):
    train(load_config(write_run(tmp_path), working_dir=tmp_path))
    other = shutil.copytree(tmp_path / "run", tmp_path / "copy", symlinks=True)
    models = [tmp_path / "run", other]
    scores = interpolate_models(models, (0.5, 0.5), tmp_path / "mixed", validates=True)
    want = read_model((tmp_path / "run" / "best").resolve()).scores
    assert scores == want == read_model(tmp_path / "mixed").scores
