"""Generate the data of configs/labels.yaml and configs/headlines.yaml.

`python -m scripts.demo_corpus.tasks` writes data/labels and data/headlines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scripts.demo_corpus.dice import Dice
from scripts.demo_corpus.english import english_sentence
from scripts.demo_corpus.news import draw_item, is_held_out
from scripts.demo_corpus.sentences import draw

SEED = 20261129
SIZES = {"train": 3000, "valid": 300, "test": 300}
LABELS = ("statement", "question", "command")


def labels(seed: int = SEED) -> dict[str, list[tuple[str, str]]]:
    """What a sentence does, told from its words alone, as many of each kind as of the others.

    The sentences are as a recognizer of speech writes them: lower case, no full stop or question
    mark.
    """
    dice = Dice(seed)

    def pair(number: int) -> tuple[str, str]:
        while True:
            _, sentence = draw(dice)
            label = sentence.mood.name.lower()
            if label == LABELS[number % len(LABELS)]:
                return english_sentence(sentence).rstrip(".?!").lower(), label

    return _splits(pair, lambda _split, _text: True)


def headlines(seed: int = SEED) -> dict[str, list[tuple[str, str]]]:
    """News in two or three sentences, and the headline that says who did what.

    In `valid` and `test` nobody does what they do in `train`.
    """
    dice, held_out = Dice(seed), set[str]()

    def pair(_number: int) -> tuple[str, str]:
        item = draw_item(dice)
        if is_held_out(item):
            held_out.add(item.text)
        return item.text, item.headline

    return _splits(pair, lambda split, text: (split != "train") == (text in held_out))


def _splits(
    pair: Callable[[int], tuple[str, str]], belongs: Callable[[str, str], bool]
) -> dict[str, list[tuple[str, str]]]:
    """Pairs by split; no text comes twice.

    Args:
        pair: makes one, given its number in the split.
        belongs: whether a text may be in a split.
    """
    seen: set[str] = set()
    splits: dict[str, list[tuple[str, str]]] = {}
    for name, size in SIZES.items():
        pairs = splits[name] = []
        while len(pairs) < size:
            src, tgt = pair(len(pairs))
            if src not in seen and belongs(name, src):
                seen.add(src)
                pairs.append((src, tgt))
    return splits


def task_files() -> dict[str, str]:
    """The content of each file, by its path in data/."""
    files = {}
    tasks: Sequence[tuple[str, str, Mapping[str, list[tuple[str, str]]]]] = (
        ("labels", "label", labels()),
        ("headlines", "headline", headlines()),
    )
    for folder, suffix, splits in tasks:
        for name, pairs in splits.items():
            files[f"{folder}/{name}.text"] = "".join(f"{src}\n" for src, _ in pairs)
            files[f"{folder}/{name}.{suffix}"] = "".join(f"{tgt}\n" for _, tgt in pairs)
    return files


if __name__ == "__main__":
    for name, content in task_files().items():
        path = Path(__file__).parents[2] / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8", newline="\n")
