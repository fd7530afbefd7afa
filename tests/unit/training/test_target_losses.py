import pytest

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.tokenizer.losses import count_losses
from mtcli.training import target_losses as module
from mtcli.training.target_losses import target_losses
from tests.support.tokenizers import tokenizer


@pytest.fixture
def data(tmp_path):
    for name, lines in (("src", "ba\nko\n"), ("tgt", "ba，ko\nko\n")):
        (tmp_path / name).write_text(lines, encoding="utf-8")
    return DataConfig(train=(TextSource(src=tmp_path / "src", tgt=tmp_path / "tgt"),))


def test_the_text_is_read_once_until_it_or_the_tokenizer_changes(data, tmp_path, monkeypatch):
    read = []

    def counted(sources):
        read.append(sources)
        return module_read(sources)

    module_read = module.read_pairs
    monkeypatch.setattr(module, "read_pairs", counted)
    lossy, file = tokenizer(tgt_normalization="nmt_nfkc"), tmp_path / "tokenizer.model"
    file.write_bytes(b"one")
    expected = count_losses(lossy, ["ba，ko", "ko"])
    assert expected.num_changed == 1

    assert target_losses(data, tmp_path, lossy, file) == expected
    assert target_losses(data, tmp_path, lossy, file) == expected
    assert len(read) == 1
    file.write_bytes(b"two")
    assert target_losses(data, tmp_path, tokenizer(), file).num_changed == 0
    assert len(read) == 2
    data.train[0].tgt.write_text("ba\nba\n", encoding="utf-8")
    assert target_losses(data, tmp_path, lossy, file).num_changed == 0
    assert len(read) == 3


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"format_version": 1}', "\0"])
def test_a_damaged_file_of_counts_is_written_again(data, tmp_path, damaged):
    lossy, file = tokenizer(tgt_normalization="nmt_nfkc"), tmp_path / "tokenizer.model"
    file.write_bytes(b"one")
    expected = target_losses(data, tmp_path, lossy, file)
    (kept,) = tmp_path.glob("losses_*.json")
    content = kept.read_bytes()
    kept.write_text(damaged, encoding="utf-8")
    assert target_losses(data, tmp_path, lossy, file) == expected
    assert kept.read_bytes() == content
