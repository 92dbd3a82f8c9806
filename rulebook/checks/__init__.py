"""What must hold before a document becomes law: pure, ordered checks.

Each check returns every finding. `check_document` looks at one document alone;
`check_together` at the documents that are in force side by side.
"""

from rulebook.checks.alone import check_document
from rulebook.checks.in_force import InForce
from rulebook.checks.together import check_together

__all__ = ["InForce", "check_document", "check_together"]
