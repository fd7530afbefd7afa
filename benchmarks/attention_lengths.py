"""The time of kinds of attention beside that of full attention, in turns in one process.

    python benchmarks/attention_lengths.py LENGTHS PIECES [--repeats 5] [--kinds KIND,KIND]
        [--only-encode]

LENGTHS is a list such as 64,128,256; a batch has PIECES source pieces, and 64 target pieces for
each source. The model has a d_model of 128, 4+4 layers, a window of 64 in both stacks (local) or a
rank of 64 in the encoder (low_rank), and one thread. For each length it prints the least CPU
milliseconds a sentence of encoding, and of a forward and backward pass, with their ratio to the
first kind's; at the end, the most memory that the process has taken. What takes turns is disturbed
alike by other work on the machine; `mtcli bench --lengths` measures in processes of their own.
"""

import argparse
import resource
import time

import torch

from mtcli.config.schema.architecture import ModelConfig
from mtcli.config.schema.attention import (
    FullAttentionConfig,
    LocalAttentionConfig,
    LowRankAttentionConfig,
)
from mtcli.model.seq2seq import Seq2Seq, TensorBatch
from mtcli.system.allocator import prepare_memory

NUM_PIECES, TGT_LENGTH = 2000, 64
KINDS = {
    "full": FullAttentionConfig(),
    "local": LocalAttentionConfig(kind="local", window=64),
    "low_rank": LowRankAttentionConfig(kind="low_rank", rank=64),
}


def make_model(kind, longest):
    decoder = FullAttentionConfig() if kind == "low_rank" else KINDS[kind]
    config = ModelConfig(
        d_model=128,
        encoder_layers=4,
        decoder_layers=4,
        num_heads=4,
        d_ff=256,
        max_positions=max(longest, TGT_LENGTH),
        encoder_attention=KINDS[kind],
        decoder_attention=decoder,
    )
    torch.manual_seed(0)
    return Seq2Seq(config, NUM_PIECES, NUM_PIECES)


def random_batch(length, pieces):
    num_sentences = max(1, pieces // length)
    src = torch.randint(4, NUM_PIECES, (num_sentences, length))
    tgt = torch.randint(4, NUM_PIECES, (num_sentences, TGT_LENGTH))
    return TensorBatch(src, None, tgt, torch.arange(tgt.numel()), tgt.flatten())


def encode(model, batch):
    model.eval()
    with torch.inference_mode():
        model.encode(batch.src_ids_BS, batch.src_keep_BS)


def train(model, batch):
    model.train().zero_grad()
    model(batch, 0.1).backward()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lengths")
    parser.add_argument("pieces", type=int)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kinds", default="full,local,low_rank")
    parser.add_argument("--only-encode", action="store_true")
    arguments = parser.parse_args()
    prepare_memory()
    torch.set_num_threads(1)
    lengths = [int(length) for length in arguments.lengths.split(",")]
    models = {kind: make_model(kind, max(lengths)) for kind in arguments.kinds.split(",")}
    for length in lengths:
        batch = random_batch(length, arguments.pieces)
        for run in (encode,) if arguments.only_encode else (encode, train):
            least = dict.fromkeys(models, float("inf"))
            for _ in range(arguments.repeats):
                for kind, model in models.items():
                    started = time.process_time()
                    run(model, batch)
                    least[kind] = min(least[kind], time.process_time() - started)
            first = next(iter(least.values()))
            texts = [
                f"{kind} {1e3 * spent_s / len(batch.src_ids_BS):.2f} ms ({spent_s / first:.3f})"
                for kind, spent_s in least.items()
            ]
            print(f"{length} {run.__name__}: {', '.join(texts)}", flush=True)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
