"""docs/reference/errors.md: every stable code of an error, with its status and the remedy."""

from reference.markdown import table

_HEAD = """\
# Errors

An error of the API is `{"error": {"code": "...", "message": "..."}}`. The message says what was
wrong and what to do. The code is stable, so that scripts may compare it. `mlopsctl` prints both and
exits with 1. A story that fails shows the same text as its output.

This page is written by `python -m reference`.
"""
Codes = dict[str, tuple[str, str]]
API: Codes = {
    "ALREADY_CANCELLED": ("409", "A person cancelled this story before. Nothing is left to do."),
    "ALREADY_DECIDED": (
        "409",
        "A decision over this image and evidence is stored, and the first one counts. Withdraw an "
        "approval of your own to decide again.",
    ),
    "APPROVAL_LOST": (
        "",
        "Approvals were withdrawn, or their people may not approve any more, before the promotion "
        "began. `mlopsctl retry <release>` asks again.",
    ),
    "BAD_CURSOR": (
        "400",
        "The cursor of a list is not one that the app gave. Use the `next` of the page before.",
    ),
    "BAD_NAME": (
        "400",
        "A name is a path, an option, or does not match the pattern of its kind. The message has "
        "the field and the pattern.",
    ),
    "BUSY": ("409", "Other writers change the same record all the time. Send the request again."),
    "CONFIG": ("", "A setting or mlops.toml is wrong. The app does not start."),
    "CONFLICT": ("409", "The present state forbids the request. The message has the reason."),
    "CONTRACT": ("400", "A field is absent, or has another type. The message has the field."),
    "DATA_CHANGED": (
        "409",
        "The file was written again since its event. The event of the newer content is used.",
    ),
    "FOREIGN_RUN": (
        "",
        "The workspace has a job of this name that the app did not submit. Send the data or the "
        "commit again, so that the run gets another name.",
    ),
    "FOREIGN_VERSION": (
        "409",
        "This app did not register the model version, so it releases nothing. Send its data.",
    ),
    "MALFORMED_FORM": (
        "400",
        "A form-encoded webhook is not a form. Set its content type to JSON.",
    ),
    "MALFORMED_JSON": ("400", "The body is empty or no JSON."),
    "MLOPS": ("500", "A fault without a code of its own. See the host's log."),
    "NOTHING_TO_RETRY": ("409", "The story has succeeded, or a newer one has replaced it."),
    "NOTHING_TO_WITHDRAW": ("409", "You have no approval of this release."),
    "NOT_AN_APPROVER": ("403", "You are not among the `approvers` of this model in mlops.toml."),
    "NOT_AN_OPERATOR": ("403", "You are not among the `operators` of this model in mlops.toml."),
    "NOT_AUTHORISED": (
        "403",
        "No stored decision or order authorises the change of production. Release or order it "
        "again.",
    ),
    "NOT_A_FILE": (
        "400",
        "The entry of the inbox is a link, a pipe or a folder. Put a file there.",
    ),
    "NOT_CANCELLABLE": ("409", "Only trainings and releases can be cancelled."),
    "NOT_FOUND": ("404", "No release, story or model has this name."),
    "NOT_RETRYABLE": ("409", "Only trainings, releases and changes of code can be retried."),
    "NOT_SERVABLE": (
        "",
        "The scoring service cannot load this model. Bring a service of your own: the contract of "
        "a model project describes it.",
    ),
    "NOT_SERVED": ("409", "Production serves no version of this model."),
    "NOT_SURE": ("409", "Taking a part of the platform away needs its name again in `sure`."),
    "OTHER_EVIDENCE": ("", "The evidence belongs to another release or image. Nothing is asked."),
    "OTHER_IMAGE": (
        "",
        "The model's files changed between judging and packing. Nothing is packed.",
    ),
    "OTHER_RELEASE": ("", "The id of the release is not that of its model and version."),
    "OUT_OF_SCOPE": ("403", "The webhook source may not send this type, or this model's events."),
    "PLATFORM": (
        "502",
        "Azure, or this machine, failed to carry out a request of the app. Try again.",
    ),
    "PROMOTION_BEGAN": ("409", "An approval cannot be withdrawn any more. Roll back instead."),
    "RELEASE_NOT_WAITING": ("409", "The release does not wait for a decision."),
    "ROWS_CHANGED": ("409", "Another writer changed the record. The app reads it and tries again."),
    "SEPARATION_OF_DUTIES": ("403", "An author of the release cannot approve it. Ask another one."),
    "STALE_DECISION": ("409", "The decision names another image or evidence. Read the release."),
    "STALE_VERDICT": (
        "409",
        "The evidence is about a former champion. The release judges its version again and then "
        "asks with new evidence; `mlopsctl retry <release>` when it has ended.",
    ),
    "STORY_CANCELLED": (
        "",
        "A person cancelled the release before its promotion began. `mlopsctl retry <release>` "
        "asks again.",
    ),
    "STORY_ENDED": ("409", "The story has ended."),
    "THROTTLED": ("429", "This caller sent too much. `Retry-After` has the seconds to wait."),
    "TOO_LARGE": ("413", "The body or the file is larger than the limit in the message."),
    "TOO_LATE": ("409", "The release changes production already. Roll back instead."),
    "UNAUTHENTICATED": ("401", "No token or key, or an unknown one."),
    "UNDER_WAY": ("409", "A story is still running. Wait for its end."),
    "UNKNOWN_AUTHOR": (
        "403",
        "The person who caused the version is unknown, and `unknown_author` of mlops.toml refuses "
        "its approval. Start the training with a person's token.",
    ),
    "UNKNOWN_CODE": ("404", "This version of the code was not published."),
    "UNKNOWN_COMMIT": ("404", "The branch or pull request does not have this commit."),
    "UNKNOWN_FIELD": ("400", "The request has no such field. The message has the nearest one."),
    "UNKNOWN_FILE": ("404", "The event names a file that is not there. Put it there first."),
    "UNKNOWN_IMAGE": ("404", "The registry has no image with this tag and digest."),
    "UNKNOWN_MODEL": ("404", "mlops.toml does not name this model."),
    "UNKNOWN_REPORT": ("404", "No comparison reported this drift."),
    "UNKNOWN_REPOSITORY": ("404", "No model of mlops.toml has this repository."),
    "UNKNOWN_RUN": ("404", "The platform has no such run."),
    "UNKNOWN_TOPIC": ("403", "MLOPS_TOPICS does not name the topic that wants to subscribe."),
    "UNKNOWN_TYPE": ("400", "The app takes no events of this type: [Events](events.md)."),
    "UNKNOWN_VERSION": ("404", "The registry has no such model version."),
    "UNTRUSTED_TYPES": (
        "",
        "The model file holds types that are not trusted. Use those of scikit-learn and NumPy, or "
        "name yours in `trusted_types`.",
    ),
}
PRODUCTION: Codes = {
    "BAD_INPUT": ("400", "The rows do not have the shape that `/openapi.json` describes."),
    "ENTRA_UNAVAILABLE": (
        "503",
        "The keys that tokens are signed with cannot be read now. Send it again, or send a key.",
    ),
    "MODEL_FAILED": ("500", "The model raised an error for these rows."),
    "NOT_SERVING": ("503", "No replica is ready, or production was taken down."),
    "SCORING_FAILED": ("4xx, 5xx", "A scoring script of your own refused the request."),
    "UNAUTHENTICATED": ("401", "`mlopsctl endpoint <model>` prints the call with its key."),
}
COMMANDS: Codes = {
    "ADDRESS": ("", "`--url` is not an address of an app, such as `https://host`."),
    "BAD_FILE": ("", "The file of `mlopsctl events send` holds no JSON."),
    "DEMO": ("", "The demo ended otherwise than it should. The message has the outcome."),
    "HTTP": ("", "The app answered without a code. See the host's log."),
    "INSECURE": ("", "A token is sent by https or within this machine only."),
    "LOOK_FAILED": ("", "The comparison for drift failed."),
    "NOT_RUNNING": ("", "No app runs on the state folder. `make up` starts one."),
    "NOT_SERVED": ("", "Production serves no version of this model."),
    "NOT_SURE": ("", "`--remove` needs the name again in `--sure`."),
    "NOT_THE_OWNER": ("", "Only the owner of the state folder issues tokens."),
    "NOT_READ": (
        "",
        "No command has shown you the evidence of this release. `mlopsctl show` shows it; a script "
        "passes `--image` and `--evidence`.",
    ),
    "NO_SECRET": ("", "`--source` needs the secret of that source in the environment."),
    "NO_STATE": ("", "The state folder has issued no token yet."),
    "NO_TOKEN": ("", "You have no token for this app. Ask the owner of its state for one."),
    "OTHER_HOST": ("", "The token or key was issued for another app, so nothing was sent."),
    "RECONCILE": ("", "The reconciliation failed."),
    "REDIRECTED": ("", "The address leads to another one. Give the app's own address."),
    "RELEASE_NOT_WAITING": ("", "The release has no image and evidence to decide on yet."),
    "TIMEOUT": ("", "The app has not answered, or the story has not ended, in time."),
    "WHOSE_TOKEN": ("", "You have tokens of several people. Name one by `--as`."),
    "CHANGED": (
        "",
        "A file behind the evidence of a release has another SHA-256 than the evidence says. Do "
        "not approve the release; train again.",
    ),
    "UNREACHABLE": ("", "No app listens at this address."),
}


def describe() -> str:
    """Return the whole page."""
    return "\n".join(
        [
            _HEAD,
            "## The app",
            "",
            "Codes without a status stand in the output of a story or in the log.",
            "",
            *table(("code", "status", "meaning and remedy"), _rows(API)),
            "## Production",
            "",
            *table(("code", "status", "meaning and remedy"), _rows(PRODUCTION)),
            "## mlopsctl",
            "",
            *table(("code", "meaning and remedy"), [(c, text) for c, _, text in _rows(COMMANDS)]),
        ]
    )


def _rows(codes: Codes) -> list[tuple[str, str, str]]:
    return [(f"`{code}`", *described) for code, described in codes.items()]
