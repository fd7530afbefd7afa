#!/usr/bin/env bash
# What fine-tuning gains on new text and loses on old: a model of Multi30k, tuned on the demo corpus.
#
#   benchmarks/fine_tuning.sh MULTI30K_RAW OUT
#
# Trains OUT/base on MULTI30K_RAW (train.en, valid.en, test2016.en, ...; 5 million target tokens),
# tunes it for 300 updates plainly, with frozen parts and with L2 to the start, and goes part of the
# way to the plainly tuned model. Prints a table of BLEU on Multi30k's test2016 and on the test set
# of the demo corpus, beam 5. Called again, it goes on: what is there is not trained again.
set -euo pipefail
raw=$(realpath "$1") out=$(realpath -m "$2")
cd "$(dirname "$0")/.."
recipe=configs/multi30k-en-de.yaml
mkdir -p "$out"

mtcli train "$recipe" --set data.root="$raw" --set run_dir="$out/base" --set training.max_steps=2441 \
    --set validation.every_steps=1250 --set checkpoints.every_steps=125

tune() { # NAME, then overrides
    local name=$1
    shift
    [ -e "$out/$name/done" ] && return
    mtcli train "$recipe" --set run_dir="$out/$name" --set training.init_from="$out/base" \
        --set 'data.train=[{src: data/demo/train.en, tgt: data/demo/train.de}]' \
        --set 'data.valid=[{src: data/demo/valid.en, tgt: data/demo/valid.de}]' \
        --set training.max_steps=300 --set schedule.warmup_steps=30 --set validation.every_steps=150 \
        --set checkpoints.every_steps=50 --set optim.lr=0.002 --set optim.adam_lr=8e-4 "$@"
    touch "$out/$name/done"
}
tune plain
tune frozen-embeddings --set 'training.freeze=[embeddings]'
tune frozen-encoder --set 'training.freeze=[embeddings, encoder]'
tune l2-0.01 --set regularization.l2_to_start=0.01
tune l2-0.1 --set regularization.l2_to_start=0.1
for share in 0.3 0.5 0.7; do
    rest=$(python -c "print(round(1 - $share, 1))")
    [ -e "$out/between-$share" ] || mtcli average -m "$out/base" -m "$out/plain" \
        --weights "$rest,$share" --output "$out/between-$share"
done

bleu() { # MODEL SRC REF
    mtcli eval -m "$1" --src "$2" --ref "$3" --json 2>/dev/null |
        python -c 'import json, sys; print(json.load(sys.stdin)[0]["score"])'
}
echo '| model | Multi30k test2016 | demo test |'
echo '|---|---|---|'
for name in base plain frozen-embeddings frozen-encoder l2-0.01 l2-0.1 between-0.3 between-0.5 between-0.7; do
    old=$(bleu "$out/$name" "$raw/test2016.en" "$raw/test2016.de")
    new=$(bleu "$out/$name" data/demo/test.en data/demo/test.de)
    printf '| %s | %.2f | %.2f |\n' "$name" "$old" "$new"
done
