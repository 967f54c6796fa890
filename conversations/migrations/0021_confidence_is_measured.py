from django.db import migrations


class Migration(migrations.Migration):
    """The column stays for now: the code that still runs while this is applied reads it. It may be null."""

    dependencies = [("conversations", "0020_access_log")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="stage", name="confidence_prior")],
        ),
    ]
