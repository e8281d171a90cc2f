"""English that nobody has seen before: plain sentences and poster lines put together from word lists.

A reader cannot guess such text from memory, or from how sentences usually go on: it has to read the pixels.
"""

from __future__ import annotations

from collections.abc import Callable

from vtbench.data.embedded.drawing.draws import Draws


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


ADJECTIVES = _listed(
    "amber,brittle,careful,crooked,damp,early,faded,gentle,hollow,huge,jagged,joyful,keen,little,modest,narrow,odd,"
    "pale,quick,quiet,rough,rusty,shallow,silver,sturdy,tidy,velvet,warm,wooden,young"
)
THINGS = _listed(
    "anchor,basket,bridge,candle,carpet,compass,copper,drum,engine,fabric,ferry,garden,hammer,harbour,island,jacket,"
    "kettle,ladder,lantern,map,meadow,mirror,needle,orchard,pebble,quilt,ribbon,river,saddle,teapot,tunnel,umbrella,"
    "valley,violin,wagon,whistle,window,yard,zebra"
)
PEOPLE = _listed(
    "baker,captain,carpenter,chemist,clerk,doctor,farmer,gardener,judge,knitter,librarian,mechanic,nurse,painter,pilot,"
    "potter,sailor,singer,surveyor,tailor,teacher,weaver"
)
VERBS = _listed(
    "borrowed,bought,carried,copied,counted,described,examined,finished,followed,gathered,kept,lifted,measured,mended,"
    "noticed,opened,packed,photographed,polished,recorded,repaired,sketched,sold,tested,wrapped"
)
PLACES = _listed(
    "behind the mill,near the old jetty,under the bridge,beside the post office,at the northern gate,inside the barn,"
    "across the square,above the waterfall,along the canal,outside the museum"
)
TIMES = _listed(
    "before sunrise,on Monday,last October,after the storm,every second week,in late spring,during the parade,"
    "at half past six,without delay,in the afternoon"
)
UNITS = ("grams", "metres", "litres", "minutes", "pages", "degrees", "boxes", "steps")

EVENTS = (
    "fair", "market", "concert", "regatta", "picnic", "dance", "workshop", "festival", "exhibit", "sale", "parade",
    "cinema", "theatre", "gala", "opera", "jazz", "ballet", "chess", "tour", "quiz",
)  # fmt: skip
SEASONS = ("spring", "summer", "autumn", "winter", "harvest", "harbour", "garden", "village", "island", "river")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = _listed("January,February,March,April,May,June,July,August,September,October,November,December")


def sentences(draws: Draws, count: int) -> list[str]:
    """Words of ``count`` sentences, in order."""
    return [word for _ in range(count) for word in draws.pick(_SENTENCES)(draws).split()]


def poster_line(draws: Draws) -> str:
    """One line of a poster, of one to four words."""
    return draws.pick(_POSTER_LINES)(draws)


def _number(draws: Draws) -> str:
    kind = draws.below(3)
    if kind == 0:
        return str(2 + draws.below(98))
    return f"{1 + draws.below(20)}.{1 + draws.below(9)}" if kind == 1 else str(100 + draws.below(900))


def _thing(draws: Draws) -> str:
    return f"{draws.pick(ADJECTIVES)} {draws.pick(THINGS)}"


def _deed(draws: Draws) -> str:
    who, deed, where = draws.pick(PEOPLE), draws.pick(VERBS), draws.pick(PLACES)
    return f"The {draws.pick(ADJECTIVES)} {who} {deed} the {_thing(draws)} {where}."


def _dated_deed(draws: Draws) -> str:
    year = 1820 + draws.below(200)
    return f"In {year} our {draws.pick(PEOPLE)} {draws.pick(VERBS)} one {_thing(draws)} {draws.pick(TIMES)}."


def _measure(draws: Draws) -> str:
    return f"Each {_thing(draws)} needs about {_number(draws)} {draws.pick(UNITS)}, or {_number(draws)}% more."


def _question(draws: Draws) -> str:
    return f"Who {draws.pick(VERBS)} my {_thing(draws)} {draws.pick(TIMES)}?"


def _pair(draws: Draws) -> str:
    first, second = draws.pick(PEOPLE), draws.pick(PEOPLE)
    return f"Two {first}s and a {second} {draws.pick(VERBS)} {_number(draws)} {draws.pick(UNITS)} {draws.pick(PLACES)}."


_SENTENCES: tuple[Callable[[Draws], str], ...] = (_deed, _dated_deed, _measure, _question, _pair)


def _title(draws: Draws) -> str:
    text = f"{draws.pick(SEASONS)} {draws.pick(EVENTS)}"
    return text.upper() if draws.below(2) else text.title()


def _single(draws: Draws) -> str:
    word = draws.pick(EVENTS if draws.below(2) else THINGS)
    return word.upper() if draws.below(2) else word.capitalize()


def _date(draws: Draws) -> str:
    return f"{1 + draws.below(28)} {draws.pick(MONTHS)}"


def _day(draws: Draws) -> str:
    return draws.pick(DAYS)


def _hour(draws: Draws) -> str:
    return f"{1 + draws.below(12)}:{draws.pick(('00', '15', '30', '45'))} {draws.pick(('am', 'pm'))}"


def _price(draws: Draws) -> str:
    return f"Tickets {2 + draws.below(38)}.{draws.pick(('00', '50', '75'))}"


def _room(draws: Draws) -> str:
    return f"{draws.pick(('Hall', 'Gate', 'Room', 'Pier'))} {1 + draws.below(40)}"


def _call(draws: Draws) -> str:
    return f"{draws.pick(('Bring', 'Find', 'Win', 'Taste', 'Hear', 'See'))} the {_thing(draws)}!"


_POSTER_LINES: tuple[Callable[[Draws], str], ...] = (
    _title, _title, _single, _date, _day, _hour, _price, _room, _call, _call
)  # fmt: skip
