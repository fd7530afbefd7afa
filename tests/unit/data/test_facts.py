"""What the statistics of a corpus mean for `preset: auto`."""

from mtcli.config.schema.data import TextSource
from mtcli.data.facts import facts_of, read_facts
from mtcli.data.statistics import corpus_statistics

PAIRS = [("a dog runs", "ein Hund läuft"), ("two dogs run", "zwei Hunde laufen"), ("", "nichts")]


def test_blank_pairs_are_not_counted():
    facts = facts_of(corpus_statistics(PAIRS))
    assert (facts.num_pairs, facts.num_words, facts.num_word_types) == (2, 12, 11)  # `a` is short
    assert (facts.src_letters, facts.tgt_letters) == (22, 31)
    assert facts.tgt_pieces == 31 / 4 + 2
    assert facts.num_characters == len(set("".join(f"{a}{b}" for a, b in PAIRS[:2])))
    assert not facts.is_sampled


def test_repeated_pairs_are_counted_once():
    once, often = (facts_of(corpus_statistics(pairs)) for pairs in (PAIRS, PAIRS * 10))
    assert (often.num_pairs, often.tgt_letters) == (once.num_pairs, once.tgt_letters)


def test_a_sign_of_chinese_counts_as_three_letters():
    facts = facts_of(corpus_statistics([("一只狗在跑", "a dog is running")]))
    assert (facts.src_letters, facts.tgt_letters) == (15.0, 16.0)


def test_rare_characters_are_told_from_frequent_ones():
    facts = facts_of(corpus_statistics([("ab" * 2000, "ab" * 2000), ("ß", "é")]))
    assert (facts.num_characters, facts.num_frequent_characters) == (4, 2)


def test_a_sample_of_a_large_corpus_is_called_one():
    pairs = [(f"word {n}", f"Wort {n}") for n in range(100)]
    assert facts_of(corpus_statistics(pairs, sample_size=20)).is_sampled
    assert not facts_of(corpus_statistics(pairs)).is_sampled


def test_a_corpus_of_blank_pairs_has_facts(tmp_path):
    (tmp_path / "a").write_text("\n \n")
    assert read_facts([TextSource(src=tmp_path / "a", tgt=tmp_path / "a")]).num_pairs == 1
