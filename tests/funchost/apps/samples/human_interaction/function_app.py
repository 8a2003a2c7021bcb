"""Phone verification: a code must be entered before the time is up."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="verify/{seconds:double}")
@app.durable_client_input(client_name="client")
async def verify(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    seconds = float(req.route_params["seconds"])
    instance_id = await client.start_new("sms_verification", None, {"seconds": seconds})
    return client.create_check_status_response(req, instance_id)


@app.orchestration_trigger(context_name="context")
def sms_verification(context: df.DurableOrchestrationContext):
    code = yield context.call_activity("send_code", context.get_input())
    expires = context.current_utc_datetime + timedelta(seconds=context.get_input()["seconds"])
    timeout = context.create_timer(expires)
    for _ in range(3):
        answer = context.wait_for_external_event("SmsResponse")
        winner = yield context.task_any([answer, timeout])
        if winner is timeout:
            break
        if int(answer.result) == code:
            timeout.cancel()
            return True
    if not timeout.is_completed:
        timeout.cancel()
    return False


@app.activity_trigger(input_name="order")
def send_code(order: dict) -> int:
    return 4711
