"""Run one measurement: `python -m mtcli.bench.worker JOB`, as one process or several."""

from __future__ import annotations

import sys
from pathlib import Path

from mtcli.bench.jobs import job_from_json
from mtcli.distributed.launch import should_launch, supervise
from mtcli.distributed.worker import end_worker, silence_torch
from mtcli.errors import ExitCode, MtcliError
from mtcli.folders import write_json
from mtcli.system.processes import die_with_parent
from mtcli.system.stop_signals import ending_on_signals


def main(job_file: str) -> int:
    """Run the job in this process, or in as many as it asks for; returns the exit code."""
    job = job_from_json(Path(job_file).read_text(encoding="utf-8"))
    if should_launch(job.nproc):
        return supervise([sys.executable, "-m", "mtcli.bench.worker", job_file], job.nproc)
    silence_torch()
    from mtcli.bench.measuring import measure

    try:
        result = measure(job)
    except MtcliError as error:
        write_json(Path(job.result), {"error": error.sentence, "hint": error.hint})
        return int(error.exit_code)
    if result is not None:
        write_json(Path(job.result), result)
    return ExitCode.OK


if __name__ == "__main__":
    with ending_on_signals(lambda number: 128 + number):
        die_with_parent()
        code = main(sys.argv[1])
        end_worker(code)
        sys.exit(code)
