"""Ways to translate a greedy repetition once more, on the sentences that have one.

    python benchmarks/second_attempts.py MODEL SRC REF

MODEL is a model folder that holds an export to CTranslate2. For each way: how many translations
still repeat themselves, the BLEU (tokenize none) of what is given out, that is, of the second
translation where it does not repeat itself and else of the first, and milliseconds a sentence.
"""

import argparse
import time
from pathlib import Path

import ctranslate2

from mtcli.bundle.export_record import CTRANSLATE2
from mtcli.bundle.model_folder import read_model
from mtcli.evaluation.metrics import bleu
from mtcli.tokenizer.sentencepiece import SentencePieceTokenizer
from mtcli.translating.repetition import is_repeated

CAP = 60
WAYS = {
    "none": {"beam_size": 1},
    "a beam of 2": {"beam_size": 2, "length_penalty": 0.2},
    "a beam of 4": {"beam_size": 4, "length_penalty": 0.2},
    "no three pieces twice": {"beam_size": 1, "no_repeat_ngram_size": 3},
    "no two pieces twice": {"beam_size": 1, "no_repeat_ngram_size": 2},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("src", type=Path)
    parser.add_argument("ref", type=Path)
    arguments = parser.parse_args()
    tokenizer = SentencePieceTokenizer(read_model(arguments.model).src_tokenizer_path, side="src")
    translator = ctranslate2.Translator(str(arguments.model / CTRANSLATE2), inter_threads=2)
    sides = (path.read_text("utf-8").split("\n")[:-1] for path in (arguments.src, arguments.ref))
    pairs = list(zip(*sides, strict=True))

    def search(sources, **options):
        found = translator.translate_batch(
            [tokenizer.encode_pieces(line) for line in sources],
            max_batch_size=32, max_decoding_length=CAP, max_input_length=0, **options,
        )  # fmt: skip
        return [[tokenizer.piece_to_id(p) for p in result.hypotheses[0]] for result in found]

    def repeats(source, ids):
        return is_repeated(tokenizer.encode(source), ids, tokenizer.decode, tokenizer.decode)

    greedy = search([source for source, _ in pairs], **WAYS["none"])
    own = [(*pair, ids) for pair, ids in zip(pairs, greedy, strict=True) if repeats(pair[0], ids)]
    print(f"{len(own)} of {len(pairs)} sentences")
    for name, options in WAYS.items():
        begun_s = time.perf_counter()
        second = search([source for source, *_ in own], **options)
        ms = 1000 * (time.perf_counter() - begun_s) / len(own)
        still = [repeats(source, ids) for (source, *_), ids in zip(own, second, strict=True)]
        given = [
            tokenizer.decode(first if is_still else ids)
            for (*_, first), ids, is_still in zip(own, second, still, strict=True)
        ]
        score = bleu(given, [ref for _, ref, _ in own], tgt_lang="de", tokenize="none").score
        print(f"{name}: {sum(still)} still repeat themselves, BLEU {score:.1f}, {ms:.1f} ms")


if __name__ == "__main__":
    main()
