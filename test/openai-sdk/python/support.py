"""What the tests share: their registry, their clients, and the words they say to the demo model."""

import json
import time
import urllib.parse
import urllib.request

from openai import AsyncOpenAI, BaseModel, OpenAI

AGENT = "OpenAI/Python 3.22.1"
CASES = {}

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TWO_CITIES = '/parallel\n/tool get_weather {"city":"Oslo"}\n/tool get_weather {"city":"Bergen"}'
ONE_CITY = '/tool get_weather {"city":"Oslo"}'


def case(name):
    """Registers a test under the sentence that says what it shows."""

    def register(function):
        assert name not in CASES, f"two tests are called {name}"
        CASES[name] = function
        return function

    return register


class World:
    """One test's way to the servers: clients whose requests are recorded under the test's name."""

    def __init__(self, name, addresses):
        self.name = f"{AGENT} {name}"
        self.addresses = addresses

    def client(self, server="main", key=None, fault=None, make=OpenAI):
        headers = {"x-test-case": self.name, **({"x-test-fault": fault} if fault else {})}
        return make(
            api_key=key or self.addresses["key"],
            base_url=f"{self.addresses['proxy']}/{server}/openai/v1",
            default_headers=headers,
            _strict_response_validation=True,
        )

    def async_client(self):
        return self.client(make=AsyncOpenAI)

    def requests(self, operation=None):
        """The requests of this test so far, as the proxy has recorded them."""
        url = f"{self.addresses['proxy']}/recorded/{urllib.parse.quote(self.name, safe='')}"
        with urllib.request.urlopen(url) as answer:
            recorded = json.load(answer)
        return [it for it in recorded if operation in (None, it["operation"])]


def begin(client, text):
    """A new assistant that knows WEATHER, and a new thread with this message."""
    assistant = client.beta.assistants.create(
        model="gpt-4o", name="Weather", instructions="Be brief.", tools=[WEATHER]
    )
    return assistant.id, thread_with(client, text)


def thread_with(client, text):
    return client.beta.threads.create(messages=[{"role": "user", "content": text}]).id


def calls_of(run):
    return run.required_action.submit_tool_outputs.tool_calls if run.required_action else []


def calls_asked(run):
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls_of(run)]


def outputs_for(run, output=None):
    return [
        {"tool_call_id": call.id, "output": output or f"{json.loads(call.function.arguments)['city']}: 3 degrees"}
        for call in calls_of(run)
    ]


def text_of(message):
    return "".join(part.text.value for part in message.content if part.type == "text")


def answers_in(client, thread_id):
    messages = client.beta.threads.messages.list(thread_id, order="asc")
    return [text_of(it) for it in messages if it.role == "assistant"]


def steps_of(client, run, order="asc"):
    return list(client.beta.threads.runs.steps.list(run_id=run.id, thread_id=run.thread_id, order=order))


def plain(value):
    """A model as its JSON: two are equal when their answers were, whichever request they came from."""
    if isinstance(value, BaseModel):
        return value.to_dict()
    return [plain(it) for it in value] if isinstance(value, list) else value


def equal(actual, expected):
    actual, expected = plain(actual), plain(expected)
    assert actual == expected, f"expected {expected!r}, got {actual!r}"


def until(condition, what, timeout_s=25):
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {timeout_s} s: {what}"
        time.sleep(0.02)
    return value


def refused(call, error, message, **fields):
    """Expects `call` to raise this class with this message (or one that holds each of several texts) and these fields."""
    try:
        call()
    except error as raised:
        said = raised.body["message"]
        if isinstance(message, str):
            equal(said, message)
        else:
            for part in message:
                assert part in said, f"{part!r} is not in {said!r}"
        for field, expected in fields.items():
            equal((field, getattr(raised, field)), (field, expected))
        assert raised.request_id, "the error has no request id"
        return
    raise AssertionError(f"{error.__name__} was not raised")
