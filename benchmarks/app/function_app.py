"""The app that is measured: chains, a fan-out, waiting for an event, steps that leave a trace."""

import os

import azure.durable_functions as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    value = 0
    for _ in range(context.get_input()["n"]):
        value = yield context.call_activity("one_more", value)
    return value


@app.orchestration_trigger(context_name="context")
def fan(context: df.DurableOrchestrationContext):
    count = context.get_input()["n"]
    tasks = [context.call_activity("one_more", 0) for _ in range(count)]
    return sum((yield context.task_all(tasks)))


@app.orchestration_trigger(context_name="context")
def waiting(context: df.DurableOrchestrationContext):
    return (yield context.wait_for_external_event("go"))


@app.orchestration_trigger(context_name="context")
def traced(context: df.DurableOrchestrationContext):
    for step in range(5):
        yield context.call_activity("leave_trace", f"{context.instance_id} {step}")


@app.activity_trigger(input_name="value")
def one_more(value: int) -> int:
    return value + 1


@app.activity_trigger(input_name="line")
def leave_trace(line: str) -> str:
    with open(os.environ["BENCH_TRACE"], "a") as trace:
        trace.write(line + "\n")
    return line
