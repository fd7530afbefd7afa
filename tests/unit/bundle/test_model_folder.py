import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import safetensors.numpy
from safetensors import SafetensorError

from mtcli.bundle.card import ModelCard, ModelScore, TrainingFacts
from mtcli.bundle.model_folder import read_model, verify_model, write_model
from mtcli.bundle.weight_shapes import weight_shapes
from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.decoding import DecodingConfig
from mtcli.config.schema.model_card import ModelCardConfig
from mtcli.errors import ModelFolderError, RunFolderError
from tests.support.manifests import fix_manifest

SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.5.1"
CARD = ModelCard(
    src_lang="en",
    tgt_lang="no",
    architecture=ModelConfig(d_model=12, num_heads=3, d_ff=20, positions="rotary"),
    src_vocab_size=40,
    tgt_vocab_size=40,
    shared_vocab=True,
    src_normalization="nmt_nfkc",
    tgt_normalization="nfc",
    max_src_length=17,
    training=TrainingFacts(num_steps=1200, num_tgt_tokens=3456789, num_pairs=29000),
)
GENERATION = DecodingConfig(beam_size=4, length_penalty=0.6)
SCORES = [ModelScore(metric="BLEU", score=35.25, signature=SIGNATURE, split="valid", beam_size=1)]
ARRAYS = {
    "encoder.weight": np.arange(12, dtype=np.float64).reshape(3, 4),
    "encoder.bias": np.arange(4, dtype=np.float16).reshape(2, 2).T,
}


@pytest.fixture
def tokenizer_file(tmp_path):
    path = tmp_path / "somewhere.model"
    path.write_bytes(b"sentencepiece")
    return path


@pytest.fixture
def model(tmp_path, tokenizer_file):
    path = tmp_path / "model"
    write_model(path, ARRAYS, CARD, {"tokenizer.model": tokenizer_file}, GENERATION, SCORES)
    return path


def edit_json(model, name, **changes):
    path = model / name
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")
    fix_manifest(model, name)


def test_what_is_written_is_read(tmp_path, tokenizer_file):
    model, draw = tmp_path / "model", np.random.default_rng(1)
    arrays = {name: draw.normal(size=shape) for name, shape in weight_shapes(CARD)}
    arrays["encoder.final_norm.weight"] = np.arange(12, dtype=np.float16)
    write_model(model, arrays, CARD, {"tokenizer.model": tokenizer_file}, GENERATION, SCORES)
    bundle = read_model(model)
    assert bundle.card == CARD
    assert bundle.generation == GENERATION
    assert bundle.scores == tuple(SCORES)
    assert bundle.src_tokenizer_path == bundle.tgt_tokenizer_path == model / "tokenizer.model"
    assert bundle.src_tokenizer_path.read_bytes() == b"sentencepiece"
    weights = bundle.weights()
    assert weights.keys() == arrays.keys()
    for name, array in arrays.items():
        assert weights[name].dtype == np.float32
        np.testing.assert_array_equal(weights[name], array.astype(np.float32))


def test_a_model_with_two_tokenizers(tmp_path, tokenizer_file):
    other = tmp_path / "other.model"
    other.write_bytes(b"the other")
    architecture = replace(CARD.architecture, tied_embeddings="decoder")
    card = replace(CARD, architecture=architecture, shared_vocab=False, tgt_vocab_size=50)
    files = {"tokenizer.tgt.model": other, "tokenizer.src.model": tokenizer_file}
    write_model(tmp_path / "two", ARRAYS, card, files, GENERATION)
    bundle = read_model(tmp_path / "two")
    assert bundle.src_tokenizer_path.read_bytes() == b"sentencepiece"
    assert bundle.tgt_tokenizer_path.read_bytes() == b"the other"
    assert bundle.scores == ()
    assert "40 source pieces, 50 target pieces" in (tmp_path / "two/README.md").read_text("utf-8")


def test_tokenizers_that_do_not_fit_the_card_are_a_bug(tmp_path, tokenizer_file):
    with pytest.raises(ValueError, match="do not fit"):
        write_model(
            tmp_path / "m", ARRAYS, CARD, {"tokenizer.src.model": tokenizer_file}, GENERATION
        )
    assert not (tmp_path / "m").exists()


def test_the_files_of_the_format(model):
    names = {path.name for path in model.iterdir()}
    assert names == {
        "model.safetensors", "model.json", "generation.json", "scores.json", "tokenizer.model",
        "MANIFEST.json", "README.md",
    }  # fmt: skip
    card = json.loads((model / "model.json").read_text("utf-8"))
    assert card["format_version"] == 2
    assert (card["src_normalization"], card["tgt_normalization"]) == ("nmt_nfkc", "nfc")
    assert card["architecture"] == asdict(CARD.architecture)
    assert (card["pad_id"], card["unk_id"], card["bos_id"], card["eos_id"]) == (0, 1, 2, 3)


def test_the_readme_states_the_facts(model):
    readme = (model / "README.md").read_text("utf-8")
    for fact in (
        "# en → no translation model",
        "| Parameters | 16 |",
        "| Normalization | nmt_nfkc (source), nfc (target) |",
        "| Training steps | 1,200 |",
        "| Training tokens (target) | 3,456,789 |",
        "| Training pairs | 29,000 |",
        "rotary positions",
        "beam 4, average normalization, length penalty 0.6",
        "mtcli translate -m",
        "For text like that which it was trained on.",
        "29,000 sentence pairs.",
        "| BLEU | 35.25 | valid | 1 | `" + SIGNATURE.replace("|", "\\|"),
    ):
        assert fact in readme


def test_a_model_is_not_written_over(model, tokenizer_file):
    with pytest.raises(RunFolderError, match="already exists"):
        write_model(model, ARRAYS, CARD, {"tokenizer.model": tokenizer_file}, GENERATION)


def test_weights_that_cannot_be_written_are_the_users(tmp_path, tokenizer_file, monkeypatch):
    def fail(*args, **kwargs):
        raise SafetensorError("No space left on device")

    monkeypatch.setattr(safetensors.numpy, "save_file", fail)
    with pytest.raises(RunFolderError, match=r"cannot write .*model\.safetensors: No space left"):
        write_model(tmp_path / "m", ARRAYS, CARD, {"tokenizer.model": tokenizer_file}, GENERATION)
    assert not list(tmp_path.glob("*m*.tmp*"))


NEEDED = ["model.safetensors", "model.json", "generation.json", "scores.json", "tokenizer.model"]


@pytest.mark.parametrize("name", [*NEEDED, "MANIFEST.json"])
def test_a_missing_file_is_named(model, name):
    (model / name).unlink()
    with pytest.raises(ModelFolderError) as info:
        read_model(model)
    assert f"`{name}` is missing" in str(info.value)


@pytest.mark.parametrize("name", NEEDED)
def test_a_flipped_bit_is_found_and_named(model, name):
    path = model / name
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFolderError) as info:
        read_model(model)
    assert str(info.value) == f"{path} is damaged: its SHA-256 is not the one in `MANIFEST.json`"


@pytest.mark.parametrize("name", NEEDED)
def test_a_cut_file_is_found_and_named(model, name):
    path = model / name
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelFolderError) as info:
        read_model(model)
    assert str(info.value) == (
        f"{path} is damaged: it has {size - 1} bytes, but `MANIFEST.json` says {size}"
    )


def test_large_files_are_hashed_too(model):
    """Up to 64 MB they were, and larger ones trained and translated otherwise in silence."""
    path = model / "model.safetensors"
    with path.open("r+b") as file:
        file.truncate(65 * 2**20)
        fix_manifest(model, path.name)
        file.seek(33 * 2**20)
        file.write(b"\1")
    with pytest.raises(ModelFolderError, match=r"model\.safetensors is damaged: its SHA-256"):
        read_model(model)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_neither_read_nor_written(model, tokenizer_file, value):
    arrays = {name: np.ones(shape, dtype=np.float32) for name, shape in weight_shapes(CARD)}
    name = sorted(arrays)[0]
    arrays[name].flat[-1] = value
    sentence = f"1 of {arrays[name].size} values of `{name}` are not finite numbers"
    with pytest.raises(ModelFolderError) as info:
        write_model(
            model.parent / "new", arrays, CARD, {"tokenizer.model": tokenizer_file}, GENERATION
        )
    assert str(info.value) == f"{model.parent / 'new'} is not written: {sentence}"
    assert not (model.parent / "new").exists()
    safetensors.numpy.save_file(arrays, model / "model.safetensors")
    fix_manifest(model, "model.safetensors")
    bundle = read_model(model)
    with pytest.raises(ModelFolderError) as info:
        bundle.weights()
    assert str(info.value) == f"{model / 'model.safetensors'} cannot be used: {sentence}"


def test_large_weights_whose_sum_overflows_are_finite(tmp_path, tokenizer_file):
    """The largest numbers of float32, which no training reaches, are numbers all the same."""
    largest = np.finfo(np.float32).max
    arrays = {name: np.full(shape, largest, np.float32) for name, shape in weight_shapes(CARD)}
    write_model(tmp_path / "m", arrays, CARD, {"tokenizer.model": tokenizer_file}, GENERATION)
    weights = read_model(tmp_path / "m").weights()
    assert all((weights[name] == array).all() for name, array in arrays.items())


def test_verify_accepts_what_was_written(model):
    assert verify_model(model).card == CARD


def test_people_may_edit_the_readme_and_add_files(model):
    (model / "README.md").write_text("Ours.", "utf-8")
    (model / "ctranslate2").mkdir()
    (model / ".gitattributes").write_text("*", "utf-8")
    assert read_model(model).card == CARD
    with pytest.raises(ModelFolderError, match=r"README\.md"):
        verify_model(model)


@pytest.mark.parametrize(("name", "newest"), [("MANIFEST.json", 1), ("model.json", 2)])
def test_a_newer_format_is_refused_by_name(model, name, newest):
    if name == "MANIFEST.json":
        manifest = json.loads((model / name).read_text("utf-8"))
        (model / name).write_text(json.dumps({**manifest, "format_version": 2}), "utf-8")
    else:
        edit_json(model, name, format_version=3)
    with pytest.raises(ModelFolderError) as info:
        read_model(model)
    sentence = f"has format_version {newest + 1}, but this mtcli reads versions up to {newest}"
    assert sentence in str(info.value)
    assert "upgrade" in str(info.value)


def test_format_version_1_says_nothing_of_normalization(model, tmp_path):
    path = model / "model.json"
    card = json.loads(path.read_text("utf-8"))
    del card["src_normalization"], card["tgt_normalization"]
    path.write_text(json.dumps({**card, "format_version": 1}), "utf-8")
    fix_manifest(model, "model.json")
    old = read_model(model).card
    assert old == replace(
        CARD, format_version=1, src_normalization="identity", tgt_normalization="identity"
    )
    # an average of such models is written in the new format, with the old behaviour
    files = {"tokenizer.model": model / "tokenizer.model"}
    write_model(tmp_path / "average", ARRAYS, old, files, GENERATION)
    assert read_model(tmp_path / "average").card == replace(old, format_version=2)


def test_keys_that_an_older_mtcli_did_not_know_take_defaults(model):
    path = model / "model.json"
    card = json.loads(path.read_text("utf-8"))
    del card["training"]
    del card["architecture"]["gated"]
    path.write_text(json.dumps(card), "utf-8")
    fix_manifest(model, "model.json")
    assert read_model(model).card == replace(CARD, training=None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"src_vocab_size": "many"},
            "invalid at `src_vocab_size`: Input should be a valid integer",
        ),
        ({"surprise": 1}, "invalid at `surprise`: Unexpected keyword argument"),
        ({"architecture": {"d_model": 7, "num_heads": 2}}, "d_model (7) must be a multiple"),
    ],
)
def test_a_card_of_a_stranger_is_checked(model, changes, sentence):
    edit_json(model, "model.json", **changes)
    with pytest.raises(ModelFolderError) as info:
        read_model(model)
    assert sentence in str(info.value)
    assert "model.json" in str(info.value)


def test_a_generation_that_cannot_be_is_refused(model):
    edit_json(model, "generation.json", beam_size=0)
    with pytest.raises(ModelFolderError, match=r"generation\.json is invalid at `beam_size`"):
        read_model(model)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format_version": 1}', b"\xff"])
def test_a_damaged_manifest(model, content):
    (model / "MANIFEST.json").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"MANIFEST\.json is damaged"):
        read_model(model)


def test_a_manifest_that_does_not_name_a_file(model):
    manifest = json.loads((model / "MANIFEST.json").read_text("utf-8"))
    del manifest["files"]["tokenizer.model"]
    (model / "MANIFEST.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(
        ModelFolderError, match=r"MANIFEST\.json is damaged: it does not list `tokenizer\.model`"
    ):
        read_model(model)


def test_no_such_folder(tmp_path):
    with pytest.raises(ModelFolderError, match="nowhere does not exist"):
        read_model(tmp_path / "nowhere")


def test_weights_that_are_no_safetensors(model):
    (model / "model.safetensors").write_bytes(b"\xff" * 20)
    fix_manifest(model, "model.safetensors")
    bundle = read_model(model)
    with pytest.raises(ModelFolderError, match=r"model\.safetensors is damaged and cannot be read"):
        bundle.weights()


# ---------------------------------------------------------------------------------- the model card


ABOUT = ModelCardConfig(
    license="cc-by-4.0", intended_use="Captions: of photos.", data="Captions 'as they are'."
)


def test_the_hub_reads_the_model_card(tmp_path, tokenizer_file):
    """huggingface_hub is the oracle: it reads what the hub shows."""
    from huggingface_hub import ModelCard as HubCard

    facts = TrainingFacts(num_steps=1, num_tgt_tokens=2, num_pairs=3, sources=["a.en, a.no", "x/y"])
    card = replace(CARD, about=ABOUT, training=facts)
    scores = [*SCORES, replace(SCORES[0], metric="loss", score=2.5, signature="")]
    path = tmp_path / "model"
    write_model(path, ARRAYS, card, {"tokenizer.model": tokenizer_file}, GENERATION, scores)
    hub_card = HubCard((path / "README.md").read_text("utf-8"))
    assert hub_card.data.language == ["en", "no"]
    assert hub_card.data.license == "cc-by-4.0"
    assert hub_card.data.pipeline_tag == "translation"
    assert hub_card.data.metrics == ["bleu"]
    (result,) = hub_card.data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_name) == (
        "bleu",
        35.25,
        "valid",
    )
    assert result.metric_args == {"signature": SIGNATURE, "beam_size": 1}
    for text in (
        "## Intended use\n\nCaptions: of photos.",
        "## Training data\n\nCaptions 'as they are'.\n\n3 sentence pairs of:\n\n- `a.en, a.no`\n",
        "## License\n\ncc-by-4.0",
        "from mtcli import Translator",
    ):
        assert text in hub_card.text
    assert read_model(path).card == card


def test_a_card_invents_nothing(tmp_path, tokenizer_file):
    from huggingface_hub import ModelCard as HubCard

    path = tmp_path / "model"
    card = replace(CARD, training=None, tgt_lang="en")
    write_model(path, ARRAYS, card, {"tokenizer.model": tokenizer_file}, GENERATION)
    hub_card = HubCard((path / "README.md").read_text("utf-8"))
    assert hub_card.data.to_dict() == {
        "language": ["en"], "library_name": "mtcli", "pipeline_tag": "translation",
        "tags": ["translation"],
    }  # fmt: skip
    assert "None was stated. Ask whoever trained the model." in hub_card.text
    assert "## Training data\n\nUnknown." in hub_card.text
    assert "None were measured." in hub_card.text
