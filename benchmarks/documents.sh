#!/usr/bin/env bash
# Scores runs on the documents of the demo corpus: BLEU, and how often the pronoun is right.
#
#   benchmarks/documents.sh RUN [RUN ...]
#
# A run that was trained on documents translates them whole, another line by line. The translations
# stay in RUN/documents.de. The test text is tests/data/documents, which no training has seen.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
data=$here/tests/data/documents
outputs=()
for run in "$@"; do
    echo "$run"
    mtcli eval -m "$run" --src "$data/test.en" --ref "$data/test.de" --output "$run/documents.de"
    outputs+=("$run/documents.de")
done
python "$here/benchmarks/pronouns.py" "${outputs[@]}"
