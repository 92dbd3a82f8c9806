"""Which notices a user has read."""

from collections.abc import Iterable

from django.contrib.auth.models import User

from portal.models import NoticeRead


def read_keys(user: User) -> set[str]:
    """Return the keys of the notices that a user has read."""
    return set(NoticeRead.objects.filter(user=user).values_list("key", flat=True))


def mark_read(user: User, keys: Iterable[str]) -> None:
    """Mark notices as read; those that were stay so."""
    marks = [NoticeRead(user=user, key=key) for key in keys]
    NoticeRead.objects.bulk_create(marks, ignore_conflicts=True)
