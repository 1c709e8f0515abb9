// Says whether the OpenAPI document on the standard input keeps to its specification and whether its references lead somewhere.
import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';

const validator = new Validator();
const found = await validator.validate(JSON.parse(readFileSync(0, 'utf8')));
if (!found.valid) {
    console.error(JSON.stringify(found.errors, null, 1));
    process.exit(1);
}
validator.resolveRefs();
console.log(validator.version);
