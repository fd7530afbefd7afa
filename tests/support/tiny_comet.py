"""Write a COMET checkpoint of a few thousand random weights, which needs no network.

Usage: ENVIRONMENT_OF_COMET/bin/python -P tests/support/tiny_comet.py FOLDER TEXT [TEXT ...]
`-P`, because files beside this one are called like packages. Its encoder is an XLM-RoBERTa whose
pieces are made of the texts. Prints the path to give to `comet-score --model`. Its scores mean
nothing: they show that the real program reads what mtcli gives it, and that mtcli reads what it
writes.
"""

import argparse
from pathlib import Path

import torch
import yaml
from comet.models import RegressionMetric
from pytorch_lightning import __version__ as lightning_version
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import RobertaProcessing
from tokenizers.trainers import UnigramTrainer
from transformers import XLMRobertaConfig, XLMRobertaTokenizerFast


def write_encoder(folder, texts):
    """The config and the tokenizer of an encoder, as the hub has them."""
    pieces = Tokenizer(Unigram())
    pieces.pre_tokenizer = Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>")
    pieces.train_from_iterator(texts, trainer)
    pieces.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer = XLMRobertaTokenizerFast(tokenizer_object=pieces)
    tokenizer.save_pretrained(folder)
    XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=514,
        type_vocab_size=1,
    ).save_pretrained(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("texts", type=Path, nargs="+")
    arguments = parser.parse_args()
    encoder = arguments.folder.resolve() / "encoder"
    lines = [line for path in arguments.texts for line in path.read_text("utf-8").splitlines()]
    write_encoder(encoder, lines)
    torch.manual_seed(1)
    model = RegressionMetric(
        pretrained_model=str(encoder),
        load_pretrained_weights=False,
        local_files_only=True,
        hidden_sizes=[12],
    )
    checkpoint = arguments.folder / "checkpoints/model.ckpt"
    checkpoint.parent.mkdir()
    torch.save(
        {
            "state_dict": model.state_dict(),
            "hyper_parameters": dict(model.hparams),
            "pytorch-lightning_version": lightning_version,
        },
        checkpoint,
    )
    hyperparameters = yaml.safe_dump(dict(model.hparams))
    (arguments.folder / "hparams.yaml").write_text(hyperparameters, "utf-8")
    print(checkpoint)


if __name__ == "__main__":
    main()
