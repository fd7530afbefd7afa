"""Slow, obvious oracles that the fast paths are held against."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import torch

from mtcli.data.held_out_choice import content_key
from mtcli.data.randomness import Purpose, random_keys
from mtcli.decoding.options import Hypothesis, Sampling, SearchOptions

# ------------------------------------------------------------------------------------- data oracles


def held_out_by_content(
    pairs: list[tuple[str, str]], seed: int
) -> tuple[list[tuple[str, str]], list[int]]:
    """The min(1000, 2 %) held-out pairs, in their order, and the numbers of all that leave.

    Written for texts of lower-case letters, whose content is the text itself.
    """
    size = min(1000, max(1, int(0.02 * len(pairs))))
    by_key = sorted(set(pairs), key=lambda pair: content_key(pair, seed))[: 2 * size]
    srcs, tgts = Counter(src for src, _ in pairs), Counter(tgt for _, tgt in pairs)
    held: list[tuple[str, str]] = []
    leaving: list[int] = []
    for src, tgt in sorted(by_key, key=lambda pair: max(srcs[pair[0]], tgts[pair[1]]))[:size]:
        held.append((src, tgt))
        new = [i for i, pair in enumerate(pairs) if pair[0] == src or pair[1] == tgt]
        if len({*leaving, *new}) > 0.1 * len(pairs):
            held.pop()
            break
        leaving = sorted({*leaving, *new})
    return sorted(held, key=pairs.index), leaving


def held_out_by_number(num_pairs: int, seed: int) -> list[int]:
    """The min(1000, 2 %) pairs with the smallest random keys, at least one, ascending."""
    keys = random_keys(num_pairs, seed, Purpose.HOLDOUT).tolist()
    by_key = sorted(range(num_pairs), key=lambda index: keys[index])
    return sorted(by_key[: min(1000, max(1, int(0.02 * num_pairs)))])


# ------------------------------------------------------------------------------------ model oracles


def smoothed_cross_entropy_written_out(
    hidden_ND: torch.Tensor, weight_VD: torch.Tensor, ids_N: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """-sum over tokens and ids of label times log-probability, with the labels written out."""
    V = weight_VD.size(0)
    log_probs_NV = (hidden_ND @ weight_VD.T).log_softmax(-1)
    labels_NV = torch.full_like(log_probs_NV, smoothing / V)
    labels_NV[torch.arange(len(ids_N)), ids_N] += 1 - smoothing
    return -(labels_NV * log_probs_NV).sum()


def newton_schulz(update: torch.Tensor) -> torch.Tensor:
    """Five quintic iterations on one matrix (Jordan et al. 2024, `zeropower_via_newtonschulz5`)."""
    x = update.T if update.size(0) > update.size(1) else update
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return x.T if update.size(0) > update.size(1) else x


def muon_written_out(
    weight: torch.Tensor,
    gradients: list[torch.Tensor],
    lr: float,
    momentum: float,
    weight_decay: float,
) -> torch.Tensor:
    """One matrix after a Muon step for each of `gradients` (Jordan et al. 2024, algorithm 2)."""
    average = torch.zeros_like(weight)
    for gradient in gradients:
        average = momentum * average + (1 - momentum) * gradient
        update = (1 - momentum) * gradient + momentum * average
        length = max(1, weight.size(0) / weight.size(1)) ** 0.5
        weight = weight - lr * weight_decay * weight - lr * length * newton_schulz(update)
    return weight


def attention_written_out(
    attention: torch.nn.Module,
    x_BQD: torch.Tensor,
    keep: torch.Tensor | None,
    is_causal: bool,
) -> torch.Tensor:
    """softmax(Q K^T / sqrt(d_k)) V, head by head, heads joined: before the output projection."""
    H, G, K = attention.num_heads, attention.num_kv_heads, attention.head_dim
    q, k, v = attention.q_proj(x_BQD), attention.k_proj(x_BQD), attention.v_proj(x_BQD)
    if is_causal:
        keep = torch.ones(x_BQD.size(1), x_BQD.size(1), dtype=torch.bool).tril()[None, None]
    heads = []
    for h in range(H):
        g = h // (H // G)
        own_q = q[..., h * K : (h + 1) * K]
        own_k, own_v = k[..., g * K : (g + 1) * K], v[..., g * K : (g + 1) * K]
        scores = own_q @ own_k.transpose(-1, -2) / K**0.5
        scores = scores.masked_fill(~keep[:, 0], -torch.inf)
        heads.append(scores.softmax(-1) @ own_v)
    return torch.cat(heads, dim=-1)


def who_sees_whom(
    length: int,
    window: int,
    num_global: int,
    *,
    is_causal: bool,
    separators: frozenset[int] = frozenset(),
) -> torch.Tensor:
    """Mask QQ of local attention: window, global positions, and nothing later if it is causal.

    Positions of `separators` are global, too.
    """
    everywhere = separators | set(range(num_global))
    keep = torch.zeros(length, length, dtype=torch.bool)
    for query in range(length):
        for key in range(length):
            is_near = query - window < key if is_causal else abs(query - key) <= window
            is_global = key in everywhere or (query in everywhere and not is_causal)
            keep[query, key] = (is_near or is_global) and not (is_causal and key > query)
    return keep


def low_rank_written_out(
    attention: torch.nn.Module, x_BQD: torch.Tensor, lengths: list[int], rank: int
) -> list[torch.Tensor]:
    """Attention to means of keys and values, sentence by sentence, heads joined."""
    H, G, K = attention.num_heads, attention.num_kv_heads, attention.head_dim
    sentences = []
    for x_QD, length in zip(x_BQD, lengths, strict=True):
        x_QD = x_QD[:length]
        num_segments = min(rank, length)
        segments: list[list[int]] = [[] for _ in range(num_segments)]
        for position in range(length):
            segments[position * num_segments // length].append(position)
        sizes = torch.tensor([len(segment) for segment in segments], dtype=x_QD.dtype)
        q, k, v = attention.q_proj(x_QD), attention.k_proj(x_QD), attention.v_proj(x_QD)
        heads = []
        for h in range(H):
            g = h // (H // G)
            own = slice(g * K, (g + 1) * K)
            mean_k = torch.stack([k[segment, own].mean(0) for segment in segments])
            mean_v = torch.stack([v[segment, own].mean(0) for segment in segments])
            weights = sizes * (q[:, h * K : (h + 1) * K] @ mean_k.T / K**0.5).exp()
            heads.append(weights / weights.sum(-1, keepdim=True) @ mean_v)
        sentences.append(torch.cat(heads, dim=-1))
    return sentences


# ----------------------------------------------------------------------------------- search oracles


@dataclass
class TableState:
    """Which sentence each row belongs to, and what it was fed; BOS is not noted."""

    beam_size: int
    rows: list[tuple[int, tuple[int, ...] | None]]


class TableScorer:
    """A language model that is a table: fixed log-probabilities after every prefix, by sentence.

    The first source id of a sentence is its name, so that a batch may hold any sentences in any
    order. Sentences differ in how early they end. BOS is 0, EOS is 1. With `impossible`, that share
    of the tokens has probability zero.
    """

    dtype = torch.float64

    def __init__(self, vocab_size: int, *, seed: int, impossible: float = 0.0) -> None:
        self.vocab_size, self.seed, self.impossible = vocab_size, seed, impossible
        self.table: dict[tuple[int, ...], torch.Tensor] = {}
        self.batch_sizes: list[int] = []

    def after(self, sentence: int, prefix: tuple[int, ...]) -> torch.Tensor:
        """Log-probabilities V, in float64, of what follows a prefix."""
        key = (sentence, *prefix)
        if key not in self.table:
            generator = torch.Generator().manual_seed(hash((self.seed, *key)) % 2**31)
            logits_V = 2 * torch.randn(self.vocab_size, generator=generator, dtype=torch.float64)
            logits_V[1] += 0.5 * len(prefix) - sentence % 7
            dropped_V = torch.rand(self.vocab_size, generator=generator) < self.impossible
            dropped_V[2] = False
            self.table[key] = logits_V.masked_fill(dropped_V, -torch.inf).log_softmax(-1)
        return self.table[key]

    def start(self, src_ids_BS: torch.Tensor, *, beam_size: int, max_length: int) -> TableState:
        rows = [(name, None) for name in src_ids_BS[:, 0].tolist() for _ in range(beam_size)]
        return TableState(beam_size, rows)

    def log_probs(self, ids_R: torch.Tensor, state: TableState) -> torch.Tensor:
        assert len(ids_R) == len(state.rows)
        state.rows = [
            (sentence, () if prefix is None else (*prefix, token))
            for (sentence, prefix), token in zip(state.rows, ids_R.tolist(), strict=True)
        ]
        self.batch_sizes.append(len(state.rows) // state.beam_size)
        return torch.stack([self.after(*row) for row in state.rows])

    def reorder(self, rows_R: torch.Tensor, state: TableState) -> TableState:
        W, rows = state.beam_size, rows_R.tolist()
        assert [row // W for row in rows] == [row // W for row in range(len(state.rows))]
        return TableState(W, [state.rows[row] for row in rows])

    def keep_sentences(self, sentences_N: torch.Tensor, state: TableState) -> TableState:
        W = state.beam_size
        rows = [state.rows[s * W + w] for s in sentences_N.tolist() for w in range(W)]
        return TableState(W, rows)


def log_prob_in_table(scorer: TableScorer, sentence: int, tokens: tuple[int, ...]) -> float:
    """Log-probability of a token sequence, token by token."""
    return math.fsum(
        float(scorer.after(sentence, tokens[:i])[token]) for i, token in enumerate(tokens)
    )


def reference_greedy_search(
    scorer: TableScorer, sentence: int, options: SearchOptions
) -> tuple[int, ...]:
    """The likeliest token again and again, up to EOS, which is included."""
    tokens: tuple[int, ...] = ()
    while tokens[-1:] != (options.eos_id,) and len(tokens) < options.max_length:
        step = scorer.after(sentence, tokens).tolist()
        allowed = [token for token in range(len(step)) if token not in options.forbidden_ids]
        tokens = (*tokens, max(allowed, key=lambda token: step[token]))
    return tokens


def all_hypotheses(scorer: TableScorer, sentence: int, options: SearchOptions) -> list[Hypothesis]:
    """Every token sequence that ends in EOS or at the longest length, best first."""
    found = []

    def extend(tokens: tuple[int, ...], log_prob: float) -> None:
        is_complete = tokens[-1:] == (options.eos_id,)
        if is_complete or len(tokens) == options.max_length:
            kept = tokens[:-1] if is_complete else tokens
            score = log_prob / options.penalty(len(tokens))
            found.append(Hypothesis(kept, is_complete, log_prob, score))
            return
        for token, step in enumerate(scorer.after(sentence, tokens).tolist()):
            if step > -math.inf and token not in options.forbidden_ids:
                extend((*tokens, token), log_prob + step)

    extend((), 0.0)
    return sorted(found, key=lambda hypothesis: -hypothesis.score)


def reference_beam_search(
    scorer: TableScorer, sentence: int, options: SearchOptions, max_length: int
) -> list[Hypothesis]:
    """Beam search of one sentence in plain Python.

    `stop: optimal` is taken at its word: the search runs to the longest length, whatever it has.
    """
    W, eos_id = options.beam_size, options.eos_id
    live: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    found: list[Hypothesis] = []
    has_best_ended = False
    for length in range(1, max_length + 1):
        candidates = [
            (log_prob + step, (*tokens, token))
            for log_prob, tokens in live
            for token, step in enumerate(scorer.after(sentence, tokens).tolist())
            if step > -math.inf and token not in options.forbidden_ids
        ]
        candidates = sorted(candidates, key=lambda candidate: -candidate[0])[: 2 * W]
        width = W - len(found) if options.stop == "marian" else W
        for log_prob, tokens in candidates[:width]:
            is_complete = tokens[-1] == eos_id
            if is_complete or length == max_length:
                kept = tokens[:-1] if is_complete else tokens
                score = log_prob / options.penalty(length)
                found.append(Hypothesis(kept, is_complete, log_prob, score))
        has_best_ended = has_best_ended or (candidates[:1] and candidates[0][1][-1] == eos_id)
        has_penalty = options.penalty(1) != options.penalty(2)
        if options.stop != "optimal" and has_penalty and len(found) >= W:
            break
        enough = len(found) >= options.num_hypotheses
        if options.stop == "ctranslate2" and not has_penalty and has_best_ended and enough:
            break
        width = W - len(found) if options.stop == "marian" else W
        live = [candidate for candidate in candidates if candidate[1][-1] != eos_id][:width]
    best = sorted(found, key=lambda hypothesis: -hypothesis.score)
    return best[: options.num_hypotheses]


class ConstrainedTable(TableScorer):
    """The table of what `ConstrainedScorer` should say, prefix by prefix, in plain Python.

    The prefix that is asked of a sentence is that of its name.
    """

    def __init__(
        self, table: TableScorer, wanted: SearchOptions, prefixes: dict[int, tuple[int, ...]]
    ) -> None:
        super().__init__(table.vocab_size, seed=table.seed)
        self.inner, self.wanted, self.prefixes = table, wanted, prefixes

    def after(self, sentence: int, prefix: tuple[int, ...]) -> torch.Tensor:
        """Log-probabilities V, not renormalised."""
        raw = self.inner.after(sentence, prefix).tolist()
        forced, n = self.prefixes.get(sentence, ()), self.wanted.no_repeat_ngram
        if len(prefix) < len(forced):
            said = [-math.inf] * len(raw)
            said[forced[len(prefix)]] = raw[forced[len(prefix)]]
            return torch.tensor(said, dtype=torch.float64)
        said = []
        for token, log_prob in enumerate(raw):
            longer = (*prefix, token)
            ngrams = [longer[i : i + n] for i in range(len(longer) - n + 1)] if n else []
            if token in self.wanted.forbidden_ids or (ngrams[-1:] and ngrams[-1] in ngrams[:-1]):
                said.append(-math.inf)
            elif token in prefix:
                said.append(log_prob * self.wanted.repetition_penalty)
            else:
                said.append(log_prob)
        return torch.tensor(said, dtype=torch.float64)


class MeanTable(TableScorer):
    """The table of the mean probabilities of several tables."""

    def __init__(self, tables: list[TableScorer]) -> None:
        super().__init__(tables[0].vocab_size, seed=0)
        self.tables = tables

    def after(self, sentence: int, prefix: tuple[int, ...]) -> torch.Tensor:
        """Log-probabilities V."""
        said = [table.after(sentence, prefix).exp() for table in self.tables]
        return (sum(said[1:], said[0]) / len(said)).log()


# --------------------------------------------------------------------------------- sampling oracles


def sampling_distribution(log_probs: list[float], sampling: Sampling) -> list[float]:
    """Probability with which each token is drawn: temperature, then top-k, then top-p."""
    best = max(log_probs)
    weights = [math.exp((log_prob - best) / sampling.temperature) for log_prob in log_probs]
    ranked = sorted(range(len(weights)), key=lambda token: -weights[token])
    kept = [token for token in ranked[: sampling.top_k] if weights[token] > 0]
    if sampling.top_p is not None:
        total, mass, nucleus = math.fsum(weights[token] for token in kept), 0.0, []
        for token in kept:
            if mass < sampling.top_p * total:
                nucleus.append(token)
            mass += weights[token]
        kept = nucleus
    total = math.fsum(weights[token] for token in kept)
    return [weights[token] / total if token in kept else 0.0 for token in range(len(weights))]


def mixed_written_out(key: int, more: int) -> int:
    """SplitMix64 of key ^ more, in integers that do not wrap."""
    mask = 2**64 - 1
    key = (((key ^ more) & mask) + 0x9E3779B97F4A7C15) & mask
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) & mask
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) & mask
    return key ^ (key >> 31)


def reference_sample(
    scorer: TableScorer, sentence: int, options: SearchOptions, sampling: Sampling, key: int, k: int
) -> Hypothesis:
    """The k-th sample of one sentence, token by token."""
    row_key = mixed_written_out(mixed_written_out(sampling.seed, key), k)
    tokens: tuple[int, ...] = ()
    total = 0.0
    while tokens[-1:] != (options.eos_id,) and len(tokens) < options.max_length:
        raw = scorer.after(sentence, tokens).tolist()
        allowed = [
            -math.inf if token in options.forbidden_ids else log_prob
            for token, log_prob in enumerate(raw)
        ]
        wanted = (mixed_written_out(row_key, len(tokens) + 1) >> 12) / 2**52
        shares, mass = sampling_distribution(allowed, sampling), 0.0
        for token, share in enumerate(shares):  # noqa: B007
            mass += share
            if mass > wanted:
                break
        tokens = (*tokens, token)
        total += raw[token]
    is_complete = tokens[-1] == options.eos_id
    score = total / options.penalty(len(tokens))
    return Hypothesis(tokens[:-1] if is_complete else tokens, is_complete, total, score)


# ------------------------------------------------------------------------------------- evaluation


def longest_common_subsequence(first, second):
    """By the table that everybody knows: longest[i][j] of the first i and j words."""
    longest = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first, 1):
        for j, other in enumerate(second, 1):
            longest[i][j] = (
                longest[i - 1][j - 1] + 1
                if one == other
                else max(longest[i - 1][j], longest[i][j - 1])
            )
    return longest[-1][-1]
