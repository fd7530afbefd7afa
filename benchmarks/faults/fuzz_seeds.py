"""A sound file for each reader that fuzz_readers.py fuzzes: what the fuzzer mutates first.

    python benchmarks/faults/fuzz_seeds.py FOLDER

Writes FOLDER/READER/NAME. Without them a fuzzer that is guided by the coverage of Python alone
finds no SentencePiece model and no weights: reading those is one call of a library.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from mtcli.bundle.card import ModelCard
from mtcli.config.schema.architecture import ModelConfig

CARD = ModelCard(
    src_lang="en",
    tgt_lang="de",
    architecture=ModelConfig(
        d_model=4, num_heads=2, d_ff=4, encoder_layers=1, decoder_layers=1, positions="rotary"
    ),
    src_vocab_size=4,
    tgt_vocab_size=4,
    shared_vocab=True,
    max_src_length=10,
)
"""Of the weights and the exports."""
PIECES = ["<pad>", "<unk>", "<s>", "</s>"]


def write_seeds(folder: Path) -> None:
    """Write the files; the folder must not exist."""
    import torch  # here, because the fuzzer, which takes CARD from here, fuzzes without it
    from safetensors.torch import save_file

    from mtcli.model.seq2seq import Seq2Seq
    from tests.support.exports import exported
    from tests.support.model_folder import write_tiny_model
    from tests.support.tokenizers import train_on_words

    root = Path(__file__).parents[2]
    model = Seq2Seq(CARD.architecture, CARD.src_vocab_size, CARD.tgt_vocab_size)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        train_on_words(made / "tokenizer.model")
        write_tiny_model(made / "model", made / "tokenizer.model")
        save_file(model.state_dict(), made / "weights")
        save_file({"a": torch.arange(5), "b": torch.zeros(3, dtype=torch.uint8)}, made / "shard")
        for quantization in ("float32", "int8"):
            exported(model, made / quantization, quantization, PIECES)
        files = {
            "json": [made / "model/model.json", made / "model/scores.json"],
            "manifest": [made / "model/MANIFEST.json"],
            "card": [made / "model/model.json"],
            "weights": [made / "weights"],
            "export": [made / "float32/model.bin", made / "int8/model.bin"],
            "tokenizer": [made / "tokenizer.model"],
            "rules": [made / "tokenizer.model"],
            "store": [made / "shard"],
            "yaml": [root / "configs/demo.yaml", root / "configs/documents.yaml"],
        }
        for reader, sources in files.items():
            (folder / reader).mkdir(parents=True)
            for number, source in enumerate(sources):
                shutil.copyfile(source, folder / reader / f"{number}")


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
