"""The site's settings for tests: nothing from .env, a data folder of this run, which the processes it starts share."""

import os
import tempfile

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="throughline-test-"))
os.environ["ENV_FILE"] = ""
for name, value in {
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "DEBUG": "false",
    "HTTPS": "false",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PROCESS_NAME": "test",
    "VLLM_BASE_URL": "http://127.0.0.1:9/v1",  # nobody listens there; tests that need a server start one
}.items():
    os.environ.setdefault(name, value)

from chatsite.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
ACCOUNT_RATE_LIMITS = False
if not os.environ.get("HASHED_STATIC"):  # the processes under test serve collected files, unit tests have none
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
