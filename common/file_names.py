"""Names of files as people read them and the database keeps them."""

from pathlib import PurePath


def file_name(path: PurePath | str) -> str:
    """Return the name of a file without what no text can hold or show.

    A name is bytes to a file system, and need not be UTF-8: bytes that are none are written as
    escapes, as are characters that are not printed.

    >>> file_name("Kontoausz\\udcfcge.xml"), file_name("a/b\\n.xml")
    ('Kontoausz\\\\xfcge.xml', 'b\\\\n.xml')
    """
    return _escaped(PurePath(path).name)


def file_path(path: PurePath | str) -> str:
    """Return a whole path in the same form, as messages name a file that cannot be read."""
    return _escaped(str(path))


def _escaped(name: str) -> str:
    read = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in read
    )
