"""Prints what recording costs, in processor time of each answer.

python manage.py shell --settings tests.settings -c "import tests.conversations.operations.measure as m; m.run()"
"""

from datetime import datetime, timedelta
from statistics import median
from time import process_time

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from conversations.models import Conversation, Generation, LedgerEntry, Message
from conversations.models.generation.generation import Status
from conversations.models.generation.plan import StageResult, StageStatus, results_as_json
from conversations.models.operations.recording import record_ended

RATE, EVERY_S, ROUNDS = 50, 20, 8  # answers that end in a second, of four tiers; how often they are recorded
TOKENS, TOKEN_US = 250, 117  # of an answer; the least that docs/performance.md has, at 200 streams
PLAN = {"stages": [{"number": 0, "name": "quick", "label": "Answer", "tier": "fast"}], "reasons": ["Because."] * 3}
ENDED = {"status": Status.DONE, "attempt": 1, "plan": PLAN, "server": "one:8000", "completion_tokens": TOKENS}


def fill(conversation: Conversation, begin: datetime) -> int:
    count = RATE * EVERY_S
    answers = [Message(conversation=conversation, role="assistant") for _ in range(count)]
    generations = [ended(answer, number, begin) for number, answer in enumerate(answers)]
    for rows in (answers, generations, [charge(generation) for generation in generations]):
        type(rows[0]).objects.bulk_create(rows, batch_size=500)
    return count


def ended(answer: Message, number: int, begin: datetime) -> Generation:
    end = begin + timedelta(seconds=number / RATE)
    first = 0.1 + number % 17 / 10
    outcome = StageResult(
        StageStatus.DONE,
        tier=("nano", "fast", "smart", "genius")[number % 4],
        server=f"server-{number % 4}:8000",
        prompt_tokens=500,
        completion_tokens=TOKENS,
        first_token_s=first,
        low_confidence_spans=[[10, 20], [40, 55]],
    )
    seconds = {"accepted": 8, "claimed": 7.99, "requested": 7.97, "first_token": 7.9 - first, "last_token": 0.1}
    moments = {f"{name}_at": end - timedelta(seconds=ago) for name, ago in seconds.items()}
    outcomes = results_as_json({0: outcome})
    return Generation(message=answer, finished_at=end, outcomes=outcomes, **moments, **ENDED)


def charge(generation: Generation) -> LedgerEntry:
    amounts = {"reserved": 1, "cost": 0.0012, "state": "settled"}
    return LedgerEntry(generation_id=generation.pk, stage=0, day=timezone.now(), tier="fast", **amounts)


def run() -> None:
    call_command("migrate", verbosity=0)
    conversation = Conversation.objects.create(owner=User.objects.create_user("alice"))
    begin = timezone.now() - timedelta(hours=1)
    took = []
    for number in range(ROUNDS):
        count = fill(conversation, begin + timedelta(seconds=number * EVERY_S))
        begun = process_time()
        assert record_ended() == count
        took.append((process_time() - begun) / count)
    per_answer = median(took) * 1e6
    print(f"{per_answer:.0f} µs for each answer; {per_answer * RATE / 1e4:.2f} % of a core at {RATE} answers a second;")
    print(f"{100 * per_answer / (TOKENS * TOKEN_US):.2f} % of what its {TOKENS} tokens cost")
