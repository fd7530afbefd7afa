"""Back-pointers against token sequences that are copied at every step."""

import random

import torch

from mtcli.decoding.history import History

W, V = 3, 7


def test_hypotheses_are_spelled_out_as_if_every_step_had_copied_them():
    for seed in range(20):
        random.seed(seed)
        history = History(torch.arange(6), beam_size=W, vocab_size=V)
        present = list(range(6))
        rows = {b: [[] for _ in range(W)] for b in present}
        ended = []
        for step in range(8):
            choices = {b: [random.randrange(W * V) for _ in range(W)] for b in present}
            for b in present:
                last = random.randrange(W * V)
                origin = int(history.origins(torch.tensor(last)))
                assert int(history.length(torch.tensor(origin))) == step + 1
                ended.append((b, origin, [*rows[b][last // V], last % V]))
                rows[b] = [[*rows[b][choice // V], choice % V] for choice in choices[b]]
            history.append(torch.tensor([choices[b] for b in present]))
            if step in (2, 5):
                present = random.sample(present, len(present) // 2)
                history.keep_sentences(torch.tensor(present))
        random.shuffle(ended)
        got = history.token_ids(
            torch.tensor([b for b, _, _ in ended]), torch.tensor([o for _, o, _ in ended])
        )
        assert got == [tokens for _, _, tokens in ended]


def test_nothing_to_spell_out_is_nothing():
    history = History(torch.arange(2), beam_size=W, vocab_size=V)
    none = torch.zeros(0, dtype=torch.long)
    assert history.token_ids(none, none) == []
