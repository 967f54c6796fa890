import conversations.models.billing.budget
import conversations.models.encrypted
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

STAGES = {
    "quick": {
        "label": "Draft",
        "system_prompt": "Answer directly and to the point. Say the most important thing first.",
        "tier": "@cheapest",
        "timeout_s": 300,
    },
    "deep": {
        "label": "Deep answer",
        "system_prompt": (
            "Think the question through before you answer: what is really asked, what could be wrong, which cases "
            "differ. Then give a thorough, well-ordered answer, and say what it rests on and where it is uncertain."
        ),
        "timeout_s": 900,
    },
    "synthesis": {
        "label": "Synthesis",
        "system_prompt": (
            "Write the final answer. You are given what earlier stages wrote: keep what is right in it, correct what "
            "is wrong, and leave out what does not help. Do not mention the drafts; answer the user."
        ),
        "timeout_s": 900,
    },
}
PIPELINES = {
    "simple": [("quick", False)],
    "medium": [("quick", False), ("synthesis", True)],
    "complex": [("quick", False), ("deep", False), ("synthesis", True)],
}


def add_usual_pipelines(apps, schema_editor):
    stage_model, pipeline_model, use_model = (
        apps.get_model("conversations", name) for name in ("Stage", "Pipeline", "PipelineStage")
    )
    stages = {name: stage_model.objects.create(name=name, **fields) for name, fields in STAGES.items()}
    for level, uses in PIPELINES.items():
        pipeline = pipeline_model.objects.create(level=level)
        for order, (name, waits) in enumerate(uses):
            use_model.objects.create(pipeline=pipeline, stage=stages[name], order=order, waits=waits)


RULES = (
    # name, figure, comparison, threshold, minutes, severity
    ("Slow first tokens", "first_token", "above", 5, 2, "warning"),
    ("Failed answers", "errors", "above", 10, 2, "critical"),
    ("Long queue", "queue", "above", 50, 1, "warning"),
    ("Long wait", "oldest_queued", "above", 15, 1, "critical"),
    ("Model server down", "server_down", "above", 0, 1, "critical"),
    ("Budget nearly used", "budget", "above", 90, 0, "warning"),
    ("Answers without progress", "stuck", "above", 0, 5, "warning"),
    ("No worker", "workers", "below", 1, 1, "critical"),
)
FIELDS = ("name", "figure", "comparison", "threshold", "minutes", "severity")


def add_usual_rules(apps, schema_editor):
    """Without recipients: they are shown on the operators' pages until somebody enters some."""
    rule_model = apps.get_model("conversations", "AlertRule")
    rule_model.objects.bulk_create(rule_model(**dict(zip(FIELDS, rule))) for rule in RULES)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True)),
                ('figure', models.CharField(choices=[('first_token', 'First token, p95 (seconds)'), ('errors', 'Failed answers (%)'), ('queue', 'Questions that wait'), ('oldest_queued', 'Wait of the oldest question (seconds)'), ('server_down', 'Model server down (1 if it is)'), ('budget', "Today's budget of the site, used (%)"), ('stuck', 'Answers without progress'), ('workers', 'Workers alive')], max_length=20)),
                ('comparison', models.CharField(choices=[('above', 'Above'), ('below', 'Below')], default='above', max_length=10)),
                ('threshold', models.FloatField(help_text='In the unit of the metric.')),
                ('minutes', models.PositiveSmallIntegerField(default=0, help_text='How long it must last. 0: notifies at once.')),
                ('severity', models.CharField(choices=[('warning', 'Warning'), ('critical', 'Critical')], default='warning', max_length=10)),
                ('enabled', models.BooleanField(default=True)),
                ('emails', models.CharField(blank=True, help_text='Separated by commas.', max_length=1000, verbose_name='email addresses')),
                ('webhook_url', conversations.models.encrypted.EncryptedField(blank=True, help_text='A URL that receives a JSON message by POST.', max_length=500, verbose_name='webhook')),
                ('webhook_secret', conversations.models.encrypted.EncryptedField(blank=True, max_length=200)),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='Generation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('client_id', models.UUIDField(default=uuid.uuid4, editable=False, help_text='Generated by the browser; identifies resends.')),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('stopped', 'Stopped'), ('failed', 'Failed')], db_index=True, default='queued', max_length=10)),
                ('attempt', models.PositiveSmallIntegerField(default=0, help_text='Attempts so far.')),
                ('hand_overs', models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Attempts that ended with a hand-over.')),
                ('continues', models.BooleanField(default=False, help_text='Continues the text of the message.')),
                ('mode', models.CharField(choices=[('auto', 'Auto'), ('quick', 'Quick'), ('balanced', 'Balanced'), ('deep', 'Deep')], db_default='quick', default='quick', max_length=10)),
                ('wanted_tier', models.CharField(blank=True, db_default='', default='', help_text='Slug. Empty: any.', max_length=40)),
                ('streams', models.BooleanField(db_default=True, default=True, help_text='Off: not streamed.')),
                ('fresh', models.BooleanField(db_default=False, default=False, help_text='Bypasses the response cache.')),
                ('plan', models.JSONField(blank=True, help_text='Its stages, as planned by the first attempt.', null=True)),
                ('outcomes', models.JSONField(blank=True, help_text='How its stages ended, by number.', null=True)),
                ('model', models.CharField(blank=True, max_length=200)),
                ('server', models.CharField(blank=True, max_length=200)),
                ('prompt_tokens', models.PositiveIntegerField(blank=True, null=True)),
                ('completion_tokens', models.PositiveIntegerField(blank=True, null=True)),
                ('expected_tokens', models.PositiveIntegerField(blank=True, help_text='Estimated when it was accepted, and again when its stages were planned.', null=True)),
                ('expected_s', models.FloatField(blank=True, help_text='From accepted to the last token, as such answers took lately.', null=True)),
                ('failovers', models.PositiveSmallIntegerField(blank=True, help_text='Model servers that failed in it.', null=True)),
                ('tokens_after_stop', models.PositiveIntegerField(blank=True, help_text='Received after the stop was requested.', null=True)),
                ('finish_reason', models.CharField(blank=True, max_length=40)),
                ('error_code', models.CharField(blank=True, max_length=40)),
                ('error_detail', models.TextField(blank=True, help_text='For reviewers: may quote the question.')),
                ('error_in_short', models.CharField(blank=True, db_default='', default='', help_text='For operators: quotes nothing.', max_length=200)),
                ('clicked_at', models.DateTimeField(blank=True, help_text="By the browser's clock.", null=True)),
                ('accepted_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('dispatched_at', models.DateTimeField(blank=True, null=True)),
                ('claimed_at', models.DateTimeField(blank=True, help_text='By the first attempt.', null=True)),
                ('first_requested_at', models.DateTimeField(blank=True, help_text='Of the model server, by any attempt.', null=True)),
                ('requested_at', models.DateTimeField(blank=True, help_text='The latest time, of the stage that wrote first: a server may have failed.', null=True)),
                ('first_token_at', models.DateTimeField(blank=True, null=True)),
                ('last_token_at', models.DateTimeField(blank=True, null=True)),
                ('stop_requested_at', models.DateTimeField(blank=True, null=True)),
                ('upstream_ended_at', models.DateTimeField(blank=True, help_text="The model server's answer ended, or its connection was closed.", null=True)),
                ('finished_at', models.DateTimeField(blank=True, db_index=True, help_text='Its end is about to be stored; its timing has what follows.', null=True)),
                ('recorded', models.BooleanField(db_default=False, default=False, editable=False, help_text='In the history.')),
                ('stopped_by', models.ForeignKey(blank=True, help_text='The operator who requested the stop, if it was not the owner.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('accepted_at',),
            },
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('owner_key', models.BigIntegerField()),
                ('generations', models.JSONField(default=list)),
                ('erased_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='ModelServer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='The name for admins and operators.', max_length=80, unique=True)),
                ('url', models.CharField(help_text='Such as http://gpu-1:8001/v1. Without a path, /v1 is added.', max_length=300, verbose_name='address')),
                ('api_key', conversations.models.encrypted.EncryptedField(blank=True, max_length=500, verbose_name='API key')),
                ('enabled', models.BooleanField(default=True, help_text='Off: its tiers are not used.')),
                ('max_parallel', models.PositiveIntegerField(blank=True, help_text='The maximum of each worker. Empty: no limit.', null=True, verbose_name='parallel requests')),
                ('streams', models.BooleanField(default=True, help_text='Off: answers arrive all at once, by a request that is not streamed.', verbose_name='streams its answers')),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='Pipeline',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.CharField(choices=[('simple', 'Simple'), ('medium', 'Medium'), ('complex', 'Complex')], max_length=10, unique=True)),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Stage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(error_messages={'unique': 'A stage with this name already exists. Choose another name.'}, max_length=40, unique=True)),
                ('label', models.CharField(help_text='The heading that users see, such as Draft.', max_length=40)),
                ('system_prompt', models.TextField(error_messages={'blank': 'Enter what this stage should do. Without a prompt it would only repeat the answer.'}, help_text="Appended to the site's system prompt: what this stage should do.")),
                ('tier', models.CharField(blank=True, help_text='The model that writes it. By the question: see the docs.', max_length=40)),
                ('domains', models.JSONField(blank=True, db_default=[], default=list, help_text='Only questions of these domains get this stage. None: all questions.')),
                ('timeout_s', models.PositiveIntegerField(blank=True, help_text='Seconds for the whole stage, after which it is skipped. Empty: no limit while tokens come.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='timeout')),
                ('temperature', models.FloatField(blank=True, help_text="Empty: the site's.", null=True, validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(2.0)])),
                ('top_p', models.FloatField(blank=True, help_text="Empty: the site's.", null=True, validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)], verbose_name='top-p')),
                ('max_tokens', models.PositiveIntegerField(blank=True, help_text="Empty: the site's limit.", null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(10000000)])),
                ('enabled', models.BooleanField(default=True, help_text='Off: all pipelines skip it.')),
            ],
            options={
                'ordering': ('name',),
            },
        ),
        migrations.CreateModel(
            name='AccountDeletion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('claimed_until', models.DateTimeField(editable=False, help_text='By the process that deletes it.', null=True)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='AlertEpisode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(blank=True, help_text="Such as a server's name; empty: the site.", max_length=200)),
                ('began_at', models.DateTimeField()),
                ('raised_at', models.DateTimeField(blank=True, help_text='When it had lasted long enough to be told.', null=True)),
                ('well_since', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, db_index=True, null=True)),
                ('value', models.FloatField(help_text='The last one that broke the rule.')),
                ('worst', models.FloatField()),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='episodes', to='conversations.alertrule')),
            ],
            options={
                'ordering': ('-began_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('digest', models.CharField(editable=False, help_text='SHA-256 of the secret, in hex.', max_length=64, unique=True)),
                ('hint', models.CharField(editable=False, help_text='How the secret begins.', max_length=7)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, help_text='To the minute.', null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API token',
                'ordering': ('-created_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('whole_site', models.BooleanField(default=False, help_text='All users together.')),
                ('daily_limit', models.DecimalField(decimal_places=4, max_digits=12, validators=[conversations.models.billing.budget.check_limit])),
                ('group', models.OneToOneField(blank=True, help_text='Applies to each member separately.', null=True, on_delete=django.db.models.deletion.CASCADE, to='auth.group')),
                ('user', models.OneToOneField(blank=True, help_text="Overrides the limits of the user's groups.", null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-whole_site', 'group__name', 'user__username'),
            },
        ),
        migrations.CreateModel(
            name='GenerationTiming',
            fields=[
                ('generation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='timing', serialize=False, to='conversations.generation')),
                ('first_byte_at', models.DateTimeField(blank=True, help_text="Of the model server's response that brought the first token.", null=True)),
                ('first_append_at', models.DateTimeField(blank=True, help_text='First text that Redis has in the log.', null=True)),
                ('gap_p50_ms', models.FloatField(blank=True, help_text='Between pieces of text from the model server.', null=True)),
                ('gap_p95_ms', models.FloatField(blank=True, null=True)),
                ('gap_longest_ms', models.FloatField(blank=True, null=True)),
                ('text_bytes', models.PositiveBigIntegerField(blank=True, help_text='UTF-8, of all its text.', null=True)),
                ('redis_bytes', models.PositiveBigIntegerField(blank=True, help_text='Sent for its log.', null=True)),
                ('database_bytes', models.PositiveBigIntegerField(blank=True, help_text='Text of partial and last saves.', null=True)),
                ('committed_at', models.DateTimeField(blank=True, help_text='The database has the end.', null=True)),
                ('published_at', models.DateTimeField(blank=True, help_text='The log has it: pages have it.', null=True)),
                ('received_at', models.DateTimeField(blank=True, help_text="The click's command.", null=True)),
                ('first_frame_at', models.DateTimeField(blank=True, help_text='First text sent to a browser.', null=True)),
                ('viewers', models.PositiveIntegerField(blank=True, help_text='Most that watched at once.', null=True)),
                ('socket_bytes', models.PositiveBigIntegerField(blank=True, help_text='Frames for all browsers.', null=True)),
                ('first_paint_ms', models.PositiveIntegerField(blank=True, help_text='From the click to visible text.', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Conversation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(default='New chat', max_length=120)),
                ('search_title', models.TextField(editable=False, help_text='Normalised for searches.', null=True)),
                ('titled_by_hand', models.BooleanField(default=False, help_text='The model no longer changes the title.')),
                ('pinned_at', models.DateTimeField(blank=True, null=True)),
                ('deleted_at', models.DateTimeField(blank=True, help_text='Hidden, and kept for a while for undo.', null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('used_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='conversations', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': (('review_conversation', "Can read and review everyone's conversations"), ('watch_operations', "Can see the operators' pages"), ('steer_operations', "Can stop anyone's answers and drain model servers")),
            },
        ),
        migrations.CreateModel(
            name='DailyUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=40)),
                ('day', models.DateField()),
                ('used', models.BigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('scope', 'day'), name='use_once_per_day')],
            },
        ),
        migrations.CreateModel(
            name='LedgerEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('generation_id', models.UUIDField(help_text="Of an answer; else the row's own.")),
                ('purpose', models.CharField(choices=[('answer', 'Answer'), ('title', 'Title'), ('opinion', 'Second opinion'), ('warming', 'Warming')], db_default='answer', default='answer', max_length=10)),
                ('stage', models.PositiveSmallIntegerField()),
                ('day', models.DateField(db_index=True, help_text="When it was reserved, by the site's clock.")),
                ('tier', models.CharField(max_length=40)),
                ('model', models.CharField(blank=True, max_length=200)),
                ('tokens_in', models.PositiveIntegerField(default=0, help_text='Estimated until it is settled.')),
                ('tokens_cached', models.PositiveIntegerField(default=0, help_text='Of these, what the server remembered.')),
                ('tokens_out', models.PositiveIntegerField(default=0, help_text='At most, until it is settled.')),
                ('price_in', models.DecimalField(decimal_places=6, default=Decimal('0'), max_digits=12)),
                ('price_out', models.DecimalField(decimal_places=6, default=Decimal('0'), max_digits=12)),
                ('price_cached', models.DecimalField(blank=True, decimal_places=6, max_digits=12, null=True)),
                ('baseline_price_in', models.DecimalField(decimal_places=6, default=Decimal('0'), max_digits=12)),
                ('baseline_price_out', models.DecimalField(decimal_places=6, default=Decimal('0'), max_digits=12)),
                ('baseline_price_cached', models.DecimalField(blank=True, decimal_places=6, max_digits=12, null=True)),
                ('reserved', models.DecimalField(decimal_places=9, max_digits=18)),
                ('cost', models.DecimalField(blank=True, decimal_places=9, max_digits=18, null=True)),
                ('baseline_cost', models.DecimalField(blank=True, decimal_places=9, help_text='Of the same tokens, by the tier that was the strongest; 0 if no model was asked.', max_digits=18, null=True)),
                ('saved_by_cache', models.DecimalField(blank=True, decimal_places=9, help_text='What it would have cost without reused answers.', max_digits=18, null=True)),
                ('state', models.CharField(choices=[('reserved', 'Reserved'), ('settled', 'Settled'), ('released', 'Released')], default='reserved', max_length=10)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'ledger entries',
                'ordering': ('-created_at', 'stage'),
            },
        ),
        migrations.CreateModel(
            name='AccessLogEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('act', models.CharField(choices=[('read', 'read a conversation'), ('exported', 'exported a conversation'), ('searched', 'searched all conversations'), ('listed', 'listed conversations by a filter')], db_default='read', default='read', max_length=10)),
                ('conversation_key', models.UUIDField(db_index=True, help_text='Its id.', null=True)),
                ('owner_name', models.CharField(blank=True, db_default='', help_text='Owner of the conversation.', max_length=150)),
                ('reviewer_name', models.CharField(blank=True, db_default='', max_length=150)),
                ('details', models.CharField(blank=True, db_default='', help_text='The search.', max_length=500)),
                ('accessed_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('conversation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='access_log', to='conversations.conversation')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='access_log', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'access log entry',
                'verbose_name_plural': 'access log',
                'ordering': ('-accessed_at',),
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('user', 'User'), ('assistant', 'Assistant')], max_length=10)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='conversations.conversation')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='conversations.message')),
            ],
            options={
                'ordering': ('created_at',),
            },
        ),
        migrations.AddField(
            model_name='generation',
            name='message',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='generations', to='conversations.message'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='leaf',
            field=models.ForeignKey(blank=True, help_text='End of the shown path.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.message'),
        ),
        migrations.CreateModel(
            name='Part',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.PositiveSmallIntegerField(default=0)),
                ('kind', models.CharField(choices=[('text', 'Text'), ('thinking', 'Thinking')], max_length=10)),
                ('text', models.TextField(blank=True)),
                ('search_text', models.TextField(editable=False, help_text='The text, normalised for searches.', null=True)),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='conversations.message')),
            ],
            options={
                'ordering': ('stage', 'kind'),
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.TextField(blank=True)),
                ('reviewed_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='conversations.conversation')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reviews', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-reviewed_at',),
            },
        ),
        migrations.CreateModel(
            name='RollUp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grain', models.CharField(choices=[('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day'), ('ever', 'Ever')], max_length=6)),
                ('begin', models.DateTimeField()),
                ('tier', models.CharField(blank=True, max_length=40)),
                ('server', models.CharField(blank=True, max_length=200)),
                ('counts', models.JSONField(default=dict)),
                ('histograms', models.JSONField(default=dict)),
            ],
            options={
                'ordering': ('grain', 'begin', 'tier', 'server'),
                'constraints': [models.UniqueConstraint(fields=('grain', 'begin', 'tier', 'server'), name='rolled_up_once')],
            },
        ),
        migrations.CreateModel(
            name='Sample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grain', models.CharField(choices=[('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day')], max_length=6)),
                ('begin', models.DateTimeField()),
                ('gauges', models.JSONField(default=dict, help_text='By name: count, sum, last and largest value.')),
            ],
            options={
                'ordering': ('grain', 'begin'),
                'constraints': [models.UniqueConstraint(fields=('grain', 'begin'), name='sampled_once')],
            },
        ),
        migrations.CreateModel(
            name='PipelineStage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order', models.PositiveSmallIntegerField(default=0, help_text='Later stages replace earlier ones.')),
                ('waits', models.BooleanField(default=False, help_text='Starts when the earlier stages have ended, and gets their text. Otherwise it starts at once.')),
                ('pipeline', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stages', to='conversations.pipeline')),
                ('stage', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='conversations.stage')),
            ],
            options={
                'ordering': ('order', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='Tier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='The name that users see.', max_length=40)),
                ('slug', models.SlugField(help_text='Its name in the API and in records. Keep it unchanged.', max_length=40, unique=True)),
                ('order', models.PositiveSmallIntegerField(default=0, help_text='0 is the cheapest.')),
                ('model', models.CharField(blank=True, help_text='As the server lists it. Empty: the first one listed.', max_length=200)),
                ('price_in', models.DecimalField(decimal_places=6, default=Decimal('0'), help_text='Per million tokens, in the currency of your budgets.', max_digits=12, verbose_name='input price')),
                ('price_out', models.DecimalField(decimal_places=6, default=Decimal('0'), help_text='Per million tokens, in the currency of your budgets.', max_digits=12, verbose_name='output price')),
                ('price_cached', models.DecimalField(blank=True, decimal_places=6, help_text="For prompt tokens in the server's prefix cache. Empty: the input price.", max_digits=12, null=True, verbose_name='cached input price')),
                ('context_length', models.PositiveIntegerField(blank=True, help_text='Tokens of question and answer together. Empty: what the server reports.', null=True)),
                ('temperature', models.FloatField(blank=True, help_text="Empty: the site's setting.", null=True)),
                ('top_p', models.FloatField(blank=True, help_text="Empty: the site's setting.", null=True, verbose_name='top-p')),
                ('max_tokens', models.PositiveIntegerField(blank=True, help_text="Of one answer. Empty: the site's setting.", null=True)),
                ('first_token_timeout_s', models.FloatField(blank=True, help_text="Seconds. Empty: the site's setting.", null=True, verbose_name='first-token timeout')),
                ('silence_timeout_s', models.FloatField(blank=True, help_text="Seconds. Empty: the site's setting.", null=True, verbose_name='inter-token timeout')),
                ('caches', models.CharField(choices=[('never', 'Never'), ('zero', 'At temperature 0'), ('always', 'Always')], db_default='zero', default='zero', help_text='For requests that are identical to an earlier one. Always: at any temperature.', max_length=10, verbose_name='response cache')),
                ('cache_across_users', models.BooleanField(db_default=False, default=False, help_text="Off: only the user's own earlier answers.", verbose_name='shared between users')),
                ('enabled', models.BooleanField(default=True)),
                ('server', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tiers', to='conversations.modelserver')),
            ],
            options={
                'ordering': ('order', 'slug'),
            },
        ),
        migrations.CreateModel(
            name='AlertDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('raised', 'Raised'), ('recovered', 'Recovered')], max_length=10)),
                ('way', models.CharField(choices=[('email', 'email'), ('webhook', 'webhook')], max_length=10)),
                ('made_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('next_try_at', models.DateTimeField(db_index=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.CharField(blank=True, max_length=300)),
                ('episode', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='conversations.alertepisode')),
            ],
            options={
                'verbose_name_plural': 'alert deliveries',
                'ordering': ('-made_at', '-pk'),
                'constraints': [models.UniqueConstraint(fields=('episode', 'kind', 'way'), name='told_once_on_each_way')],
            },
        ),
        migrations.AddConstraint(
            model_name='alertepisode',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('rule', 'subject'), name='one_open_episode_per_subject'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('group', None), ('user', None), ('whole_site', True)), models.Q(('group__isnull', False), ('user', None), ('whole_site', False)), models.Q(('group', None), ('user__isnull', False), ('whole_site', False)), _connector='OR'), name='budget_of_one', violation_error_message='Choose one: the whole site, a group, or a user.'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('daily_limit__gt', 0)), name='budget_above_zero', violation_error_message='A limit must be above zero. To spend nothing, enable only tiers without prices.'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.UniqueConstraint(condition=models.Q(('whole_site', True)), fields=('whole_site',), name='one_budget_of_the_site', violation_error_message='The site already has a budget. Change that one.'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('state', 'reserved')), fields=['generation_id'], name='ledger_reserved'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.UniqueConstraint(fields=('generation_id', 'stage'), name='ledger_once_per_stage'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(fields=['finished_at'], name='generation_finished'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(condition=models.Q(('finished_at__isnull', False), ('recorded', False)), fields=['finished_at'], name='generation_unrecorded'),
        ),
        migrations.AddConstraint(
            model_name='generation',
            constraint=models.UniqueConstraint(fields=('message', 'client_id'), name='generation_once_per_click'),
        ),
        migrations.AddConstraint(
            model_name='generation',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('queued', 'running'))), fields=('message',), name='one_unfinished_generation_per_message'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['owner', 'deleted_at', '-used_at'], name='conversation_sidebar'),
        ),
        migrations.AddConstraint(
            model_name='part',
            constraint=models.UniqueConstraint(fields=('message', 'stage', 'kind'), name='one_part_per_stage_and_kind'),
        ),
        migrations.AddConstraint(
            model_name='pipelinestage',
            constraint=models.UniqueConstraint(fields=('pipeline', 'stage'), name='stage_once_per_pipeline'),
        ),
        migrations.RunPython(add_usual_pipelines, migrations.RunPython.noop),
        migrations.RunPython(add_usual_rules, migrations.RunPython.noop),
    ]
