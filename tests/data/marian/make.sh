#!/usr/bin/env bash
# The model and the numbers of this folder, made by Marian itself: pip install pymarian==1.12.42.
# Usage: make.sh, in a checkout of mtcli.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
demo=$(realpath data/demo)
cd "$(mktemp -d)"
head -20 "$demo/test.en" >"$here/source.txt"
head -20 "$demo/test.de" >"$here/reference.txt"
python - "$demo" <<'PYTHON'
import sys
import sentencepiece
for name, file, size in (("source", "train.en", 130), ("target", "train.de", 140)):
    sentencepiece.SentencePieceTrainer.train(
        input=f"{sys.argv[1]}/{file}", model_prefix=name, vocab_size=size, eos_id=0, unk_id=1,
        bos_id=-1, pad_id=-1, normalization_rule_name="identity", num_threads=1, minloglevel=2,
    )
PYTHON
mv source.model source.spm
mv target.model target.spm
pymarian train --type transformer --dim-emb 24 --enc-depth 2 --dec-depth 1 --transformer-heads 2 \
  --transformer-dim-ffn 48 --tied-embeddings --model model.npz \
  --train-sets "$demo/train.en" "$demo/train.de" --vocabs source.spm target.spm \
  --dim-vocabs 0 0 --max-length 120 --mini-batch 64 --shuffle-in-ram --cpu-threads 1 \
  --learn-rate 0.004 --lr-warmup 200 --after 2500u --seed 1 --clip-norm 0 --quiet --disp-freq 500u --workspace 500
cp model.npz source.spm target.spm "$here"
printf 'vocabs: [source.spm, target.spm]\nbeam-size: 4\nnormalize: 1\n' >"$here/decoder.yml"
common=(-m model.npz -v source.spm target.spm --cpu-threads 1 --quiet)
for beam in 1 4; do
  pymarian decode "${common[@]}" -b $beam --normalize 1 --n-best --mini-batch 1 -i "$here/source.txt" \
    >"$here/beam$beam.txt"
done
pymarian score "${common[@]}" -t "$here/source.txt" "$here/reference.txt" >"$here/scores.txt"
