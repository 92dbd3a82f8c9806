"""Steps of a change of the law, as acts and in the trail."""

from django.db import migrations, models

KINDS = [
    ('import', 'Import a bank statement'),
    ('allocate', 'Allocate a payment'),
    ('return', 'Return a payment to the queue'),
    ('dispute', 'Open a dispute'),
    ('step', 'Take a step in a dispute'),
    ('account', 'Make an account'),
    ('invite', 'Invite an account'),
    ('grant', 'Propose a right'),
    ('approve', 'Approve a right'),
    ('withdraw', 'Take a right away'),
    ('answer', 'Answer a change of who is paid'),
    ('settle', 'Settle and post days'),
    ('issue', 'Issue documents'),
    ('change', 'Open a change of the law'),
    ('change-step', 'Take a step of a change of the law'),
    ('revise', 'Save a revision of a change'),
]
ACTIONS = [
    ('sign-in', 'Signed in'),
    ('sign-out', 'Signed out'),
    ('sign-in-refused', 'Sign-in refused'),
    ('session-refused', "Refused a session that was not the portal's"),
    ('password', 'Changed the password'),
    ('app-added', 'Added a second factor'),
    ('app-removed', 'Removed a second factor'),
    ('factor-refused', 'Second factor refused'),
    ('recovery-code', 'Used a recovery code'),
    ('recovery-codes', 'Made new recovery codes'),
    ('confirmed', 'Confirmed who they are'),
    ('replay', 'Asked for a replay'),
    ('trial', 'Asked for a trial'),
    ('dispute', 'Took a step in a dispute'),
    ('settled', 'Settled and posted days'),
    ('issued', 'Issued documents'),
    ('statement-imported', 'Imported a bank statement'),
    ('payment-allocated', 'Allocated a payment'),
    ('payment-returned', 'Returned a payment to the queue'),
    ('evidence', 'Downloaded evidence'),
    ('export', 'Took a file'),
    ('reading', "Read another's data"),
    ('invited', 'Invited an account'),
    ('first-password', 'Set a password by an invitation'),
    ('account-made', 'Made an account'),
    ('grant-proposed', 'Proposed a right'),
    ('grant-approved', 'Approved a right'),
    ('right-withdrawn', 'Took a right away'),
    ('change-confirmed', 'Confirmed a change of who is paid'),
    ('change-objected', 'Objected to a change of who is paid'),
    ('law-change', 'Took a step of a change of the law'),
    ('demo-sign-in', 'Demo sign-in made'),
]


class Migration(migrations.Migration):
    dependencies = [("portal", "0022_settling_on_pages")]
    operations = [
        migrations.AlterField("act", "kind", models.CharField(choices=KINDS, max_length=12)),
        migrations.AlterField("auditentry", "action", models.CharField(choices=ACTIONS, max_length=24)),
    ]
