from mtcli.translating.answer import Answer, Translation
from mtcli.translating.joining import join_answers


def answer(*texts, flags=(), unseen="", alignment=None):
    translations = tuple(
        Translation(text, -1.0 - k, -0.5, (1, 2), alignment) for k, text in enumerate(texts)
    )
    return Answer(translations, 1, flags, False, -0.5, unseen)


BLANK = Answer((Translation("", 0.0, 0.0),), 0, ("empty",), is_over_limit=False)


def test_the_kth_translation_joins_the_kth_of_each():
    joined = join_answers(
        [answer("a", "b", flags=("truncated",), unseen="xy"), BLANK, answer("c", unseen="yz")],
        ["one. ", "   ", "two."],
    )
    assert joined == Answer(
        (Translation("a c", -2.0, -0.5, (1, 2, 1, 2)),),
        2,
        ("split", "truncated"),
        is_over_limit=True,
        log_prob_per_piece=-2.0 / 6,
        unseen="xyz",
    )


def test_nothing_translated():
    assert join_answers([BLANK, BLANK], [" ", " "]) == BLANK


def test_all_that_was_translated_is_empty():
    assert join_answers([answer(""), answer("")], ["a ", "b"]).flags == ("empty", "split")


def test_links_count_the_words_of_the_whole_line():
    first = answer("A B", alignment=((0, 0), (1, 1)))
    second = answer("C D", alignment=((0, 1), (1, 0)))
    (joined,) = join_answers([first, second], ["a b ", "c d"]).translations
    assert joined.text == "A B C D"
    assert joined.alignment == ((0, 0), (1, 1), (2, 3), (3, 2))
    # cut inside a word, and joined without a space
    first = answer("一。", alignment=((0, 0), (1, 0)))
    (joined,) = join_answers([first, second], ["a b", "c d"]).translations
    assert joined.text == "一。C D"
    assert joined.alignment == ((0, 0), (1, 0), (1, 1), (2, 0))
