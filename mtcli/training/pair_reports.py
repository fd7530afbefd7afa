"""Say in the log which pairs are held out, shared with the validation, or dropped as repeated."""

from __future__ import annotations

import logging

from mtcli.config.schema.data import DataConfig
from mtcli.data.held_out_choice import HeldOut
from mtcli.data.holdout import HoldOutRule
from mtcli.data.overlap import Overlap
from mtcli.data.store import StoreMeta

logger = logging.getLogger(__name__)

_SHOWN_CHARACTERS = 60


def report_held_out(held_out: HeldOut, rule: HoldOutRule) -> None:
    """Log how many pairs are held out, and how many leave training because of them."""
    logger.info(
        "data.valid is not set: %d training pairs, chosen by the seed, are held out for validation",
        len(held_out.pairs),
    )
    if rule == "number":
        logger.warning(
            "this run began with an earlier mtcli, which held pairs out by their number: pairs that"
            " are repeated may be trained on as well"
        )
    if held_out.example is not None:
        logger.info(
            "%d more pairs with the source or target of a held-out one are not trained on, such as"
            " %s",
            held_out.num_same,
            shown(held_out.example),
        )
    if len(held_out.sides) == 1:
        other = ("target", "source")[held_out.sides[0]]
        logger.warning(
            "too few %ss differ: pairs with the %s of a held-out one, such as %s, are trained on;"
            " set data.valid to texts that training does not have",
            other,
            other,
            shown(held_out.pairs[0]),
        )


def report_overlap(overlap: Overlap) -> None:
    """Warn of validation pairs that stand in the training text."""
    if not overlap.num_pairs:
        return
    others = f" (and the sources of {overlap.num_src} more)" if overlap.num_src else ""
    logger.warning(
        "%d of %d pairs of data.valid stand in the training text%s, such as number %d, %s: scores"
        " on them say too much; remove them from data.train or data.valid",
        overlap.num_pairs,
        overlap.num_valid,
        others,
        overlap.first,
        shown((overlap.src, overlap.tgt)),
    )


def report_duplicates(meta: StoreMeta, config: DataConfig) -> None:
    """Log that a repetition has no weight where repeated pairs are dropped.

    It is a warning if sources are listed twice, for which there is no other reason.
    """
    num_dropped = meta.drops["duplicate"]
    if not num_dropped:
        return
    has_twice = any(source in config.train[:i] for i, source in enumerate(config.train))
    src, tgt = meta.examples.get("duplicate", ("", ""))
    logger.log(
        logging.WARNING if has_twice else logging.INFO,
        "data.drop_duplicates dropped %d of %d training pairs that repeat an earlier one%s:"
        " repeating pairs or sources to give them weight has no effect%s",
        num_dropped,
        meta.num_read,
        f", such as {shown((src, tgt))}" if src else "",
        "; data.train lists a source twice, so set data.drop_duplicates to false" * has_twice,
    )


def shown(pair: tuple[str, str]) -> str:
    """A pair in a message, shortened."""
    src, tgt = (
        text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
        for text in pair
    )
    return f"{src!r} / {tgt!r}"
