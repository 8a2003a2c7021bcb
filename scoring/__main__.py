"""python -m scoring --model FOLDER --port PORT

SCORING_KEYS_FILE or SCORING_KEYS has the keys of permitted callers: scoring/authentication.py.
"""

import argparse
import os
import sys
from pathlib import Path
from zipfile import BadZipFile

from aiohttp import web

from scoring.authentication import read_keyring
from scoring.log_shipping import open_shipper, read_destination
from scoring.prediction_log import PredictionLog, Served, read_rules
from scoring.score_script import ScriptError, open_predictor
from scoring.server import create_server
from scoring.tracing import open_exporter


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scoring", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of a trained model")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    given = parser.parse_args()
    try:
        predictor = open_predictor(given.model)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        print(f"scoring: {given.model} holds no model that can be served: {error}", file=sys.stderr)
        return 2
    except ScriptError as error:
        print(f"scoring: {error}", file=sys.stderr)
        return 2
    image = os.environ.get("IMAGE_DIGEST", "")
    try:
        keyring = read_keyring(os.environ)
        metrics_port = _read_port(os.environ.get("SCORING_METRICS_PORT", ""))
        rules = read_rules(os.environ, predictor.features)
        destination = read_destination(os.environ)
    except ValueError as error:
        print(f"scoring: {error}", file=sys.stderr)
        return 2
    middlewares = open_exporter(
        {"mlops.image": image, "mlops.version": os.environ.get("MODEL_VERSION", "")}
    )
    served = Served(image=image, version=os.environ.get("MODEL_VERSION", ""))
    log = PredictionLog(rules, predictor.features, served) if rules else None
    shipper = open_shipper(rules, destination) if rules and destination else None
    if shipper is not None:
        shipper.start()
    server = create_server(
        predictor, image, keyring, log, middlewares, shipper, metrics_port, given.host
    )
    web.run_app(server, host=given.host, port=given.port, access_log=None, print=None)
    return 0


def _read_port(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"SCORING_METRICS_PORT is {text!r}; it is a number from 1 to 65535.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
