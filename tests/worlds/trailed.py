"""Rows of the portal for tests that need no page: people, what they may do, and what they did."""

from sqlalchemy import text
from sqlalchemy.orm import Session

STATEMENTS = (
    "INSERT INTO portal.auth_user (username, password, email, first_name, last_name, is_active, "
    "is_staff, is_superuser, date_joined) VALUES ('olga', 'hash', 'olga@operator.example', 'Olga', "
    "'O', true, false, false, '2024-03-01T09:00Z'), ('pia', 'hash', '', '', '', true, false, "
    "false, '2024-03-01T10:00Z')",
    'INSERT INTO portal.account_emailaddress (user_id, email, verified, "primary") '
    "SELECT id, email, true, true FROM portal.auth_user WHERE email <> ''",
    "INSERT INTO portal.mfa_authenticator (user_id, type, data, created_at) "
    "SELECT id, 'totp', '{\"secret\": \"s\", \"a\": [1, 2.5]}', '2024-03-01T09:30Z' "
    "FROM portal.auth_user WHERE username = 'olga'",
    "INSERT INTO portal.portal_auditentry (at, account, action, subject, reason) "
    "VALUES ('2024-03-01T11:00Z', 'olga', 'sign-in', '', ''), "
    "('2024-03-01T11:05:07.000001Z', '', 'evidence', 'run x', 'Überprüfung')",
    "INSERT INTO people.deed (at, account, command, words) "
    "VALUES ('2024-03-01T11:30Z', 'bea', 'settle', 'market tiny')",
    "INSERT INTO portal.portal_noticesent (key, sent_at, sent_to) "
    "VALUES ('tiny/cedar/1', '2024-03-01T12:00Z', 'desk@cedar.example')",
    "INSERT INTO portal.portal_replayrequest (run_id, requested_by_id, requested_at, state, "
    "first_difference, error) SELECT '00000000-0000-4000-8000-000000000001', id, "
    "'2024-03-01T12:00Z', 'running', '', '' FROM portal.auth_user WHERE username = 'olga'",
    "UPDATE portal.portal_replayrequest SET state = 'same', finished_at = '2024-03-01T12:01Z', "
    "stored_digest = sha256('x'), recomputed_digest = sha256('x'), seconds = 1.5",
    "UPDATE portal.auth_user SET last_login = '2024-03-01T11:00Z'",
)


def fill_trail(session: Session) -> None:
    """Store a row of every table that the trail holds, and end a replay."""
    for statement in STATEMENTS:
        session.execute(text(statement))
    # As at the end of the transaction, so that one session can do more after it.
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
