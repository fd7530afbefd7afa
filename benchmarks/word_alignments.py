"""How well a model of the demo aligns words, with the attention that it is told to use.

    python benchmarks/word_alignments.py MODEL

`tests/data/alignments` has 200 pairs of the demo's test corpus with gold alignments. Layer and head
are chosen on the first 100, by `mtcli explain --choose-alignment`; the alignment error rate on the
other 100 is printed for that choice, for the default, and for all others. It exits with 1 if the
chosen one is above 0.35.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

DATA = Path(__file__).parents[1] / "tests" / "data" / "alignments"
LIMIT = 0.35


def chosen(model: Path, folder: Path, part: slice, *options: str) -> list[str]:
    """What the command prints about some of the pairs."""
    files = []
    for option, name in (("--src", "gold.en"), ("--tgt", "gold.de"), ("--gold", "gold.align")):
        lines = (DATA / name).read_text(encoding="utf-8").splitlines()[part]
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        files += [option, str(folder / name)]
    command = [sys.executable, "-m", "mtcli", "explain", "-m", str(model), "--choose-alignment"]
    run = subprocess.run(
        [*command, *files, *options], check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return run.stdout.splitlines()


def main(model: Path) -> None:
    """Print what is found on both halves."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        print("chosen on the first 100:")
        print("\n".join(chosen(model, folder, slice(100), "-o", str(folder / "aligned"))))
        print("\non the other 100, as the model was:")
        print("\n".join(chosen(model, folder, slice(100, None))[:2]))
        print("\non the other 100, as the new model is:")
        found = chosen(folder / "aligned", folder, slice(100, None))
        print("\n".join(found))
    if float(found[1].split()[0]) > LIMIT:
        sys.exit(f"the error rate is above {LIMIT}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
