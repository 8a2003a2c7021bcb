"""An expense that somebody approves within seven days, or that expires."""

from datetime import timedelta

import azure.durable_functions as df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def expense(context: df.DurableOrchestrationContext):
    amount = context.get_input()
    yield context.call_activity("ask", amount)
    approval = context.wait_for_external_event("Approval")
    deadline = context.current_utc_datetime
    for _ in range(7):
        # Timers of a day each: a cancelled longer one would live on (SDK 1.7.0, LongTimerTask).
        deadline += timedelta(days=1)
        reminder = context.create_timer(deadline)
        winner = yield context.task_any([approval, reminder])
        if winner is approval:
            reminder.cancel()
            return {"paid": amount, "by": approval.result}
        yield context.call_activity("remind", amount)
    return {"expired": amount}


@app.activity_trigger(input_name="amount")
def ask(amount: int) -> str:
    return f"asked for {amount}"


@app.activity_trigger(input_name="amount")
def remind(amount: int) -> str:
    return f"reminded of {amount}"
