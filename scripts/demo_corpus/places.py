"""Where things happen and where one goes: the places that go with each group of verbs."""

from __future__ import annotations

from scripts.demo_corpus.function_words import (
    AT_HOME,
    CITIES,
    HERE,
    HOME,
    IN_CITY,
    TO_CITY,
    WHERE,
    WHITHER,
)
from scripts.demo_corpus.nouns import NOUNS
from scripts.demo_corpus.syntax import Adverbial, Prepositional
from scripts.demo_corpus.words import Noun, Preposition

_NOUNS = {noun.english: noun for noun in NOUNS}
_SPOTS = {
    "shopping": "in:supermarket in:city at:station",
    "outside": "in:garden in:park on:street in:forest at:station at:beach in:school",
    "seeing": "in:park on:street at:station in:city in:museum in:restaurant in:forest",
    "quiet": "in:garden in:park in:room in:kitchen in:school at:beach on_board:train on_board:bus",
    "eating": "in:kitchen in:restaurant in:garden in:park at:station",
    "cooking": "in:kitchen in:restaurant in:garden",
    "meeting": "at:station in:restaurant",
    "sleeping": "in:bed in:room in:garden in:house under:tree on_board:train",
    "working": "in:school in:hospital in:restaurant in:museum in:supermarket in:city",
    "playing": "in:garden in:park in:room on:street at:beach in:forest in:house",
    "swimming": "in:lake",
    "living": "in:house in:city",
    "existing": "in:city in:city",
    "sitting": "on:chair at:table on:bed under:tree in:garden in:restaurant at:window on_board:bus",
    "staying": "in:bed in:house in:hospital in:room",
    "arriving": "at:station at:school at:beach",
    "lying": "on:table under:table on:bed under:bed on:chair next_to:lamp next_to:computer",
    "standing": "on:table under:table next_to:bed next_to:window on:cupboard",
    "parking": "next_to:door in_front_of:house behind:house in:garden under:tree behind:school",
    "hanging": "on_side:wall on_side:door in:cupboard next_to:window behind:door",
}
_GOALS = {
    "walking": "to:station to:school to:park to:church to:museum to:supermarket to:lake to:doctor "
    "into:house into:garden into:kitchen into:forest into:city into:room to:aunt to:grandmother",
    "running": "to:station to:school to:park to:supermarket to:lake to:beach into:house "
    "into:garden into:kitchen into:forest into:room",
    "driving": "to:station to:hospital to:supermarket to:lake to:beach to:museum into:city "
    "to:grandmother",
    "travelling": "",
    "lying": "on:table under:table on:bed under:bed on:chair next_to:lamp next_to:computer",
    "standing": "on:table under:table next_to:bed next_to:window on:cupboard",
    "hanging": "on_side:wall on_side:door in_goal:cupboard next_to:window behind:door",
}
_FIXED_SPOTS: dict[str, tuple[Adverbial, ...]] = {
    "living": tuple(Prepositional(IN_CITY, city) for city in CITIES),
    "existing": tuple(Prepositional(IN_CITY, city) for city in CITIES),
    "working": tuple(Prepositional(IN_CITY, city) for city in CITIES),
    "arriving": tuple(Prepositional(IN_CITY, city) for city in CITIES),
    "staying": (AT_HOME, AT_HOME),
    "playing": (HERE,),
}
_FIXED_GOALS: dict[str, tuple[Adverbial, ...]] = {
    "walking": (HOME, HOME),
    "running": (HOME,),
    "driving": (HOME, *(Prepositional(TO_CITY, city) for city in CITIES)),
    "travelling": (HOME, *(Prepositional(TO_CITY, city) for city in CITIES)),
}

Spot = tuple[Preposition, Noun]


def _parse(
    groups: dict[str, str], prepositions: dict[str, Preposition]
) -> dict[str, tuple[Spot, ...]]:
    spots = {name: [spot.split(":") for spot in text.split()] for name, text in groups.items()}
    return {
        name: tuple((prepositions[preposition], _NOUNS[noun]) for preposition, noun in pairs)
        for name, pairs in spots.items()
    }


SPOTS: dict[str, tuple[Spot | Adverbial, ...]] = {
    name: spots + _FIXED_SPOTS.get(name, ()) for name, spots in _parse(_SPOTS, WHERE).items()
}
"""Per group, where it is: a preposition and a noun that still needs an article, or a whole."""

GOALS: dict[str, tuple[Spot | Adverbial, ...]] = {
    name: spots + _FIXED_GOALS.get(name, ()) for name, spots in _parse(_GOALS, WHITHER).items()
}
"""Per group, where it goes."""
