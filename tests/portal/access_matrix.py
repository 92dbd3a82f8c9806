"""The access matrix: every route of the portal, by every visitor, and what a read of it leaves.

The visitors are seven: the *owner*, who acts for the supplier whose document, account and file the
addresses name; a *colleague*, who acts for it and for another; an *outsider*, who acts for a third;
a regulator, an operator and an auditor, who each confirmed that it is they; and nobody signed in.
What is one account's own, such as a file, an act or a draft of law, is the owner's here; an invitation is the
operator's. The change of who is paid is the outsider's, and the dispute a fourth participant's, of
which the owner's lines moved.
"""

# ruff: noqa: E501 - a row of the matrix is a line

from typing import NamedTuple

from portal.readings_kept import EVERYBODY
from tests.portal.site import MARKET, OUTSIDER, SUPPLIER

VISITORS = ("owner", "colleague", "outsider", "regulator", "operator", "auditor", "signed out")
BY_ROLE = ("regulator", "operator", "auditor")
GET, POST, BOTH = "get", "post", "both"
ALL, OWNERS = EVERYBODY, f"{MARKET}/{SUPPLIER}"
OUTSIDERS = f"{MARKET}/{OUTSIDER}"
FIRSTS = f"{MARKET}/albion-nuclear"
"""Whose row stands first in a trial."""
DISPUTERS = f"{MARKET}/foundry-business-power"


class Row(NamedTuple):
    """A route.

    Attributes:
        route: its name.
        address: one of its addresses; what stands in braces, the test makes.
        answers: the status for each of VISITORS, in order; `in` leads to the sign-in.
        reads: what the trail says that a visitor read by a role; empty where nobody is shown.
        method: how it is asked for; BOTH of a page that takes a form, and is asked for by GET.
        unwalked: why the browser does not walk it as a page of its own.
        spared: who of those by a role is shown nobody's data there.
        names: why it may name participants and yet be no read of their data.
    """

    route: str
    address: str
    answers: str
    reads: str = ""
    method: str = GET
    unwalked: str = ""
    names: str = ""
    spared: str = ""


LINKS = "who acts for whom, and nothing of their affairs"
RECORD = "who said what of a change of the law, for everybody to read"
FORM, FILE, OWN = "a form's answer", "a file", "the account's own form"


# fmt: off
MATRIX = (
    Row("home", "/", "302 302 302 302 302 302 200"),
    Row("rules", "/rules/", "200 200 200 200 200 200 200"),
    Row("rule-version", "/rules/version/{registration}/", "200 200 404 200 200 200 404", reads=OWNERS, unwalked="the page of the document, in another version"),
    Row("law-changes", "/rules/changes/", "200 200 200 200 200 200 in", names=RECORD),
    Row("law-change-open", "/rules/changes/open/", "200 200 200 200 200 403 in", method=BOTH),
    Row("law-change", "/rules/changes/{law}/", "200 200 200 200 200 200 in", names=RECORD),
    Row("law-change-compared", "/rules/changes/{law}/compared/1/?document=gb12/market-rules", "200 200 200 200 200 200 in"),
    Row("law-proposal", "/rules/proposals/{change}/", "403 403 403 200 200 200 in", reads=ALL),
    Row("law-proposal-approve", "/rules/proposals/{change}/approve/", "403 403 403 422 403 403 in", method=POST, unwalked=FORM),
    Row("registration-end", f"/rules/end/{OWNERS}/?last_day=2090-03-31", "403 403 403 200 200 403 in", reads=OWNERS, method=BOTH),
    Row("law-proposal-give-up", "/rules/proposals/{change}/give-up/", "403 403 403 422 422 403 in", method=POST, unwalked=FORM),
    Row("registration-end-propose", f"/rules/end/{OWNERS}/propose/", "403 403 403 422 422 403 in", method=POST, unwalked=FORM),
    Row("law-change-step", "/rules/changes/{law}/comment/", "422 422 422 422 422 403 in", method=POST, unwalked=FORM),
    Row("rule-document", "/rules/gb12/registration/{owner}/?on=2024-03-30", "200 200 404 200 200 200 404", reads=OWNERS),
    Row("law", "/law/gb12/at/2024-03-30/", "200 200 200 200 200 200 200"),
    Row("law-document", "/law/gb12/registration/{owner}/at/2024-03-30/", "200 200 404 200 200 200 404", reads=OWNERS, unwalked="the page of the document, by a permanent address"),
    Row("law-akoma-ntoso", "/law/gb12/registration/{owner}/at/2024-03-30/akn.xml", "200 200 404 200 200 200 404", reads=OWNERS, unwalked=FILE),
    Row("law-clause", "/law/gb12/registration/{owner}/RG-2.1/at/2024-03-30/", "200 200 404 200 200 200 404", reads=OWNERS),
    Row("law-timeline", "/law/gb12/registration/{owner}/timeline/", "200 200 404 200 200 200 404", reads=OWNERS),
    Row("search", "/search/?q=price", "200 200 200 200 200 200 200"),
    Row("compare", "/compare/?market=gb12&before=2020-01-01&after=2024-03-30", "200 200 200 200 200 200 200"),
    Row("versions-compared", "/compare/{registration}/{registration}/", "200 200 404 200 200 200 404", reads=OWNERS, unwalked="the page of a document of two laws, by another address"),
    Row("drafts", "/drafts/", "200 200 200 200 200 403 in"),
    Row("draft-begin", "/drafts/begin/", "422 422 422 422 422 403 in", method=POST, unwalked=FORM),
    Row("draft", "/drafts/{draft}/", "200 404 404 404 404 403 in"),
    Row("draft-change", "/drafts/{draft}/change/", "404 404 404 404 404 403 in", method=POST, unwalked=FORM),
    Row("draft-upload", "/drafts/{draft}/upload/", "422 404 404 404 404 403 in", method=POST, unwalked=FORM),
    Row("draft-discard", "/drafts/{draft}/discard/", "422 404 404 404 404 403 in", method=POST, unwalked=FORM),
    Row("draft-revision", "/drafts/{draft}/revision/", "422 404 404 404 404 403 in", method=POST, unwalked=FORM),
    Row("draft-from-revision", "/drafts/begin/{law}/", "302 302 302 302 302 403 in", method=POST, unwalked=FORM),
    Row("draft-compared", "/drafts/{draft}/compared/", "200 404 404 404 404 403 in"),
    Row("draft-propose", "/drafts/{draft}/propose/", "403 403 403 404 404 403 in", method=POST, unwalked=FORM),
    Row("draft-yaml", "/drafts/{draft}/market-rules/document.yaml", "200 404 404 404 404 403 in", unwalked=FILE),
    Row("draft-document", "/drafts/{draft}/market-rules/", "200 404 404 404 404 403 in", method=BOTH),
    Row("draft-part", "/drafts/{draft}/market-rules/layers.0/", "200 404 404 404 404 403 in", method=BOTH),
    Row("invoices", "/invoices/", "200 200 200 403 200 200 in", reads=ALL),
    Row("invoice", "/invoices/{number}/", "200 200 404 403 200 200 in", reads=OWNERS),
    Row("invoice-file", "/invoices/{number}/invoice.json", "200 200 404 403 200 200 in", reads=OWNERS, method=BOTH, unwalked=FILE),
    Row("why-line", "/invoices/{number}/1/", "200 200 404 404 200 200 in", reads=OWNERS),
    Row("dispute-line", "/invoices/{number}/1/dispute/", "200 200 404 403 404 404 in", reads=OWNERS, method=BOTH),
    Row("why-day", "/invoices/{number}/1/2024-03-31/", "200 200 404 404 200 200 in", reads=OWNERS),
    Row("why-interval", "/invoices/{number}/1/2024-03-31/46/", "200 200 404 404 200 200 in", reads=OWNERS),
    Row("files", "/files/", "200 200 200 403 200 200 in"),
    Row("file", "/files/{file}/", "200 404 404 403 404 404 in", unwalked="as the list of files, until one is asked for"),
    Row("file-download", "/files/{file}/download/", "200 404 404 403 404 404 in", unwalked=FILE),
    Row("notices", "/notices/", "200 200 200 200 200 200 in", reads=ALL, spared="regulator", names="whose registration ends is law"),
    Row("notices-read", "/notices/read/", "302 302 302 302 302 302 in", method=POST, unwalked=FORM),
    Row("proof", "/proof/", "200 200 200 200 200 200 200"),
    Row("check-proof", "/proof/check/", "200 200 200 200 200 200 200", method=BOTH),
    Row("check-script", "/proof/check_proof.py", "200 200 200 200 200 200 200", unwalked=FILE),
    Row("verifier", "/proof/verify.py", "200 200 200 200 200 200 200", unwalked=FILE),
    Row("newest-checkpoint-kept", "/proof/checkpoint/newest/kept/", "200 200 200 200 200 200 200", unwalked=FILE),
    Row("cosignatures", "/proof/checkpoint/{size}/cosignatures/", "400 400 400 400 400 400 400", method=POST, unwalked="for programmes, in plain text"),
    Row("checkpoint-note", "/proof/checkpoint/{size}/", "200 200 200 200 200 200 200", unwalked=FILE),
    Row("checkpoint-kept", "/proof/checkpoint/{size}/kept/", "200 200 200 200 200 200 200", unwalked=FILE),
    Row("consistency-json", "/proof/consistency/{size}/{size}/proof.json", "200 200 200 200 200 200 200", unwalked=FILE),
    Row("proof-of-document", "/proof/document/{number}/", "200 200 200 200 200 200 200"),
    Row("proof-json", "/proof/document/{number}/proof.json", "200 200 200 200 200 200 200", unwalked=FILE),
    Row("disputes", "/disputes/", "200 200 200 200 200 200 in", reads=ALL),
    Row("dispute-counts", "/disputes/counts/", "200 200 200 200 200 200 200"),
    Row("dispute", "/disputes/gb12/1/", "200 200 200 200 200 200 in", reads=DISPUTERS),
    Row("dispute-file", "/disputes/gb12/1/file/1/", "404 404 404 200 200 200 in", reads=DISPUTERS, unwalked=FILE),
    Row("dispute-step", "/disputes/gb12/1/uphold/", "404 404 404 422 404 404 in", reads=DISPUTERS, method=POST, unwalked=FORM),
    Row("accounts", "/accounts/", "200 200 200 403 200 200 in", reads=ALL),
    Row("account", "/accounts/gb12/{owner}/", "200 200 404 403 200 200 in", reads=OWNERS),
    Row("account-csv", "/accounts/gb12/{owner}/statement.csv", "200 200 404 403 200 200 in", reads=OWNERS, unwalked=FILE),
    Row("account-evidence", "/accounts/gb12/{owner}/evidence.zip", "200 200 404 403 404 404 in", method=BOTH, unwalked=FORM),
    Row("payments", "/payments/", "403 403 403 403 200 200 in", reads=ALL),
    Row("payments-import", "/payments/import/", "403 403 403 403 400 403 in", reads=ALL, method=POST, unwalked=FORM),
    Row("payment", "/payments/gb12-bank-000001/1/", "403 403 403 403 200 200 in", reads=ALL),
    Row("payment-decide", "/payments/gb12-bank-000001/1/decide/", "403 403 403 403 200 403 in", reads=ALL, method=POST, unwalked=FORM),
    Row("act", "/acts/{act}/", "200 404 404 404 404 404 in", unwalked="a sentence, until it is done and leads on"),
    Row("credit", "/credit/", "200 200 200 200 200 200 in", reads=ALL),
    Row("markets", "/market/", "200 200 200 200 200 200 200"),
    Row("market", "/market/gb12/", "200 200 200 200 200 200 200", reads=ALL, spared="regulator"),
    Row("market-parts", "/market/gb12/law/{market_law}/", "200 200 200 200 200 200 200", unwalked=FILE),
    Row("market-bookings", "/market/gb12/bookings/", "200 200 200 403 200 200 in", reads=ALL),
    Row("market-quote", "/market/gb12/bookings/quote/", "422 422 422 403 403 403 in", method=POST, unwalked=FORM),
    Row("market-book", "/market/gb12/bookings/book/", "422 422 422 403 403 403 in", method=POST, unwalked=FORM),
    Row("market-asked", "/market/gb12/bookings/asked/{act}/", "404 404 404 403 403 403 in", unwalked="the page of bookings, with what became of an act; that of the matrix asks for no energy"),
    Row("market-booking", "/market/gb12/bookings/1/", "200 200 404 403 403 403 in"),
    Row("market-booking-change", "/market/gb12/bookings/1/change/", "422 422 404 403 403 403 in", method=POST, unwalked=FORM),
    Row("market-booking-cancel-quote", "/market/gb12/bookings/999/cancel/quote/", "404 404 404 403 403 403 in", method=POST, unwalked=FORM),
    Row("market-booking-cancel", "/market/gb12/bookings/999/cancel/", "404 404 404 403 403 403 in", method=POST, unwalked=FORM),
    Row("runs", "/runs/", "403 403 403 403 200 200 in"),
    Row("run", "/runs/{run}/", "403 403 403 403 200 200 in", reads=ALL),
    Row("run-energy", "/runs/{run}/energy.csv", "403 403 403 403 200 200 in", unwalked=FILE),
    Row("evidence", "/runs/{run}/evidence/", "403 403 403 403 200 200 in", method=BOTH, unwalked=FILE),
    Row("ask-for-replay", "/runs/{run}/replay/", "403 403 403 403 302 302 in", method=POST, unwalked=FORM),
    Row("replay", "/runs/{run}/replay/{replay}/", "403 403 403 403 302 302 in", unwalked="a part of the page of a run"),
    Row("settle-days", "/calendar/settle/", "403 403 403 403 422 403 in", method=POST, unwalked=FORM),
    Row("issue-documents", "/calendar/issue/", "403 403 403 403 422 403 in", method=POST, unwalked=FORM),
    Row("calendar", "/calendar/", "403 403 403 403 200 200 in"),
    Row("fairness", "/fairness/", "200 200 200 200 200 200 in"),
    Row("ask-for-report", "/fairness/ask/", "403 403 403 404 404 403 in", method=POST, unwalked=FORM),
    Row("asked-report", "/fairness/asked/{asked_report}/", "403 403 403 404 200 403 in", unwalked="a sentence, until it is done and leads on"),
    Row("fairness-report", "/fairness/gb12/{fairness}/", "200 200 200 200 200 200 in", reads=ALL),
    Row("fairness-json", "/fairness/gb12/{fairness}/report.json", "200 200 200 200 200 200 in", reads=ALL, unwalked=FILE),
    Row("fairness-pdf", "/fairness/gb12/{fairness}/report.pdf", "200 200 200 200 200 200 in", reads=ALL, unwalked=FILE),
    Row("fairness-day", "/fairness/gb12/{fairness}/2024-03-31/", "200 200 200 200 200 200 in", reads=ALL),
    Row("studies", "/studies/", "403 403 403 200 200 200 in"),
    Row("study", "/studies/{study}/", "403 403 403 200 200 200 in", reads=ALL),
    Row("transitions", "/transitions/", "200 200 200 200 200 200 in"),
    Row("transition", "/transitions/{transition}/", "200 200 200 200 200 200 in", reads=ALL),
    Row("trials", "/trials/", "200 200 200 200 200 200 in", reads=ALL),
    Row("ask-for-trial", "/trials/ask/", "403 403 403 200 200 403 in", method=BOTH),
    Row("asked-trial", "/trials/asked/{asked}/", "403 403 403 404 200 403 in", unwalked="a sentence, until it is done and leads on"),
    Row("asked-trial-wish", "/trials/asked/{asked}/wish/", "403 403 403 404 302 403 in", method=POST, unwalked=FORM),
    Row("trial", "/trials/{trial}/", "200 200 200 200 200 200 in", reads=ALL),
    Row("trial-csv", "/trials/{trial}/trial.csv", "200 200 200 200 200 200 in", unwalked=FILE),
    Row("trial-json", "/trials/{trial}/trial.json", "200 200 200 200 200 200 in", unwalked=FILE),
    Row("trial-prices", "/trials/{trial}/prices/", "403 403 403 200 200 200 in"),
    Row("trial-prices-of-day", "/trials/{trial}/prices/2024-03-31/", "403 403 403 200 200 200 in"),
    Row("trial-row", "/trials/{trial}/1/", "403 403 403 200 200 200 in", reads=FIRSTS),
    Row("trial-day", "/trials/{trial}/1/2024-03-31/", "403 403 403 200 200 200 in", reads=FIRSTS),
    Row("trial-line", "/trials/{trial}/1/2024-03-31/1/", "403 403 403 200 200 200 in", reads=FIRSTS),
    Row("trial-trees", "/trials/{trial}/1/2024-03-31/1/36/", "403 403 403 200 200 200 in", reads=ALL),
    Row("trial-own-row", "/trials/{trial}/own/{owner}/", "200 200 404 403 403 403 in"),
    Row("trial-own-day", "/trials/{trial}/own/{owner}/2024-03-31/", "200 200 404 403 403 403 in"),
    Row("trial-own-line", "/trials/{trial}/own/{owner}/2024-03-31/1/", "200 200 404 403 403 403 in"),
    Row("trial-own-trees", "/trials/{trial}/own/{owner}/2024-03-31/1/36/", "200 200 404 403 403 403 in"),
    Row("trial-parquet", "/trials/{trial}/trial.parquet", "200 200 200 200 200 200 in", unwalked=FILE),
    Row("trial-pdf", "/trials/{trial}/trial.pdf", "200 200 200 200 200 200 in", unwalked=FILE),
    Row("audit", "/audit/", "403 403 403 403 403 200 in", names="the trail itself"),
    Row("changes", "/changes/", "200 200 200 200 200 200 in", reads=ALL),
    Row("change", "/changes/{change}/", "404 404 200 200 200 200 in", reads=OUTSIDERS),
    Row("change-answer", "/changes/{never}/answer/", "404 404 404 403 403 403 in", method=POST, unwalked=FORM),
    Row("people", "/people/", "403 403 403 200 200 200 in", names=LINKS),
    Row("people-add", "/people/add/", "403 403 403 422 422 403 in", method=POST, unwalked=FORM),
    Row("people-proposal", "/people/proposals/{proposal}/", "403 403 403 200 200 200 in", names=LINKS),
    Row("people-approve", "/people/proposals/{proposal}/approve/", "403 403 403 422 422 403 in", method=POST, unwalked=FORM),
    Row("people-invitation", "/people/invitations/{invitation}/", "403 403 403 404 200 403 in", unwalked="a key, shown once"),
    Row("person", "/people/accounts/operator/", "403 403 403 200 200 200 in", names=LINKS),
    Row("person-invite", "/people/accounts/never-made/invite/", "403 403 403 404 404 403 in", method=POST, unwalked=FORM),
    Row("person-propose", "/people/accounts/operator/propose/", "403 403 403 422 422 403 in", method=POST, unwalked=FORM),
    Row("person-withdraw", "/people/accounts/operator/withdraw/", "403 403 403 422 422 403 in", method=POST, unwalked=FORM),
    Row("account_login", "/account/sign-in/", "302 302 302 302 302 302 200", method=BOTH),
    Row("account_logout", "/account/sign-out/", "200 200 200 200 200 200 302", method=BOTH, unwalked=FORM),
    Row("account_inactive", "/account/inactive/", "200 200 200 200 200 200 200", method=BOTH, unwalked="one sentence"),
    Row("account_invitation", "/account/invitation/operator/no-key/", "404 404 404 404 404 404 404", method=BOTH, unwalked="the form of a password, to who is invited"),
    Row("account_reauthenticate", "/account/confirm/", "200 200 200 200 200 200 in", method=BOTH, unwalked="the form of sign-in"),
    Row("account_change_password", "/account/password/", "200 200 200 200 200 200 in", method=BOTH, unwalked="a form of one field more than sign-in"),
    Row("account_set_password", "/account/password/set/", "302 302 302 302 302 302 in", method=BOTH, unwalked="the same form without the password that there is not"),
    Row("mfa_index", "/account/two-factor/", "200 200 200 200 200 200 in", method=BOTH),
    Row("mfa_authenticate", "/account/two-factor/authenticate/", "302 302 302 302 302 302 in", method=BOTH, unwalked="the form of a code"),
    Row("mfa_reauthenticate", "/account/two-factor/reauthenticate/", "302 302 302 302 302 302 in", method=BOTH, unwalked="the form of a code"),
    Row("mfa_activate_totp", "/account/two-factor/totp/activate/", "200 200 200 200 200 200 in", method=BOTH, unwalked=OWN),
    Row("mfa_deactivate_totp", "/account/two-factor/totp/deactivate/", "404 404 404 404 404 404 in", method=BOTH, unwalked=OWN),
    Row("mfa_view_recovery_codes", "/account/two-factor/recovery-codes/", "404 404 404 404 404 404 in", method=BOTH, unwalked="the account's own codes"),
    Row("mfa_generate_recovery_codes", "/account/two-factor/recovery-codes/generate/", "200 200 200 200 200 200 in", method=BOTH, unwalked=OWN),
    Row("mfa_download_recovery_codes", "/account/two-factor/recovery-codes/download/", "404 404 404 404 404 404 in", method=BOTH, unwalked=FILE),
    Row("mfa_list_webauthn", "/account/two-factor/webauthn/", "200 200 200 200 200 200 in", method=BOTH, unwalked="the account's own keys"),
    Row("mfa_add_webauthn", "/account/two-factor/webauthn/add/", "200 200 200 200 200 200 in", method=BOTH, unwalked=OWN),
    Row("mfa_reauthenticate_webauthn", "/account/two-factor/webauthn/reauthenticate/", "302 302 302 302 302 302 in", method=BOTH, unwalked="the form of a key"),
    Row("mfa_remove_webauthn", "/account/two-factor/webauthn/keys/1/remove/", "404 404 404 404 404 404 in", method=BOTH, unwalked=OWN),
    Row("mfa_edit_webauthn", "/account/two-factor/webauthn/keys/1/edit/", "404 404 404 404 404 404 in", method=BOTH, unwalked=OWN),
)
# fmt: on
