// Addresses to routes and back.

import { expect, test } from "vitest";
import type { CameraId } from "./domain/id.ts";
import { href, routeOf } from "./routes.ts";

const id = "abcdefghijklmnopqrstuvwxy2" as CameraId;
const of = (address: string) => routeOf(new URL(address, "https://gateway.local"));

test("links lead to their pages", () => {
  expect(of(href.live)).toEqual({ page: "live" });
  expect(of(href.camera(id))).toEqual({ page: "camera", camera: id });
  expect(of(href.cameras)).toEqual({ page: "cameras" });
  expect(of(href.newCamera)).toEqual({ page: "camera-new" });
  expect(of(href.editCamera(id))).toEqual({ page: "camera-edit", camera: id });
  expect(of(href.settings())).toEqual({ page: "settings", part: null });
  expect(of(href.settings("about"))).toEqual({ page: "settings", part: "about" });
  expect(of(href.signIn)).toEqual({ page: "sign-in" });
});

test("playback takes a camera and a time, both or neither", () => {
  expect(of(href.playback())).toEqual({ page: "playback", camera: null, atMs: null });
  expect(of(href.playback(id, 1_700_000_000_123))).toEqual({
    page: "playback",
    camera: id,
    atMs: 1_700_000_000_123,
  });
  expect(of("/playback?t=5")).toEqual({ page: "playback", camera: null, atMs: 5 });
});

test.each(["-1", "1e9", "99999999999999999", "x", ""])("a time of %j is left out", (text) => {
  expect(of(`/playback?t=${text}`)).toEqual({ page: "playback", camera: null, atMs: null });
});

test("a slash at the end does not matter", () => {
  expect(of("/cameras/")).toEqual({ page: "cameras" });
});

test.each([
  "/camera/",
  "/camera/UPPER",
  "/cameras/short",
  "/settings/secret",
  "/api/v1/site",
  "//x",
])("%s is no page", (path) => {
  expect(routeOf({ pathname: path, searchParams: new URLSearchParams() } as URL)).toEqual({
    page: "not-found",
  });
});
