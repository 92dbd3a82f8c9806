"""Verification of the stored law from its rows alone."""

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy.orm import Session

from common.refusals import Finding
from rulebook import store
from rulebook.audit import audit_version, audit_versions
from rulebook.versions import Version


def verify(session: Session) -> Iterator[Finding]:
    """Hash every version of every market again, and find whatever is not as it was published."""
    seen: list[Version] = []
    for version in store.every_version(session):
        yield from audit_version(version)
        seen.append(replace(version, body={}))
    yield from audit_versions(seen)
