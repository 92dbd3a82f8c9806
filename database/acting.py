"""Triggers by which a row that says who did it says the truth.

A transaction acts as an account by a token, a secret whose hash `people.token` holds until it
expires. Whoever writes a row without one, or in another's name, is refused. That an account exists
is a foreign key; that a person approves what another proposed, `people.check_approval`.
"""

from collections.abc import Callable, Iterable

TOKEN_SETTING = "tallystick.token"
"""The setting of a transaction that holds the token under which it acts."""

# The owner's rights, so that those who act need not read tokens; so names are found nowhere else.
CREATE_ACTING = f"""
CREATE FUNCTION people.acting() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT token.account FROM people.token
    WHERE token.hash
            = sha256(convert_to(current_setting('{TOKEN_SETTING}', true), 'UTF8'))
        AND token.expires_at > clock_timestamp()
)
"""

CREATE_HOLDS_ROLE = """
CREATE FUNCTION people.holds_role(account_id text, roles text[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN EXISTS (
    SELECT FROM people.account_grant AS held
    WHERE held.account = account_id AND held.role = ANY (roles)
        AND NOT EXISTS (
            SELECT FROM people.withdrawal WHERE withdrawal.grant_number = held.number)
)
"""

CREATE_ACTS_FOR = """
CREATE FUNCTION people.acts_for(account_id text, of_market text, of_participant text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN EXISTS (
    SELECT FROM people.account_grant AS held
    WHERE held.account = account_id AND held.role = 'participant'
        AND held.market = of_market AND held.participant = of_participant
        AND NOT EXISTS (
            SELECT FROM people.withdrawal WHERE withdrawal.grant_number = held.number)
)
"""

CREATE_PERSON_OF = """
CREATE FUNCTION people.person_of(account_id text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN (SELECT account.person FROM people.account WHERE account.id = account_id)
"""

CREATE_CHECK_ACTOR = """
CREATE FUNCTION people.check_actor() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    acting text := people.acting();
    roles text[] := TG_ARGV[1:];
    other text;
BEGIN
    EXECUTE format(
        'SELECT %1$I FROM added WHERE %1$I IS NOT NULL AND %1$I IS DISTINCT FROM $1 LIMIT 1',
        TG_ARGV[0])
    INTO other USING acting;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION '%.%: % is %, and who acts is %', TG_TABLE_SCHEMA, TG_TABLE_NAME,
            TG_ARGV[0], other, coalesce(acting, 'nobody')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'acts_as_itself';
    END IF;
    EXECUTE format('SELECT %1$I FROM added WHERE %1$I IS NOT NULL LIMIT 1', TG_ARGV[0]) INTO other;
    IF other IS NOT NULL AND cardinality(roles) > 0 AND NOT people.holds_role(acting, roles) THEN
        RAISE EXCEPTION '%.%: % is %, who is no %', TG_TABLE_SCHEMA, TG_TABLE_NAME,
            TG_ARGV[0], acting, array_to_string(roles, ' and no ')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_role';
    END IF;
    RETURN NULL;
END
$$
"""
"""Arguments of the trigger: the column that says who, and the roles of which they hold one."""

FUNCTIONS = {
    "acting()": CREATE_ACTING,
    "holds_role(text, text[])": CREATE_HOLDS_ROLE,
    "acts_for(text, text, text)": CREATE_ACTS_FOR,
    "person_of(text)": CREATE_PERSON_OF,
    "check_actor()": CREATE_CHECK_ACTOR,
}


def check_actor(
    execute: Callable[[str], object], table: str, column: str, roles: Iterable[str] = ()
) -> None:
    """Hold a column of a table to the account that acts, and that to one of some roles.

    Call it in the migration that makes the table, or the column.

    Args:
        execute: runs a statement.
        table: schema.name of an append-only table.
        column: says who; where it holds nothing, nobody is asked.
        roles: of which the account holds one; none where another trigger asks for more.
    """
    execute(
        f"ALTER TABLE {table} ADD CONSTRAINT fk_{table.partition('.')[2]}_{column} "
        f"FOREIGN KEY ({column}) REFERENCES people.account (id)"
    )
    actor_trigger(execute, table, column, roles)


def actor_trigger(
    execute: Callable[[str], object], table: str, column: str, roles: Iterable[str] = ()
) -> None:
    """Install what `check_actor` does beside the foreign key, which a table of people has."""
    arguments = ", ".join(f"'{each}'" for each in (column, *roles))
    execute(
        f"CREATE TRIGGER check_actor AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
        f"FOR EACH STATEMENT EXECUTE FUNCTION people.check_actor({arguments})"
    )
