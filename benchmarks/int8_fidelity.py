"""How far int8 exports are from their model, rounded as CTranslate2 does and as mtcli does.

    python benchmarks/int8_fidelity.py MODEL SRC REF [--lines 400]

Log-probabilities of the reference's pieces, in nats: root mean square and largest difference from
the torch engine in float32. `exact sums` is CTranslate2's rounding computed by torch, with weights
and activations rounded row by row as its kernels do and sums that cannot run over: what a CPU with
VNNI gives. On a CPU without, the difference to CTranslate2's own is what its sums lose.
"""

import argparse
import tempfile
from pathlib import Path

import ctranslate2
import numpy as np
import torch
import torch.nn.functional as F

from mtcli.bundle.model_folder import read_model
from mtcli.engines.torch import TorchEngine
from mtcli.engines.torch_loading import load_weights
from mtcli.interchange.ctranslate2.rounding import round_weights
from mtcli.interchange.ctranslate2.spec import build_spec
from mtcli.tokenizer.sentencepiece import open_tokenizers

BATCH = 50
float_linear = F.linear


def rounded(x):
    scale = x.abs().amax(-1, keepdim=True).clamp_min(1e-9) / 127
    return (x / scale).round() * scale


def int8_linear(x, weight, bias=None):
    return float_linear(rounded(x), rounded(weight), bias)


def torch_log_probs(model, pairs):
    engine = TorchEngine(model, torch.device("cpu"))
    batches = [pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH)]
    scored = [engine.score(*zip(*batch, strict=True)) for batch in batches]
    return np.concatenate([log_probs for of_batch in scored for log_probs in of_batch])


def export_log_probs(spec, src_tokenizer, tgt_tokenizer, pairs):
    with tempfile.TemporaryDirectory() as folder:
        spec.save(folder)
        engine = ctranslate2.Translator(folder, inter_threads=1, intra_threads=1)
        scored = engine.score_batch(
            [[src_tokenizer.id_to_piece(i) for i in src] for src, _ in pairs],
            [[tgt_tokenizer.id_to_piece(i) for i in tgt] for _, tgt in pairs],
            max_batch_size=BATCH,
        )
    return np.concatenate([one.log_probs for one in scored])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("src", type=Path)
    parser.add_argument("ref", type=Path)
    parser.add_argument("--lines", type=int, default=400)
    arguments = parser.parse_args()
    bundle = read_model(arguments.model)
    tokenizers = open_tokenizers(bundle.src_tokenizer_path, bundle.tgt_tokenizer_path)
    texts = [
        path.read_text(encoding="utf-8").split("\n")[: arguments.lines]
        for path in (arguments.src, arguments.ref)
    ]
    pairs = [
        tuple(tokenizer.encode(text) for tokenizer, text in zip(tokenizers, pair, strict=True))
        for pair in zip(*texts, strict=True)
    ]
    pieces = [[t.id_to_piece(i) for i in range(t.vocab_size)] for t in tokenizers]
    model = load_weights(bundle).eval()
    expected = torch_log_probs(model, pairs)

    def show(name, found):
        difference = found - expected
        print(
            f"{name}: root mean square {np.sqrt(np.square(difference).mean()):.4f},"
            f" largest {np.abs(difference).max():.2f}"
        )

    def spec():
        return build_spec(bundle.card, bundle.weights(), *pieces)

    theirs, ours = spec(), spec()
    theirs.optimize(quantization="int8")
    show("rounded by CTranslate2", export_log_probs(theirs, *tokenizers, pairs))
    round_weights(ours, "int8")
    show("rounded by mtcli", export_log_probs(ours, *tokenizers, pairs))
    F.linear = int8_linear
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("embed.weight"):
                weight.copy_(rounded(weight))
    show("CTranslate2's rounding, exact sums", torch_log_probs(model, pairs))


if __name__ == "__main__":
    main()
