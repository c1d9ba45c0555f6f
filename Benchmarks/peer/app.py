"""The post feed's tracking route on FastAPI, asyncpg and PostgreSQL, as a competent team would write it.

POST /api/track takes one interaction or a batch, as the feed's document shows. The signed-in user comes from the
session in the document; here a header stands for it, which costs the peer nothing.
"""

import os
import uuid
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import asyncpg
from fastapi import FastAPI, Header, Request
from pydantic import BaseModel, ConfigDict, Field

SCHEMA = """
CREATE TABLE IF NOT EXISTS user_interaction (
    id               uuid PRIMARY KEY,
    user_id          text NOT NULL,
    post_id          uuid NOT NULL,
    interaction_type text NOT NULL,
    metadata         jsonb,
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS user_interaction_user_id_created_at_idx ON user_interaction (user_id, created_at);
CREATE INDEX IF NOT EXISTS user_interaction_post_id_created_at_idx ON user_interaction (post_id, created_at);
"""

COLUMNS = ("id", "user_id", "post_id", "interaction_type", "metadata")

INSERT_ONE = """
INSERT INTO user_interaction (id, user_id, post_id, interaction_type, metadata) VALUES ($1, $2, $3, $4, $5)
"""

INSERT_MANY = """
INSERT INTO user_interaction (id, user_id, post_id, interaction_type, metadata)
SELECT id, $2, post_id, interaction_type, metadata
FROM unnest($1::uuid[], $3::uuid[], $4::text[], $5::jsonb[]) AS item (id, post_id, interaction_type, metadata)
"""

# The ways to store a batch that were tried; the first is the fastest, and what is run.
BATCH_INSERT = os.environ.get("PEER_BATCH_INSERT", "unnest")  # unnest | executemany | copy


class Metadata(BaseModel):
    model_config = ConfigDict(extra="allow")

    duration: Annotated[float, Field(ge=0)] | None = None
    scroll_depth: Annotated[float, Field(ge=0, le=100)] | None = None
    source: str | None = None


class Interaction(BaseModel):
    post_id: uuid.UUID
    interaction_type: Literal["view", "click", "like", "share"]
    metadata: Metadata | None = None


class Batch(BaseModel):
    interactions: Annotated[list[Interaction], Field(min_length=1, max_length=1000)]


class Tracked(BaseModel):
    success: bool
    tracked: int
    errors: list[str]


@asynccontextmanager
async def lifespan(app: FastAPI):
    size = int(os.environ.get("PEER_POOL", "10"))
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=size, max_size=size) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


def encoded(metadata: Metadata | None) -> str | None:
    return None if metadata is None else metadata.model_dump_json(exclude_unset=True)


@app.post("/api/track")
async def track(request: Request, body: Batch | Interaction, x_user_id: Annotated[str, Header()]) -> Tracked:
    items = body.interactions if isinstance(body, Batch) else [body]
    async with request.app.state.pool.acquire() as connection:
        # Every statement below is one transaction of its own: asyncpg wraps none around it, PostgreSQL does.
        if len(items) == 1:
            item = items[0]
            await connection.execute(
                INSERT_ONE, uuid.uuid4(), x_user_id, item.post_id, item.interaction_type, encoded(item.metadata)
            )
        elif BATCH_INSERT == "unnest":
            await connection.execute(
                INSERT_MANY,
                [uuid.uuid4() for _ in items],
                x_user_id,
                [item.post_id for item in items],
                [item.interaction_type for item in items],
                [encoded(item.metadata) for item in items],
            )
        else:
            rows = [
                (uuid.uuid4(), x_user_id, item.post_id, item.interaction_type, encoded(item.metadata))
                for item in items
            ]
            if BATCH_INSERT == "copy":
                await connection.copy_records_to_table("user_interaction", records=rows, columns=COLUMNS)
            else:
                await connection.executemany(INSERT_ONE, rows)
    return Tracked(success=True, tracked=len(items), errors=[])


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


async def create_schema() -> None:
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        await connection.execute(SCHEMA)
    finally:
        await connection.close()


if __name__ == "__main__":
    import asyncio

    asyncio.run(create_schema())
