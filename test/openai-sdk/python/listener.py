"""An event handler that notes what it hears, and a way to read a stream with it."""

from support import equal
from typing_extensions import override

from openai import AssistantEventHandler


class Listener(AssistantEventHandler):
    """Notes what it hears."""

    def __init__(self):
        super().__init__()
        self.heard = []
        self.events = []
        self.text = ""

    @override
    def on_event(self, event):
        if not (self.events and event.event.endswith(".delta") and self.events[-1] == event.event):
            self.events.append(event.event)

    @override
    def on_run_step_created(self, run_step):
        self.heard.append(f"step {run_step.type}")

    @override
    def on_run_step_done(self, run_step):
        self.heard.append(f"step {run_step.status}")

    @override
    def on_message_created(self, message):
        self.heard.append("message")
        self.text = ""

    @override
    def on_message_done(self, message):
        self.heard.append(f"message {message.status}")

    @override
    def on_text_created(self, text):
        self.heard.append("text")

    @override
    def on_text_delta(self, delta, snapshot):
        self.text += delta.value or ""
        equal(snapshot.value, self.text)

    @override
    def on_text_done(self, text):
        self.heard.append(f"text done {len(text.value)}")

    @override
    def on_tool_call_created(self, tool_call):
        self.heard.append("call")

    @override
    def on_end(self):
        self.heard.append("end")


def listen(manager):
    """Reads a stream to its end; gives the handler."""
    with manager as stream:
        stream.until_done()
    return stream
