"""Exports of models whose languages are named by tags."""

import json

import numpy as np
import pytest

from mtcli.bundle.model_folder import read_model
from mtcli.errors import ConfigError
from mtcli.interchange.foreign import Languages
from mtcli.interchange.huggingface import verification
from mtcli.interchange.huggingface.export import export_huggingface
from mtcli.interchange.importing import import_model
from mtcli.interchange.verification import Sentences
from tests.support.foreign import write_foreign, write_foreign_m2m100
from tests.support.huggingface import write_m2m100
from tests.support.tokenizers import sentences


@pytest.mark.parametrize("tgt_lang", ["fr", None])
def test_an_m2m100_that_is_imported_again_is_the_model(tmp_path, monkeypatch, tgt_lang):
    monkeypatch.setattr(verification, "find_spec", lambda _: None)
    write_foreign_m2m100(tmp_path / "m2m")
    languages = Languages("en", tgt_lang) if tgt_lang else Languages()
    first = import_model(tmp_path / "m2m", tmp_path / "first", languages)
    report = export_huggingface(tmp_path / "first", tmp_path / "export")
    assert (report.toolkit, report.warnings) == (
        "Hugging Face (M2M100ForConditionalGeneration)",
        (),
    )
    for name in ("vocab.json", "sentencepiece.bpe.model"):
        ours, theirs = (tmp_path / folder / name for folder in ("export", "m2m"))
        if name == "vocab.json":
            assert json.loads(ours.read_text("utf-8")) == json.loads(theirs.read_text("utf-8"))
        else:
            assert ours.read_bytes() == theirs.read_bytes()
    import_model(tmp_path / "export", tmp_path / "again", Languages())
    before, after = read_model(first.folder), read_model(tmp_path / "again")
    for key in ("architecture", "languages", "src_lang", "tgt_lang", "tgt_vocab_size"):
        assert getattr(after.card, key) == getattr(before.card, key)
    assert after.generation == before.generation
    expected = before.weights()
    for name, array in after.weights().items():
        np.testing.assert_array_equal(array, expected[name])


def test_tags_that_no_tokenizer_of_m2m100_numbers_are_refused(tmp_path):
    write_foreign_m2m100(tmp_path / "nllb", nllb=True)
    import_model(tmp_path / "nllb", tmp_path / "model")
    with pytest.raises(ConfigError, match=r"its \d+ tags of languages are not those of `M2M100Tok"):
        export_huggingface(tmp_path / "model", tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_words_before_sources_stay_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "find_spec", lambda _: None)
    write_foreign(tmp_path / "opus-mt-en-de", tags=["deu", "nld"])
    import_model(tmp_path / "opus-mt-en-de", tmp_path / "model")
    export_huggingface(tmp_path / "model", tmp_path / "export")
    import_model(tmp_path / "export", tmp_path / "again")
    before, after = read_model(tmp_path / "model").card, read_model(tmp_path / "again").card
    assert list(before.languages.tgt) == list(after.languages.tgt) == ["deu", "nld"]


@pytest.mark.slow
@pytest.mark.parametrize("beam_size", [1, 4])
def test_transformers_translates_an_m2m100_alike(tmp_path, beam_size):
    pytest.importorskip("transformers")
    write_m2m100(tmp_path / "m2m")
    path = tmp_path / "m2m/generation_config.json"
    values = json.loads(path.read_text("utf-8")) | {"num_beams": beam_size}
    path.write_text(json.dumps(values), "utf-8")
    import_model(tmp_path / "m2m", tmp_path / "model")
    report = export_huggingface(
        tmp_path / "model", tmp_path / "export", sentences=Sentences(tuple(sentences(8, seed=1)))
    )
    assert (report.agreement.num_lines, report.agreement.num_alike) == (8, 8)
    assert report.agreement.log_prob_difference < 1e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses:UserWarning")
def test_transformers_reads_a_word_before_a_source(tmp_path):
    pytest.importorskip("transformers")
    write_foreign(tmp_path / "opus-mt-en-de", tags=["deu", "nld"])
    import_model(tmp_path / "opus-mt-en-de", tmp_path / "model", Languages(tgt="nld"))
    report = export_huggingface(
        tmp_path / "model", tmp_path / "export", sentences=Sentences(tuple(sentences(8, seed=1)))
    )
    assert (report.agreement.num_lines, report.agreement.num_alike) == (8, 8)
