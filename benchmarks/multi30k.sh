#!/usr/bin/env bash
# Trains configs/multi30k-en-de.yaml on local files and scores test2016: the figures of docs/results/training.md.
#   benchmarks/multi30k.sh DATA [RUN] [NPROC]      DATA holds {train,valid,test2016}.{en,de}
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(realpath "$1") run=${2:-runs/multi30k-en-de} nproc=${3:-2}
python=${PYTHON:-python}
time "$python" -m mtcli train configs/multi30k-en-de.yaml --nproc "$nproc" --set "data.root=$data" --set "run_dir=$run"
"$python" -m mtcli eval -m "$run" --src "$data/test2016.en" --ref "$data/test2016.de" --beam-size 5 --output "$run/test2016.de"
