"""A section behaves as the frozen dataclass that the standard library would make of it."""

import copy
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace

import pytest

from mtcli.config.schema.sections import section


def made_by(decorator):
    """A class of three values, made a dataclass."""

    class Kind:
        size: int = 3
        names: tuple[str, ...] = field(default_factory=tuple)
        origin: str = field(default="", repr=False, compare=False)

    return decorator(Kind)


Section = made_by(section)
Oracle = made_by(dataclass(frozen=True, kw_only=True))


@pytest.mark.parametrize("values", [{}, {"size": 4}, {"size": 4, "names": ("a",)}])
def test_its_methods_give_what_those_of_a_frozen_dataclass_give(values):
    made, oracle = Section(**values), Oracle(**values)
    assert (repr(made), hash(made), asdict(made)) == (repr(oracle), hash(oracle), asdict(oracle))
    assert made == Section(**values) == copy.deepcopy(made) == replace(made)
    assert made != oracle
    assert made == replace(made, origin="a file") != replace(made, size=5)


@pytest.mark.parametrize("kind", [Section, Oracle])
@pytest.mark.parametrize("name", ["size", "names", "other"])
def test_nothing_in_it_can_be_changed(kind, name):
    made = kind()
    with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(made, name, 4)
    with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(made, name)
    assert made == kind()


@pytest.mark.parametrize("kind", [Section, Oracle])
def test_its_values_have_names(kind):
    with pytest.raises(TypeError):
        kind(4)
    with pytest.raises(TypeError):
        kind(other=4)


def test_a_section_that_holds_a_list_has_no_hash():
    for kind in (Section, Oracle):
        with pytest.raises(TypeError, match="unhashable"):
            hash(kind(names=[]))
