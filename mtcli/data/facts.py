"""The numbers of a corpus that `preset: auto` goes by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mtcli.config.auto.facts import CorpusFacts, letters_per_sign
from mtcli.config.schema.data import Source
from mtcli.data.sources import read_pairs
from mtcli.data.statistics import CorpusStatistics, corpus_statistics
from mtcli.tokenizer.train import MAX_SENTENCE_BYTES

_FREQUENT_SHARE = 0.9995
_NOT_LONG = 0.995


def read_facts(sources: Sequence[Source]) -> CorpusFacts:
    """Read the training pairs once, and count.

    Raises:
        DataError: as `read_pairs`.
    """
    return facts_of(corpus_statistics(read_pairs(sources)))


def facts_of(statistics: CorpusStatistics) -> CorpusFacts:
    """What the statistics of a corpus mean for a recipe."""
    usable = statistics.num_pairs - statistics.num_blank
    num_pairs = max(1, usable - statistics.num_doubled)
    distinct_share = num_pairs / max(1, usable)
    characters: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for _, *texts in statistics.sample:
        for text in texts:
            if len(text.encode()) <= MAX_SENTENCE_BYTES:  # the tokenizer is trained on no other
                characters.update(text)
                words.update(text.split())
    return CorpusFacts(
        num_pairs=num_pairs,
        src_letters=_letters(statistics.src.num_chars, statistics.src.scripts) * distinct_share,
        tgt_letters=_letters(statistics.tgt.num_chars, statistics.tgt.scripts) * distinct_share,
        num_words=words.total(),
        num_word_types=sum(len(word) > 1 for word in words),
        num_characters=len(characters),
        num_frequent_characters=_num_frequent(characters),
        long_text_letters=max(
            side.length_at(_NOT_LONG) * letters_per_sign(side.scripts)
            for side in (statistics.src, statistics.tgt)
        ),
        doubled_share=statistics.num_doubled / max(1, usable),
        is_sampled=len(statistics.sample) < usable,
    )


def _letters(num_chars: int, scripts: dict[str, float]) -> float:
    return num_chars * letters_per_sign(scripts)


def _num_frequent(characters: Counter[str]) -> int:
    """The fewest characters that make up nearly all of the text."""
    wanted, num_covered = _FREQUENT_SHARE * characters.total(), 0
    for number, (_, count) in enumerate(characters.most_common(), 1):
        num_covered += count
        if num_covered >= wanted:
            return number
    return len(characters)
