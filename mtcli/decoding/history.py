# Shape suffixes: B sentences of the batch, N sentences still in the search, W beam width,
#   X hypotheses to be read.
"""Back-pointers: what was chosen at every step, from which hypotheses are read at the end."""

from __future__ import annotations

import torch
from torch import Tensor


class History:
    """Back-pointers of a search; a step costs nothing but keeping a tensor.

    Reordering a table of token ids at every step would copy R * T numbers per step, and once more
    for every hypothesis that ends.

    Args:
        sentences_N: the sentences in the search, at first all of them.
        beam_size: W.
        vocab_size: V. A choice is hypothesis * V + token, an origin is length * W * V + choice.
    """

    def __init__(self, sentences_N: Tensor, *, beam_size: int, vocab_size: int) -> None:
        self.beam_size = beam_size
        self.vocab_size = vocab_size
        self._num_sentences = sentences_N.size(0)
        self._choices: list[Tensor] = []
        self._sentences: list[Tensor] = []
        self._current_N = sentences_N

    def append(self, choice_NW: Tensor) -> None:
        """Note which hypothesis each hypothesis continues, and with which token."""
        self._choices.append(choice_NW)
        self._sentences.append(self._current_N)

    def keep_sentences(self, sentences_N: Tensor) -> None:
        """From now on, only these sentences (numbers of the batch) are in the search."""
        self._current_N = sentences_N

    def origins(self, choice: Tensor) -> Tensor:
        """Origins of hypotheses that end now, in the step after the last one noted."""
        return choice + (len(self._choices) + 1) * self.beam_size * self.vocab_size

    def length(self, origin: Tensor) -> Tensor:
        """Number of tokens of the hypotheses, EOS counted."""
        return origin // (self.beam_size * self.vocab_size)

    def token_ids(self, sentence_X: Tensor, origin_X: Tensor) -> list[list[int]]:
        """Tokens of each hypothesis, its last one (EOS, or where it was cut) included.

        Args:
            sentence_X: number in the batch of the sentence that each belongs to.
            origin_X: its origin.
        """
        W, V = self.beam_size, self.vocab_size
        sentence_X, length_X = sentence_X.cpu(), self.length(origin_X).cpu()
        choice_X = (origin_X % (W * V)).cpu()
        longest = max(length_X.tolist(), default=0)
        ids_XT = torch.zeros((len(choice_X), longest), dtype=torch.long)
        place_B = torch.zeros(self._num_sentences, dtype=torch.long)
        sentences_N = None
        for step in reversed(range(longest)):
            # The last choice of a hypothesis is in its origin, all before are in the history.
            if step < longest - 1:
                if sentences_N is not self._sentences[step]:
                    sentences_N = self._sentences[step]
                    place_B[sentences_N.cpu()] = torch.arange(len(sentences_N))
                earlier_X = self._choices[step].cpu()[place_B[sentence_X], choice_X // V]
                choice_X = torch.where(step < length_X - 1, earlier_X, choice_X)
            ids_XT[:, step] = choice_X % V
        return [
            ids_T[:length] for ids_T, length in zip(ids_XT.tolist(), length_X.tolist(), strict=True)
        ]
