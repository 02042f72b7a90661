"""Our documents are what they say they are, by the schemas that the standards' bodies published."""

import json
from pathlib import Path

import jsonschema
import yaml

from services.contracts import generate

ASYNCAPI = Path(__file__).parent / "asyncapi" / "3.0.0.json"


def test_the_asyncapi_document_is_valid_by_the_published_schema():
    schema = json.loads(ASYNCAPI.read_text())
    document = yaml.safe_load(generate.ASYNCAPI.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    faults = jsonschema.Draft7Validator(schema).iter_errors(document)
    assert [f"{fault.json_path}: {fault.message[:200]}" for fault in faults] == []


def test_the_published_schema_refuses_a_channel_without_its_address_form():
    schema = json.loads(ASYNCAPI.read_text())
    document = yaml.safe_load(generate.ASYNCAPI.read_text())
    next(iter(document["channels"].values()))["address"] = 7
    assert not jsonschema.Draft7Validator(schema).is_valid(document)
