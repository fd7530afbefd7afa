"""Format an answer as a line of text, an n-best list, or a JSON object."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence

from mtcli.streaming.lines import Line, encode_line
from mtcli.streaming.resume import Layout
from mtcli.translating.alignment import pharaoh
from mtcli.translating.answer import Answer, Translation

Pieces = Callable[[Sequence[int]], list[str]]
"""The pieces of token ids."""

# json.dumps does not escape these, and some tools break lines at them
_CONTROL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


def window_records(
    pairs: Sequence[tuple[Line, Answer]],
    num_before: int,
    layout: Layout,
    pieces: Pieces,
    *,
    with_n_best: bool,
) -> list[bytes]:
    """The bytes to write for each line of a window.

    Args:
        pairs: the lines and their answers.
        num_before: lines before the window.
        layout: what the output holds.
        pieces: names token ids, for JSON.
        with_n_best: whether JSON objects list all translations.
    """
    match layout:
        case "text":
            return [text_record(line, answer) for line, answer in pairs]
        case "n_best":
            return [
                n_best_record(index, answer) for index, (_, answer) in enumerate(pairs, num_before)
            ]
        case "jsonl":
            return [
                json_record(number, line, answer, pieces, with_n_best=with_n_best)
                for number, (line, answer) in enumerate(pairs, num_before + 1)
            ]


def text_record(line: Line, answer: Answer) -> bytes:
    """The best translation, with the ending of its line; of a blank line, its own bytes.

    An alignment follows as in Marian: `text ||| 0-0 1-2`.
    """
    if line.blank is not None:
        return line.blank + line.ending
    text = answer.translations[0].text + _alignment_field(answer.translations[0])
    # an empty answer to a last line without an ending would not be a line
    return encode_line(text, line.ending if text else line.ending or b"\n")


def n_best_record(index: int, answer: Answer) -> bytes:
    """Moses' n-best format: `index ||| text ||| logprob= LOG_PROB ||| SCORE`, best first, and a
    last field with the alignment where there is one.

    Args:
        index: number of the input line, counted from 0.
        answer: its translations.
    """
    return b"".join(
        encode_line(
            f"{index} ||| {entry.text} ||| logprob= {entry.log_prob:.4f} ||| {entry.score:.4f}"
            + _alignment_field(entry),
            b"\n",
        )
        for entry in answer.translations
    )


def json_record(
    number: int, line: Line, answer: Answer, pieces: Pieces, *, with_n_best: bool
) -> bytes:
    """A JSON object with everything that is known of an answer, on one line.

    Args:
        number: of the input line, counted from 1.
        line: the input line.
        answer: its translations.
        pieces: names token ids.
        with_n_best: whether all translations are listed.
    """
    record: dict[str, object] = {"line": number, "source": line.text}
    best = _json_entry(answer.translations[0], pieces)
    if line.blank is not None:
        best["translation"] = line.text
    record |= best
    if with_n_best:
        record["n_best"] = [_json_entry(entry, pieces) for entry in answer.translations]
    record["flags"] = list(answer.flags)
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    text = _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text.encode("utf-8", "replace") + b"\n"


def _json_entry(translation: Translation, pieces: Pieces) -> dict[str, object]:
    entry: dict[str, object] = {
        "translation": translation.text,
        "score": _json_number(translation.score),
        "log_prob": _json_number(translation.log_prob),
        "pieces": pieces(translation.token_ids),
    }
    if translation.alignment is not None:
        entry["alignment"] = pharaoh(translation.alignment)
    return entry


def _alignment_field(translation: Translation) -> str:
    """The last field of a line of text; empty where no alignment was asked for."""
    if translation.alignment is None:
        return ""
    return f" ||| {pharaoh(translation.alignment)}"


def _json_number(number: float) -> float | None:
    """A number for JSON, which has no infinity."""
    return number if math.isfinite(number) else None
