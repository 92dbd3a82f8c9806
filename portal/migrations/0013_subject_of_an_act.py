"""What an act is about may be the name of a file, which has no bound of ours."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0012_acts")]
    operations = [migrations.AlterField("act", "subject", models.TextField())]
