#!/usr/bin/env bash
# mtcli's training step against a bare PyTorch loop on the same shape and batches, interleaved.
#   PEERS_HOME=FOLDER benchmarks/against_bare.sh BARE.PY [REPEATS] [tiny|base] [fp32|bf16]
# FOLDER holds data/{train.en,train.de,spm.model}; BARE.PY prints `tgt/s=`. Prints each pair and the
# median ratio mtcli / bare.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
bare=$(realpath "$1") repeats=${2:-5} shape=${3:-tiny} precision=${4:-fp32}
python=${PYTHON:-python}
export OMP_NUM_THREADS=2 PYTHONPATH=$here
cd "${PEERS_HOME:?set PEERS_HOME to the folder that holds data/}"
rate() { grep -o 'tgt/s= *[0-9]*' | head -1 | grep -o '[0-9]*$'; }
ratios=()
for ((i = 1; i <= repeats; i++)); do
    a=$("$python" "$here/benchmarks/tiny_step.py" data --shape "$shape" --precision "$precision" | rate)
    b=$("$python" "$bare" "$shape" "$precision" --upd 30 | rate)
    ratios+=("$(awk "BEGIN { printf \"%.3f\", $a / $b }")")
    echo "repeat $i: mtcli $a, bare $b target tokens/s, ratio ${ratios[-1]}"
done
printf '%s\n' "${ratios[@]}" | sort -n | awk '{ r[NR] = $1 } END {
    printf "median ratio %.3f (from %.3f to %.3f, %d repeats)\n", r[int((NR + 1) / 2)], r[1], r[NR], NR }'
