"""The data of configs/labels.yaml and configs/headlines.yaml are what the generator writes."""

from collections import Counter
from pathlib import Path

import pytest

from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.news import draw_item, is_held_out
from scripts.demo_corpus.tasks import LABELS, SIZES, task_files

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="module")
def files():
    return task_files()


def test_the_committed_files_are_the_generator_s(files):
    there = {
        path.relative_to(DATA).as_posix(): path.read_text("utf-8")
        for folder in ("labels", "headlines")
        for path in (DATA / folder).iterdir()
    }
    assert there == files


def test_the_splits_are_small_and_apart(files):
    assert sum(SIZES.values()) <= 5000
    for folder in ("labels", "headlines"):
        texts = [files[f"{folder}/{name}.text"].splitlines() for name in SIZES]
        assert [len(lines) for lines in texts] == list(SIZES.values())
        assert len({line for lines in texts for line in lines}) == sum(SIZES.values())


def test_every_label_comes_as_often_as_the_others(files):
    for name, size in SIZES.items():
        counts = Counter(files[f"labels/{name}.label"].splitlines())
        assert counts == dict.fromkeys(LABELS, size // 3)
    assert not set("?!") & set(files["labels/train.text"])


def test_headlines_are_shorter_than_their_text(files):
    for name in SIZES:
        pairs = zip(
            files[f"headlines/{name}.text"].splitlines(),
            files[f"headlines/{name}.headline"].splitlines(),
            strict=True,
        )
        assert all(3 <= len(short.split()) <= len(text.split()) / 2 for text, short in pairs)


def test_some_deeds_are_held_out():
    items = [draw_item(Dice(seed)) for seed in range(300)]
    assert 20 < sum(map(is_held_out, items)) < 80
