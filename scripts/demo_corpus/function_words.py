"""Determiners, prepositions, names, cities and adverbs of the demo corpus."""

from __future__ import annotations

from scripts.demo_corpus.words import (
    Case,
    Determiner,
    Fixed,
    Inflection,
    Name,
    Person,
    Preposition,
    Tense,
)

THE = Determiner("the", "the", "", Inflection.DEFINITE, True)
A = Determiner("a", "", "ein", Inflection.EIN_WORD, False)
NO = Determiner("no", "no", "kein", Inflection.EIN_WORD, False)
THIS = Determiner("this", "these", "dies", Inflection.DER_WORD, True)
EVERY = Determiner("every", "", "jed", Inflection.DER_WORD, True)
ALL = Determiner("", "all", "all", Inflection.DER_WORD, True)
MANY = Determiner("", "many", "viel", Inflection.QUANTITY, False)
HOW_MANY = Determiner("", "how many", "wie viel", Inflection.QUANTITY, False)
POSSESSIVES = tuple(
    Determiner(english, english, german, Inflection.EIN_WORD, True)
    for english, german in (
        ("my", "mein"),
        ("your", "dein"),
        ("his", "sein"),
        ("her", "ihr"),
        ("our", "unser"),
        ("their", "ihr"),
    )
)


def _fixed(lines: str) -> tuple[Fixed, ...]:
    """One phrase of both languages per line, with a slash between."""
    pairs = (line.strip().split(" / ") for line in lines.split("\n") if line.strip())
    return tuple(Fixed(english, german) for english, german in pairs)


SMALL_NUMBERS = _fixed("""
    two / zwei
    three / drei
    four / vier
    five / fünf
    six / sechs
    seven / sieben
    eight / acht
    nine / neun
    ten / zehn
    eleven / elf
    twelve / zwölf
""")
BIG_NUMBERS = _fixed("""
    twenty / zwanzig
    thirty / dreißig
    fifty / fünfzig
""")
COUNTS = tuple(
    Determiner("", number.english, number.german, Inflection.FIXED, False)
    for number in SMALL_NUMBERS[:5] + SMALL_NUMBERS[8:9]
)

_ACC, _DAT, _GEN = Case.ACCUSATIVE, Case.DATIVE, Case.GENITIVE
WHERE = {
    "in": Preposition("in", "in", _DAT),
    "at": Preposition("at", "an", _DAT),
    "on": Preposition("on", "auf", _DAT),
    "on_board": Preposition("on", "in", _DAT),
    "on_side": Preposition("on", "an", _DAT),
    "under": Preposition("under", "unter", _DAT),
    "behind": Preposition("behind", "hinter", _DAT),
    "next_to": Preposition("next to", "neben", _DAT),
    "in_front_of": Preposition("in front of", "vor", _DAT),
}
"""Where something is: the two-way prepositions with the dative."""
WHITHER = {
    "into": Preposition("into", "in", _ACC),
    "to": Preposition("to", "zu", _DAT),
    "in_goal": Preposition("in", "in", _ACC),
} | {key: Preposition(p.english, p.german, _ACC) for key, p in WHERE.items() if key != "in"}
"""Where something goes: the two-way prepositions with the accusative, and `zu`."""
IN_CITY = Preposition("in", "in", _DAT)
TO_CITY = Preposition("to", "nach", _DAT)
WITH = Preposition("with", "mit", _DAT)
WITHOUT = Preposition("without", "ohne", _ACC)
FOR = Preposition("for", "für", _ACC)
BECAUSE_OF = Preposition("because of", "wegen", _GEN)
DURING = Preposition("during", "während", _GEN)
AFTER = Preposition("after", "nach", _DAT)
BEFORE = Preposition("before", "vor", _DAT)

NAMES = (
    Name("Anna", "f"),
    Name("Maria", "f"),
    Name("Laura", "f"),
    Name("Julia", "f"),
    Name("Emma", "f"),
    Name("Peter", "m"),
    Name("Paul", "m"),
    Name("Martin", "m"),
    Name("David", "m"),
    Name("Daniel", "m"),
)
CITIES = _fixed("""
    Berlin / Berlin
    Hamburg / Hamburg
    Munich / München
    Vienna / Wien
    Cologne / Köln
    Rome / Rom
""")


_WEEKDAYS = """
    on Monday / am Montag
    on Tuesday / am Dienstag
    on Wednesday / am Mittwoch
    on Thursday / am Donnerstag
    on Friday / am Freitag
    on Saturday / am Samstag
    on Sunday / am Sonntag
"""
EVERY_TIME = _fixed("""
    every day / jeden Tag
    every week / jede Woche
""")
"""What a negation would have to go before: not every day."""
TIMES: dict[Tense, tuple[Fixed, ...]] = {
    Tense.PRESENT: EVERY_TIME
    + _fixed("""
    in the morning / am Morgen
    in the evening / am Abend
    in summer / im Sommer
    in winter / im Winter
    """),
    Tense.PROGRESSIVE: _fixed("""
    now / jetzt
    today / heute
    """),
    Tense.PAST: _fixed(
        """
    yesterday / gestern
    yesterday evening / gestern Abend
    this morning / heute Morgen
    last week / letzte Woche
    last year / letztes Jahr
    """
        + _WEEKDAYS
    ),
    Tense.FUTURE: _fixed(
        """
    tomorrow / morgen
    today / heute
    this evening / heute Abend
    next week / nächste Woche
    next year / nächstes Jahr
    soon / bald
    """
        + _WEEKDAYS
    ),
}
"""The times that go with a tense; a modal in the present goes with those of the future."""
CLOCK = tuple(
    Fixed(f"at {number.english} o'clock", f"um {number.german} Uhr") for number in SMALL_NUMBERS
)

OFTEN, ALWAYS, NEVER, SOMETIMES = FREQUENCIES = _fixed("""
    often / oft
    always / immer
    never / nie
    sometimes / manchmal
""")
MANNERS = {
    "work": _fixed("slowly / langsam"),
    "play": _fixed("quietly / leise"),
    "sing": _fixed("loudly / laut"),
    "laugh": _fixed("loudly / laut"),
    "run": _fixed("quickly / schnell"),
    "drive": _fixed("slowly / langsam"),
}
VERY = Fixed("very", "sehr")
TOO = Fixed("too", "zu")
HOME = Fixed("home", "nach Hause")
AT_HOME = Fixed("at home", "zu Hause")
HERE = Fixed("here", "hier")
BY_VEHICLE = _fixed("""
    by bus / mit dem Bus
    by car / mit dem Auto
""")

ASK_WHERE = Fixed("where", "wo")
ASK_WHITHER = Fixed("where", "wohin")
ASK_WHEN = Fixed("when", "wann")
ASK_WHY = Fixed("why", "warum")

BECAUSE = Fixed("because", "weil")
THAT = Fixed("that", "dass")
WHETHER = Fixed("whether", "ob")
IF = Fixed("if", "wenn")
ALTHOUGH = Fixed("although", "obwohl")
WHILE = Fixed("while", "während")
PRECEDING = Fixed("before", "bevor")
BARE = Fixed("", "")
"""No conjunction: before an indirect question, whose question word opens it."""

ENGLISH_BE = {
    Person.FIRST_SINGULAR: ("am", "was"),
    Person.SECOND_SINGULAR: ("are", "were"),
    Person.THIRD_SINGULAR: ("is", "was"),
    Person.FIRST_PLURAL: ("are", "were"),
    Person.THIRD_PLURAL: ("are", "were"),
}
