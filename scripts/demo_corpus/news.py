"""Invented news of invented towns, each with its headline."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from scripts.demo_corpus.dice import Dice

PLACES = (
    "Lundby", "Harwick", "Velmora", "Ostrand", "Kirnau", "Dalesport", "Brenville", "Sorano",
    "Tilmark", "Wexholm", "Arbridge", "Nordahl", "Pellworth", "Quinsea", "Rosfeld", "Marlow Bay",
)  # fmt: skip

ACTORS = (
    ("the city council of {place}", "{place} council", False),
    ("the mayor of {place}", "{place} mayor", False),
    ("a family doctor from {place}", "{place} doctor", False),
    ("the largest bakery in {place}", "{place} bakery", False),
    ("the old theatre of {place}", "{place} theatre", False),
    ("a primary school in {place}", "{place} school", False),
    ("the football club of {place}", "{place} club", False),
    ("a young engineer from {place}", "{place} engineer", False),
    ("several students from {place}", "{place} students", True),
    ("the farmers around {place}", "{place} farmers", True),
    ("the firefighters of {place}", "{place} firefighters", True),
    ("two sisters from {place}", "{place} sisters", True),
    ("some neighbours in {place}", "{place} neighbours", True),
    ("the fishermen of {place}", "{place} fishermen", True),
)
"""Who: in the text, in the headline, and whether they are many."""

DEEDS = (
    ("opened a new library near the harbour", "open", "library"),
    ("bought an empty factory at the edge of the town", "buy", "factory"),
    ("planted several hundred trees along the river", "plant", "trees"),
    ("repaired the wooden bridge over the river", "repair", "bridge"),
    ("found a bag full of old letters under the floor", "find", "letters"),
    ("won the prize for the best idea of the year", "win", "prize"),
    ("built a small museum behind the station", "build", "museum"),
    ("sold the last steam engine of the region", "sell", "engine"),
    ("saved a dog from the cold water of the lake", "save", "dog"),
    ("closed the swimming pool in the park", "close", "pool"),
    ("painted the grey walls of the hospital", "paint", "hospital"),
    ("started a market for used bicycles", "start", "market"),
    ("cleaned the beach after the storm", "clean", "beach"),
    ("lost the keys of the town hall", "lose", "keys"),
    ("wrote a book about the history of the valley", "write", "book"),
    ("welcomed a choir from another country", "welcome", "choir"),
    ("moved the clock from the tower to the square", "move", "clock"),
    ("stopped the plan for a second airport", "stop", "airport"),
    ("tested a bus that needs no driver", "test", "bus"),
    ("rented the castle on the hill", "rent", "castle"),
)
"""What: in the text; the verb and the object of the headline."""

NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve")
TIMES = (
    "on Monday", "on Tuesday evening", "on Wednesday", "early on Thursday", "on Friday morning",
    "at the weekend", "last week", "this month", "yesterday",
)  # fmt: skip
TURNS = (
    ("The work took {number} years.", " after {number} years"),
    ("They had waited for it for {number} months.", " after {number} months"),
    ("It cost {number} million crowns.", " for {number} million"),
    ("{Number} people helped without any pay.", " with {number} helpers"),
    ("For once it did not rain.", ""),
    ("Nobody had expected it.", ""),
    ("The local paper wrote about it on the first page.", ""),
)
"""A second sentence, and what the headline takes from it."""

ASIDES = (
    "Many people came to see it.", "The weather was cold and windy.", "There was coffee and cake.",
    "Children sang at the end.", "A photograph hangs in the town hall.", "The radio reported it.",
    "An old man remembered better times.", "The trains were late as usual.",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A piece of news."""

    text: str
    headline: str
    actor: str
    deed: str


def draw_item(dice: Dice) -> Item:
    """Two or three sentences and their headline."""
    place, number = dice.pick(PLACES), dice.pick(NUMBERS)
    (actor, short, are_many), (deed, verb, thing) = dice.pick(ACTORS), dice.pick(DEEDS)
    turn, addition = dice.pick(TURNS)
    time, who = dice.pick(TIMES), actor.format(place=place)
    if dice.chance(0.5):
        first = f"{time[0].upper()}{time[1:]} {who} {deed}."
    else:
        first = f"{who[0].upper()}{who[1:]} {deed} {time}."
    sentences = [first, turn.format(number=number, Number=number.capitalize())]
    if dice.chance(0.6):
        sentences.insert(1 if dice.chance(0.5) else 2, dice.pick(ASIDES))
    says = verb if are_many else verb + "s"
    headline = f"{short.format(place=place)} {says} {thing}{addition.format(number=number)}"
    return Item(" ".join(sentences), headline, actor, deed)


def is_held_out(item: Item) -> bool:
    """Whether nobody may do this in the training split; a hash decides, for one deed in seven."""
    digest = hashlib.blake2b(f"{item.actor}\t{item.deed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 7 == 0
