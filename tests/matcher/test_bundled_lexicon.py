"""The lexicon that ships: enough entries, each once, tied to official disciplines."""

from collections import Counter

from matcher.lexicon.lexicon import Lexicon, read_lexicon
from service import reference

ENTRIES = read_lexicon()
LEAST_ENTRIES = 1_500


def test_there_are_enough_entries() -> None:
    assert len(ENTRIES) >= LEAST_ENTRIES


def test_each_term_and_each_phrase_stands_once() -> None:
    for forms in (
        [entry.terms[0].casefold() for entry in ENTRIES],
        [phrase.casefold() for entry in ENTRIES for phrase in entry.say],
    ):
        assert [form for form, count in Counter(forms).items() if count > 1] == []


def test_each_entry_names_a_discipline_of_hal() -> None:
    codes = {entry.code for entry in reference.disciplines()}

    assert [entry.terms[0] for entry in ENTRIES if entry.discipline not in codes] == []


def test_every_form_is_recognised_by_itself() -> None:
    lexicon = Lexicon(ENTRIES)
    lost = [
        form
        for number, entry in enumerate(ENTRIES)
        for form in (*entry.terms, *entry.say)
        if number not in {found.entry for found in lexicon.find(form)}
    ]

    assert len(lost) < 0.01 * len(ENTRIES), lost[:20]
