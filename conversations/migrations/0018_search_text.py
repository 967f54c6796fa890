from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0017_encrypted_secrets")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="search_title",
            field=models.TextField(editable=False, help_text="As searches compare it.", null=True),
        ),
        migrations.AddField(
            model_name="part",
            name="search_text",
            field=models.TextField(editable=False, help_text="The text as searches compare it.", null=True),
        ),
    ]
