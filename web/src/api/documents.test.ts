// The types of the documents against the API's own description (`api/gateway.json`): members, and which may be absent.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

const description = JSON.parse(
  readFileSync(new URL("../../../api/gateway.json", import.meta.url), "utf8"),
) as { components: { schemas: Readonly<Record<string, Schema>> } };

/** Types whose names here say more than the API's. */
const NAMES: Readonly<Record<string, string>> = {
  SessionDocument: "Session",
  MemberAnswer: "SignInAnswer",
  Invited: "Invitation",
};

/** `name` or `name?` of every member of every interface. */
function interfaces(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of ["documents.ts", "entry-documents.ts"]) {
    const source = readFileSync(new URL(file, import.meta.url), "utf8");
    for (const [, name = "", body = ""] of source.matchAll(
      /^export interface (\w+)[^{]*\{(.*?)^\}/gms,
    )) {
      const members = [...body.matchAll(/^ {2}readonly (\w+\??):/gm)].map(
        ([, member = ""]) => member,
      );
      found.set(NAMES[name] ?? name, members.sort());
    }
  }
  return found;
}

test("documents have the members that the API describes", () => {
  const { schemas } = description.components;
  const checked = [...interfaces()].filter(([name]) => name in schemas);
  expect(checked.length).toBeGreaterThan(30);
  for (const [name, members] of checked) {
    const { properties = {}, required = [] } = schemas[name] ?? {};
    const described = Object.keys(properties).map((member) => {
      return required.includes(member) ? member : `${member}?`;
    });
    expect(members, name).toEqual(described.sort());
  }
});

test("every type here is described", () => {
  const unknown = [...interfaces().keys()].filter(
    (name) => !(name in description.components.schemas),
  );
  expect(unknown).toEqual([]);
});
