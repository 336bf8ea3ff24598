"""Every refusal of the contract with its class, and how often the SDK asks."""

from support import ONE_CITY, answers_in, begin, case, equal, outputs_for, refused, thread_with

from openai import AuthenticationError, BadRequestError, NotFoundError, PermissionDeniedError

INVALID = {"type": "invalid_request_error", "param": None, "code": None}


@case("a thread with an active run takes no second run and no message")
def _(world):
    client = world.client()
    assistant, thread = begin(client, ONE_CITY)
    threads = client.beta.threads
    run = threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    refused(
        lambda: threads.runs.create(thread_id=thread, assistant_id=assistant),
        BadRequestError,
        f"Thread {thread} already has an active run {run.id}.",
        **INVALID,
    )
    refused(
        lambda: threads.messages.create(thread, role="user", content="More"),
        BadRequestError,
        f"Can't add messages to {thread} while a run {run.id} is active.",
        **INVALID,
    )
    refused(lambda: threads.delete(thread), BadRequestError, ("active",))
    # Refusals are asked for once.
    equal([it["retry"] for it in world.requests("createRun")], [0, 0])
    equal([it["retry"] for it in world.requests("createMessage")], [0])


@case("a run that ended takes no outputs and is not cancelled")
def _(world):
    client = world.client()
    assistant, thread = begin(client, ONE_CITY)
    runs = client.beta.threads.runs
    waiting = runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    outputs = outputs_for(waiting)
    run = runs.submit_tool_outputs_and_poll(run_id=waiting.id, thread_id=thread, tool_outputs=outputs)
    refused(
        lambda: runs.submit_tool_outputs(run.id, thread_id=thread, tool_outputs=outputs_for(waiting, "other")),
        BadRequestError,
        'Runs in status "completed" do not accept tool outputs.',
        **INVALID,
    )
    refused(
        lambda: runs.cancel(run.id, thread_id=thread),
        BadRequestError,
        "Cannot cancel run with status 'completed'.",
        **INVALID,
    )


@case("what does not exist is not found, by name")
def _(world):
    client = world.client()
    assistant, thread = begin(client, "/say Hello")
    threads = client.beta.threads
    run = threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    for call, what, name in (
        (lambda: threads.retrieve("thread_none"), "thread", "thread_none"),
        (lambda: threads.runs.create(thread_id="thread_none", assistant_id=assistant), "thread", "thread_none"),
        (lambda: client.beta.assistants.retrieve("asst_none"), "assistant", "asst_none"),
        (lambda: threads.runs.create(thread_id=thread, assistant_id="asst_none"), "assistant", "asst_none"),
        (lambda: threads.runs.retrieve("run_none", thread_id=thread), "run", "run_none"),
        (lambda: threads.messages.retrieve("msg_none", thread_id=thread), "message", "msg_none"),
        (lambda: threads.runs.steps.retrieve("step_none", thread_id=thread, run_id=run.id), "run step", "step_none"),
    ):
        refused(call, NotFoundError, f"No {what} found with id '{name}'.", **INVALID)
    other = world.client(key=world.addresses["other_key"])
    refused(lambda: other.beta.threads.retrieve(thread), NotFoundError, f"No thread found with id '{thread}'.")


@case("a model that is no route, hosted tools and files are refused by name")
def _(world):
    client = world.client()
    threads = client.beta.threads
    thread = threads.create().id
    create = client.beta.assistants.create
    invalid = "invalid_request_error"
    refused(
        lambda: create(model="gpt-none"),
        BadRequestError,
        ("gpt-none", "demo", "gpt-4o"),
        type=invalid,
        param="model",
        code="model_not_found",
    )
    attachments = [{"file_id": "file_1", "tools": [{"type": "file_search"}]}]
    image = {"type": "image_file", "image_file": {"file_id": "file_1"}}
    for call, part, param in (
        (lambda: create(model="gpt-4o", tools=[{"type": "file_search"}]), "file_search", "tools[0].type"),
        (lambda: create(model="gpt-4o", tools=[{"type": "code_interpreter"}]), "code_interpreter", "tools[0].type"),
        (
            lambda: threads.create(tool_resources={"file_search": {"vector_store_ids": ["vs_1"]}}),
            "file_search",
            "tool_resources.file_search",
        ),
        (
            lambda: threads.messages.create(thread, role="user", content="x", attachments=attachments),
            "Attaching",
            "attachments",
        ),
        (lambda: threads.messages.create(thread, role="user", content=[image]), "image_file", "content[0].type"),
    ):
        refused(call, BadRequestError, (part,), type=invalid, param=param)


@case("a wrong key and a key without the scope are refused as such")
def _(world):
    thread = thread_with(world.client(), "/say Hello")
    wrong = world.client(key="sk-wrong-and-long-enough").beta.threads
    refused(lambda: wrong.retrieve(thread), AuthenticationError, ())
    reading = world.client(key=world.addresses["reading_key"]).beta.threads
    equal(reading.retrieve(thread).id, thread)
    refused(
        lambda: reading.runs.create(thread_id=thread, assistant_id="assistant"), PermissionDeniedError, ("runs:write",)
    )


@case("a server that is away for a moment is asked again, and outputs whose answer was lost count once")
def _(world):
    client = world.client()
    assistant, thread = begin(client, ONE_CITY)
    run = world.client(fault="unavailable").beta.threads.runs.create(thread_id=thread, assistant_id=assistant)
    equal([(it["status"], it["retry"]) for it in world.requests("createRun")], [(503, 0), (200, 1)])
    waiting = client.beta.threads.runs.poll(run_id=run.id, thread_id=thread)
    world.client(fault="lose").beta.threads.runs.submit_tool_outputs(
        run.id, thread_id=thread, tool_outputs=outputs_for(waiting)
    )
    equal([(it["status"], it["retry"]) for it in world.requests("submitToolOutputs")], [(200, 0), (200, 1)])
    equal(client.beta.threads.runs.poll(run_id=run.id, thread_id=thread).status, "completed")
    equal(answers_in(client, thread), ["Done. get_weather returned Oslo: 3 degrees"])


@case("a created run whose answer was lost is named by the refusal of the second")
def _(world):
    client = world.client()
    assistant, thread = begin(client, ONE_CITY)
    faulty = world.client(fault="lose").beta.threads.runs
    refused(
        lambda: faulty.create(thread_id=thread, assistant_id=assistant),
        BadRequestError,
        (f"Thread {thread} already has an active run run_",),
    )
    (run,) = client.beta.threads.runs.list(thread)
    equal(client.beta.threads.runs.poll(run_id=run.id, thread_id=thread).status, "requires_action")
