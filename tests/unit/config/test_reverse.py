"""The same run in the other direction."""

from mtcli.config.compare import differences
from mtcli.config.reverse import reverse_config

EVERYTHING = """\
src_lang: de
tgt_lang: en
run_dir: runs/a
data:
  train:
    - {src: train.de, tgt: train.en}
    - {kind: tsv, path: pairs.tsv, src_column: 3, tgt_column: 1}
    - {kind: jsonl, path: pairs.jsonl, src_field: german, tgt_field: english}
    - {kind: hub, name: x/y, split: train, src_field: de, tgt_field: en}
  valid:
    - {src: valid.de, tgt: valid.en}
model: {tied_embeddings: decoder}
tokenizer: {shared: false, src_model: de.model, tgt_model: en.model, sample_src: 0.1}
"""


def test_what_belongs_to_a_language_changes_sides(load, tmp_path):
    config = reverse_config(load(EVERYTHING))
    assert (config.src_lang, config.tgt_lang) == ("en", "de")
    assert config.run_dir == tmp_path / "runs/a-reverse"
    text, tsv, jsonl, hub = config.data.train
    assert (text.src, text.tgt) == (tmp_path / "train.en", tmp_path / "train.de")
    assert (tsv.path, tsv.src_column, tsv.tgt_column) == (tmp_path / "pairs.tsv", 1, 3)
    assert (jsonl.src_field, jsonl.tgt_field) == ("english", "german")
    assert (hub.name, hub.src_field, hub.tgt_field) == ("x/y", "en", "de")
    assert config.data.valid[0].src == tmp_path / "valid.en"
    assert config.tokenizer.src_model == tmp_path / "en.model"
    assert config.tokenizer.tgt_model == tmp_path / "de.model"


def test_what_belongs_to_a_side_stays(load):
    forward = load(EVERYTHING)
    backward = reverse_config(forward)
    assert (backward.tokenizer.sample_src, backward.tokenizer.sample_tgt) == (0.1, 0.0)
    touched = ("src_lang", "tgt_lang", "run_dir", "data.", "tokenizer.src_m", "tokenizer.tgt_m")
    assert [key for key in differences(forward, backward) if not key.startswith(touched)] == []


def test_without_validation_sources_there_are_none(load, smallest):
    assert reverse_config(load(smallest)).data.valid is None


def test_turned_twice_it_is_the_same_but_for_the_run_folder(load):
    forward = load(EVERYTHING)
    assert differences(forward, reverse_config(reverse_config(forward))) == ["run_dir"]
