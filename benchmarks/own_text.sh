#!/usr/bin/env bash
# The README's recipe for own text, as it stands there, on the first 10,000 pairs of Multi30k; scored on its valid.
#   benchmarks/own_text.sh RAW OUT [BUDGET] [PAIRS]     RAW holds {train,valid}.{en,de}; OUT must not exist
# The run does not see valid: it holds out pairs of its own. For a figure, OMP_NUM_THREADS=1 and a quiet core.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd); export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
raw=$(realpath "$1") budget=${3:-25m} pairs=${4:-10000} python=${PYTHON:-python}
mkdir "$2"; cd "$2"
for lang in en de; do head -n "$pairs" "$raw/train.$lang" > "my.$lang"; done
"$python" - "$root/README.md" > my.yaml <<'PYTHON'
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
print(re.search(r"## Your own text.*?```yaml\n(.*?)```", text, re.S)[1], end="")
PYTHON
cat my.yaml
# finished, or stopped by the budget (75)
"$python" -m mtcli train my.yaml --budget "$budget" || [[ $? == 75 ]]
"$python" -m mtcli eval -m runs/mine --src "$raw/valid.en" --ref "$raw/valid.de" --beam-size 1
