"""Addresses of the portal."""

from allauth.account import views as account
from django.urls import include, path, register_converter

from portal import converters
from portal.views import (
    accounts,
    acts,
    calendar,
    changes,
    credit,
    disputes,
    evidence,
    explanations,
    files,
    home,
    invitations,
    invoices,
    notices,
    payments,
    people,
    proof,
    rules,
    runs,
    studies,
    witnesses,
)

register_converter(converters.Number, "number")
register_converter(converters.Size, "size")
register_converter(converters.Day, "day")

urlpatterns = [
    path("", home.landing, name="home"),
    path("rules/", rules.in_force, name="rules"),
    # Before the next, whose instrument may hold slashes and would take this address too.
    path("rules/version/<str:digest>/", rules.version, name="rule-version"),
    path("rules/<path:instrument>/", rules.document, name="rule-document"),
    path("invoices/", invoices.listing, name="invoices"),
    path("invoices/<str:number>/", invoices.page, name="invoice"),
    path("invoices/<str:number>/invoice.<str:format_name>", invoices.download, name="invoice-file"),
    path("invoices/<str:number>/<number:line>/", explanations.line, name="why-line"),
    path("invoices/<str:number>/<number:line>/dispute/", disputes.opening, name="dispute-line"),
    path("invoices/<str:number>/<number:line>/<day:day>/", explanations.day, name="why-day"),
    path(
        "invoices/<str:number>/<number:line>/<day:day>/<number:interval>/",
        explanations.interval,
        name="why-interval",
    ),
    path("files/", files.listing, name="files"),
    path("files/<number:file_number>/", files.page, name="file"),
    path("files/<number:file_number>/download/", files.download, name="file-download"),
    path("notices/", notices.listing, name="notices"),
    path("notices/read/", notices.mark_read, name="notices-read"),
    path("proof/", proof.page, name="proof"),
    path("proof/check/", proof.check, name="check-proof"),
    path("proof/check_proof.py", proof.script, name="check-script"),
    path("proof/verify.py", proof.verifier, name="verifier"),
    path("proof/checkpoint/newest/kept/", witnesses.newest_kept, name="newest-checkpoint-kept"),
    path("proof/checkpoint/<size:size>/cosignatures/", witnesses.cosignatures, name="cosignatures"),
    path("proof/checkpoint/<size:size>/", proof.note, name="checkpoint-note"),
    path("proof/checkpoint/<size:size>/kept/", proof.kept, name="checkpoint-kept"),
    path(
        "proof/consistency/<size:old_size>/<size:size>/proof.json",
        proof.consistency_json,
        name="consistency-json",
    ),
    path("proof/document/<str:number>/", proof.document, name="proof-of-document"),
    path("proof/document/<str:number>/proof.json", proof.document_json, name="proof-json"),
    path("disputes/", disputes.listing, name="disputes"),
    path("disputes/counts/", disputes.counts, name="dispute-counts"),
    path("disputes/<str:market>/<number:number>/", disputes.page, name="dispute"),
    path(
        "disputes/<str:market>/<number:number>/file/<number:step>/",
        disputes.file,
        name="dispute-file",
    ),
    path(
        "disputes/<str:market>/<number:number>/<str:action>/",
        disputes.take_next_step,
        name="dispute-step",
    ),
    path("accounts/", accounts.listing, name="accounts"),
    path("accounts/<str:market>/<str:participant>/", accounts.page, name="account"),
    path(
        "accounts/<str:market>/<str:participant>/statement.csv",
        accounts.as_csv,
        name="account-csv",
    ),
    path(
        "accounts/<str:market>/<str:participant>/evidence.zip",
        evidence.of_participant,
        name="account-evidence",
    ),
    path("payments/", payments.listing, name="payments"),
    path("payments/import/", payments.import_file, name="payments-import"),
    path("payments/<str:statement>/<number:line>/", payments.page, name="payment"),
    path("payments/<str:statement>/<number:line>/decide/", payments.decide, name="payment-decide"),
    path("acts/<number:act_number>/", acts.page, name="act"),
    path("credit/", credit.page, name="credit"),
    path("runs/", runs.listing, name="runs"),
    path("runs/<uuid:run_id>/", runs.page, name="run"),
    path("runs/<uuid:run_id>/energy.csv", runs.energy, name="run-energy"),
    path("runs/<uuid:run_id>/evidence/", evidence.download, name="evidence"),
    path("runs/<uuid:run_id>/replay/", runs.ask_for_replay, name="ask-for-replay"),
    path("runs/<uuid:run_id>/replay/<number:request_number>/", runs.replay_state, name="replay"),
    path("calendar/", calendar.page, name="calendar"),
    path("studies/", studies.listing, name="studies"),
    path("studies/<uuid:run_id>/", studies.page, name="study"),
    path("audit/", runs.audit_trail, name="audit"),
    path("changes/", changes.listing, name="changes"),
    path("changes/<number:number>/", changes.page, name="change"),
    path("changes/<number:number>/answer/", changes.answer, name="change-answer"),
    path("people/", people.listing, name="people"),
    path("people/add/", people.add, name="people-add"),
    path("people/proposals/<number:number>/", people.proposal, name="people-proposal"),
    path("people/proposals/<number:number>/approve/", people.approve, name="people-approve"),
    path("people/invitations/<number:act_number>/", people.invitation, name="people-invitation"),
    path("people/accounts/<str:account>/", people.page, name="person"),
    path("people/accounts/<str:account>/invite/", people.invite, name="person-invite"),
    path("people/accounts/<str:account>/propose/", people.propose, name="person-propose"),
    path("people/accounts/<str:account>/withdraw/", people.withdraw, name="person-withdraw"),
    path("account/sign-in/", account.login, name="account_login"),
    path("account/sign-out/", account.logout, name="account_logout"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path(
        "account/invitation/<str:account>/<str:key>/",
        invitations.accept,
        name="account_invitation",
    ),
    path("account/confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/password/set/", account.password_set, name="account_set_password"),
    path("account/two-factor/", include("allauth.mfa.urls")),
]

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.forbidden"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.failed"
