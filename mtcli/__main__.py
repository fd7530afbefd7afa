"""`mtcli`, `python -m mtcli`, and what each of several training processes runs."""

from __future__ import annotations

import sys

from mtcli.errors import ExitCode
from mtcli.system.garbage import postpone_garbage_search
from mtcli.system.processes import die_with_parent
from mtcli.system.stop_signals import check_stop, ending_on_signals


def main() -> None:
    """Run the command line; this is the console script `mtcli`."""
    is_training = sys.argv[1:2] == ["train"] and "--check" not in sys.argv

    def exit_code(number: int) -> int:
        return ExitCode.STOPPED if is_training else 128 + number

    # all before imports that take seconds
    postpone_garbage_search()
    with ending_on_signals(exit_code, is_watched=is_training):
        die_with_parent()  # a killed launcher leaves none
        from mtcli.cli.app import main as run

        check_stop()
        run()


if __name__ == "__main__":
    main()
