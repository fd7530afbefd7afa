"""Bounds of numbers and lengths, for pydantic and for `mtcli.config.plain`.

`annotated_types` has such marks, but importing it takes 11 of the 242 ms of CPU time in which one
line is translated (2026-11-29, `benchmarks/startup_ratios.py`, two busy cores).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class Bounds:
    """Mark of a number or a list: `Annotated[float, Bounds(ge=0, lt=1)]`.

    Args:
        gt: what a number must be above.
        ge: what it must not be below.
        lt: what it must be below.
        le: what it must not be above.
        min_length: fewest items of a list, or characters of a text.
    """

    def __init__(
        self,
        *,
        gt: float | None = None,
        ge: float | None = None,
        lt: float | None = None,
        le: float | None = None,
        min_length: int | None = None,
    ) -> None:
        self.gt, self.ge, self.lt, self.le, self.min_length = gt, ge, lt, le, min_length

    def allow(self, value: Any) -> bool:
        """Whether a value of the right type is within."""
        return (
            (self.gt is None or value > self.gt)
            and (self.ge is None or value >= self.ge)
            and (self.lt is None or value < self.lt)
            and (self.le is None or value <= self.le)
            and (self.min_length is None or len(value) >= self.min_length)
        )

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The same bounds under the same names in pydantic's schema of a number, text or list."""
        schema = handler(source)
        bounds = {name: bound for name, bound in vars(self).items() if bound is not None}
        return {**schema, **bounds}


Positive: TypeAlias = Annotated[int, Bounds(gt=0)]
NotNegative: TypeAlias = Annotated[int, Bounds(ge=0)]
Seed: TypeAlias = Annotated[int, Bounds(ge=0, lt=2**32)]
PositiveFloat: TypeAlias = Annotated[float, Bounds(gt=0)]
NotNegativeFloat: TypeAlias = Annotated[float, Bounds(ge=0)]
Probability: TypeAlias = Annotated[float, Bounds(ge=0, lt=1)]
Fraction: TypeAlias = Annotated[float, Bounds(ge=0, le=1)]
