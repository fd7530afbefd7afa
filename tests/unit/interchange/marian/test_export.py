"""Exports to Marian: what is the same, what is refused, and how it is verified."""

import subprocess
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from mtcli.bundle.model_folder import read_model, write_model
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.engines.choice import EngineOptions
from mtcli.errors import ConfigError, RunFolderError
from mtcli.interchange.foreign import Languages
from mtcli.interchange.foreign_export import ForeignVerificationError
from mtcli.interchange.importing import import_model
from mtcli.interchange.marian import export, folding, verification
from mtcli.interchange.marian.export import export_marian, refuse_unsupported
from mtcli.interchange.verification import Sentences
from mtcli.tokenizer.protocol import BOS_ID, PAD_ID
from mtcli.translating.request import TranslationRequest, open_scorer
from tests.support.marian import write_marian
from tests.support.model_folder import card_of
from tests.support.models import searched_model, tiny_model
from tests.support.tokenizers import WORDS_VOCAB_SIZE, sentences, train_on_words

MARIAN = {
    "positions": "sinusoidal_marian", "norm_position": "post", "norm_eps": 1e-6,
    "output_bias": True, "max_positions": 600,
}  # fmt: skip
SHAPES = {
    "one embedding": {},
    "decoder tied, from bos": {"tied_embeddings": "decoder", "target_start": "bos"},
    "untied, from eos, swish": {
        "tied_embeddings": "none", "target_start": "eos", "activation": "silu",
    },
    "not scaled": {"scale_embeddings": False},
    "decoder tied, not scaled": {"tied_embeddings": "decoder", "scale_embeddings": False},
    "another epsilon": {"norm_eps": 1e-5},
}  # fmt: skip
TEXTS = tuple(sentences(12, seed=3))
needs_marian = pytest.mark.skipif(
    find_spec(verification.PACKAGE) is None, reason=f"needs {verification.INSTALL}"
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.model"
    train_on_words(path)
    return path


@pytest.fixture
def no_marian(monkeypatch):
    monkeypatch.setattr(verification, "find_spec", lambda _: None)


def write(folder, tokenizer, **changes):
    """A model that gives padding and BOS no probability, as one that was trained does."""
    config = MARIAN | {"target_start": "pad"} | changes
    model = searched_model("post-norm", vocab_size=WORDS_VOCAB_SIZE, **config)
    weights = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    weights["output_bias"][[PAD_ID, BOS_ID]] = -100
    card = replace(card_of(model), src_normalization="identity")
    generation = DecodingConfig(beam_size=3, max_length=12, batch_size=4, length_penalty=0.6)
    write_model(folder, weights, card, {"tokenizer.model": tokenizer}, generation)
    return folder


def log_probs(model):
    scorer = open_scorer(
        TranslationRequest(models=(model,), engine=EngineOptions("torch", device="cpu"))
    )
    return [score.log_prob for score in scorer.score(list(zip(TEXTS, TEXTS[::-1], strict=True)))]


@pytest.mark.parametrize("name", SHAPES)
def test_an_export_that_is_imported_again_computes_the_same(tokenizer, tmp_path, no_marian, name):
    write(tmp_path / "model", tokenizer, **SHAPES[name])
    report = export_marian(tmp_path / "model", tmp_path / "export")
    assert (report.verified_with, report.agreement.share) == (None, 1)
    assert report.agreement.log_prob_difference < 1e-4
    told = "Marian adds 1e-06 to the variance in norms, the model 1e-05"
    assert [warning[: len(told)] for warning in report.warnings] == [told] * (name[:2] == "an")
    again = import_model(tmp_path / "export", tmp_path / "again", Languages("en", "de"))
    assert again.model.warnings == ()
    far = 1e-2 if report.warnings else 1e-3
    expected = pytest.approx(log_probs(tmp_path / "model"), abs=far)
    assert log_probs(tmp_path / "again") == expected
    generation = read_model(tmp_path / "again").generation
    assert (generation.beam_size, generation.length_penalty) == (3, 0.6)


def test_a_model_of_marian_comes_back_bit_by_bit(tmp_path, no_marian):
    write_marian(tmp_path / "marian")
    import_model(tmp_path / "marian", tmp_path / "model", Languages("en", "de"))
    export_marian(tmp_path / "model", tmp_path / "export")
    with (
        np.load(tmp_path / "marian/model.npz") as before,
        np.load(tmp_path / "export/model.npz") as after,
    ):
        assert before.keys() == after.keys()
        for name in before.files:
            np.testing.assert_array_equal(after[name], before[name], name)
    for name in ("source.spm", "target.spm"):
        assert (tmp_path / "export" / name).read_bytes() == (
            tmp_path / "marian" / name
        ).read_bytes()


@needs_marian
@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_marian_itself_translates_and_scores_as_the_model(tokenizer, tmp_path, name):
    model = write(tmp_path / "model", tokenizer, **SHAPES[name])
    short = Sentences(tuple(text[:9] for text in TEXTS))  # they limit the length
    report = export_marian(model, tmp_path / "export", sentences=short)
    assert report.verified_with.startswith("pymarian 1.")
    assert report.agreement.share == 1
    assert report.agreement.log_prob_difference < 1e-3
    sides = []
    for side, texts in (("src", TEXTS), ("tgt", TEXTS[::-1])):
        (tmp_path / side).write_text("".join(f"{text}\n" for text in texts), "utf-8")
        sides.append(str(tmp_path / side))
    spm = str(tmp_path / "export/vocab.spm")
    scored = subprocess.run(
        [verification.sys.executable, "-m", verification.PACKAGE, "score", "--quiet", "-m",
         str(tmp_path / "export/model.npz"), "-v", spm, spm, "-t", *sides, "--cpu-threads", "1"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert list(map(float, scored.stdout.split())) == pytest.approx(log_probs(model), abs=1e-3)


@pytest.mark.parametrize(
    ("variant", "changes", "keys"),
    [
        ("post-norm", {}, ["`model.positions: sinusoidal` instead of sinusoidal_marian"]),
        ("pre-norm", {}, ["`model.norm_position: pre` instead of post"]),
        (
            "rms silu gated",
            MARIAN,
            ["`model.norm: rms` instead of layer", "`model.bias: false` instead of true",
             "`model.gated: true` instead of false"],
        ),
        (
            "post-norm",
            MARIAN | {"activation": "gelu"},
            ["`model.activation: gelu` instead of relu or silu"],
        ),
        ("rotary", {}, ["`model.positions: rotary` instead of sinusoidal_marian"]),
        ("multi-query", MARIAN, ["`model.num_kv_heads: 1` instead of 3"]),
        ("head_dim", MARIAN, ["`model.head_dim: 10` instead of"]),
        ("local", MARIAN, ["`model.encoder_attention: local` instead of full"]),
        (
            "narrow decoder",
            MARIAN | {"decoder_num_heads": 1},
            ["`model.decoder_num_heads: 1` instead of 2"],
        ),
    ],
)  # fmt: skip
def test_architectures_that_marian_does_not_compute_are_refused_by_every_key(
    variant, changes, keys
):
    with pytest.raises(ConfigError) as info:
        refuse_unsupported(tiny_model(variant, **changes).config)
    for key in keys:
        assert key in info.value.sentence


def test_a_vocabulary_that_is_not_that_of_the_file_is_refused(tokenizer, tmp_path):
    from mtcli.tokenizer.numbering import with_vocabulary
    from tests.support.foreign import pieces_of

    pieces = pieces_of(tokenizer)
    path = tmp_path / "tokenizer.model"
    path.write_bytes(with_vocabulary(tokenizer.read_bytes(), [*pieces[:-1], "other"], [BOS_ID]))
    write(tmp_path / "model", path)
    with pytest.raises(ConfigError, match=r"of the source, only its \w+ has `.*\(and 1 more"):
        export_marian(tmp_path / "model", tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_a_wrong_weight_is_noticed_without_marian(tokenizer, tmp_path, no_marian, monkeypatch):
    write(tmp_path / "model", tokenizer, target_start="bos")

    def damaged(*arguments):
        config, weights = folding.folded(*arguments)
        bias = weights["output_bias"]
        return config, weights | {"output_bias": np.roll(bias, 9) + np.sin(np.arange(len(bias)))}

    monkeypatch.setattr(export, "folded", damaged)
    with pytest.raises(ForeignVerificationError, match="mtcli, which read it again, translates"):
        export_marian(tmp_path / "model", tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_what_marian_says_is_told_if_it_fails(tokenizer, tmp_path, monkeypatch):
    write(tmp_path / "model", tokenizer)
    monkeypatch.setattr(verification, "find_spec", lambda _: object())
    monkeypatch.setattr(verification, "version", lambda _: "1")
    monkeypatch.setattr(verification, "PACKAGE", "no_such_package")
    with pytest.raises(ForeignVerificationError) as info:
        export_marian(tmp_path / "model", tmp_path / "export")
    assert "no_such_package translated 0 of" in info.value.sentence
    assert "(exit code 1: " in info.value.sentence
    assert "No module named no_such_package" in info.value.sentence


def test_lines_that_are_too_long_and_folders_that_exist(tokenizer, tmp_path, no_marian):
    write(tmp_path / "model", tokenizer)
    with pytest.raises(ForeignVerificationError, match="none of 2 lines is short enough"):
        export_marian(
            tmp_path / "model", tmp_path / "export", sentences=Sentences((" ", "ba " * 900))
        )
    (tmp_path / "export").mkdir()
    with pytest.raises(RunFolderError, match="already exists"):
        export_marian(tmp_path / "model", tmp_path / "export")


def test_the_settings_of_the_search(tokenizer, tmp_path, no_marian):
    folder = write(tmp_path / "model", tokenizer)
    (folder / "generation.json").unlink()
    bundle = read_model(write(tmp_path / "other", tokenizer))
    yml = export._decoder_yml(bundle.generation, ("a.spm", "b.spm"))
    assert "beam-size: 3\nnormalize: 0.6\n" in yml
    none = export._decoder_yml(DecodingConfig(normalization="none"), ("a.spm", "b.spm"))
    assert "normalize: 0\n" in none
    gnmt = replace(bundle, generation=DecodingConfig(normalization="gnmt"))
    (warning,) = export._warnings(gnmt)
    assert "has the form `gnmt`, which Marian lacks" in warning


def test_an_n_best_list_is_read():
    lines = (
        "0 ||| a b ||| WordScores= -1.0 -2.0 ||| F0= -3 ||| -1.5\n"
        "0 ||| c ||| WordScores= -4.0 ||| F0= -4 ||| -4\n"
        "1 |||  ||| WordScores= -0.5 ||| F0= -0.5 ||| -0.5\n"
    )
    first, second = verification.best_lines(lines)
    assert (first.text, first.num_pieces, first.log_prob) == ("a b", 2, -3.0)
    assert (second.place, second.text, second.num_pieces) == (1, "", 1)
