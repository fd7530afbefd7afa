#!/usr/bin/env bash
# The first hour of a new user: files in, a model that translates out, with no key of the config
# that he had to know. Fails if a command fails or warns. A model of a short BUDGET may repeat itself,
# which is no fault of the way; and its training may end with 75, stopped by the budget.
#   bash benchmarks/new_user.sh [BUDGET [SRC TGT TEST_SRC TEST_REF SRC_LANG TGT_LANG]]
# Without files it takes the demo corpus. BUDGET is for training alone (10m).
set -euo pipefail
budget=${1:-10m}
if [[ $# -gt 1 ]]; then
  src=$(realpath "$2") tgt=$(realpath "$3") test_src=$(realpath "$4") test_ref=$(realpath "$5")
  src_lang=$6 tgt_lang=$7
else
  corpus=$(realpath "$(dirname "$0")/../data/demo")
  src=$corpus/train.en tgt=$corpus/train.de test_src=$corpus/test.en test_ref=$corpus/test.de
  src_lang=en tgt_lang=de
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# run NAME COMMAND...: shows what it says, and notices warnings
run() {
  local name=$1
  shift
  local code=0
  echo "\$ $*"
  "$@" 2> "$name.err" || code=$?
  cat "$name.err" >&2
  [[ $code == 0 || ($name == train && $code == 75) ]] || return "$code"
  if grep -i warning "$name.err" | grep -v 'got a translation that'; then
    echo "$name warns" >&2
    exit 1
  fi
}

run init mtcli init --src "$src" --tgt "$tgt" --src-lang "$src_lang" --tgt-lang "$tgt_lang"
cat my.yaml
run train mtcli train my.yaml --budget "$budget"
run eval mtcli eval -m runs/my --src "$test_src" --ref "$test_ref"
head -n 200 "$test_src" > some.txt
run translate mtcli translate -m runs/my -i some.txt -o translations.txt
run export mtcli export -m runs/my
run review mtcli translate -m runs/my -i some.txt -o exported.txt --review review.tsv --worst 20%
[[ $(wc -l < translations.txt) == $(wc -l < some.txt) ]]
[[ $(wc -l < exported.txt) == $(wc -l < some.txt) ]]
[[ $(wc -l < review.tsv) -gt 1 ]]
head -n 4 review.tsv
echo "no warning: init, train, eval, translate, export, review"
