"""The OpenAI package for Python against a running Holdfast, with strict validation of every answer.

    suite.py --list                    the tests' names, as a JSON array
    suite.py WORLD                     runs them; prints a JSON line {case, ok, ms, error?} as each ends
    suite.py --observe THREAD WORLD    prints what the SDK sees of a thread, as JSON

WORLD is JSON: {"proxy": the recording proxy's address, "key": ..., "other_key": ..., "reading_key": ...}.
"""

import json
import sys
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed

warnings.simplefilter("ignore", DeprecationWarning)

import objects_cases  # noqa: E402, F401
import refusals_cases  # noqa: E402, F401
import runs_cases  # noqa: E402, F401
import streams_cases  # noqa: E402, F401
import tool_calls_cases  # noqa: E402, F401
from support import CASES, World  # noqa: E402

# Tests wait for the server most of their time.
AT_A_TIME = 4


def run(name, addresses):
    began = time.monotonic()
    result = {"case": name, "ok": True}
    try:
        CASES[name](World(name, addresses))
    except BaseException:
        result = {"case": name, "ok": False, "error": traceback.format_exc()}
    return {**result, "ms": round((time.monotonic() - began) * 1000)}


def observe(thread_id, addresses):
    client = World("observes", addresses).client()
    threads = client.beta.threads
    runs = list(threads.runs.list(thread_id, order="asc"))
    return {
        "thread": threads.retrieve(thread_id).to_dict(mode="json"),
        "messages": [it.to_dict(mode="json") for it in threads.messages.list(thread_id, order="asc")],
        "runs": [it.to_dict(mode="json") for it in runs],
        "steps": [
            [it.to_dict(mode="json") for it in threads.runs.steps.list(run_id=run.id, thread_id=thread_id, order="asc")]
            for run in runs
        ],
    }


def main(arguments):
    if arguments[0] == "--list":
        print(json.dumps(list(CASES)))
    elif arguments[0] == "--observe":
        print(json.dumps(observe(arguments[1], json.loads(arguments[2]))))
    else:
        addresses = json.loads(arguments[0])
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            for ended in as_completed([pool.submit(run, name, addresses) for name in CASES]):
                print(json.dumps(ended.result()), flush=True)


main(sys.argv[1:])
