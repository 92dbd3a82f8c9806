"""What every column is: a fact, derived, or transient; an unlisted one fails `test_columns.py`.

A fact is covered by a leaf of the log or a link of the trail: changed with every digest below the
log, it is named against a kept checkpoint. What is derived is computed again from other rows:
changed, it is named without one. On what is transient no money, law or right rests.
"""

FACTS = {
    "ledger.allocation": (
        "amounts_minor decided_at decided_by decision documents journal_number line market method "
        "reason reverses statement_number"
    ),
    "ledger.attachment": "content media_type",
    "ledger.bank_file": "content market name received_at received_by",
    "ledger.bank_statement": (
        "account closed_on closing_minor currency file_digest identification market number "
        "opened_on opening_minor sequence_number transaction_count"
    ),
    "ledger.bank_transaction": (
        "amount_minor bank_reference booked_on counterparty counterparty_account end_to_end entry "
        "is_reversal line market part reference remittance statement_number value_on"
    ),
    "ledger.checkpoint": "signed_at",
    "ledger.cosignature": "signature signed_at size witness",
    "ledger.dispute": (
        "answer_within_days claimed_micro claimed_quantity decide_within_days "
        "escalate_within_days invoice_id line line_digest market number participant "
        "raise_within_days terms_digest time_zone"
    ),
    "ledger.dispute_event": (
        "action actor attachment_name attachment_sha256 dispute_number journal_numbers market "
        "note_id note_line number reason role run_id step taken_at upheld_micro upheld_quantity"
    ),
    "ledger.interest": (
        "annual_rate_ppm borne_micro days_in_year document grace_days journal_number market "
        "number until"
    ),
    "ledger.invoice": (
        "amount_micro billing_month checkpoint_root checkpoint_size "
        "buyer_address_lines buyer_contact_email buyer_contact_name "
        "buyer_country buyer_iban buyer_legal_name buyer_postcode buyer_tax_identifier currency "
        "due_minor due_on id issued_at journal_number kind last_journal_number line_count market "
        "minor_unit_micro net_minor number original participant participant_number "
        "payment_term_days rounding_micro run_id seller_address_lines seller_contact_email "
        "seller_contact_name seller_country seller_iban seller_legal_name seller_postcode "
        "seller_tax_identifier series tax_minor"
    ),
    "ledger.invoice_line": (
        "amount_micro clauses description estimated_quantity invoice_id kind line quality "
        "quantity quantity_unit rule_digests subject tax_category tax_note tax_rate_ppm"
    ),
    "ledger.journal": (
        "cause_digest cause_key cause_source id input_digest key market number posted_at "
        "posting_count reason run_id run_kind settlement_day"
    ),
    "ledger.log_key": "cause name number public_key valid_from",
    "ledger.posting": "account amount journal_number line",
    "ledger.seal": (
        "begins_at ends_at journal_number last_journal_digest last_journal_number market reason "
        "sealed_at sealed_by settlement_day"
    ),
    "ledger.trail_link": "change key source",
    "ledger.witness": "cause name number public_key recorded_at",
    "portal.account_emailaddress": "email primary user_id verified",
    "people.account": "id person recorded_at recorded_by",
    "people.account_grant": "account approval granted_at market number participant role",
    "people.answer": "agrees answered_at answered_by market number participant proposal",
    "people.approval": "approved_at approved_by proposal",
    "people.deed": "account at command words",
    "people.founding": "founded_at is_demonstration operator regulator",
    "people.person": "name number recorded_at recorded_by salt",
    "people.proposal": "content kind market number proposed_at proposed_by texts",
    "people.proposal_end": "ended_at ended_by outcome proposal reason",
    "people.withdrawal": "grant_number reason withdrawn_at withdrawn_by",
    "portal.auth_user": (
        "date_joined email first_name is_active is_staff is_superuser last_name password username"
    ),
    "portal.mfa_authenticator": "created_at data type user_id",
    "portal.portal_auditentry": "account action at reason subject",
    "portal.portal_noticesent": "key sent_at sent_to",
    "portal.portal_replayrequest": (
        "error finished_at first_difference recomputed_digest requested_at requested_by_id run_id "
        "state stored_digest"
    ),
    "market.event": (
        "at batch day entity key kind market numbers outcome sequence submitted_at submitted_by "
        "words"
    ),
    "market.booking": "market part participant record sequence",
    "market.opening": "day market sequence state",
    "market.publication": (
        "at cause day holons law market part price_micro_per_mwh sell_price_micro_per_mwh sequence "
        "tightness_ppm"
    ),
    "market.sealed": "first_sequence last_sequence market",
    "rulebook.change": (
        "do_nothing market number objectives opened_at opened_by options participant problem title "
        "urgency"
    ),
    "rulebook.change_event": (
        "account answers at body change kind participant proposal reason revision_digest sequence "
        "state"
    ),
    "rulebook.revision": (
        "author change draft drawn_from made_at number parent valid_from valid_to"
    ),
    "rulebook.version": (
        "approval approver author body id instrument kind market origin reason recorded status "
        "supersedes valid"
    ),
    "settlement.online_day": "content market recorded_at revision sequence settlement_day",
    "settlement.reading": (
        "entity file_id market measure quality received_at revision settlement_day values"
    ),
    "settlement.reading_file": (
        "content_digest first_day id last_day late_day_count market name received_at row_count "
        "unchanged_count vector_count"
    ),
    "settlement.result": "entity measure run_id settlement_day values",
    "settlement.run": (
        "created_at engine_version first_day id input_digest kind known_at last_day market pins "
        "result_digest"
    ),
    "settlement.study": "before_run_id overlay report run_id",
    "settlement.fairness_report": (
        "created_at first_day id input_digest last_day market pins report"
    ),
    "settlement.transition_report": (
        "created_at first_day id input_digest last_day market prices report run_id"
    ),
    "settlement.trial_made": "entity measure settlement_day side trial_id values",
    "settlement.trial": (
        "created_at drafts engine_version first_day id input_digest known_at last_day market pins "
        "report sides threshold_ppm"
    ),
}
"""Columns that only a leaf or a link tells of, by table."""

DERIVED = {
    "ledger.account": "code commodity kind market participant subject",
    "ledger.cosignature": "number",
    "portal.account_emailaddress": "id",
    "market.head": "market sequence",
    "market.written": "day market parent sequence",
    "people.deed": "number",
    "portal.auth_user": "id",
    "portal.mfa_authenticator": "id",
    "portal.portal_auditentry": "id",
    "portal.portal_noticesent": "id",
    "portal.portal_replayrequest": "id",
    "settlement.day_total": "entity measure run_id settlement_day total_wh",
}
"""Columns that are computed again from other rows, though their digests were made anew."""

DIGESTS = {
    "ledger.account": "digest",
    "ledger.allocation": "digest",
    "ledger.attachment": "digest sha256",
    "ledger.bank_file": "content_digest digest",
    "ledger.bank_statement": "digest previous_digest",
    "ledger.bank_transaction": "digest",
    "ledger.checkpoint": "digest note root size",
    "ledger.dispute": "digest",
    "ledger.dispute_event": "digest previous_digest",
    "ledger.interest": "digest",
    "ledger.invoice": "digest previous_digest",
    "ledger.invoice_line": "digest",
    "ledger.journal": "digest previous_digest",
    "ledger.log_key": "digest",
    "ledger.log_leaf": "digest index key leaf_hash source",
    "ledger.log_tile": "hashes index level root",
    "ledger.posting": "digest",
    "ledger.seal": "digest",
    "ledger.trail_head": "digest link_digest number",
    "ledger.trail_link": "digest number previous_digest row_digest",
    "ledger.witness": "digest",
    "market.booking": "digest",
    "market.event": "digest",
    "market.head": "event_digest publication_digest",
    "market.opening": "digest",
    "market.publication": "digest",
    "market.sealed": "digest event_digest publication_digest",
    "people.account": "digest",
    "people.account_grant": "digest",
    "people.answer": "content_digest digest",
    "people.approval": "content_digest digest",
    "people.founding": "digest",
    "people.person": "digest",
    "people.proposal": "content_digest digest",
    "people.proposal_end": "digest",
    "people.withdrawal": "digest",
    "rulebook.change": "digest",
    "rulebook.change_event": "digest previous_digest",
    "rulebook.revision": "digest draft_digest",
    "rulebook.version": "digest row_digest",
    "settlement.day_total": "digest",
    "settlement.online_day": "digest",
    "settlement.reading": "digest",
    "settlement.reading_file": "digest readings_root",
    "settlement.result": "digest",
    "settlement.run": "digest",
    "settlement.study": "digest",
    "settlement.trial": "digest",
    "settlement.fairness_report": "digest",
    "settlement.transition_report": "digest",
    "settlement.trial_made": "digest",
}
"""Columns that follow from the rows that they seal: to make them anew is to put them back."""

TRANSIENT = {
    "market.head": {"epoch": "who leads from here on; what was led says nothing of it"},
    "market.outlook": {
        "at begins_at interval_count interval_minutes law market price_micro_per_mwh "
        "sell_price_micro_per_mwh sequence tightness_ppm waiting": "made anew of the log when an "
        "interval ends; nobody is charged by it, and a quote is made of the log",
    },
    "market.standing": {
        "market sequence state": "where whoever asks for a quote goes on from; what is asked for "
        "is decided by who leads, whose machine is that of the log",
    },
    "market.publication": {"published_at": "when it was stored; it counts from `at`"},
    "market.submission": {
        "at day entity key kind market number numbers submitted_at submitted_by words": "what "
        "waits for its turn; what is taken of it is a fact",
    },
    "people.founding": {"once": "it is true, or the table has no row"},
    "people.token": {
        "account expires_at hash made_at": "it lets a process act for some hours: who writes one "
        "writes as the database, whose roles stand in database/roles",
    },
    "portal.auth_group": {"id name": "no page or command asks for a group: grants say who may"},
    "portal.auth_user_groups": {
        "group_id id user_id": "no page or command asks for a group: grants say who may",
    },
    "portal.account_emailconfirmation": {
        "created email_address_id id key sent": "no address is confirmed: sign-in is by name",
    },
    "portal.auth_group_permissions": {
        "group_id id permission_id": "no page or command asks for a permission: grants say who may",
    },
    "portal.auth_permission": {
        "codename content_type_id id name": "no page or command asks for a permission",
    },
    "portal.auth_user": {"last_login": "the sign-in is an entry of the audit trail"},
    "portal.auth_user_user_permissions": {
        "id permission_id user_id": "no page or command asks for a permission: grants say who may",
    },
    "portal.django_content_type": {
        "app_label id model": "names of models for permissions, which nothing asks for",
    },
    "portal.django_migrations": {
        "app applied id name": "what migrations made is held to the manifest of the schema",
    },
    "portal.django_session": {
        "expire_date session_data session_key": "sealed under the browser's cookie and the key of "
        "the portal: a row that was written or changed is no session (test_sessions.py)",
    },
    "portal.mfa_authenticator": {"last_used_at": "the sign-in is an entry of the audit trail"},
    "portal.portal_noticeread": {
        "id key user_id": "a mark on the screen of its reader; what was sent is a fact",
    },
    "portal.portal_act": {
        "arguments asked_at content finished_at id job_number kind outcome state subject "
        "user_id": "what was asked for; what was done of it, and by whom, is a fact of the ledger",
    },
    "portal.portal_export": {
        "asked_at done error expires_at file_name finished_at found id job_number kind media_type "
        "size_bytes state subject total user_id": "a copy for a day of what is proven elsewhere",
    },
    "portal.portal_workingcopy": {
        "base begun_at bodies change changed_at drawn_from id law_day market revision user_id "
        "version wanted_from": "what somebody writes; law is what is proposed of it and approved",
    },
    "portal.portal_exportpart": {
        "content export_id id number": "pieces of that copy; evidence is checked by its verifier",
    },
    "portal.portal_explanationrequest": {
        "asked_at content day document id interval job_number line rights state user_id": "a page "
        "for an hour, worked out of what is proven elsewhere",
    },
    "portal.portal_askedtrial": {
        "asked_at done drafts error finished_at first_day found id job_number last_day market "
        "mode state threshold_ppm total trial_id user_id wish": "what was asked for; the trial "
        "that it came to is a fact of its own, and says of which drafts and days it is",
    },
    "portal.portal_askedreport": {
        "asked_at done error finished_at first_day found id job_number last_day market state total "
        "user_id": "what was asked for; the report that it came to is a fact of its own",
    },
    "portal.portal_replayrequest": {
        "seconds": "how long it took says nothing of what it found",
        "done job_number total": "how far it is; the verdict is a fact",
    },
    "portal.procrastinate_events": {"at id job_id type": "what became of a job"},
    "portal.procrastinate_jobs": {
        "abort_requested args attempts id lock priority queue_name queueing_lock scheduled_at "
        "status task_name worker_id": "work to be done again by whoever asks; it names a row, and "
        "writes no money",
    },
    "portal.procrastinate_periodic_defers": {
        "defer_timestamp id job_id periodic_id task_name": "when a task was last queued",
    },
    "portal.procrastinate_workers": {"id last_heartbeat": "that a process is there"},
    "portal.portal_attempt": {
        "account address at id kind": "counts against guessing: who takes them away has more "
        "guesses, and still no password and no second factor",
    },
    "portal.portal_use": {
        "at id kind user_id": "counts against a quota, which is room on the machine and no right",
    },
}
"""Columns on which nothing rests, by table, with the reason."""


def listed() -> list[tuple[str, str]]:
    """Return every column that is listed, by table and name."""
    return [
        (table, name)
        for group in (FACTS, DERIVED, DIGESTS, TRANSIENT)
        for table, of_table in group.items()
        for names in ([of_table] if isinstance(of_table, str) else of_table)
        for name in names.split()
    ]


def columns_of(group: dict[str, str]) -> list[tuple[str, str]]:
    """Return the columns of a class, by table and name."""
    return [(table, name) for table, names in group.items() for name in names.split()]
