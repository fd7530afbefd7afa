import json

import pytest

from mtcli.config.schema.data import DataConfig, TextSource
from mtcli.data import sources
from mtcli.data.overlap import Overlap, count_overlap, find_overlap
from mtcli.errors import DataError

TRAINING = [
    ("A dog.", "Ein Hund."),
    ("A cat.", "Eine Katze."),
    ("", ""),
    ("Yes.", "Ja."),
    ("Yes.", "Doch."),
]


@pytest.mark.parametrize(
    "pair",
    [
        ("A dog.", "Ein Hund."),
        ("a DOG.", "ein hund."),
        ("A  dog.\u00a0", "\tEin Hund."),
        ("Ａ\u00ad dog.", "Ein\u200b Hund."),
    ],
)
def test_pairs_are_found_whatever_case_space_and_form_they_have(pair):
    valid = [("A bird.", "Ein Vogel."), pair]
    assert count_overlap(valid, TRAINING) == Overlap(2, 1, 0, 2, *pair)


def test_sources_alone_are_counted_apart_and_targets_are_not():
    valid = [("Yes.", "Jawohl."), ("Yes.", "Ja."), ("Why?", "Ja."), ("", ""), ("A cat.", "")]
    assert count_overlap(valid, TRAINING) == Overlap(5, 1, 1, 2, "Yes.", "Ja.")
    assert count_overlap([("Yes.", "Jawohl.")], TRAINING) == Overlap(1, 0, 1)
    assert count_overlap([], TRAINING) == Overlap(0, 0, 0)


@pytest.fixture
def config(tmp_path):
    def source(name, pairs):
        paths = tmp_path / f"{name}.en", tmp_path / f"{name}.de"
        for side, path in enumerate(paths):
            path.write_text("".join(f"{pair[side]}\n" for pair in pairs))
        return TextSource(src=paths[0], tgt=paths[1])

    return DataConfig(
        train=[source("train", TRAINING)], valid=[source("valid", [("A cat.", "Eine Katze.")])]
    )


@pytest.fixture
def reads(monkeypatch):
    """The sources that were read so far."""
    reads = []
    real = sources._read_source
    monkeypatch.setattr(
        sources, "_read_source", lambda *args: (reads.append(args[0]), real(*args))[1]
    )
    return reads


EXPECTED = Overlap(1, 1, 0, 1, "A cat.", "Eine Katze.")


def test_the_corpus_is_read_once_until_it_changes(config, reads, tmp_path):
    assert [find_overlap(config, tmp_path / "cache") for _ in range(3)] == [EXPECTED] * 3
    assert len(reads) == 2
    (tmp_path / "valid.de").write_text("Katze.\n")
    assert find_overlap(config, tmp_path / "cache") == Overlap(1, 0, 1)
    (tmp_path / "train.en").write_text("A mouse.\n" * 5)
    assert find_overlap(config, tmp_path / "cache") == Overlap(1, 0, 0)


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"format_version": 1, "x": 2}'])
def test_a_damaged_cache_is_made_again(config, tmp_path, damage):
    find_overlap(config, tmp_path / "cache")
    (path,) = (tmp_path / "cache").glob("overlap_*.json")
    content = json.loads(path.read_text())
    path.write_text(damage)
    assert find_overlap(config, tmp_path / "cache") == EXPECTED
    assert json.loads(path.read_text()) == content


def test_a_cache_that_cannot_be_written_and_sources_that_are_missing(config, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    assert find_overlap(config, tmp_path / "cache") == EXPECTED
    assert find_overlap(DataConfig(train=config.train), tmp_path / "other") is None
    (tmp_path / "valid.en").unlink()
    with pytest.raises(DataError, match=r"valid\.en"):
        find_overlap(config, tmp_path / "other")
