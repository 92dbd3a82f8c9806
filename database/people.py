"""The key by which names are one person, as `common.people` has it, for checks of the database."""

from common.people import LATIN, LOOKALIKES

_NOTHING_SEEN = (
    r"[\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2"
    r"\u115f-\u1160\u1680\u17b4-\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u2064"
    r"\u2066-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    r"\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)
"""Blanks, controls and unseen signs; a test holds every character to the same answer."""

# Immutable, so that a check constraint may ask it; what it rests on comes with the server.
CREATE_PERSON_KEY = f"""
CREATE FUNCTION public.person_key(written text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(
    regexp_replace(
        normalize(
            casefold(
                normalize(regexp_replace(written, '{_NOTHING_SEEN}', '', 'g'), NFKC)
                COLLATE pg_catalog.pg_unicode_fast
            ),
            NFKC
        ),
        '{_NOTHING_SEEN}', '', 'g'
    ),
    '{LOOKALIKES}', '{LATIN}'
)
"""
DROP_PERSON_KEY = "DROP FUNCTION public.person_key(text)"
