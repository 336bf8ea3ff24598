"""Runs by create and poll: how they end, cancelled, expired or complete, and what was spent."""

from support import (
    ONE_CITY,
    answers_in,
    begin,
    case,
    equal,
    outputs_for,
    refused,
    steps_of,
    text_of,
    thread_with,
    until,
)

from openai import BadRequestError


@case("create_and_poll runs a thread to its completed answer")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/usage input=12 output=3\n/say Hello there")
    run = client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant, metadata={"job": "7"})
    equal((run.status, run.metadata, run.last_error), ("completed", {"job": "7"}, None))
    equal((run.expires_at, run.required_action, run.incomplete_details), (None, None, None))
    equal((run.usage.prompt_tokens, run.usage.completion_tokens, run.usage.total_tokens), (12, 3, 15))
    equal(answers_in(client, thread), ["Hello there"])
    (step,) = steps_of(client, run)
    message = client.beta.threads.messages.list(thread, run_id=run.id).data[0]
    equal((step.type, step.status), ("message_creation", "completed"))
    equal(step.step_details.message_creation.message_id, message.id)
    retrieved = client.beta.threads.runs.steps.retrieve(step.id, thread_id=thread, run_id=run.id)
    equal(retrieved, step)


@case("a created run is queued and has no usage yet, and a helper is told when to ask again")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/think ms=2500\n/say Hello")
    run = client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant)
    equal((run.status, run.usage, run.expires_at), ("queued", None, run.created_at + 600))
    assert run._request_id
    equal(client.beta.threads.runs.poll(run_id=run.id, thread_id=thread).status, "completed")
    polls = world.requests("getRun")
    assert 1 < len(polls) < 80, len(polls)
    for poll in polls:
        assert int(poll["headers"]["openai-poll-after-ms"]) > 0


@case("create_and_run_poll makes the thread and runs it")
def _(world):
    client = world.client()
    run = client.beta.threads.create_and_run_poll(
        assistant_id="assistant", thread={"messages": [{"role": "user", "content": "/say Made in one call"}]}
    )
    equal(run.status, "completed")
    equal(answers_in(client, run.thread_id), ["Made in one call"])
    run = client.beta.threads.create_and_run(
        assistant_id="assistant", thread={"messages": [{"role": "user", "content": "/say Again"}]}
    )
    equal(client.beta.threads.runs.poll(run_id=run.id, thread_id=run.thread_id).status, "completed")


@case("additional messages come before the run, instructions replace")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "Ignored")
    run = client.beta.threads.runs.create_and_poll(
        thread_id=thread,
        assistant_id=assistant,
        instructions="Only this.",
        additional_messages=[{"role": "user", "content": "/say Answered", "metadata": {"n": "2"}}],
    )
    equal((run.status, run.instructions), ("completed", "Only this."))
    listed = list(client.beta.threads.messages.list(thread, order="asc"))
    equal([text_of(it) for it in listed], ["Ignored", "/say Answered", "Answered"])
    equal(listed[1].metadata, {"n": "2"})


@case("runs and their metadata are changed and listed")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/say Hello")
    runs = client.beta.threads.runs
    made = [runs.create_and_poll(thread_id=thread, assistant_id=assistant) for _ in range(3)]
    changed = runs.update(made[0].id, thread_id=thread, metadata={"a": "1"})
    equal(changed.to_dict(), {**made[0].to_dict(), "metadata": {"a": "1"}})
    equal(runs.retrieve(made[0].id, thread_id=thread), changed)
    equal([it.id for it in runs.list(thread, order="asc", limit=2)], [it.id for it in made])
    equal([it.id for it in runs.list(thread, limit=2)], [it.id for it in made[::-1]])


@case("a failure names its kind: the rate, the prompt or the server")
def _(world):
    client = world.client()
    for status, code in ((429, "rate_limit_exceeded"), (400, "invalid_prompt"), (500, "server_error")):
        run = client.beta.threads.runs.create_and_poll(
            thread_id=thread_with(client, f"/fail status={status} times=9"),
            assistant_id="assistant",
            model="impatient",
        )
        equal((run.status, run.last_error.code), ("failed", code))
        assert run.last_error.message and run.failed_at


@case("token limits make a run incomplete")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/stream chunks=400 delay_ms=0")
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=thread, assistant_id=assistant, max_completion_tokens=256)
    equal((run.status, run.incomplete_details.reason), ("incomplete", "max_completion_tokens"))
    equal(run.usage.completion_tokens, 256)
    (message,) = client.beta.threads.messages.list(thread, run_id=run.id)
    equal((message.status, message.incomplete_details.reason), ("incomplete", "max_tokens"))
    equal(len(text_of(message).split()), 256)

    thread = thread_with(client, f"/usage input=300 output=5\n{ONE_CITY}")
    run = runs.create_and_poll(thread_id=thread, assistant_id=assistant, max_prompt_tokens=256)
    if run.status == "requires_action":
        run = runs.submit_tool_outputs_and_poll(run_id=run.id, thread_id=thread, tool_outputs=outputs_for(run))
    equal((run.status, run.incomplete_details.reason), ("incomplete", "max_prompt_tokens"))


@case("a queued run is cancelled before it begins")
def _(world):
    client = world.client(server="unstarted")
    assistant, thread = begin(client, "/say Hello")
    runs = client.beta.threads.runs
    run = runs.create(thread_id=thread, assistant_id=assistant)
    equal(runs.retrieve(run.id, thread_id=thread).status, "queued")
    assert runs.cancel(run.id, thread_id=thread).status in ("cancelling", "cancelled")
    run = runs.poll(run_id=run.id, thread_id=thread)
    equal((run.status, run.started_at), ("cancelled", None))


@case("a running run is cancelled, and its thread is free")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/think ms=30000")
    runs = client.beta.threads.runs
    run = runs.create(thread_id=thread, assistant_id=assistant)
    until(lambda: runs.retrieve(run.id, thread_id=thread).status == "in_progress", "the run runs")
    equal(runs.cancel(run.id, thread_id=thread).status, "cancelling")
    run = runs.poll(run_id=run.id, thread_id=thread)
    equal((run.status, run.completed_at), ("cancelled", None))
    client.beta.threads.messages.create(thread, role="user", content="/say Free")
    equal(runs.create_and_poll(thread_id=thread, assistant_id=assistant).status, "completed")


@case("a run that waits is cancelled, and takes no outputs afterwards")
def _(world):
    client = world.client()
    assistant, thread = begin(client, ONE_CITY)
    runs = client.beta.threads.runs
    waiting = runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    runs.cancel(waiting.id, thread_id=thread)
    run = runs.poll(run_id=waiting.id, thread_id=thread)
    equal((run.status, run.required_action), ("cancelled", None))
    equal([it.status for it in steps_of(client, run)], ["cancelled"])
    refused(
        lambda: runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=outputs_for(waiting)),
        BadRequestError,
        'Runs in status "cancelled" do not accept tool outputs.',
    )


@case("a run that waits past its time expires and frees its thread")
def _(world):
    client = world.client(server="expiring")
    assistant, thread = begin(client, ONE_CITY)
    runs = client.beta.threads.runs
    waiting = runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    equal(waiting.status, "requires_action")
    until(lambda: runs.retrieve(waiting.id, thread_id=thread).status == "expired", "the run expires")
    refused(
        lambda: runs.submit_tool_outputs(waiting.id, thread_id=thread, tool_outputs=outputs_for(waiting)),
        BadRequestError,
        'Runs in status "expired" do not accept tool outputs.',
    )
    client.beta.threads.messages.create(thread, role="user", content="/say Free")
    equal(runs.create_and_poll(thread_id=thread, assistant_id=assistant).status, "completed")


@case("a silent run expires, by poll")
def _(world):
    client = world.client(server="expiring")
    assistant, thread = begin(client, "/think ms=60000")
    equal(client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant).status, "expired")
