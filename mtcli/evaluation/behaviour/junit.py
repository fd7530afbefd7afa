"""Write what a behaviour test found as JUnit XML, which CI systems show."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

import regex

from mtcli.evaluation.behaviour.outcomes import Outcome, Tally

_NOT_XML = regex.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(tallies: Sequence[Tally]) -> bytes:
    """The document: a test suite for each check, a test case for each case."""
    root = Element("testsuites", name="mtcli check")
    for tally in tallies:
        suite = SubElement(
            root,
            "testsuite",
            name=tally.name,
            tests=str(len(tally.outcomes)),
            failures=str(len(tally.failures)),
            errors="0",
            skipped=str(len(tally.outcomes) - tally.num_judged),
        )
        for number, outcome in enumerate(tally.outcomes, start=1):
            name = f"{number}: {outcome.case.name or outcome.trial.source}"
            element = SubElement(
                suite, "testcase", classname=f"mtcli.check.{tally.name}", name=_xml_text(name)
            )
            _add_verdict(element, outcome)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_verdict(element: Element, outcome: Outcome) -> None:
    reason = _xml_text(outcome.verdict.reason)
    if outcome.verdict.passed is None:
        SubElement(element, "skipped", message=reason)
    elif not outcome.verdict.passed:
        failure = SubElement(element, "failure", message=reason)
        failure.text = _xml_text(
            f"source: {outcome.trial.source}\nanswer: {outcome.trial.answer}\nreason: "
            f"{outcome.verdict.reason}"
        )


def _xml_text(text: str) -> str:
    """The text without characters that XML does not have."""
    return str(_NOT_XML.sub("\ufffd", text))
