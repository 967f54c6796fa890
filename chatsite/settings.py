"""Django's settings, and the only reader of the environment.

Every variable is in .env.example with its default. A file `.env` in the project's folder is read first (`make run`
writes one); the real environment overrides it. An insecure or missing value stops the start with a sentence.
"""

import hashlib
import logging
import os
import re
import sys
import tempfile
from pathlib import Path

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from chatsite.environment import Environment, is_installed
from chatsite.stores.addresses import with_defaults

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()  # type: ignore[no-untyped-call]
# Tests set it to "".
ENV_FILE = env.str("ENV_FILE", str(BASE_DIR / ".env"))
if ENV_FILE and Path(ENV_FILE).is_file():
    env.read_env(ENV_FILE)

# Database, Redis' files, static files; not under version control.
DATA_DIR = BASE_DIR / (env.str("DATA_DIR", "") or "var")
# Applies to every process, since each reads this file: stored data is private to this user of the machine.
os.umask(0o077)


def unix_socket(name: str) -> str:
    """Returns a path in DATA_DIR, or under /tmp if that one is too long for sun_path or does not fit in a URL."""
    inside = str(DATA_DIR / name)
    if len(inside) < 100 and re.fullmatch(r"[A-Za-z0-9_./-]+", inside):
        return inside
    digest = hashlib.sha256(str(DATA_DIR).encode()).hexdigest()[:12]
    return f"{tempfile.gettempdir()}/throughline-{os.getuid()}-{digest}/{name}"


# Access

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
# Earlier keys, whose signatures are still accepted.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS") or (["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
SIGN_UP_OPEN = env.bool("SIGN_UP_OPEN", DEBUG)
# Whom users ask for an account or a new password: an email address, for example.
CONTACT = env.str("CONTACT", "")
# Empty: /metrics answers only to this machine's own addresses.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# What `make run` listens on.
HOST = env.str("HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
# A proxy in front terminates TLS and sets X-Forwarded-Proto.
HTTPS = env.bool("HTTPS", not DEBUG)

if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. For a try on this machine, `make run` writes a .env file with a random one; "
        "in production, set it in the environment (see .env.example)."
    )
if not DEBUG:
    if len(SECRET_KEY) < 50 or "insecure" in SECRET_KEY:
        raise ImproperlyConfigured("SECRET_KEY is too weak for production: use 50 or more random characters.")
    if not ALLOWED_HOSTS and "collectstatic" not in sys.argv:
        raise ImproperlyConfigured("ALLOWED_HOSTS is not set: name the hosts that users type, separated by commas.")

# Applications and middleware

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "csp",
    "allauth",
    "allauth.account",
    "conversations",
    "streaming",
]

MIDDLEWARE = [
    "chatsite.middleware.request_ids",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "chatsite.middleware.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]

ROOT_URLCONF = "chatsite.urls"
ASGI_APPLICATION = "chatsite.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Django looks for 404.html and the like only at the top of a folder.
        "DIRS": [BASE_DIR / "templates", BASE_DIR / "templates/errors"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

# Database

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "db.sqlite3")}
DATABASES = {"default": env.database("DATABASE_URL", SQLITE)}
# Longest wait for a lock or a connection.
DATABASE_TIMEOUT_S = env.int("DATABASE_TIMEOUT_S", 10)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": DATABASE_TIMEOUT_S,
        # A transaction that reads first and then writes cannot fail between the two.
        "transaction_mode": "IMMEDIATE",
        # FULL: an accepted message survives a power cut too, not only a killed process.
        # secure_delete: deleted data is overwritten in the file.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; "
        "PRAGMA secure_delete=ON",
        **DATABASES["default"].get("OPTIONS", {}),
    }
else:
    # The pool doubles its wait after each failed attempt, until reconnect_timeout (default: 5 minutes) restarts it.
    pool = {"min_size": 1, "max_size": 12, "timeout": DATABASE_TIMEOUT_S, "reconnect_timeout": DATABASE_TIMEOUT_S / 2}
    DATABASES["default"] = with_defaults(DATABASES["default"], DATABASE_TIMEOUT_S, pool)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Commands use one plain connection, whose error says what is wrong.
    if Path(sys.argv[0]).name == "manage.py":
        del DATABASES["default"]["OPTIONS"]["pool"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis and Celery

_redis = env.redis("REDIS_URL", f"unix://{unix_socket('redis.sock')}")
REDIS_URL = _redis.url
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "streaming.coordination.channel_layer.PatientChannelLayer",
        # Carries only hints, so a full channel may drop them: a page that missed one reads the database again.
        "CONFIG": {"hosts": [{"address": REDIS_URL}], "capacity": 1000, "expiry": 30, "prefix": "throughline:layer"},
    }
}

CELERY_BROKER_URL = _redis.broker_url
# Without this, Celery would accept any certificate.
CELERY_BROKER_USE_SSL = _redis.broker_ssl
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "throughline:celery:",
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "health_check_interval": 5,
    # For sending only; the worker retries its own connection for ever.
    "max_retries": 0,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"streaming.tasks.generate": {"queue": "generations"}}
# The sweeper finds lost dispatches, so that a click need not wait for the broker.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A busy worker must not reserve tasks that another one could run.
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
SWEEP_INTERVAL_S = 1.0
CELERY_BEAT_SCHEDULER = "streaming.telemetry.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "streaming.tasks.sweep", "schedule": SWEEP_INTERVAL_S},
    "probe": {"task": "streaming.tasks.probe_model_servers", "schedule": 10.0},
    "alerts": {"task": "streaming.tasks.watch_alerts", "schedule": 15.0},
    "settle": {"task": "streaming.tasks.settle_ended", "schedule": 60.0},
    "history": {"task": "streaming.tasks.record_history", "schedule": 20.0},
    "accounts": {"task": "streaming.tasks.delete_accounts", "schedule": 60.0},
    "erasures": {"task": "streaming.tasks.finish_erasures", "schedule": 60.0},
    "expired": {"task": "streaming.tasks.forget_expired", "schedule": crontab(hour="3", minute="41")},
    "purge": {"task": "streaming.tasks.purge_deleted", "schedule": crontab(minute="17")},
}

# Model servers

# One address or several, separated by commas.
VLLM_BASE_URLS = env.model_servers("VLLM_BASE_URL")
_tiers = {
    "nano": env.model_at("NANO_MODEL", ""),
    "fast": env.model_at("FAST_MODEL", ""),
    "smart": env.model_at("SMART_MODEL", ""),
    "genius": env.model_at("GENIUS_MODEL", ""),
}
# The cheapest first: slug → (model, address of its server). Tiers that admins enter win over these.
MODEL_TIERS = {slug: (model, url) for slug, (model, url) in _tiers.items() if model}
VLLM_BASE_URLS = VLLM_BASE_URLS or list(dict.fromkeys(url for _, url in MODEL_TIERS.values()))
DEMO_MODEL_SERVER = not VLLM_BASE_URLS
DEMO_MODEL_PORT = env.int("DEMO_MODEL_PORT", 8100)
if DEMO_MODEL_SERVER:
    VLLM_BASE_URLS = [f"http://127.0.0.1:{DEMO_MODEL_PORT}/v1"]
VLLM_API_KEY = env.str("VLLM_API_KEY", "")
# Empty: the first model that the server lists.
VLLM_MODEL = env.str("VLLM_MODEL", "")
VLLM_CONNECT_TIMEOUT_S = env.float("VLLM_CONNECT_TIMEOUT_S", 3.0)
VLLM_FIRST_TOKEN_TIMEOUT_S = env.float("VLLM_FIRST_TOKEN_TIMEOUT_S", 120.0)
# Keep-alive comments do not count.
VLLM_SILENCE_TIMEOUT_S = env.float("VLLM_SILENCE_TIMEOUT_S", 30.0)
VLLM_MAX_TOKENS = env.int("VLLM_MAX_TOKENS", 4096)
# Bounds on what is read from a model server
VLLM_EVENT_MAX_BYTES = env.int("VLLM_EVENT_MAX_BYTES", 1024 * 1024)  # one event or line of a stream
VLLM_STREAM_MAX_BYTES = env.int("VLLM_STREAM_MAX_BYTES", 64 * 1024 * 1024)  # a whole stream; the answer ends there
VLLM_REPLY_MAX_BYTES = env.int("VLLM_REPLY_MAX_BYTES", 16 * 1024 * 1024)  # an answer that is not streamed
VLLM_ERROR_MAX_BYTES = env.int("VLLM_ERROR_MAX_BYTES", 64 * 1024)  # the body of an error
VLLM_FACTS_MAX_BYTES = env.int("VLLM_FACTS_MAX_BYTES", 4 * 1024 * 1024)  # /v1/models, /metrics and the like
VLLM_ANSWER_MAX_CHARACTERS = env.int("VLLM_ANSWER_MAX_CHARACTERS", 500_000)  # with its thinking; it ends there
VLLM_TEMPERATURE = env.float("VLLM_TEMPERATURE", 0.7)
VLLM_TOP_P = env.float("VLLM_TOP_P", 0.95)
# Ask idle servers for one token now and then to keep them warm.
WARM_MODELS = env.bool("WARM_MODELS", True)
WARM_AFTER_IDLE_S = env.int("WARM_AFTER_IDLE_S", 300)
if WARM_AFTER_IDLE_S < 1:
    raise ImproperlyConfigured("WARM_AFTER_IDLE_S is 1 or more; to switch warming off, set WARM_MODELS=false.")
SYSTEM_PROMPT = env.str(
    "SYSTEM_PROMPT", "You are a helpful assistant. Answer in the language of the question, in Markdown."
)

# How an answer is made

# Request the tokens' log-probabilities.
MEASURE_CONFIDENCE = env.bool("MEASURE_CONFIDENCE", True)
# See docs/answers.md.
DEFAULT_MODE = env.choice("DEFAULT_MODE", "auto", ("auto", "quick", "balanced", "deep"))
# If false, an answer is one request where there is only one model.
STAGES_WITH_ONE_MODEL = env.bool("STAGES_WITH_ONE_MODEL", False)
# Ask the cheapest model how hard a question is, and wait this long for its answer.
ROUTER_ASKS_MODEL = env.bool("ROUTER_ASKS_MODEL", False)
ROUTER_PATIENCE_MS = env.int("ROUTER_PATIENCE_MS", 300)
# The currency of the tiers' prices and of budgets; nothing is converted.
BUDGET_CURRENCY = env.str("BUDGET_CURRENCY", "EUR")
# Applies to tiers that allow it.
RESPONSE_CACHE = env.bool("RESPONSE_CACHE", True)

# Limits

GENERATIONS_PER_WORKER = env.int("GENERATIONS_PER_WORKER", 256)
# Limits of one user over all processes: streaming/coordination/user_limits.py and answer_queue.py.
# Concurrent answers; a user's others wait their turn.
RUNNING_ANSWERS_PER_USER = env.int("RUNNING_ANSWERS_PER_USER", 4)
WAITING_ANSWERS_PER_USER = env.int("WAITING_ANSWERS_PER_USER", 500)
# API requests, and commands that ask for or watch an answer.
REQUESTS_PER_MINUTE = env.int("REQUESTS_PER_MINUTE", 600)
SOCKETS_PER_USER = env.int("SOCKETS_PER_USER", 400)  # open pages
STREAMS_PER_USER = env.int("STREAMS_PER_USER", 400)  # event streams of the API
LEASE_S = 5.0
LEASE_RENEWAL_S = 1.0
# After this many, the answer is marked failed, with the text so far.
MAX_ATTEMPTS = env.int("MAX_ATTEMPTS", 5)
PARTIAL_SAVE_S = 2.0
# How long a generation's log is kept after its end.
LOG_EXPIRY_S = 3600
MESSAGE_MAX_LENGTH = env.int("MESSAGE_MAX_LENGTH", 32_000)  # characters of a question
# A page's command; web closes the socket above it.
FRAME_MAX_BYTES = 64 * 1024 + MESSAGE_MAX_LENGTH * 4
EVENT_MAX_BYTES = 4 * 1024 * 1024  # sent to a page
REQUEST_MAX_BYTES = env.int("REQUEST_MAX_BYTES", max(1024 * 1024, 2 * FRAME_MAX_BYTES))  # a request's body
# Path prefix → limit, where a larger body is allowed.
REQUEST_MAX_BYTES_AT: dict[str, int] = {}
# Until the whole request has arrived.
REQUEST_TIMEOUT_S = env.float("REQUEST_TIMEOUT_S", 30.0)
# Off: the web server counts (chatsite/web/requests.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = None
# Smaller events are not compressed; 0: all are.
COMPRESS_FRAMES_FROM_BYTES = env.int("COMPRESS_FRAMES_FROM_BYTES", 1024)
# Events are padded to a multiple of it; 0: no padding.
FRAME_PADDING_BYTES = env.int("FRAME_PADDING_BYTES", 0)
if not 0 <= FRAME_PADDING_BYTES <= 4096:
    raise ImproperlyConfigured("FRAME_PADDING_BYTES is between 0, which switches padding off, and 4096.")
# Per socket, acknowledgements not counted.
COMMANDS_PER_10_S = env.int("COMMANDS_PER_10_S", 100)
# At so many unacknowledged bytes, a viewer gets nothing more; at the deadline it is disconnected.
VIEWER_WINDOW_BYTES = env.int("VIEWER_WINDOW_BYTES", 1024 * 1024)
VIEWER_ACK_DEADLINE_S = env.float("VIEWER_ACK_DEADLINE_S", 30.0)
for _name in (
    *("GENERATIONS_PER_WORKER", "RUNNING_ANSWERS_PER_USER", "REQUESTS_PER_MINUTE", "COMMANDS_PER_10_S"),
    *("SOCKETS_PER_USER", "STREAMS_PER_USER", "MAX_ATTEMPTS", "MESSAGE_MAX_LENGTH"),
    *("REQUEST_MAX_BYTES", "REQUEST_TIMEOUT_S", "VIEWER_ACK_DEADLINE_S"),
):
    if globals()[_name] < 1:
        raise ImproperlyConfigured(f"{_name} is 1 or more: with less, nobody could use the site.")

# Rendering, search and retention

# Share of one core that a web process may spend on rendering the tails of all its answers.
RENDER_SHARE = 0.05
# How many of the most recently used conversations a search looks through.
SEARCHED_CONVERSATIONS = env.int("SEARCHED_CONVERSATIONS", 20_000)
DELETED_KEPT_DAYS = env.int("DELETED_KEPT_DAYS", 30)
# How long the history is kept by minute, by hour and by day.
HISTORY_MINUTES_DAYS = env.int("HISTORY_MINUTES_DAYS", 7)
HISTORY_HOURS_DAYS = env.int("HISTORY_HOURS_DAYS", 90)
HISTORY_DAYS_DAYS = env.int("HISTORY_DAYS_DAYS", 1825)

# Accounts

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "chat"
# The query makes the page delete what it stored in the browser.
LOGOUT_REDIRECT_URL = "/accounts/login/?signed-out"
ACCOUNT_ADAPTER = "conversations.accounts.sign_up.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
# Where anybody may sign up, an unverified email address could be anybody's.
ACCOUNT_EMAIL_VERIFICATION = env.choice(
    "ACCOUNT_EMAIL_VERIFICATION",
    "mandatory" if SIGN_UP_OPEN and env.str("EMAIL_URL", "") and not DEBUG else "none",
    ("none", "optional", "mandatory"),
)
SIGN_UPS_PER_HOUR = env.int("SIGN_UPS_PER_HOUR", 20)  # from one address
MAILS_PER_HOUR = env.int("MAILS_PER_HOUR", 5)  # for new passwords, to one mailbox
# Replace allauth's own for these two. Failed sign-ins are limited in conversations/accounts/sign_in_limits.py.
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {
    "signup": f"{SIGN_UPS_PER_HOUR}/h/ip",
    "reset_password": f"{4 * MAILS_PER_HOUR}/h/ip,{MAILS_PER_HOUR}/h/key",
}
SIGN_IN_FAILURES = env.int("SIGN_IN_FAILURES", 5)  # per account and address, in 15 minutes
SIGN_IN_FAILURES_PER_ADDRESS = env.int("SIGN_IN_FAILURES_PER_ADDRESS", 50)  # in 15 minutes
SIGN_IN_FAILURES_PER_ACCOUNT = env.int("SIGN_IN_FAILURES_PER_ACCOUNT", 100)  # from unknown addresses, in an hour
ACCOUNT_FORMS = {
    "login": "conversations.accounts.account_forms.SignIn",
    "change_password": "conversations.accounts.account_forms.ChangePassword",
    "reset_password_from_key": "conversations.accounts.account_forms.ResetPassword",
}
# This session stays; Django ends all others.
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
# Limits per address use the client's address as this many proxies in front report it.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", 1 if HTTPS else 0)
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
DEMO_PASSWORD = env.str("DEMO_PASSWORD", "")

# Without EMAIL_URL, mails are printed with DEBUG only: in production, everyone who reads the log would see their links.
_email = env.mail("EMAIL_URL", "consolemail://")
EMAIL_BACKEND = _email["EMAIL_BACKEND"] if DEBUG or env.str("EMAIL_URL", "") else "conversations.accounts.mail.Unsent"
EMAIL_HOST, EMAIL_PORT = _email["EMAIL_HOST"] or "localhost", _email["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_USER"] or "", _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10  # seconds, per step
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Throughline <throughline@localhost>")

# The browser

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
USE_I18N = True
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# For collected files; only web reads them.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "chatsite.stores.static_files.HashedModules"},
}
CACHES = {
    # Shared by all web processes: counts of attempts to sign in, to sign up, to have a mail sent.
    "default": {
        "BACKEND": "chatsite.stores.shared_cache.SharedCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "throughline:cache",
        "OPTIONS": {
            "serializer": "chatsite.stores.shared_cache.Json",
            "socket_timeout": 2,
            "socket_connect_timeout": 1,
        },
    },
    # Per process: rendered answers, whose source is in the database.
    "rendered": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "TIMEOUT": 24 * 3600,
        "OPTIONS": {"MAX_ENTRIES": 2000},
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_ENGINE = "chatsite.stores.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("HTTPS_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 30 * 24 * 3600)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_WIDE", True)

# Watching, by the process manager (deploy/liveness.py, or systemd)

NOTIFY_SOCKET = env.str("NOTIFY_SOCKET", "")
# Where the manager of `make run` listens.
WATCH_SOCKET = unix_socket("watch.sock")
# A process whose event loop is blocked for this long is replaced; 0: never.
FROZEN_AFTER_S = env.float("FROZEN_AFTER_S", 10.0)
# The blocked process that this one replaces (JSON, see deploy/liveness.py).
REPLACED_PROCESS = env.str("REPLACED_PROCESS", "")

# Logs

PROCESS_NAME = env.str("PROCESS_NAME", "manage")
LOG_FORMAT = env.choice("LOG_FORMAT", "line" if DEBUG else "json", ("line", "json"))
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
# Python's warnings become log lines, too.
logging.captureWarnings(LOG_FORMAT == "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "chatsite.logs.Line", "process": PROCESS_NAME},
        "json": {"()": "chatsite.logs.Json", "process": PROCESS_NAME},
    },
    "filters": {"expected": {"()": "chatsite.logs.Expected"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["expected"]}},
    # At DEBUG, libraries log questions, answers and keys.
    "root": {"handlers": ["console"], "level": "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL},
    "loggers": {
        **{name: {"level": LOG_LEVEL} for name in ("chatsite", "conversations", "streaming")},
        # No handler of its own: with DEBUG it would repeat each line, with the whole exception.
        "django": {},
        "daphne": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}

# Tracing, with OpenTelemetry: off unless a collector is named (docs/operate/logs.md)

# For example http://host:4318, without /v1/traces.
OTEL_EXPORTER_OTLP_ENDPOINT = env.collector("OTEL_EXPORTER_OTLP_ENDPOINT")
OTEL_PACKAGES = ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http")
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", "throughline")
if OTEL_EXPORTER_OTLP_ENDPOINT and not all(map(is_installed, OTEL_PACKAGES)):
    raise ImproperlyConfigured(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: "
        f"pip install {' '.join(OTEL_PACKAGES)}, or take the setting away."
    )
