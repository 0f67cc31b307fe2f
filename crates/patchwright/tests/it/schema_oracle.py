"""Validates a JSON document: FOLDER-OF-SCHEMAS SCHEMA-FILE DOCUMENT. Prints what is wrong, ends with 1 when anything is."""

import json
import pathlib
import sys

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

folder, name, document = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
registry = Registry()
# The CycloneDX schemas refer to their neighbours by names that differ from those of the files here.
ALSO = {"cyclonedx-spdx-license": "spdx", "jsf-0.82": "jsf-0.82", "cyclonedx-cryptography-defs": "cryptography-defs"}
for path in folder.glob("*.json"):
    content = json.loads(path.read_text())
    resource = Resource.from_contents(content, default_specification=DRAFT7)
    stem = path.name.removesuffix(".schema.json")
    names = [content.get("$id"), path.name]
    if stem in ALSO:
        names.append(f"http://cyclonedx.org/schema/{ALSO[stem]}.schema.json")
    for cvss in ("2.0", "3.0", "3.1", "4.0"):
        # CSAF refers to the CVSS schemas of FIRST, which are not here; our documents hold no scores in CSAF.
        registry = registry.with_resource(
            f"https://www.first.org/cvss/cvss-v{cvss}.json", Resource.from_contents({}, default_specification=DRAFT7)
        )
    for uri in filter(None, names):
        registry = registry.with_resource(uri, resource)
schema = json.loads((folder / name).read_text())
kind = jsonschema.validators.validator_for(schema)
validator = kind(schema, registry=registry, format_checker=kind.FORMAT_CHECKER)
errors = sorted(validator.iter_errors(json.loads(pathlib.Path(document).read_text())), key=lambda e: list(e.path))
for error in errors[:10]:
    print("/".join(map(str, error.path)), error.message[:300])
sys.exit(1 if errors else 0)
