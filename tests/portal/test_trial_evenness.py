"""What a trial says of inequality: in words of its figures, and why measures disagree."""

from portal.trials.evenness import evenness_sentences
from settlement.fairness.inequality import lorenz_ppm
from settlement.trials.evenness import compared_evenness, measures_ppm

FLAT_WITH_A_TOP = [(9, 90), (1, 30)]
"""Of ten households nine are charged 10 and one 30."""
LOWER_TOP, LOWER_BOTTOM = [(5, 26), (4, 65), (1, 29)], [(4, 60)]


def sentences(law, *drafts):
    names = ("draft", "second")[: len(drafts)]
    sides = {"law": law, **dict(zip(names, drafts, strict=True))}
    report = {
        "totals": {
            name: {"households": {**measures_ppm(groups), "lorenz_ppm": lorenz_ppm(groups)}}
            for name, groups in sides.items()
        },
        "evenness": {name: compared_evenness(law, sides[name]) for name in names},
    }
    told = (" ".join(evenness_sentences(report, name)) for name in names)
    return [words.replace("\xa0", " ") for words in told]


def test_where_measures_disagree_it_says_which_and_why():
    (told,) = sentences(FLAT_WITH_A_TOP, LOWER_TOP)
    assert told == (
        "Measures disagree on how evenly households are charged under the draft. It is more even "
        "by the part that the tenth charged most bears (24.2 % for 25.0 %). It is less even by the "
        "Gini index (0.326 for 0.150), the entropy index (0.206 for 0.125) and the Atkinson index "
        "(0.329 for 0.107). The Lorenz curves cross at 88.4 % of the households, counted from "
        "those who are charged least, so neither is the more even throughout. Of what all "
        "households are charged, by tenths from those who are charged least: under the draft the "
        "first to the fifth tenth bear less (21.7 % for 41.7 %), the sixth to the ninth tenth bear "
        "more (54.2 % for 33.3 %), and the last tenth bears less (24.2 % for 25.0 %). The Gini "
        "index weighs most what changes in the middle, the part that the tenth charged most bears "
        "looks at that tenth and at nothing else, the entropy index weighs most what changes at "
        "the top and the Atkinson index weighs most what changes at the bottom."
    )


def test_where_they_agree_one_sentence_says_so_of_each_draft():
    law = [(1, 30), (3, 30)]
    more, same = sentences(law, LOWER_BOTTOM, law)
    assert more.startswith(
        "What households are charged is more even under the draft by the Gini index (0.000 for "
        "0.250)"
    )
    assert more.endswith("no measure says otherwise.")
    assert same == "Households are charged as evenly under the second draft as under the law."


def test_what_is_too_small_to_show_and_what_is_not_defined_is_said():
    (told,) = sentences([(1, 10_000_000), (1, 10_000_010)], [(1, 10_000_000), (1, 10_000_020)])
    assert "less even under the draft by the Gini index (0.000, by less than is shown)" in told
    (told,) = sentences([], [(1, 3)])
    assert told.startswith("How evenly households are charged cannot be said")


def test_of_a_report_of_an_earlier_release_nothing_is_said():
    assert [*evenness_sentences({"totals": {}}, "draft")] == []
