"""What `docs/changes.md` says of the steps of a change is what the table of steps says."""

from rulebook.changes.steps import SHORTEST_CONSULTATION_DAYS, STEPS, Kind, Step
from tests.conftest import ROOT

PAPER = ROOT / "docs" / "changes.md"


def as_row(step: Step) -> str:
    """Return a step as a row of the table of the paper."""
    after = ", ".join(sorted(state.value for state in step.after)) or "nothing"
    by = ", ".join(sorted(party.value for party in step.by))
    another = ", not who wrote the text" if step.by_another else ""
    leads_to = step.leads_to.value if step.leads_to else "as it stood"
    return f"| `{step.kind}` | {after} | {by}{another} | {leads_to} |"


def test_the_table_of_the_paper_is_the_table_of_steps():
    rows = [line for line in PAPER.read_text().splitlines() if line.startswith("| `")]
    assert rows == [as_row(step) for step in STEPS.values()]


def test_the_paper_states_the_shortest_consultation():
    assert f"{SHORTEST_CONSULTATION_DAYS} days" in PAPER.read_text()


def test_every_step_that_is_no_approval_is_a_command():
    from portal.management.commands.change import Command

    assert {*Command.actions} == {kind.value for kind in Kind if kind is not Kind.APPROVE} | {
        "rebase"
    }
