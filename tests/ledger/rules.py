"""Which rule of the ledger's catalogues a finding speaks for."""

from common.refusals import Finding
from ledger.disputes.rules import DisputeRule
from ledger.rules import LedgerRule, Rule

_RULES = {rule.number: rule for rule in (*LedgerRule, *DisputeRule)}


def rule_of(finding: Finding) -> Rule:
    """Return the rule that a finding names by its number, held to the words of the catalogue."""
    rule = _RULES[finding.number]
    assert finding == rule.finding(finding.place, finding.value)
    return rule
