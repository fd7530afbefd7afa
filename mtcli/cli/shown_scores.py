"""How `mtcli eval` prints what it found: a line for each score, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtcli.evaluation.metrics import Score
    from mtcli.evaluation.results import Results


def print_results(results: Results, *, as_json: bool, with_intervals: bool) -> None:
    """Print scores, then what a comparison with the baseline says, then scores of documents."""
    from mtcli.evaluation.metrics import score_of

    scores = {
        name: score_of(measured, with_interval=with_intervals)
        for name, measured in results.measured.items()
    }
    if as_json:
        _print_json(results, scores)
        return
    for score in scores.values():
        print(f"{score.metric} {shown(score)}  {score.signature}")
    for comparison in results.comparisons.values():
        print(comparison.in_words())
    if results.documents is not None:
        _print_documents(results)


def shown(score: Score) -> str:
    """A score with its 95 % interval, if it has one."""
    from mtcli.config.metric_names import digits_of

    digits = digits_of(score.metric)
    if score.low is None or score.high is None:
        return f"{score.score:.{digits}f}"
    return f"{score.score:.{digits}f} [{score.low:.{digits}f}, {score.high:.{digits}f}]"


def _print_documents(results: Results) -> None:
    """A table, the name of the document last because it may be long."""
    from mtcli.config.metric_names import digits_of

    digits = [digits_of(name) for name in results.measured]
    titles = [measured.metric for measured in results.measured.values()]
    print("  ".join(["lines", *(f"{title:>7}" for title in titles), "document"]))
    for document, scores in results.scores_of_documents().items():
        number = (results.documents or []).count(document)
        cells = [
            f"{score:{max(7, len(title))}.{places}f}"
            for title, score, places in zip(titles, scores.values(), digits, strict=True)
        ]
        print("  ".join([f"{number:5d}", *cells, document]))


def _print_json(results: Results, scores: dict[str, Score]) -> None:
    import json
    from dataclasses import asdict

    documents = results.scores_of_documents()
    objects = []
    for name, score in scores.items():
        entry: dict[str, Any] = {key: x for key, x in asdict(score).items() if x is not None}
        if name in results.comparisons:
            comparison = results.comparisons[name]
            entry["baseline_score"] = comparison.baseline_score
            entry["difference"] = comparison.difference
            entry["p_bootstrap"] = comparison.p_bootstrap
            entry["p_randomization"] = comparison.p_randomization
            entry["is_significant"] = comparison.is_significant
        if documents:
            entry["documents"] = {key: of_metrics[name] for key, of_metrics in documents.items()}
        objects.append(entry)
    print(json.dumps(objects, indent=2))
