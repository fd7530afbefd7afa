"""Pretended translations: sentences with changed words, and references of them."""

import random

from tests.support.tokenizers import sentences

SMALL_WORDS = ["Bako", "3.14", "don't", "«ba»", "日本語", "1,000", ""]


def changed_sentences(number, num_references, seed=7):
    """Hypotheses, and lists of references; some hypotheses are a reference."""
    generator = random.Random(seed)
    references = sentences(number, seed=11)
    lists = [references, [" ".join(text.split(" ")[::-1]).upper() for text in references]]
    hypotheses = []
    for text in references:
        words = text.split(" ")
        for _ in range(generator.randint(0, 3)):
            words[generator.randrange(len(words))] = generator.choice(SMALL_WORDS)
        hypotheses.append(" ".join(words[: generator.randint(2, 12)]))
    return hypotheses, lists[:num_references]
