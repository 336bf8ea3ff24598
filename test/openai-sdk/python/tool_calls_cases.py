"""The client's functions, and what Holdfast itself asks, as calls that require an action."""

from support import (
    ONE_CITY,
    TWO_CITIES,
    answers_in,
    begin,
    calls_asked,
    calls_of,
    case,
    equal,
    outputs_for,
    refused,
    steps_of,
    thread_with,
)

from openai import BadRequestError

BOTH_ASKED = [("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Bergen"})]
BOTH_ANSWERED = "Done. get_weather returned Oslo: 3 degrees; get_weather returned Bergen: 3 degrees"


def ask(client, text, assistant="assistant"):
    return client.beta.threads.runs.create_and_poll(thread_id=thread_with(client, text), assistant_id=assistant)


def reply(client, run, output):
    return client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs_for(run, output)
    )


@case("parallel calls are answered together, by poll")
def _(world):
    client = world.client()
    assistant, thread = begin(client, TWO_CITIES)
    waiting = client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    equal((waiting.status, waiting.usage), ("requires_action", None))
    equal(calls_asked(waiting), BOTH_ASKED)
    (step,) = steps_of(client, waiting)
    equal((step.status, [it.function.output for it in step.step_details.tool_calls]), ("in_progress", [None, None]))
    done = reply(client, waiting, None)
    equal((done.status, done.required_action), ("completed", None))
    equal(answers_in(client, thread), [BOTH_ANSWERED])
    calls, message = steps_of(client, done)
    equal((calls.type, calls.status, message.type), ("tool_calls", "completed", "message_creation"))
    equal([it.function.output for it in calls.step_details.tool_calls], ["Oslo: 3 degrees", "Bergen: 3 degrees"])
    equal([it.id for it in calls.step_details.tool_calls], [it.id for it in calls_of(waiting)])


@case("without parallel calls they come one after the other")
def _(world):
    client = world.client()
    assistant, thread = begin(client, TWO_CITIES)
    first = client.beta.threads.runs.create_and_poll(
        thread_id=thread, assistant_id=assistant, parallel_tool_calls=False
    )
    equal(calls_asked(first), BOTH_ASKED[:1])
    second = reply(client, first, None)
    equal(calls_asked(second), BOTH_ASKED[1:])
    equal(reply(client, second, None).status, "completed")


@case("outputs for other calls, or for some only, are refused and change nothing")
def _(world):
    client = world.client()
    assistant, thread = begin(client, TWO_CITIES)
    runs = client.beta.threads.runs
    waiting = runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    for outputs in (outputs_for(waiting)[:1], [{"tool_call_id": "call_wrong", "output": "x"}]):
        refused(
            lambda: runs.submit_tool_outputs(waiting.id, thread_id=thread, tool_outputs=outputs),
            BadRequestError,
            ("Expected tool outputs for call_ids [", "], got [", *(it.id for it in calls_of(waiting))),
            type="invalid_request_error",
            code=None,
        )
    equal(runs.retrieve(waiting.id, thread_id=thread), waiting)
    equal(reply(client, waiting, None).status, "completed")


@case("outputs submitted again answer the run as it is")
def _(world):
    client = world.client()
    assistant, thread = begin(client, ONE_CITY)
    runs = client.beta.threads.runs
    waiting = runs.create_and_poll(thread_id=thread, assistant_id=assistant)
    for _ in range(2):
        answer = runs.submit_tool_outputs(waiting.id, thread_id=thread, tool_outputs=outputs_for(waiting))
        equal((answer.id, answer.required_action), (waiting.id, None))
    equal(runs.poll(run_id=waiting.id, thread_id=thread).status, "completed")
    equal(answers_in(client, thread), ["Done. get_weather returned Oslo: 3 degrees"])


@case("ask_user is a call of ask_user with its question")
def _(world):
    client = world.client()
    waiting = ask(client, "/ask Which colour?")
    ((name, arguments),) = calls_asked(waiting)
    equal((waiting.status, name, arguments["question"]), ("requires_action", "ask_user", "Which colour?"))
    equal(reply(client, waiting, "blue").status, "completed")
    equal(answers_in(client, waiting.thread_id), ['Done. ask_user said "blue"'])


@case("approve_tool, raise_budget and resolve_unknown are answered as calls")
def _(world):
    client = world.client()
    for text, assistant, name, output, said in (
        ('/tool shop/note {"text":"rope"}', "assistant", "approve_tool", "approve", "noted rope"),
        ('/tool shop/note {"text":"rope"}', "assistant", "approve_tool", "deny: too much rope", "too much rope"),
        ("/tool shop/look {}", "thrifty", "raise_budget", "raise", "seen"),
        ("/tool python_doomed/die {}", "assistant", "resolve_unknown", "result: it was sent", "it was sent"),
    ):
        waiting = ask(client, text, assistant)
        equal([asked for asked, _ in calls_asked(waiting)], [name])
        equal(reply(client, waiting, output).status, "completed")
        assert said in answers_in(client, waiting.thread_id)[-1]


@case("the tools of the server that a turn calls finish before the client is asked")
def _(world):
    client = world.client()
    waiting = ask(client, '/parallel\n/tool shop/slow {"ms":400}\n/tool ask_user {"question":"Well?"}')
    equal([name for name, _ in calls_asked(waiting)], ["ask_user"])
    (step,) = steps_of(client, waiting)
    equal(
        [(it.function.name, it.function.output) for it in step.step_details.tool_calls],
        [("shop/slow", "slow and done"), ("ask_user", None)],
    )
    equal(reply(client, waiting, "well").status, "completed")
