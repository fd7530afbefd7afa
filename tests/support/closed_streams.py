"""A command whose standard input or output is closed."""

import subprocess
import sys


def with_closed_streams(closing, *arguments):
    """Exit code and standard error of `mtcli ARGUMENTS`, with `<&-` or `>&-` behind it."""
    result = subprocess.run(
        ["sh", "-c", f'"$0" -m mtcli "$@" {closing}', sys.executable, *map(str, arguments)],
        capture_output=True,
        check=False,
        input=b"" if closing.startswith(">") else None,
    )
    return result.returncode, result.stderr.decode()
