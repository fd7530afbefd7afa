"""Write a page from a template: one HTML file with everything in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtcli.config.metric_names import shown_metric
from mtcli.errors import MtcliError, RunFolderError
from mtcli.folders import write_text_atomically
from mtcli.reports.charts import Chart
from mtcli.system.durations import describe_duration

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, values: Mapping[str, Any], charts: Sequence[Chart], script: str) -> str:
    """The page of a template of this room.

    Args:
        template: name of its file.
        values: what it shows. Texts are escaped.
        charts: drawn where the template has an element of their names.
        script: what draws them, from `drawing_script`.
    """
    drawn = [
        {
            "name": chart.name,
            "spec": chart.spec,
            "series": [
                {"run": one.run, "kind": one.kind, **_rounded(one.columns)} for one in chart.series
            ],
        }
        for chart in charts
    ]
    return _environment().get_template(template).render(values, drawn=drawn, script=script)


def _environment() -> Environment:
    try:
        import jinja2
    except ImportError:
        raise MtcliError(
            "a page needs the library `jinja2`, which is not installed",
            hint="install it with `pip install 'jinja2>=3.1,<4'`",
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mtcli.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = describe_duration
    environment.filters["metric_name"] = shown_metric
    environment.filters["number"] = lambda number: f"{number:,}"
    return environment


def _rounded(columns: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Five digits are more than a plot shows; whole numbers stay as they are."""
    return {
        name: [n if isinstance(n, int) else float(f"{n:.5g}") for n in column]
        for name, column in columns.items()
    }


def write_page(path: Path, text: str) -> None:
    """Write the page, completely or not at all.

    Raises:
        RunFolderError: it cannot be written.
    """
    _check_place(path)
    write_text_atomically(path, text)


def check_page(path: Path) -> None:
    """See that a page can be made and written, before the work that it is about.

    Raises:
        RunFolderError: it cannot be written.
        MtcliError: a library is missing.
    """
    _check_place(path)
    _environment()


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise RunFolderError(f"{path} is a folder", hint="give the name of a file, ending in .html")
    if not path.parent.is_dir():
        raise RunFolderError(f"{path} cannot be written: the folder {path.parent} does not exist")
