"""Assistants, threads, messages and models: made, read, changed, listed, deleted."""

from openai import NotFoundError
from support import ONE_CITY, WEATHER, begin, case, equal, outputs_for, text_of, thread_with

METADATA = {"customer": "42", "tier": "gold"}


@case("an assistant is created, read, changed, listed and deleted")
def _(world):
    assistants = world.client().beta.assistants
    created = assistants.create(
        model="gpt-4o",
        name="Weather",
        description="Knows the weather.",
        instructions="Be brief.",
        tools=[WEATHER],
        metadata=METADATA,
        temperature=0.5,
        top_p=0.9,
        response_format={"type": "text"},
    )
    assert created.id.startswith("asst_")
    equal((created.model, created.name, created.description), ("gpt-4o", "Weather", "Knows the weather."))
    equal((created.metadata, created.temperature, created.top_p), (METADATA, 0.5, 0.9))
    equal(assistants.retrieve(created.id), created)
    changed = assistants.update(created.id, name="Forecast")
    equal(changed.to_dict(), {**created.to_dict(), "name": "Forecast"})
    assert changed.to_dict() in [it.to_dict() for it in assistants.list(limit=100)]
    deleted = assistants.delete(created.id)
    equal(deleted.to_dict(), {"id": created.id, "deleted": True, "object": "assistant.deleted"})
    try:
        assistants.retrieve(created.id)
        raise AssertionError("a deleted assistant was found")
    except NotFoundError:
        pass


@case("a run keeps the version of the assistant it began with")
def _(world):
    client = world.client()
    assistant, thread = begin(client, ONE_CITY)
    waiting = client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    client.beta.assistants.update(assistant, instructions="Be long.")
    done = client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=waiting.id, thread_id=thread, tool_outputs=outputs_for(waiting)
    )
    equal((done.status, done.instructions), ("completed", "Be brief."))
    after = client.beta.threads.runs.create_and_poll(thread_id=thread_with(client, "Hello"), assistant_id=assistant)
    equal((after.status, after.instructions), ("completed", "Be long."))


@case("a thread is created with messages, read, changed and deleted")
def _(world):
    threads = world.client().beta.threads
    created = threads.create(
        messages=[{"role": "user", "content": "First", "metadata": {"n": "1"}}, {"role": "assistant", "content": "Second"}],
        metadata=METADATA,
    )
    equal(threads.retrieve(created.id), created)
    listed = list(threads.messages.list(created.id, order="asc"))
    equal([(it.role, text_of(it), it.metadata) for it in listed], [("user", "First", {"n": "1"}), ("assistant", "Second", {})])
    equal(threads.update(created.id, metadata={"a": "b"}).metadata, {"a": "b"})
    equal(threads.delete(created.id).to_dict(), {"id": created.id, "deleted": True, "object": "thread.deleted"})


@case("a message with text and an image address is created, read, changed and deleted")
def _(world):
    threads = world.client().beta.threads
    thread = threads.create().id
    created = threads.messages.create(
        thread,
        role="user",
        content=[
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "https://images.example/cat.png", "detail": "low"}},
        ],
        metadata=METADATA,
    )
    equal((text_of(created), created.content[1].image_url.url), ("What is this?", "https://images.example/cat.png"))
    equal(threads.messages.retrieve(created.id, thread_id=thread), created)
    equal(threads.messages.update(created.id, thread_id=thread, metadata={"a": "b"}).metadata, {"a": "b"})
    deleted = threads.messages.delete(created.id, thread_id=thread)
    equal(deleted.to_dict(), {"id": created.id, "deleted": True, "object": "thread.message.deleted"})
    equal(list(threads.messages.list(thread)), [])


@case("pages of messages are walked in both orders")
def _(world):
    client = world.client()
    texts = [f"message {i}" for i in range(25)]
    thread = client.beta.threads.create(messages=[{"role": "user", "content": text} for text in texts]).id
    listing = client.beta.threads.messages
    equal([text_of(it) for it in listing.list(thread, limit=10, order="asc")], texts)
    equal(len(world.requests("listMessages")), 3)
    equal([text_of(it) for it in listing.list(thread, limit=10)], texts[::-1])
    page = listing.list(thread)
    equal((len(page.data), page.has_more), (20, True))
    before = listing.list(thread, before=page.data[10].id)
    equal([it.id for it in before.data], [it.id for it in page.data[:10]])


@case("pages of assistants are walked")
def _(world):
    assistants = world.client().beta.assistants
    made = [assistants.create(model="gpt-4o", name=name).id for name in ("one", "two", "three")]
    equal([it.id for it in assistants.list(order="asc", limit=2) if it.id in made], made)
    equal([it.id for it in assistants.list(order="desc", limit=2) if it.id in made], made[::-1])


@case("models are the routes by every name")
def _(world):
    names = [it.id for it in world.client().models.list()]
    assert {"demo", "gpt-4o", "impatient"} <= set(names), names
