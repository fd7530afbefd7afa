"""Progress below the cell of a notebook."""

import sys
from types import SimpleNamespace

import pytest

from mtcli.training.observers import notebook
from mtcli.training.observers.notebook import NotebookProgress, notebook_observers


class Page:
    """Stands in for IPython: what it shows, as text and as HTML."""

    def __init__(self, **config):
        self.shown = []
        self.get_ipython = lambda: SimpleNamespace(config=config)

    def display(self, shown, display_id):
        assert display_id
        self.update(shown)
        return self

    def update(self, shown):
        self.shown.append((repr(shown), shown._repr_html_()))


@pytest.fixture
def page(monkeypatch):
    page = Page(IPKernelApp={})
    monkeypatch.setitem(sys.modules, "IPython", page)
    monkeypatch.setitem(sys.modules, "IPython.display", page)
    return page


def step_metrics():
    return SimpleNamespace(loss_per_token=2.5, tgt_tokens_per_s=900.4, eta_s=61.0)


def validation(step, **changes):
    values = {
        "step": step, "bleu": 12.345, "chrf": 40.0, "loss_per_token": 2.0, "is_best": True,
        "sample_source": "a < b", "sample_hypothesis": "x", "sample_reference": "y",
    }  # fmt: skip
    values |= changes
    shown = lambda: [("BLEU", values["bleu"]), ("chrF", values["chrf"])]  # noqa: E731
    return SimpleNamespace(**values, shown_scores=shown)


def test_only_the_kernel_of_a_notebook_has_an_observer(page, monkeypatch):
    assert [type(observer) for observer in notebook_observers()] == [NotebookProgress]
    monkeypatch.setitem(sys.modules, "IPython", Page())  # a shell in a terminal
    assert notebook_observers() == []
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert notebook_observers() == []
    monkeypatch.delitem(sys.modules, "IPython")
    assert notebook_observers() == []


def test_the_page_follows_the_run(page, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(notebook.time, "monotonic", lambda: clock[0])
    observer = NotebookProgress()
    observer.stepped(1, 200)
    observer.stepped(2, 200)  # at once: not shown
    clock[0] += 0.5
    observer.stepped(3, 200)
    assert [text for text, _ in page.shown] == ["step 1/200", "step 3/200"]
    observer.reported(step_metrics())
    observer.validated(validation(3))
    text, html = page.shown[-1]
    assert text == (
        "step 3/200, loss 2.500, 900 target tokens/s, 1 min 01 s left\n"
        "  step 3: BLEU 12.35, chrF 40.00, loss 2.000"
    )
    assert '<progress value="0.0150"' in html
    assert "<td>12.35</td>" in html
    assert "best so far" in html
    assert "source: a &lt; b" in html
    observer.stepped(200, 200)  # the last one is shown, and nothing is left
    assert page.shown[-1][0].startswith("step 200/200, loss 2.500, 900 target tokens/s\n")


def test_a_run_without_a_known_end_has_a_bar_without_a_value(page):
    observer = NotebookProgress()
    observer.stepped(1, None)
    text, html = page.shown[-1]
    assert text == "step 1"
    assert "<progress style" in html
