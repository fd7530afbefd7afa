"""A plot of a few lines as SVG, with no library: the docs' pictures are made by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#9a6700", "#cf222e")
WIDTH, HEIGHT, LEFT, TOP = 640, 300, 60, 40
ROW = 20


@dataclass(frozen=True)
class Series:
    """One line."""

    label: str
    points: Sequence[tuple[float, float]]
    """(x, y), x and y at least 0."""


def line_chart(title: str, series: Sequence[Series], x_unit: str) -> str:
    """The picture: all lines over axes from 0, and their labels below, one a row.

    Args:
        title: what is shown over what, with units.
        series: at most as many as there are colours, with a point at least.
        x_unit: stands behind each number of the x axis.
    """
    most_x = max(x for one in series for x, _ in one.points)
    most_y = 1.1 * max(y for one in series for _, y in one.points)
    below = TOP + HEIGHT
    total = below + 40 + ROW * len(series)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 90} {total}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH + 90}" height="{total}" fill="white"/>',
        f'<text x="{LEFT}" y="20">{title}</text>',
    ]
    step = tick(most_y)
    for i in range(int(most_y / step) + 1):
        y = TOP + HEIGHT * (1 - i * step / most_y)
        parts.append(
            f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        )
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{i * step:g}</text>')
    step = tick(most_x)
    for i in range(int(most_x / step) + 1):
        x = LEFT + WIDTH * i * step / most_x
        parts.append(
            f'<text x="{x:.1f}" y="{below + 18}" text-anchor="middle">{i * step:g}{x_unit}</text>'
        )
    for row, (one, colour) in enumerate(zip(series, COLOURS, strict=False)):
        points = " ".join(
            f"{LEFT + WIDTH * x / most_x:.1f},{TOP + HEIGHT * (1 - y / most_y):.1f}"
            for x, y in one.points
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        parts.append(
            f'<text x="{LEFT + 10}" y="{below + 40 + ROW * row}" fill="{colour}">{one.label}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def tick(most: float) -> float:
    """A round distance of marks, such that there are 4 to 10 of them up to `most`."""
    power = 1.0
    while power * 10 <= most:
        power *= 10
    while power > most:
        power /= 10
    for share in (2.0, 1.0, 0.5, 0.2):
        if most / (power * share) >= 4:
            return power * share
    return power * 0.2
