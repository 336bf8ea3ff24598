"""Streams with the SDK's event handlers: what they hear, what their snapshots hold, and what a dropped one leaves."""

import asyncio

from listener import Listener, listen
from support import (
    TWO_CITIES,
    answers_in,
    begin,
    calls_asked,
    case,
    equal,
    outputs_for,
    steps_of,
    text_of,
    thread_with,
)

from openai import BadRequestError

RUN_BEGINS = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
STEP_BEGINS = ["thread.run.step.created", "thread.run.step.in_progress"]
MESSAGE_BEGINS = ["thread.message.created", "thread.message.in_progress"]


@case("handlers hear a message grow, and its snapshots are what is listed")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/stream chunks=20 delay_ms=2")
    runs = client.beta.threads.runs
    heard = listen(runs.stream(thread_id=thread, assistant_id=assistant, event_handler=Listener()))
    run = heard.current_run
    equal((run.status, run.usage.completion_tokens), ("completed", 20))
    equal(
        heard.heard,
        [
            *("step message_creation", "message", "text", f"text done {len(heard.text)}", "message completed"),
            *("step completed", "end"),
        ],
    )
    equal(runs.retrieve(run.id, thread_id=thread), run)
    equal(heard.get_final_messages(), list(client.beta.threads.messages.list(thread, run_id=run.id)))
    equal([it.id for it in heard.get_final_run_steps()], [it.id for it in steps_of(client, run)])


@case("a raw stream says each thing once, in order")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/say Hello there")
    events = []
    for event in client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant, stream=True):
        if not (events and events[-1] == event.event):
            events.append(event.event)
    ends = ["thread.message.delta", "thread.message.completed", "thread.run.step.completed", "thread.run.completed"]
    equal(events, [*RUN_BEGINS, *STEP_BEGINS, *MESSAGE_BEGINS, *ends])


@case("create_and_run_stream begins with the thread")
def _(world):
    client = world.client()
    heard = listen(
        client.beta.threads.create_and_run_stream(
            assistant_id="assistant",
            thread={"messages": [{"role": "user", "content": "/say Hello"}]},
            event_handler=Listener(),
        )
    )
    equal(heard.events[:2], ["thread.created", "thread.run.created"])
    equal((heard.current_run.status, heard.text), ("completed", "Hello"))


@case("parallel calls are answered together, by stream")
def _(world):
    client = world.client()
    assistant, thread = begin(client, TWO_CITIES)
    runs = client.beta.threads.runs
    first = listen(runs.stream(thread_id=thread, assistant_id=assistant, event_handler=Listener()))
    waiting = first.current_run
    equal(waiting.status, "requires_action")
    equal([arguments["city"] for _, arguments in calls_asked(waiting)], ["Oslo", "Bergen"])
    equal(first.heard.count("call"), 2)
    equal(runs.retrieve(waiting.id, thread_id=thread), waiting)
    second = listen(
        runs.submit_tool_outputs_stream(
            run_id=waiting.id, thread_id=thread, tool_outputs=outputs_for(waiting), event_handler=Listener()
        )
    )
    equal((second.events[0], second.current_run.status), ("thread.run.step.completed", "completed"))
    equal(
        answers_in(client, thread),
        ["Done. get_weather returned Oslo: 3 degrees; get_weather returned Bergen: 3 degrees"],
    )


@case("ask_user is answered by stream")
def _(world):
    client = world.client()
    thread = thread_with(client, "/say Well\n/ask Which colour?")
    runs = client.beta.threads.runs
    waiting = listen(runs.stream(thread_id=thread, assistant_id="assistant", event_handler=Listener())).current_run
    equal([name for name, _ in calls_asked(waiting)], ["ask_user"])
    answered = listen(
        runs.submit_tool_outputs_stream(
            run_id=waiting.id, thread_id=thread, tool_outputs=outputs_for(waiting, "blue"), event_handler=Listener()
        )
    )
    equal(answered.current_run.status, "completed")
    equal(answers_in(client, thread), ["Well", 'Done. ask_user said "blue"'])


@case("a turn that is tried again voids its message, and only the whole one is listed")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/say Some words\n/fail status=503 retry_after=0.1\n/say and more")
    manager = client.beta.threads.runs.stream(thread_id=thread, assistant_id=assistant, event_handler=Listener())
    with manager as stream:
        texts = list(stream.text_deltas)
    equal(stream.current_run.status, "completed")
    message = [*STEP_BEGINS, *MESSAGE_BEGINS, "thread.message.delta"]
    equal(
        stream.events,
        [
            *(*RUN_BEGINS, *message, "thread.message.incomplete", "thread.run.step.failed"),
            *(*message, "thread.message.completed", "thread.run.step.completed", "thread.run.completed"),
        ],
    )
    equal("".join(texts), "Some wordsSome words\nand more")
    equal(answers_in(client, thread), ["Some words\nand more"])


@case("a client that goes away in mid-stream polls the run to its whole answer")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/stream chunks=60 delay_ms=60")
    runs = client.beta.threads.runs
    with runs.stream(thread_id=thread, assistant_id=assistant) as stream:
        next(stream.text_deltas)
        run_id = stream.current_run.id
    equal(runs.retrieve(run_id, thread_id=thread).status, "in_progress")
    run = runs.poll(run_id=run_id, thread_id=thread)
    equal((run.status, run.usage.completion_tokens), ("completed", 60))
    (message,) = client.beta.threads.messages.list(thread, run_id=run_id)
    equal(len(text_of(message).split()), 60)


@case("failed, incomplete, cancelled and expired runs end their streams as such")
def _(world):
    for server, text, status, limit in (
        ("main", "/say Some words\n/fail status=400", "failed", None),
        ("main", "/stream chunks=400 delay_ms=0", "incomplete", 256),
        ("main", "/stream chunks=3000 delay_ms=10", "cancelled", None),
        ("expiring", "/stream chunks=3000 delay_ms=20", "expired", None),
    ):
        client = world.client(server=server)
        assistant, thread = begin(client, text)
        runs = client.beta.threads.runs
        options = {"max_completion_tokens": limit} if limit else {}
        with runs.stream(thread_id=thread, assistant_id=assistant, event_handler=Listener(), **options) as stream:
            next(stream.text_deltas)
            if status == "cancelled":
                runs.cancel(stream.current_run.id, thread_id=thread)
            stream.until_done()
        equal((stream.current_run.status, stream.events[-1]), (status, f"thread.run.{status}"))
        assert "thread.message.incomplete" in stream.events
        equal(runs.retrieve(stream.current_run.id, thread_id=thread), stream.current_run)


@case("a stream that cannot begin is an error of the request")
def _(world):
    client = world.client()
    thread = thread_with(client, "/ask Which colour?")
    runs = client.beta.threads.runs
    runs.create_and_poll(thread_id=thread, assistant_id="assistant")
    try:
        listen(runs.stream(thread_id=thread, assistant_id="assistant", event_handler=Listener()))
        raise AssertionError("a second run began")
    except BadRequestError as error:
        assert "already has an active run" in str(error)


@case("the asynchronous client streams and polls too")
def _(world):
    async def run():
        async with world.async_client() as client:
            async with client.beta.threads.create_and_run_stream(
                assistant_id="assistant", thread={"messages": [{"role": "user", "content": "/say Hello there"}]}
            ) as stream:
                text = "".join([delta async for delta in stream.text_deltas])
                run = await stream.get_final_run()
            equal((text, run.status), ("Hello there", "completed"))
            again = await client.beta.threads.runs.create_and_poll(thread_id=run.thread_id, assistant_id="assistant")
            equal(again.status, "completed")

    asyncio.run(run())


@case("a stream that is silent for long is kept alive")
def _(world):
    client = world.client()
    thread = thread_with(client, "/say Well\n/think ms=16500\n/say then")
    heard = listen(
        client.beta.threads.runs.stream(thread_id=thread, assistant_id="assistant", event_handler=Listener())
    )
    equal((heard.current_run.status, heard.text), ("completed", "Well\nthen"))


@case("text arrives as it was said, whatever is in it")
def _(world):
    client = world.client()
    odd = 'a\u2028b\u2029c\u0085d \U0001f389 "quoted" \\ data: x \u00e9'
    assistant, thread = begin(client, f"/say {odd}")
    heard = listen(client.beta.threads.runs.stream(thread_id=thread, assistant_id=assistant, event_handler=Listener()))
    equal(heard.text, odd)
    equal(answers_in(client, thread), [odd])
