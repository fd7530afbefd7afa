#!/usr/bin/env bash
# Check mtcli on a GPU within ten minutes, and leave one page of results: gpu_check.py does the work.
#
#   benchmarks/gpu_check.sh OUT [--device cuda|cpu] [--limit-s 570]
exec "${PYTHON:-python}" "$(dirname "$0")/gpu_check.py" "$@"
