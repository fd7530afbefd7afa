"""The adjectives of the demo corpus."""

from __future__ import annotations

from scripts.demo_corpus.words import Adjective, kind_set

_STEMS = {"teuer": "teur", "dunkel": "dunkl", "müde": "müd"}


def _adjective(english: str, german: str, fits: str) -> Adjective:
    """An adjective from `positive comparative` of both languages; `-` stands for more/+er."""
    positive, comparative = english.split()
    german_positive, german_comparative = german.split()
    stem = _STEMS.get(german_positive, german_positive)
    return Adjective(
        english=positive,
        english_comparative=f"more {positive}" if comparative == "-" else comparative,
        german=german_positive,
        german_stem=stem,
        german_comparative=stem + "er" if german_comparative == "-" else german_comparative,
        fits=frozenset(fits.split()),
    )


_CONTAINERS = "bottle bag glass cup bus train box cupboard restaurant museum supermarket"
_BODIES = "person animal"
_OBJECTS = "clothes thing furniture vehicle device"

ADJECTIVES = (
    _adjective("big bigger", "groß größer", f"animal place plant {_OBJECTS} part fruit egg cake"),
    _adjective("small smaller", "klein -", f"animal minor place plant {_OBJECTS} part fruit cake"),
    _adjective("old older", "alt älter", f"adult animal place plant {_OBJECTS} part text"),
    _adjective("young younger", "jung jünger", "worker man woman neighbor friend pet horse"),
    _adjective("new newer", "neu -", f"{_OBJECTS} building text room_like"),
    _adjective(
        "beautiful -", "schön -", "place plant clothes picture cup lamp horse bird idea party"
    ),
    _adjective("red -", "rot röter", f"{_OBJECTS} apple part"),
    _adjective("blue -", "blau -", f"{_OBJECTS} part"),
    _adjective("green -", "grün -", f"{_OBJECTS} apple part"),
    _adjective("black -", "schwarz schwärzer", f"{_OBJECTS} animal"),
    _adjective("white -", "weiß -", f"{_OBJECTS} animal house part"),
    _adjective("expensive -", "teuer -", f"{_OBJECTS} restaurant house food book newspaper drink"),
    _adjective("cheap cheaper", "billig -", f"{_OBJECTS} restaurant food book newspaper drink"),
    _adjective("heavy heavier", "schwer -", "bag box furniture lamp bicycle book coat ball door"),
    _adjective(
        "long longer",
        "lang länger",
        "letter book street story train coat dress break party table",
    ),
    _adjective("short shorter", "kurz kürzer", "letter book street story dress coat break"),
    _adjective("hot hotter", "heiß -", "drink soup sausage"),
    _adjective("cold colder", "kalt kälter", "drink soup lake room_like"),
    _adjective(
        "clean cleaner",
        "sauber sauberer",
        "clothes dishes part street room_like vehicle town beach lake",
    ),
    _adjective(
        "dirty dirtier",
        "schmutzig -",
        "clothes dishes part street room_like vehicle town beach lake dog",
    ),
    _adjective(
        "full fuller",
        "voll -",
        _CONTAINERS,
    ),
    _adjective(
        "empty emptier",
        "leer -",
        _CONTAINERS,
    ),
    _adjective("tired -", "müde -", _BODIES),
    _adjective("hungry hungrier", "hungrig -", _BODIES),
    _adjective("happy happier", "glücklich -", "person"),
    _adjective("sad sadder", "traurig -", "person story letter"),
    _adjective("sick sicker", "krank kränker", _BODIES),
    _adjective("friendly friendlier", "freundlich -", "person pet"),
    _adjective("clever cleverer", "klug klüger", "person pet"),
    _adjective("rich richer", "reich -", "man woman farmer neighbor doctor friend"),
    _adjective("poor poorer", "arm ärmer", "man woman farmer neighbor student child"),
    _adjective("interesting -", "interessant -", "text idea museum town"),
    _adjective("boring -", "langweilig -", "text idea museum town party"),
)

UNGRADED = kind_set("red blue green black white new full empty")
"""Those that take no `very` and no comparison."""

OPPOSITES = tuple(
    frozenset(group.split())
    for group in (
        "big small",
        "old new young",
        "red blue green black white",
        "expensive cheap",
        "long short",
        "hot cold",
        "clean dirty",
        "full empty",
        "happy sad",
        "rich poor",
        "interesting boring",
    )
)
"""Groups of which only one can be said of the same thing."""
