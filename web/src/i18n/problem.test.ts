// Failures in words: known ones from the catalogue, unknown ones in the gateway's own words, and never an empty line.

import { expect, test } from "vitest";
import { AccountError } from "../account/errors.ts";
import { ApiProblem } from "../api/problem.ts";
import { problemText } from "./problem.ts";

const problem = (type: string, more: object = {}) =>
  new ApiProblem({
    status: 500,
    type: `/problems/${type}`,
    title: "Title",
    detail: "Detail.",
    ...more,
  });

test("a known problem is in the catalogue's words", () => {
  expect(problemText(problem("offline")).title).toBe("The gateway does not answer");
});

test("an unknown problem is in the gateway's words", () => {
  expect(problemText(problem("brand-new"))).toEqual({ title: "Title", advice: "Detail." });
});

test("how long to wait and the reference are told", () => {
  const { advice } = problemText(problem("too-many-requests", { retryAfterMs: 60_000 }));
  expect(advice).toContain("1 minute");
  expect(problemText(problem("internal", { reference: "abc" })).advice).toContain("abc");
});

test("faults of the account bring their numbers along", () => {
  expect(problemText(new AccountError("words-unknown", { place: 7 })).title).toBe(
    "Word 7 is not one of the list",
  );
  expect(problemText(new AccountError("needs-name", { origins: ["https://a.local"] })).advice).toBe(
    "Open the app at https://a.local.",
  );
});

test("a passkey that was cancelled is no mystery", () => {
  const error = Object.assign(new Error("x"), { name: "NotAllowedError" });
  expect(problemText(error).title).toBe("The passkey was not used");
});

test.each([[null], [undefined], ["text"], [{}], [new Error("secret")]])(
  "%s is something",
  (error) => {
    const { title, advice } = problemText(error);
    expect(title).toBe("Something went wrong");
    expect(advice).not.toContain("secret");
  },
);
