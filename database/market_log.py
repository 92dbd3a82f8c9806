"""Functions by which alone a market's log is written: what happens is handed in, then put in place.

`market.submit` takes events into the inbox, each once. `market.begin_epoch` lets one lead; under
that epoch `market.append` moves events from the inbox to the log, with what was published of them,
in one statement: a leader of an earlier epoch, or one whose log ends elsewhere, is refused, so two
that both believe that they lead cannot both write. All act as the owner: nobody else inserts.

Lists of lists come as one list, and how long each part is: arrays of PostgreSQL are rectangular.

Days are partitions that `market.make_days` makes when one is first written. Each is made as the one
of `MODEL_DAY` is, which the migration makes, so that the schema of all can be held to the manifest.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

FENCED_SQLSTATE = "TS002"
"""Of a leader that leads no more, or whose log ends elsewhere."""

MOST_TEXT = 200
"""Characters of a key, of an entity and of a word: names, and digests in hex."""
MOST_LISTED = 10_000
"""Numbers, and words, of an event."""
UNPRINTABLE = (
    r"[\u0001-\u001f\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    r"\ufeff\ufff9-\ufffb]"
)
"""Characters that no text of an event has, for Python and PostgreSQL alike: they hide what is
beside them, or break its line."""

INBOX_CHANNEL = "market_inbox"
"""Told, with a market as payload, that events were handed in."""
PUBLISHED_CHANNEL = "market_published"
"""Told, with a market and the first and last sequence of a batch, that it is in the log."""

PARTITIONED = ("event", "publication")
"""The tables of the schema `market` that have a partition a day."""
MODEL_DAY = "1899-12-31"
"""A day before all days, whose partitions are empty: `common.calendar_years`."""
PARTITION = re.compile(rf"({'|'.join(PARTITIONED)})_([0-9]{{8}})")
"""The name of a partition: its table, and its day."""
DAYS_LOCK = 0x7A11_DA75
"""The advisory lock under which partitions are made."""

_AS_OWNER = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp"

CREATE_MAKE_DAYS = f"""
CREATE FUNCTION market.make_days(parent text, days date[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made date;
    name text;
BEGIN
    FOR made IN SELECT DISTINCT day FROM unnest(days) AS wanted (day) ORDER BY day LOOP
        name := parent || '_' || to_char(made, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('market.' || name) IS NOT NULL;
        PERFORM pg_advisory_xact_lock({DAYS_LOCK});
        CONTINUE WHEN to_regclass('market.' || name) IS NOT NULL;
        -- Attached, not made as a partition: that would wait for all who read the log, and keep
        -- those who come waiting.
        EXECUTE format('CREATE TABLE market.%I (LIKE market.%I INCLUDING ALL)', name, parent);
        EXECUTE format(
            'CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON market.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', name);
        EXECUTE format(
            'ALTER TABLE market.%I ATTACH PARTITION market.%I FOR VALUES FROM (%L) TO (%L)',
            parent, name, made, made + 1);
    END LOOP;
END
$$
"""

CREATE_BEGIN_EPOCH = f"""
CREATE FUNCTION market.begin_epoch(of_market text) RETURNS bigint
LANGUAGE sql {_AS_OWNER} AS $$
    INSERT INTO market.head AS held (market, epoch, sequence, event_digest, publication_digest)
    VALUES (of_market, 1, 0, decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'))
    ON CONFLICT (market) DO UPDATE SET epoch = held.epoch + 1
    RETURNING epoch
$$
"""
"""The row's lock waits for what an earlier leader appends at this moment."""

_GIVEN = """
        SELECT place, day, key, kind, entity, at,
            given_numbers[1 + number_end - number_count : number_end] AS numbers,
            given_words[1 + word_end - word_count : word_end] AS words
        FROM (
            SELECT listed.*, sum(number_count) OVER running AS number_end,
                sum(word_count) OVER running AS word_end
            FROM unnest(days, keys, kinds, entities, moments, number_counts, word_counts)
                WITH ORDINALITY AS listed
                    (day, key, kind, entity, at, number_count, word_count, place)
            WINDOW running AS (ORDER BY place)
        ) AS counted"""

_SAYS_OTHERWISE = """
            (kept.kind, kept.entity, kept.at, kept.numbers, kept.words) IS DISTINCT FROM
            (given.kind, given.entity, given.at, given.numbers, given.words)"""

# Each statement sees what was committed before it began. Once a row of ours is in the inbox, its
# key is nobody else's there, so whatever the log holds under that key is there to be seen.
CREATE_SUBMIT = f"""
CREATE FUNCTION market.submit(
    of_market text, days date[], keys text[], kinds text[], entities text[],
    moments timestamptz[], number_counts int[], given_numbers bigint[], word_counts int[],
    given_words text[], by text
) RETURNS TABLE (place bigint)
LANGUAGE plpgsql {_AS_OWNER} AS $$
#variable_conflict use_column
BEGIN
    IF coalesce((SELECT sum(each) FROM unnest(number_counts) AS each), 0)
            <> cardinality(given_numbers)
        OR coalesce((SELECT sum(each) FROM unnest(word_counts) AS each), 0)
            <> cardinality(given_words)
        OR (SELECT least(min(one), min(other)) FROM unnest(number_counts, word_counts)
            AS each (one, other)) < 0 THEN
        RAISE EXCEPTION 'market.submit of %: counts are not those of the numbers and words',
            of_market USING ERRCODE = 'data_exception';
    END IF;
    WITH given AS ({_GIVEN})
    INSERT INTO market.submission
        (market, day, key, kind, entity, at, numbers, words, submitted_by)
    SELECT of_market, day, key, kind, entity, at, numbers, words, by FROM given ORDER BY place
    ON CONFLICT DO NOTHING;
    DELETE FROM market.submission AS again
    USING unnest(days, keys) AS given (day, key)
    WHERE again.market = of_market AND again.day = given.day AND again.key = given.key
        AND EXISTS (
            SELECT FROM market.event AS kept
            WHERE kept.market = of_market AND kept.day = ANY (days) AND kept.day = given.day
                AND kept.key = given.key);
    RETURN QUERY WITH given AS ({_GIVEN})
    SELECT given.place FROM given JOIN market.submission AS kept
            ON kept.market = of_market AND kept.day = given.day AND kept.key = given.key
        WHERE {_SAYS_OTHERWISE}
    UNION ALL
    SELECT given.place FROM given JOIN market.event AS kept
            ON kept.market = of_market AND kept.day = ANY (days) AND kept.day = given.day
            AND kept.key = given.key
        WHERE {_SAYS_OTHERWISE}
    ORDER BY 1;
    PERFORM pg_notify('{INBOX_CHANNEL}', of_market);
END
$$
"""
"""Returns the places, from 1, of events whose key stands for something else."""

# `days` are those of the events that are taken, each once at least. Every statement is planned
# once: planned for the values of a batch, it takes longer than the batch does.
CREATE_APPEND = f"""
CREATE FUNCTION market.append(
    of_market text, of_epoch bigint, first_sequence bigint,
    taken bigint[], days date[], outcomes text[], digests bytea[],
    published_days date[], published_at timestamptz[], causes text[], holon_counts int[],
    of_holons int[], tightness bigint[], prices bigint[], sell_prices bigint[],
    published_digests bytea[], laws text[], booked_by text[], records text[],
    booked_digests bytea[], opened_day date, opened_state text, opened_digest bytea
) RETURNS void
LANGUAGE plpgsql {_AS_OWNER} SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    last_sequence bigint := first_sequence + cardinality(taken) - 1;
    moved bigint;
    stretch bigint;
    since int;
    until int := 0;
BEGIN
    UPDATE market.head SET sequence = last_sequence,
        event_digest = coalesce(digests[cardinality(taken)], event_digest),
        publication_digest = coalesce(booked_digests[cardinality(booked_digests)],
            published_digests[cardinality(published_digests)], publication_digest)
    WHERE market = of_market AND epoch = of_epoch AND sequence = first_sequence - 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'market.head of %: another leads, or its log does not end with %',
            of_market, first_sequence - 1 USING ERRCODE = '{FENCED_SQLSTATE}';
    END IF;
    stretch := CASE WHEN opened_day IS NULL THEN
        (SELECT coalesce(max(opening.sequence), 0) FROM market.opening
            WHERE opening.market = of_market)
        ELSE first_sequence END;
    -- Asked once, as nearly every batch is of days that have rows of its stretch.
    IF EXISTS (
        SELECT FROM (
            SELECT 'event' AS parent, unnest(days) AS day
            UNION ALL SELECT 'publication', unnest(published_days)) AS writing
        WHERE NOT EXISTS (
            SELECT FROM market.written
            WHERE written.market = of_market AND written.parent = writing.parent
                AND written.sequence = stretch AND written.day = writing.day)) THEN
        PERFORM market.make_days('event', days);
        PERFORM market.make_days('publication', published_days);
        INSERT INTO market.written (market, parent, sequence, day)
        SELECT of_market, 'event', stretch, unnest(days)
        UNION SELECT of_market, 'publication', stretch, unnest(published_days)
        ON CONFLICT DO NOTHING;
    END IF;
    WITH moving AS (
        DELETE FROM market.submission WHERE market = of_market AND number = ANY (taken)
        RETURNING *, array_position(taken, number) AS place
    )
    INSERT INTO market.event (market, day, sequence, batch, key, kind, entity, at, numbers, words,
        outcome, submitted_at, submitted_by, digest)
    SELECT of_market, day, first_sequence + place - 1, first_sequence, key, kind, entity, at,
        numbers, words, outcomes[place], submitted_at, submitted_by, digests[place]
    FROM moving ORDER BY place;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(taken) THEN
        RAISE EXCEPTION 'market.submission of %: % of % events are no longer in the inbox',
            of_market, cardinality(taken) - moved, cardinality(taken)
            USING ERRCODE = '{FENCED_SQLSTATE}';
    END IF;
    FOR place IN 1 .. cardinality(published_days) LOOP
        since := until + 1;
        until := until + holon_counts[place];
        INSERT INTO market.publication (market, day, sequence, part, at, cause, holons,
            tightness_ppm, price_micro_per_mwh, sell_price_micro_per_mwh, digest, law)
        VALUES (of_market, published_days[place], first_sequence, place, published_at[place],
            causes[place], of_holons[since : until], tightness[since : until],
            prices[since : until], sell_prices[since : until], published_digests[place],
            laws[place]);
    END LOOP;
    IF cardinality(booked_by) > 0 THEN
        INSERT INTO market.booking (market, sequence, part, participant, record, digest)
        SELECT of_market, first_sequence, place, participant, record, digest
        FROM unnest(booked_by, records, booked_digests) WITH ORDINALITY
            AS listed (participant, record, digest, place);
    END IF;
    IF opened_day IS NOT NULL THEN
        INSERT INTO market.opening (market, day, sequence, state, digest)
        VALUES (of_market, opened_day, first_sequence, opened_state, opened_digest);
    END IF;
    PERFORM pg_notify(
        '{PUBLISHED_CHANNEL}', of_market || ' ' || first_sequence || ' ' || last_sequence);
END
$$
"""

# A row of the inbox that no market can take, whatever it is and however it came there, would end
# who leads, one after the other. It stays in its turn as an event that says what stood there.
CREATE_SET_APART = f"""
CREATE FUNCTION market.set_apart(of_market text, of_epoch bigint, of_number bigint)
RETURNS boolean
LANGUAGE plpgsql {_AS_OWNER} AS $$
DECLARE
    kept market.submission;
    said text;
    came timestamptz;
BEGIN
    PERFORM FROM market.head WHERE market = of_market AND epoch = of_epoch FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'market.head of %: another leads', of_market
            USING ERRCODE = '{FENCED_SQLSTATE}';
    END IF;
    DELETE FROM market.submission
        WHERE market = of_market AND number = of_number AND kind <> 'unreadable'
        RETURNING * INTO kept;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    said := left(
        regexp_replace(row_to_json(kept)::text, '{UNPRINTABLE}', '?', 'g'),
        {MOST_TEXT * 50});
    came := CASE WHEN kept.submitted_at BETWEEN '2000-01-01' AND clock_timestamp()
        THEN kept.submitted_at ELSE clock_timestamp() END;
    INSERT INTO market.submission (number, market, day, key, kind, entity, at, numbers, words,
        submitted_at, submitted_by) OVERRIDING SYSTEM VALUE
    VALUES (of_number, of_market, (came AT TIME ZONE 'UTC')::date,
        'unreadable ' || gen_random_uuid(), 'unreadable', '', came, '{{}}',
        ARRAY(SELECT substr(said, 1 + {MOST_TEXT} * part, {MOST_TEXT})
            FROM generate_series(0, (length(said) - 1) / {MOST_TEXT}) AS part),
        came, coalesce(nullif(left(
            regexp_replace(kept.submitted_by, '{UNPRINTABLE}', '?', 'g'), {MOST_TEXT}), ''), '?'));
    RETURN true;
END
$$
"""
"""Returns whether it was set apart: false for one that is, or is there no more."""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "market.make_days(text, date[])": CREATE_MAKE_DAYS,
        "market.begin_epoch(text)": CREATE_BEGIN_EPOCH,
        "market.submit(text, date[], text[], text[], text[], timestamptz[], int[], bigint[], "
        "int[], text[], text)": CREATE_SUBMIT,
        "market.append(text, bigint, bigint, bigint[], date[], text[], bytea[], date[], "
        "timestamptz[], text[], int[], int[], bigint[], bigint[], bigint[], bytea[], text[], "
        "text[], text[], bytea[], date, text, bytea)": CREATE_APPEND,
    }
)
"""Those that were there with the log; `market.set_apart` came later."""
