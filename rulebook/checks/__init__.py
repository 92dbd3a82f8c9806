"""What must hold before a document becomes law: pure, ordered checks.

Each check returns every finding. `check_document` looks at one document alone;
`check_law` at the documents that are in force side by side.
"""

from rulebook.checks.document import check_document
from rulebook.checks.in_force import InForce, side_by_side
from rulebook.checks.law import check_law

__all__ = ["InForce", "check_document", "check_law", "side_by_side"]
