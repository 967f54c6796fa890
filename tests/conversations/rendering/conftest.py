import pytest

from conversations.rendering.highlighting import client


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the highlighting process may take long to start."""
    monkeypatch.setattr(client, "PATIENCE_S", 60.0)
