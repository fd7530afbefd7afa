"""How often translations of the documents of `tests/data/documents` have the right pronoun.

    python benchmarks/pronouns.py HYPOTHESES [HYPOTHESES ...]

Each file holds the translations of `test.en`, a line for each line, blank ones between documents
included. English says `it` of every thing; which German pronoun that is, the noun of the sentence
before decides. A table has the share of lines with the right pronoun and no other, of all and by
pronoun.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.demo_corpus.documents import pronoun_accuracy

DATA = Path(__file__).parents[1] / "tests" / "data" / "documents"


def main(paths: list[str]) -> None:
    """Print a row for each file."""
    rows = (DATA / "test.pronouns.tsv").read_text(encoding="utf-8").splitlines()[1:]
    pronouns = [(int(number), pronoun) for number, pronoun in (row.split("\t") for row in rows)]
    kinds = sorted({pronoun for _, pronoun in pronouns})
    print(f"| | all {len(pronouns)} |" + "".join(f" {kind} |" for kind in kinds))
    print("|---|---|" + "---|" * len(kinds))
    num_lines = len((DATA / "test.en").read_text(encoding="utf-8").splitlines())
    for path in paths:
        hypotheses = Path(path).read_text(encoding="utf-8").split("\n")[:num_lines]
        if len(hypotheses) < num_lines:
            sys.exit(f"{path} has {len(hypotheses)} lines, not {num_lines}")
        groups = [pronouns, *([pair for pair in pronouns if pair[1] == kind] for kind in kinds)]
        cells = [f"{100 * pronoun_accuracy(hypotheses, group):.1f} %" for group in groups]
        print(f"| {path} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
