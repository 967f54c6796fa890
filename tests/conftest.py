import pytest
from redis.asyncio import Redis
from streaming.redis_clients import command_client
@pytest.fixture
async def redis():
    c=command_client(); yield c; await c.aclose()
