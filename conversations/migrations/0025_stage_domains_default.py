from django.db import migrations, models

DEFAULT = migrations.AlterField(
    model_name="stage",
    name="domains",
    field=models.JSONField(
        blank=True,
        db_default=[],
        default=list,
        help_text="Only questions of these domains get this stage. None: all questions.",
    ),
)
# SQLite makes the table anew, with the columns that are known: one that 0021 has left there stays.
LEFT_BY_0021 = migrations.AddField("stage", "confidence_prior", models.FloatField(blank=True, null=True))


class Migration(migrations.Migration):
    dependencies = [("conversations", "0024_hand_overs")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.SeparateDatabaseAndState(state_operations=[LEFT_BY_0021]), DEFAULT],
            state_operations=[DEFAULT],
        ),
    ]
