// Track configurations: what a decoder is told, and nonsense.

import { expect, test } from "vitest";

import type { Bytes } from "../domain/bytes.ts";
import { ascii } from "../domain/bytes.ts";
import { Writer } from "../domain/wire.ts";
import { verdict } from "./testing/refusal.ts";
import { decodeTrackConfig } from "./track.ts";

function config(codec: number, timescale: number, a: number, b: number, extra = ascii("x")): Bytes {
  return new Writer().u8(codec).u32(timescale).u32(a).u32(b).vec16(extra).bytes();
}

test("picture and sound are told apart", () => {
  expect(decodeTrackConfig(config(2, 90_000, 3840, 2160), "video")).toEqual({
    ...{ track: "video", codec: "h265", timescale: 90_000, width: 3840, height: 2160 },
    extra: ascii("x"),
  });
  expect(decodeTrackConfig(config(3, 48_000, 48_000, 2), "audio")).toEqual({
    ...{ track: "audio", codec: "aac", timescale: 48_000, sampleRate: 48_000, channels: 2 },
    extra: ascii("x"),
  });
});

test("events and thumbnails have none", async () => {
  expect(decodeTrackConfig(new Uint8Array(0), "event").timescale).toBe(1_000);
  expect(await verdict(() => decodeTrackConfig(ascii("x"), "thumbnail"))).toBe("trailing");
});

test("nonsense is refused", async () => {
  const refused = (bytes: Bytes, track: "video" | "audio" = "video") =>
    verdict(() => decodeTrackConfig(bytes, track));
  expect(await refused(new Uint8Array(0))).toBe("short");
  expect(await refused(config(0, 1, 1, 1))).toBe("unknown");
  expect(await refused(config(7, 1, 1, 1))).toBe("unknown");
  expect(await refused(config(1, 0, 1, 1))).toBe("unknown");
  expect(await refused(config(1, 1, 65_536, 1))).toBe("unknown");
  expect(await refused(config(3, 1, 1, 256), "audio")).toBe("unknown");
  expect(await refused(config(3, 1, 1, 2))).toBe("unknown");
  expect(await refused(config(1, 1, 1, 1, new Uint8Array(4_097)))).toBe("too-long");
  expect(await refused(Uint8Array.of(...config(1, 1, 1, 1), 0))).toBe("trailing");
});
